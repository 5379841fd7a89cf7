"""Measuring: cells pass the gate, are visited in shuffled blocks, and every outcome becomes a record at once.

    admit     before the first block: prepare, count, check, estimate; decide what fits into the budget
    visit     one cell in one block, timed by the stopwatch that is handed in

A cell that raises, exits, runs out of memory or hangs gets its record, and the run goes on.  A process that the system
kills for want of memory leaves no record for the cell at work; resuming the run tries that cell again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from benchmarks.cells import Cell, Visit, work
from benchmarks.engines import absent
from benchmarks.engines.base import Engine
from benchmarks.functions.problem import text_of
from benchmarks.measuring import prepared
from benchmarks.measuring.guard import Failure, guarded
from benchmarks.measuring.open_run import OpenRun, Ready, seconds_left
from benchmarks.measuring.progress import Reporter
from benchmarks.runs.columns import TimingRecord
from benchmarks.stopwatch import Stopwatch, by_rounds, collected, once

FIRST_RATE = 1e-6
"""Seconds per op assumed before anything has been measured."""


def describe(run: str, cell: Cell) -> TimingRecord:
    """A cell's record, without block, version, times and outcome."""
    problem = cell.problem
    return TimingRecord(
        run=run,
        block=0,
        graph=cell.graph,
        size=text_of(cell.size),
        n_inputs=problem.n_inputs,
        n_outputs=problem.n_outputs,
        n_ops=problem.ops,
        depth=problem.depth,
        engine=cell.engine,
        engine_version="",
        mode=cell.mode,
        quantity=cell.quantity,
        lanes=cell.lanes,
        status="ok",
    )


def admit(run: OpenRun, cell: Cell) -> TimingRecord | None:
    """Prepare, count and check one cell, if it fits into the budget; to be called with the smallest cells first.

    Returns:
        The record that says why the cell will not be timed; None if it is ready.
    """
    engine, record = run.engines[cell.engine], describe(run.name, cell)
    known = guarded(lambda: (engine.version(), prepared.refusal(cell, engine)), _limit(run))
    if isinstance(known, Failure):
        return _add(run, _failed(record, known))
    version, reason = known
    record = replace(record, engine_version=version)
    if reason is not None:
        return _add(run, replace(record, status="unsupported", note=reason))
    seconds = _predicted(run, cell)
    # The gate executes a cell twice, once counted, and computes the reference.
    cost = 4 * seconds + run.left[cell] * run.visit_cost(seconds)
    free = run.deadline - time.monotonic() - seconds_left(run)
    if cost > free:
        note = f"would take about {cost:.2g} s of the {max(free, 0.0):.2g} s that are left"
        return _add(run, replace(record, status="over_budget", note=note))
    outcome = guarded(lambda: _through_the_gate(run, cell, engine, record), _limit(run))
    if isinstance(outcome, Failure):
        return _add(run, _failed(record, outcome))
    run.ready[cell] = outcome
    return None


def admit_all(run: OpenRun, reporter: Reporter) -> None:
    """Let every cell of an open run pass the gate, the smallest first, and say which fail."""
    cells = sorted({visit.cell for visit in run.visits}, key=lambda cell: (work(cell), cell))
    for line in absent(run.settings.selection.engines):
        reporter.say(line)
    reporter.phase(f"Checking {len(cells)} cells")
    for i, cell in enumerate(cells):
        reporter.at(i / len(cells), str(cell))
        record = admit(run, cell)
        if record is not None and record.status in ("wrong", "error"):
            reporter.say(f"{record.status}: {cell}: {record.note}")


def measure(run: OpenRun, reporter: Reporter, stopwatch: Stopwatch = by_rounds) -> None:
    """Make all visits of an open run in this process: what `pytest --benchmark` does, without pytest."""
    admit_all(run, reporter)
    reporter.phase(f"Timing {len(run.ready)} cells in {run.settings.blocks} blocks")
    total = max(seconds_left(run), 1e-9)
    for each in run.visits:
        left = seconds_left(run)
        reporter.at(1.0 - left / total, str(each), left)
        visit(run, each, stopwatch)


def visit(run: OpenRun, visit: Visit, stopwatch: Stopwatch) -> TimingRecord | None:
    """Time one cell in one block, and record it.

    Returns:
        What was recorded; None where there is nothing to record, because the cell was given up before or timing is off.
    """
    if visit.block != run.block:
        run.block = visit.block
        _trim(run, visit.block)
    ready = run.ready.get(visit.cell)
    run.left[visit.cell] -= 1
    if ready is None:
        return None
    record = replace(ready.record, block=visit.block, twin=visit.twin)
    if time.monotonic() + ready.cost > run.deadline:
        return _add(run, replace(_untimed(record), status="over_budget", note="the run's time was up"))
    start = time.monotonic()
    with collected():
        outcome = guarded(lambda: stopwatch(ready.run, ready.seconds), _limit(run))
    ready.cost = time.monotonic() - start
    if outcome is None:
        return None
    if isinstance(outcome, Failure):
        del run.ready[visit.cell]
        return _add(run, _failed(record, outcome))
    ready.seconds = outcome.seconds_median
    return _add(run, replace(record, **vars(outcome)))


def _through_the_gate(run: OpenRun, cell: Cell, engine: type[Engine], record: TimingRecord) -> Ready:
    key = (cell.graph, cell.size, cell.engine)
    if key not in run.bound:
        run.bound[key] = prepared.bind(cell, engine)
    ready = prepared.prepare(cell, run.bound[key])
    counts = ready.count()
    with collected():
        seconds, result = once(ready.run)
    error = run.gate.check(cell, result, engine.tolerance)
    return Ready(
        record=replace(
            record,
            prepare_seconds=ready.seconds,
            sweeps=counts.sweeps,
            ops_executed=counts.ops,
            max_error=error,
            note=ready.note,
        ),
        run=ready.run,
        seconds=seconds,
        cost=run.visit_cost(seconds),
    )


def _predicted(run: OpenRun, cell: Cell) -> float:
    """Seconds of one execution, from the largest cell of the same kind so far: cost per op hardly depends on size.

    Where no formula gives the ops, only cells of the same family say something.
    """
    kinds: list[Callable[[Cell], Any]] = [
        lambda c: (c.engine, c.mode, c.quantity, c.lanes, c.graph),
        lambda c: (c.engine, c.graph, c.size),
    ]
    if cell.problem.ops is not None:
        kinds += [
            lambda c: (c.engine, c.mode, c.quantity, c.lanes, c.problem.ops is None),
            lambda c: (c.engine, c.mode, c.problem.ops is None),
        ]
    for kind in kinds:
        alike = [c for c in run.ready if kind(c) == kind(cell)]
        if alike:
            nearest = max(alike, key=work)
            return run.ready[nearest].seconds * work(cell) / max(work(nearest), 1)
    return FIRST_RATE * work(cell)


def _limit(run: OpenRun) -> float:
    """Seconds that the next cell may take."""
    return min(run.settings.time_limit, max(run.deadline - time.monotonic(), 1.0))


def _trim(run: OpenRun, block: int) -> None:
    """Give up the dearest cells until the blocks that are left fit into the time that is left."""
    excess = seconds_left(run) - (run.deadline - time.monotonic())
    for cell, ready in sorted(run.ready.items(), key=lambda item: -item[1].cost):
        if excess <= 0.0:
            return
        saved = run.left[cell] * ready.cost
        if saved:
            excess -= saved
            del run.ready[cell]
            note = f"not visited from block {block} on: no time was left"
            _add(run, replace(_untimed(ready.record), block=block, status="over_budget", note=note))


def _failed(record: TimingRecord, failure: Failure) -> TimingRecord:
    return replace(_untimed(record), status=failure.status, note=failure.note, max_error=failure.max_error)


def _untimed(record: TimingRecord) -> TimingRecord:
    """The record with nothing that would have been measured."""
    nothing = float("nan")
    return replace(record, sweeps=None, ops_executed=None, max_error=nothing, prepare_seconds=nothing)


def _add(run: OpenRun, record: TimingRecord) -> TimingRecord:
    run.timings.append(record)
    return record
