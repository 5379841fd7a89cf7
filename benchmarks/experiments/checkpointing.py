"""What checkpointing costs and saves, measured: advances, seconds and peak bytes for each number of snapshots.

    for record in measure(run="my run"): ...

The function is a forecast: `steps` explicit steps of the Lorenz-96 model (E. Lorenz, 1996), from `VARIABLES` numbers to
the energy of the last state, with the forcing as a parameter.  Its gradient is checked against the adjoint model,
written out by hand in NumPy, before anything of it is timed.  Memory is measured in a pass of its own, as the peak of
what Python allocates (`tracemalloc`), which at these sizes sees single snapshots where the process's pages would not.
"""

from __future__ import annotations

import gc
import math
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

import ad
from benchmarks.engines.base import TOLERANCE
from benchmarks.findings.blocks import median_interval
from benchmarks.runs.columns import CheckpointRecord
from benchmarks.stopwatch import collected, once

VARIABLES = 40
STEPS = 512
DT = 0.01
FORCING = 8.0
ROUNDS = 5

Gradient = Callable[..., tuple[Any, tuple[Any, ...]]]


class WrongError(ValueError):
    """A gradient is not the one that the adjoint model gives."""


def step(k: int, state: Sequence[Any], forcing: Any) -> list[Any]:
    """One explicit step of Lorenz-96: dx[i]/dt = (x[i+1] - x[i-2]) x[i-1] - x[i] + forcing, indices in a circle."""
    ahead = [*state[1:], state[0]]
    return [
        x + DT * ((after - state[i - 2]) * state[i - 1] - x + forcing)
        for i, (x, after) in enumerate(zip(state, ahead, strict=True))
    ]


def energy(state: Sequence[Any], forcing: Any) -> Any:
    """Half the sum of squares."""
    total = state[0] * state[0]
    for x in state[1:]:
        total = total + x * x
    return 0.5 * total


def start() -> list[float]:
    """The state forecast from: the unstable resting state and a wave upon it, shape (VARIABLES,)."""
    return [FORCING + math.sin(1.0 + i) for i in range(VARIABLES)]


def adjoint_model(steps: int) -> tuple[float, list[float]]:
    """Value and gradient by hand, with all states kept: the derivatives in the first state, then in the forcing."""
    states = [np.array(start())]
    for _ in range(steps):
        x = states[-1]
        states.append(x + DT * ((np.roll(x, -1) - np.roll(x, 2)) * np.roll(x, 1) - x + FORCING))
    adjoint = states[-1].copy()
    by_forcing = 0.0
    for x in reversed(states[:-1]):
        by_forcing += DT * float(adjoint.sum())
        # The tendency of i has x[i-1] as partial in x[i+1], -x[i-1] in x[i-2], and x[i+1] - x[i-2] in x[i-1].
        share = adjoint * np.roll(x, 1)
        turned = adjoint * (np.roll(x, -1) - np.roll(x, 2))
        adjoint = adjoint + DT * (np.roll(share, 1) - np.roll(share, -2) + np.roll(turned, -1) - adjoint)
    return 0.5 * float(states[-1] @ states[-1]), [*adjoint.tolist(), by_forcing]


def default_snapshots(steps: int) -> list[int]:
    """Powers of two from 2 to the number of steps."""
    return [2**k for k in range(1, (steps - 1).bit_length() + 1) if 2**k <= steps]


def measure(*, run: str, steps: int = STEPS, snapshots: Sequence[int] | None = None) -> Iterator[CheckpointRecord]:
    """Measure each number of snapshots, then the plain reverse sweep, whose tape holds all steps.

    Args:
        run: name of the run, for the records.
        steps: of the forecast.
        snapshots: by default powers of two.

    Raises:
        WrongError: a gradient differs from the adjoint model's.
    """
    for kept in default_snapshots(steps) if snapshots is None else snapshots:
        gradient = ad.checkpointed_value_and_grad(step, energy, n_steps=steps, snapshots=kept)
        yield _record(run, steps, gradient, kept, ad.optimal_advances(steps, kept))
    yield _record(run, steps, _plain(steps), None, 0)


def _plain(steps: int) -> Gradient:
    def forecast(state: Any, forcing: Any) -> Any:
        for k in range(steps):
            state = step(k, state, forcing)
        return energy(state, forcing)

    gradient: Gradient = ad.value_and_grad(forecast, argnums=(0, 1))
    return gradient


def _record(run: str, steps: int, gradient: Gradient, snapshots: int | None, optimal: int) -> CheckpointRecord:
    with ad.count() as counts:
        value, (by_state, by_forcing) = gradient(start(), FORCING)
    _check(steps, value, [*by_state, by_forcing])
    with collected(2):
        rounds = [once(lambda: gradient(start(), FORCING))[0] for _ in range(ROUNDS)]
    (seconds,), (low,), (high,) = median_interval(np.array([rounds]))
    return CheckpointRecord(
        run=run,
        steps=steps,
        snapshots=snapshots,
        advances=counts.advances,
        advances_optimal=optimal,
        seconds=float(seconds),
        seconds_low=float(low),
        seconds_high=float(high),
        peak_bytes=_peak_bytes(gradient),
    )


def _check(steps: int, value: float, gradient: list[float]) -> None:
    expected_value, expected = adjoint_model(steps)
    worst = max(abs(g - e) for g, e in zip(gradient, expected, strict=True)) / max(map(abs, expected))
    worst = max(worst, abs(value - expected_value) / abs(expected_value))
    if not worst <= TOLERANCE:
        raise WrongError(f"checkpointing: the gradient differs by {worst:.2g} from the adjoint model's")


def _peak_bytes(gradient: Gradient) -> int:
    """The peak of what Python allocates in one execution."""
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        gradient(start(), FORCING)
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
