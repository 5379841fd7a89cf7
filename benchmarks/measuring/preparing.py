"""Whether preparing a cell is worth its time: compiling is predicted, so that it cannot eat a run.

An engine that compiles may take longer for one function than a run takes, and longer than in proportion for one of
twice the size; and compiled code that compiles cannot be interrupted.  Nothing is prepared or timed here.
"""

from __future__ import annotations

import math

from benchmarks.cells import Cell, evaluation
from benchmarks.findings.words import duration
from benchmarks.functions import catalogue
from benchmarks.measuring.open_run import OpenRun

SHARE = 0.3
"""Share of the time for timing that one engine may prepare in."""
BETWEEN_MODES = 4.0
"""A mode takes at most about so many times what another one of the same problem took."""
GROWTH = (0.5, 3.0)
"""The exponents of growth with the ops that are believed; with one size measured, it is 1."""


def refusal(run: OpenRun, cell: Cell) -> str | None:
    """In one line why a cell is not prepared; None if it can be."""
    seconds = predicted(run, cell)
    about = f"preparing would take about {duration(seconds)}"
    if seconds > run.settings.time_limit:
        return f"{about}, and a cell may take {duration(run.settings.time_limit)}"
    allowed = SHARE * (run.deadline - run.started)
    if seconds > 1.0 and spent(run, cell.engine) + seconds > allowed:
        return f"{about}, and {cell.engine} may prepare for {duration(allowed)} in all"
    return None


def spent(run: OpenRun, engine: str) -> float:
    """Seconds that an engine has prepared for so far."""
    bound = (each for (_, _, name), each in run.bound.items() if name == engine)
    return sum(each.seconds + sum(each.prepared.values()) for each in bound)


def predicted(run: OpenRun, cell: Cell) -> float:
    """Seconds of preparing a cell: from smaller sizes of its kind, or from other modes; 0 where nothing is known."""
    key, mine = (cell.mode, cell.lanes), run.bound.get((cell.graph, cell.size, cell.engine))
    alike = {
        size: each for (graph, size, name), each in run.bound.items() if (graph, name) == (cell.graph, cell.engine)
    }
    ops = {size: evaluation(catalogue.problem(cell.graph, size)) for size in alike}
    binding = 0.0 if mine else _extrapolated([(ops[size], each.seconds) for size, each in alike.items()], cell)
    if mine and key in mine.prepared:
        return 0.0
    measured = [(ops[size], each.prepared[key]) for size, each in alike.items() if key in each.prepared]
    if not measured and mine:
        return BETWEEN_MODES * max(mine.prepared.values(), default=0.0)
    return binding + _extrapolated(measured, cell)


def _extrapolated(measured: list[tuple[int, float]], cell: Cell) -> float:
    """Seconds at the size of a cell, by the power law through the two largest of the sizes measured."""
    if not measured:
        return 0.0
    points = sorted(measured)
    (ops, seconds), exponent = points[-1], 1.0
    before = [point for point in points if point[0] < ops and point[1] > 0.0]
    if before and seconds > 0.0:
        exponent = math.log(seconds / before[-1][1]) / math.log(ops / max(before[-1][0], 1))
        exponent = min(max(exponent, GROWTH[0]), GROWTH[1])
    return float(seconds * max(evaluation(cell.problem) / max(ops, 1), 1.0) ** exponent)
