"""The derivatives of a function, named as in JAX: jvp, vjp, grad, value_and_grad, jacfwd, jacrev, hvp, hessian.

Inputs and outputs are numbers and NumPy arrays, or nested lists, tuples, dicts and dataclasses of them (`ad.trees`).
Every transform runs a function the user wrote on `Dual`s or `Var`s, so transforms nest to any order and in any mixture
of modes.

Cost in sweeps, for N inputs and M outputs: jvp and vjp one each; grad one reverse sweep; jacfwd N forward sweeps;
jacrev M reverse sweeps.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ad.active import ONE, ZERO, Active, all_finite, in_progress, is_array, kind_of, nested
from ad.counting import observed
from ad.dual import Level, levels, lift
from ad.jacobians import from_columns, from_rows, unit, unit_leaves
from ad.lanes import LanesDual, unit_lanes
from ad.tape import Tape, collector_paused
from ad.trees import Shape, describe, flatten, leaf_shapes, unflatten

Function = Callable[..., Any]

LANE_NUMBERS = 1_000_000
"""How many numbers the tangents of one pass of `jacfwd` hold in its inputs."""


# ---- forward --------------------------------------------------------------------------------------------------------


def _forward_sweep(
    f: Function, shape: Shape, primals: list[Any], tangents: list[Any]
) -> tuple[list[Any], list[Any], Shape]:
    """Run `f` on Duals: the primals, the tangents and the shape of its output.

    `f` is run once; where a derivative comes out infinite or NaN it is run again, with the classes of paths followed
    (`ad.infinity`).  Inside another derivative they are followed from the start: there a zero that no seed has reached
    must not be taken for one that was computed.
    """
    swept = None if nested() else _run_forward(f, shape, primals, tangents, follows=False)
    if swept is None or not all_finite(swept[1]):
        swept = _run_forward(f, shape, primals, tangents, follows=True)
    counts = observed()
    if counts is not None:
        counts.forward_sweeps += 1
    return swept


def _run_forward(
    f: Function, shape: Shape, primals: list[Any], tangents: list[Any], *, follows: bool
) -> tuple[list[Any], list[Any], Shape]:
    tag = Level(next(levels), observed(), follows)
    try:
        with in_progress():
            outputs, out_shape = flatten("output of f", f(*unflatten(shape, lift(primals, tangents, tag))))
        _require_no_leak(outputs, tag.number)
    finally:
        tag.finished = True
    mine = [getattr(out, "tag", None) is tag for out in outputs]
    return (
        [_own(out.primal if m else out, primals) for out, m in zip(outputs, mine, strict=True)],
        [_own(out.derivative, tangents) if m else _zero(out) for out, m in zip(outputs, mine, strict=True)],
        out_shape,
    )


def _own(x: Any, given: list[Any]) -> Any:
    """A result that is nobody else's: a copy of an array that is a view, or one of those given."""
    if type(x) is np.ndarray and (x.base is not None or any(x is y for y in given)):
        return x.copy()
    return x


def _zero(out: Any) -> Any:
    """The derivative of an output that does not depend on the input."""
    return np.zeros(out.shape, out.dtype) if is_array(out) else ZERO


def jvp(f: Function, primals: Any, tangents: Any) -> tuple[Any, Any]:
    """One forward sweep: the value of `f` and its directional derivative, J times tangent.

    Args:
        f: a function of numbers and arrays, or of nested lists, tuples and dicts of such.
        primals: the arguments of `f`, a tuple or list with one entry per argument.
        tangents: the direction, in the shape of `primals`.

    Returns:
        `f(*primals)` and the tangent of the output, both in the shape of the output.

    Raises:
        TypeError: an argument is not a tuple or list, or a leaf is not a real number.
        ValueError: `tangents` does not have the shape of `primals`.
    """
    require_arguments("primals", primals)
    require_arguments("tangents", tangents)
    leaves, shape = flatten("primals", tuple(primals))
    seeds, seed_shape = flatten("tangents", tuple(tangents))
    require_shape("tangents", seed_shape, "primals", shape)
    out, tangent, out_shape = _forward_sweep(f, shape, leaves, seeds)
    return unflatten(out_shape, out), unflatten(out_shape, tangent)


def jacfwd(f: Function, argnums: int | tuple[int, ...] = 0, *, lanes: int | None = None) -> Function:
    """The Jacobian of `f` by forward mode.

    Functions of numbers are swept column by column: one forward sweep for each input number.  Arrays carry many tangents
    in one pass (`ad.lanes`), unless one at a time is asked for.

    Args:
        f: a function of numbers and arrays, or of nested lists, tuples and dicts of such.
        argnums: which arguments to differentiate in.
        lanes: how many tangents arrays carry in one pass; 1 for one at a time, in forward sweeps; by default as many as
            hold `LANE_NUMBERS` numbers in the inputs.

    Returns:
        A function of the same arguments.  It gives the output's shape with, for each output number, the derivatives in
        the shape of the input: for a function of a list of N numbers with one output, a list of N derivatives.
    """

    def jacobian_of_f(*args: Any, **kwargs: Any) -> Any:
        g, leaves, shape = _select(f, argnums, args, kwargs)
        whole = (tuple, [shape])
        size = sum(math.prod(leaf) for leaf in leaf_shapes(shape))
        width = 1 if not any(map(is_array, leaves)) else lanes or max(1, LANE_NUMBERS // max(1, size))
        columns: list[list[Any]] = []
        if width > 1:
            for start in range(0, size, width):
                more, out_shape = _pass_with_lanes(g, whole, leaves, start, min(size, start + width))
                columns += more
        else:
            for seed in unit_leaves(leaves):
                _, tangent, out_shape = _forward_sweep(g, whole, leaves, seed)
                columns.append(tangent)
        if not columns:
            _, tangent, out_shape = _forward_sweep(g, whole, leaves, [_zero(leaf) for leaf in leaves])
        outs, ins = leaf_shapes(out_shape), leaf_shapes(shape)
        blocks = [from_columns([column[k] for column in columns], out, ins) for k, out in enumerate(outs)]
        return unflatten(out_shape, [unflatten(shape, block) for block in blocks])

    return jacobian_of_f


def _pass_with_lanes(
    f: Function, shape: Shape, primals: list[Any], start: int, stop: int
) -> tuple[list[list[Any]], Shape]:
    """One pass with the tangents of many unit seeds: for each, the tangents of the outputs; and the output's shape.

    A direction whose derivative comes out infinite or NaN is swept again on its own.
    """
    counts = observed()
    tag = Level(next(levels), counts, lanes=stop - start)
    try:
        with in_progress():
            lifted = [LanesDual.lift(p, t, tag) for p, t in zip(primals, unit_lanes(primals, start, stop), strict=True)]
            outputs, out_shape = flatten("output of f", f(*unflatten(shape, lifted)))
            tangents = [out.derivative if getattr(out, "tag", None) is tag else None for out in outputs]
        _require_no_leak(outputs, tag.number)
    finally:
        tag.finished = True
    if counts is not None:
        counts.lane_passes += 1
        counts.lanes += stop - start
    columns = []
    for lane, direction in enumerate(range(start, stop)):
        column = [_zero(out) if t is None else t[lane] for out, t in zip(outputs, tangents, strict=True)]
        if not all_finite(column):
            column = _forward_sweep(f, shape, primals, unit(primals, direction))[1]
        columns.append(column)
    return columns, out_shape


# ---- reverse --------------------------------------------------------------------------------------------------------


def _record(f: Function, shape: Shape, primals: list[Any], *, lasting: bool) -> tuple[Tape, list[Any], Shape]:
    """Run `f` once on Vars: the tape, the leaves and the shape of its output."""
    tape = Tape(lasting=lasting)
    variables = tape.lift(primals)
    try:
        with collector_paused(), in_progress():
            outputs, out_shape = flatten("output of f", f(*unflatten(shape, variables)))
        _require_no_leak(outputs, tape.nodes.level)
    finally:
        tape.close()
    return tape, outputs, out_shape


def _pull_back(tape: Tape, outputs: list[Any], cotangents: list[Any]) -> list[Any]:
    """One reverse sweep: the adjoints of the inputs."""
    return tape.pull((out, ct) for out, ct in zip(outputs, cotangents, strict=True) if tape.owns(out))


def vjp(f: Function, *primals: Any) -> tuple[Any, Function]:
    """Record `f` and return its value with its pullback, which is one reverse sweep: cotangent times J.

    Args:
        f: a function of numbers and arrays, or of nested lists, tuples and dicts of such.
        primals: the arguments of `f`.

    Returns:
        `f(*primals)`, and `pullback(cotangent)`: given a cotangent in the shape of the output, a tuple with one entry
        per argument, each in that argument's shape.  A pullback can be called again; each call sweeps the tape.

    Raises:
        TypeError: a leaf is not a real number.
        ValueError: (from the pullback) `cotangent` does not have the shape of the output.
    """
    leaves, shape = flatten("primals", primals)
    tape, outputs, out_shape = _record(f, shape, leaves, lasting=True)

    def pullback(cotangent: Any) -> Any:
        seeds, seed_shape = flatten("cotangent", cotangent)
        require_shape("cotangent", seed_shape, "the output", out_shape)
        return unflatten(shape, _pull_back(tape, outputs, seeds))

    values = [_own(out.primal if tape.owns(out) else out, leaves) for out in outputs]
    return unflatten(out_shape, values), pullback


def value_and_grad(f: Function, argnums: int | tuple[int, ...] = 0) -> Function:
    """The value and the whole gradient of a function with one output, in one reverse sweep.

    Args:
        f: a function with a single number as output.
        argnums: which arguments to differentiate in.

    Returns:
        A function of the same arguments that gives the value and the gradient, in the shape of the chosen argument (a
        tuple of such, if `argnums` is a tuple).

    Raises:
        TypeError: (from the returned function) the output is not a single number, or an input is not one.
    """

    def value_and_gradient(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        g, leaves, shape = _select(f, argnums, args, kwargs)
        with collector_paused():
            tape, outputs, out_shape = _record(g, (tuple, [shape]), leaves, lasting=False)
            if out_shape is not None:
                raise TypeError(
                    f"f: its output is a {describe(out_shape)}, expected a single number; use jacrev or jacfwd"
                )
            (out,) = outputs
            value = out.primal if tape.owns(out) else out
            gradient = unflatten(shape, _pull_back(tape, outputs, [ONE]))
            del outputs, out, tape  # the graph is freed before the collector comes back
            return value, gradient

    return value_and_gradient


def grad(f: Function, argnums: int | tuple[int, ...] = 0) -> Function:
    """The whole gradient of a function with one output, in one reverse sweep; see `value_and_grad`."""
    both = value_and_grad(f, argnums)

    def gradient(*args: Any, **kwargs: Any) -> Any:
        return both(*args, **kwargs)[1]

    return gradient


def jacrev(f: Function, argnums: int | tuple[int, ...] = 0) -> Function:
    """The Jacobian of `f`, row by row: one recording, then one reverse sweep for each output number.

    Args and result are those of `jacfwd`.
    """

    def jacobian_of_f(*args: Any, **kwargs: Any) -> Any:
        g, leaves, shape = _select(f, argnums, args, kwargs)
        tape, outputs, out_shape = _record(g, (tuple, [shape]), leaves, lasting=False)
        outs, ins = leaf_shapes(out_shape), leaf_shapes(shape)
        blocks = []
        for out, made in zip(outputs, outs, strict=True):
            rows = [_pull_back(tape, [out], unit) for unit in unit_leaves([out])]
            blocks.append(unflatten(shape, from_rows(rows, made, ins)))
        return unflatten(out_shape, blocks)

    return jacobian_of_f


# ---- both -----------------------------------------------------------------------------------------------------------


def jacobian(f: Function, argnums: int | tuple[int, ...] = 0, *, mode: str = "reverse") -> Function:
    """The Jacobian of `f` by the mode named: `jacfwd` for `"forward"`, `jacrev` for `"reverse"`.

    Raises:
        ValueError: `mode` is neither.
    """
    if mode not in ("forward", "reverse"):
        raise ValueError(f"mode: got {mode!r}, expected 'forward' or 'reverse'")
    return (jacfwd if mode == "forward" else jacrev)(f, argnums)


def hvp(f: Function, primals: Any, tangents: Any) -> Any:
    """Hessian times vector, forward over reverse: the directional derivative of the gradient.

    Args:
        f: a function with one output.
        primals: the arguments of `f`; the derivative is taken in the first one.
        tangents: the direction, in the shape of `primals`.

    Returns:
        The product, in the shape of the first argument.
    """
    return jvp(grad(f), primals, tangents)[1]


def hessian(f: Function, argnums: int | tuple[int, ...] = 0) -> Function:
    """The matrix of second derivatives of a function with one output: forward sweeps over a reverse one."""
    return jacfwd(jacrev(f, argnums), argnums)


def _select(f: Function, argnums: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Function, Any, Any]:
    """`f` as a function of the chosen arguments alone, given as one tree; its leaves and shape."""
    chosen = argnums if isinstance(argnums, tuple) else (argnums,)
    for k in chosen:
        if isinstance(k, bool) or not isinstance(k, int):
            raise TypeError(f"argnums: got {argnums!r}, expected an int or a tuple of ints")
        if not -len(args) <= k < len(args):
            raise ValueError(f"argnums: got {k}, expected the number of one of the {len(args)} arguments given")
    places = [k % len(args) for k in chosen]
    if len(set(places)) < len(places):
        raise ValueError(f"argnums: got {argnums!r}, expected each argument once")
    tree = tuple(args[k] for k in places) if isinstance(argnums, tuple) else args[places[0]]
    leaves, shape = flatten(f"argument {argnums}", tree)

    def of_chosen(tree: Any) -> Any:
        full = list(args)
        for k, arg in zip(places, tree if isinstance(argnums, tuple) else (tree,), strict=True):
            full[k] = arg
        return f(*full, **kwargs)

    return of_chosen, leaves, shape


def _require_no_leak(outputs: list[Any], level: int) -> None:
    """An output of a derivative begun later would be taken for a constant, and its own derivative lost."""
    for out in outputs:
        if isinstance(out, Active) and out.level > level:
            raise ValueError(
                f"output of f: got a {kind_of(out)} of a derivative begun inside f, "
                "expected a number or a value of this derivative; take what leaves the inner one from its result"
            )


def require_arguments(name: str, arguments: Any) -> None:
    """Arguments come as a tuple or list with one entry per argument of `f`, or a TypeError."""
    if not isinstance(arguments, tuple | list):
        raise TypeError(
            f"{name}: got {type(arguments).__name__}, expected a tuple or list with one entry per argument of f"
        )


def require_shape(name: str, got: Shape, other: str, expected: Shape) -> None:
    """One tree nests as another does, or a ValueError."""
    if got != expected:
        raise ValueError(f"{name}: got {describe(got)}, expected the shape of {other}, {describe(expected)}")
