"""How anything here is timed: the garbage collector at rest, the clock read before and after.

    times, result = by_rounds(execute, seconds)    a visit, where pytest-benchmark is not at hand
    seconds, result = once(execute)                one execution
    seconds, result = median(execute, rounds)      the median of a few, after one that is not counted

`execute` takes nothing, and what it returns is `result`.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

ROUND = 0.0001
"""Seconds that a round lasts at least; what is shorter is executed several times."""
VISIT = 0.004
"""Seconds that the rounds of a visit last about, unless one execution takes longer."""


@dataclass(frozen=True)
class Times:
    """What a visit's stopwatch read: seconds per execution over the rounds of the visit."""

    seconds_min: float
    seconds_median: float
    seconds_mean: float
    seconds_stddev: float
    rounds: int
    iterations: int


Stopwatch = Callable[[Callable[[], Any], float], tuple[Times, Any] | None]
"""Times a callable, given the seconds one execution is expected to take: the times, and what the last execution
returned; None where timing is switched off."""


@contextmanager
def collected(generation: int = 1) -> Iterator[None]:
    """Collect garbage, then keep the collector off inside the block.

    Args:
        generation: the oldest one collected; a full collection takes longer than most cells.
    """
    gc.collect(generation)
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def once(execute: Callable[[], Any]) -> tuple[float, Any]:
    """The time of one execution, and what it returned."""
    start = time.perf_counter()
    result = execute()
    return time.perf_counter() - start, result


def median(execute: Callable[[], Any], rounds: int) -> tuple[float, Any]:
    """The median time of a few executions, after one that is not counted, and what it returned."""
    result = execute()
    return statistics.median(once(execute)[0] for _ in range(rounds)), result


def by_rounds(execute: Callable[[], Any], seconds: float) -> tuple[Times, Any]:
    """Time a visit: rounds of as many executions as the clock needs, for about `VISIT` seconds.

    Args:
        execute: what is timed.
        seconds: that one execution is expected to take.
    """
    iterations = max(1, round(ROUND / max(seconds, 1e-9)))
    rounds = max(1, int(VISIT / max(ROUND, seconds)))

    def several() -> Any:
        for _ in range(iterations):
            result = execute()
        return result

    each, result = [], None
    for _ in range(rounds):
        result = None  # as in a loop of the user's own, one result is gone before the next is made
        elapsed, result = once(several)
        each.append(elapsed / iterations)
    spread = statistics.stdev(each) if rounds > 1 else float("nan")
    return Times(min(each), statistics.median(each), statistics.fmean(each), spread, rounds, iterations), result


def visit_cost(seconds: float) -> float:
    """Seconds of wall clock that `by_rounds` takes, from the seconds of one execution."""
    return max(VISIT, seconds)
