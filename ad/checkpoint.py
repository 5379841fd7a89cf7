"""Reverse mode in little memory: binomial checkpointing of a function that is a sequence of steps.

    value_and_gradient = ad.checkpointed_value_and_grad(step, loss, n_steps=1_000_000, snapshots=20)
    value, (d_state, d_theta) = value_and_gradient(state, theta)

A reverse sweep needs the steps last to first, and a tape of all of them grows with their number.  Here only a few
states, the snapshots, are kept; the others are computed again from the nearest snapshot, and one step at a time is
recorded and swept.  `checkpoint_schedule` says which states to keep and when, so that the steps computed again are as
few as they can be.  The schedule is that of A. Griewank and A. Walther, "Algorithm 799: revolve", ACM Transactions on
Mathematical Software 26 (2000).

This module is not for functions in general: `ad.transforms` differentiates those.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import comb
from typing import Any, Literal, NamedTuple

import numpy as np

from ad.counting import observed
from ad.scalars import positive
from ad.tape import collector_paused
from ad.transforms import vjp
from ad.trees import Shape, describe, flatten, unflatten

Step = Callable[..., Any]
"""One step, called as `step(k, state, *params)`; it returns the next state."""

Loss = Callable[..., Any]
"""What is differentiated, called as `loss(state, *params)` on the state after the last step; it returns a number."""


# ---- the schedule ---------------------------------------------------------------------------------------------------


class Action(NamedTuple):
    """One action of a schedule.  State k is the state before step k, so state 0 is the one given.

    Attributes:
        kind: `advance`: compute steps, without recording them, up to state `step`; `store`: keep the present state,
            which is state `step`; `record`: record step `step` from the present state and sweep it;
            `free`: drop the newest snapshot, state `step`; `restore`: go back to the newest snapshot, state `step`.
        step: see there.
    """

    kind: Literal["advance", "store", "record", "free", "restore"]
    step: int


def optimal_advances(n_steps: int, snapshots: int) -> int:
    """The least number of steps that must be computed without being recorded, before all steps have been swept.

    With repetition number r, the least one for which C(snapshots + r, r) >= n_steps, no step is advanced over more than
    r times, and the least total is r * n_steps - C(snapshots + r, r - 1) (Griewank and Walther 2000, equation 3).  Each
    step is also recorded once, which is not in this number.

    Args:
        n_steps: steps of the sequence.
        snapshots: states that can be kept at once, the first one included.

    Raises:
        TypeError, ValueError: an argument is not a positive int.
    """
    n_steps, snapshots = positive("n_steps", n_steps), positive("snapshots", snapshots)
    r = _repetitions(n_steps, snapshots)
    return r * n_steps - (comb(snapshots + r, r - 1) if r else 0)


def checkpoint_schedule(n_steps: int, snapshots: int) -> Iterator[Action]:
    """The actions that sweep all steps, last to first, at the least cost in steps computed again.

    The actions start at state 0, keep at most `snapshots` states at once, record every step once, in the order
    `n_steps - 1, ..., 1, 0`, and advance over `optimal_advances(n_steps, snapshots)` steps.

    Args:
        n_steps: steps of the sequence.
        snapshots: states that can be kept at once, the first one included.

    Raises:
        TypeError, ValueError: an argument is not a positive int.

    Example:
        >>> [f"{kind} {step}" for kind, step in checkpoint_schedule(3, 1)]
        ['store 0', 'advance 2', 'record 2', 'restore 0', 'advance 1', 'record 1', 'restore 0', 'record 0', 'free 0']
    """
    n_steps, snapshots = positive("n_steps", n_steps), positive("snapshots", snapshots)
    return _actions(n_steps, snapshots)


def _actions(n_steps: int, snapshots: int) -> Iterator[Action]:
    yield Action("store", 0)
    kept, here = [0], 0
    for last in reversed(range(n_steps)):
        # Steps up to `last` are left, and the newest snapshot, state `here`, is the present one.
        while here < last:
            here += _distance(last + 1 - here, snapshots - len(kept) + 1)
            yield Action("advance", here)
            if here < last:  # state `last` is recorded from at once: keeping it would be of no use
                yield Action("store", here)
                kept.append(here)
        yield Action("record", last)
        if kept[-1] == last:
            yield Action("free", kept.pop())
        if kept:
            here = kept[-1]
            yield Action("restore", here)


def _distance(n_steps: int, snapshots: int) -> int:
    """How far from one snapshot to set the next, with `snapshots` counting the first; with 1, all the way to the end.

    The largest distance k that is least in k + optimal_advances(n_steps - k, snapshots - 1) + optimal_advances(k,
    snapshots): the stretch before the new snapshot is then done in r - 1 repetitions, the one after it in r.
    """
    r = _repetitions(n_steps, snapshots)
    return min(comb(snapshots + r - 1, snapshots), n_steps - comb(snapshots + r - 2, snapshots - 1))


def _repetitions(n_steps: int, snapshots: int) -> int:
    """The least r for which C(snapshots + r, r) >= n_steps."""
    r, reach = 0, 1
    while reach < n_steps:
        r += 1
        reach = reach * (snapshots + r) // r
    return r


# ---- the sweep ------------------------------------------------------------------------------------------------------


def checkpointed_value_and_grad(
    step: Step, loss: Loss, *, n_steps: int, snapshots: int
) -> Callable[..., tuple[Any, tuple[Any, ...]]]:
    """The value and the whole gradient of `loss` after `n_steps` steps, keeping no more than `snapshots` states.

    The function differentiated is

        for k in range(n_steps):
            state = step(k, state, *params)
        return loss(state, *params)

    and the result is that of `value_and_grad` in all its arguments, to rounding.  The tape holds one step at a time
    (the last step together with the loss).  Inside `count()`, every recorded step is one reverse sweep over a short
    tape, and every step computed without recording is one of `Counts.advances`; their number is
    `optimal_advances(n_steps, snapshots)`.

    Args:
        step: `step(k, state, *params)`, which gives the state after step k = 0, 1, ...  It is called several times for
            the same k and must give the same state each time.  States are numbers and arrays, or lists, tuples, dicts
            and dataclasses of them, and need not keep their shape from step to step.
        loss: `loss(state, *params)`, which gives a single number.
        n_steps: number of steps.
        snapshots: states that are kept at once, the first one included.

    Returns:
        A function of `state, *params` that gives the value and a tuple with the derivatives in each argument, in that
        argument's shape.  `params` are shared by all steps and by the loss, and their derivatives are summed.

    Raises:
        TypeError, ValueError: `n_steps` or `snapshots` is not a positive int; from the returned function, an
            argument or a state is not made of real numbers, or the loss is not a single number.
    """
    n_steps, snapshots = positive("n_steps", n_steps), positive("snapshots", snapshots)

    def value_and_gradient(state: Any, *params: Any) -> tuple[Any, tuple[Any, ...]]:
        leaves, params_shape = flatten("params", params)
        params = unflatten(params_shape, leaves)
        params_gradient: list[Any] = [0.0] * len(leaves)
        kept: list[tuple[list[Any], Shape]] = []
        here = 0
        value: Any = None
        cotangent: Any = 1.0  # of the loss at first, then of the state after the step recorded last
        for kind, at in checkpoint_schedule(n_steps, snapshots):
            match kind:
                case "advance":
                    for k in range(here, at):
                        state = step(k, state, *params)
                    counts = observed()
                    if counts is not None:
                        counts.advances += at - here
                    here = at
                case "store":
                    kept.append(_snapshot(state))
                    state = _state(kept[-1])
                case "restore":
                    state, here = _state(kept[-1]), at
                case "free":
                    kept.pop()
                case "record":
                    with collector_paused():
                        f = _last(step, loss, at) if at == n_steps - 1 else _at(step, at)
                        out, pullback = vjp(f, state, *params)
                        if at == n_steps - 1:
                            value = out
                        cotangent, *gradients = pullback(cotangent)
                        del out, pullback  # frees the step's tape
                    for k, g in enumerate(flatten("params", tuple(gradients))[0]):
                        params_gradient[k] += g
        return value, (cotangent, *unflatten(params_shape, params_gradient))

    return value_and_gradient


def _snapshot(state: Any) -> tuple[list[Any], Shape]:
    leaves, shape = flatten("state", state)
    leaves[:] = _copied(leaves)
    return leaves, shape


def _copied(leaves: list[Any]) -> list[Any]:
    """Leaves that no step can change: arrays are copied, since steps may write into what they are given."""
    return [leaf.copy() if isinstance(leaf, np.ndarray) else leaf for leaf in leaves]


def _state(snapshot: tuple[list[Any], Shape]) -> Any:
    """The state that a snapshot holds, for steps to do with as they please."""
    leaves, shape = snapshot
    return unflatten(shape, _copied(leaves))


def _at(step: Step, k: int) -> Callable[..., Any]:
    """Step k as a function of the state and the parameters."""
    return lambda state, *params: step(k, state, *params)


def _last(step: Step, loss: Loss, k: int) -> Callable[..., Any]:
    """The last step and the loss after it."""

    def loss_after_step(state: Any, *params: Any) -> Any:
        value = loss(step(k, state, *params), *params)
        _, shape = flatten("output of loss", value)
        if shape is not None:
            raise TypeError(f"loss: its output is a {describe(shape)}, expected a single number")
        return value

    return loss_after_step
