"""Measuring: cells pass the gate, are visited in shuffled blocks, and every outcome becomes a record at once.

    warm        before the budget starts: what a machine compiles once
    admit       before the first block: prepare, count, check, estimate; decide what fits into the budget
    fix_blocks  how many blocks there will be, from what a visit of each cell costs, before anything is timed
    visit       one cell in one block, timed by the stopwatch that is handed in; what was timed last is checked

A cell that raises, exits, runs out of memory or hangs gets its record, and the run goes on.  A process that dies with a
cell leaves behind which one it was (`resuming`).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from benchmarks.cells import Cell, Visit, by_cost, sweeps, work
from benchmarks.engines import absent
from benchmarks.engines.base import Engine
from benchmarks.findings.words import duration
from benchmarks.functions.problem import text_of
from benchmarks.measuring import prepared, preparing
from benchmarks.measuring.gate import compare, numbers
from benchmarks.measuring.guard import Failure, WrongError, guarded, settle
from benchmarks.measuring.open_run import OpenRun, Ready, seconds_left
from benchmarks.measuring.progress import Reporter
from benchmarks.measuring.resuming import tried_apart
from benchmarks.runs.columns import TimingRecord
from benchmarks.stopwatch import Stopwatch, Times, by_rounds, collected, once

FIRST_RATE = 1e-6
"""Seconds per op assumed before anything has been measured."""
WARM_LIMIT = 600.0
"""Seconds that an engine may compile before a run."""
USED = 0.9
"""Share of the time left for timing that is planned to be used; the rest is for a machine that slows down."""


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
        dtype=cell.dtype,
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
    allowed = preparing.SHARE * (run.deadline - run.started)  # no engine that hangs takes the time of the others
    if reason := preparing.refusal(run, cell) or _without_time(run, cell, allowed):
        return _add(run, replace(record, status="over_budget", note=reason))
    outcome: Any = None
    start = time.monotonic()
    # What a process died with may be the same in all cells of a problem: preparing that never returns, say.
    if any((each.graph, each.size, each.engine) == (cell.graph, cell.size, cell.engine) for each in run.suspects):
        outcome = tried_apart(cell, run.suspects.get(cell, 0), _limit(run), run.settings.time_limit)
    if outcome is None:
        # What is promised to the cells that are ready is theirs.
        limit = min(allowed, _limit(run, seconds_left(run)))
        outcome = _bounded(run, cell, lambda: _through_the_gate(run, cell, engine, record), limit)
    if isinstance(outcome, Failure):
        if outcome.hung:  # a larger one of the kind would not end either
            run.stopped[cell.kind] = f"{cell}: {outcome.note}"
            run.hung[cell.engine] += time.monotonic() - start
        return _add(run, _failed(record, outcome))
    run.ready[cell] = outcome
    return None


def _without_time(run: OpenRun, cell: Cell, allowed: float) -> str | None:
    """In one line why there is no time for a cell; None if there is.

    Args:
        run: the run.
        cell: the cell.
        allowed: seconds that an engine may lose to cells that do not end.
    """
    seconds = _predicted(run, cell)
    # The gate executes a cell twice, once counted, and computes the reference.
    cost = preparing.predicted(run, cell) + 4 * seconds + run.left[cell] * run.visit_cost(seconds)
    free, hung = _spare(run), run.hung[cell.engine]
    if cost > free:
        return f"would take about {duration(cost)} of the {duration(max(free, 0.0))} that are left"
    if stopped := run.stopped.get(cell.kind):
        return f"left out: {stopped}"
    return f"left out: {cell.engine} did not end in {duration(hung)} of other cells" if hung >= allowed else None


def warm(run: OpenRun, reporter: Reporter) -> None:
    """Let the engines compile what a machine compiles once; the budget starts anew after that."""
    start = time.monotonic()
    for name, engine in run.engines.items():
        reporter.phase(f"Loading {name}")

        def compile_once(engine: type[Engine] = engine, name: str = name) -> None:
            if engine.missing() is None:
                engine.load()
                engine.warm(lambda share: reporter.at(share, name))

        guarded(compile_once, WARM_LIMIT)  # what fails here fails in the cells, too, and is recorded there
    run.postpone(time.monotonic() - start)


def admit_all(run: OpenRun, reporter: Reporter) -> None:
    """Let every cell of an open run pass the gate, the smallest first, and say which fail; then fix the blocks."""
    warm(run, reporter)
    cells = sorted({visit.cell for visit in run.visits}, key=by_cost)
    for line in absent(run.settings.selection.engines):
        reporter.say(line)
    reporter.phase(f"Checking {len(cells)} cells")
    for i, cell in enumerate(cells):
        reporter.at(i / len(cells), str(cell))
        record = admit(run, cell)
        if record is not None and record.status in ("wrong", "error"):
            reporter.say(f"{record.status}: {cell}: {record.note}")
    wait_for_what_was_cut_off(run, reporter)
    fix_blocks(run)


def wait_for_what_was_cut_off(run: OpenRun, reporter: Reporter) -> None:
    """Time nothing beside what was given up and still computes, as far as the time that visits leave allows."""
    if not settle(_spare(run)):
        reporter.say("what was cut off at its limit still computes, beside whatever is timed from here on")


def fix_blocks(run: OpenRun) -> None:
    """Fix how many blocks there are: those asked for, and as many more as there is time for, before any is timed.

    A number that depended on how the timings look would bias them.
    """
    settings = run.settings
    block = sum(ready.cost * (2 if ready.twin else 1) for ready in run.ready.values())
    time_left = USED * (run.deadline - time.monotonic())
    fit = int(time_left / block) if block > 0.0 else 0
    run.fix_blocks(max(settings.blocks, min(settings.most_blocks, fit)))


def measure(run: OpenRun, reporter: Reporter, stopwatch: Stopwatch = by_rounds) -> None:
    """Make all visits of an open run in this process: what `pytest --benchmark` does, without pytest."""
    admit_all(run, reporter)
    take(run, reporter, stopwatch)


def take(run: OpenRun, reporter: Reporter, stopwatch: Stopwatch = by_rounds) -> None:
    """Time every cell that passed the gate, in the order of the visits."""
    reporter.phase(f"Timing {len(run.ready)} cells in {run.settings.blocks} blocks")
    for each in run.visits:
        reporter.at(None, str(each), seconds_left(run))
        visit(run, each, stopwatch)


def visit(run: OpenRun, visit: Visit, stopwatch: Stopwatch) -> TimingRecord | None:
    """Time one cell in one block, and record it.

    Returns:
        What was recorded; None where there is nothing to record, because the cell was given up before or timing is off.
    """
    if visit.block != run.block:
        run.block = visit.block
        _trim(run, visit.block)
    if visit.block > run.blocks:
        return None
    ready = run.ready.get(visit.cell)
    run.left[visit.cell] -= 1
    if ready is None:
        return None
    record = replace(ready.record, block=visit.block, twin=visit.twin)
    if time.monotonic() + ready.cost > run.deadline:
        if visit.block > run.least:
            return None
        return _add(run, replace(_untimed(record), status="over_budget", note="the run's time was up"))
    execute = ready.twin if visit.twin and ready.twin else ready.run
    start = time.monotonic()
    with collected():
        outcome = _bounded(run, visit.cell, lambda: _timed(execute, ready, stopwatch), _limit(run))
    ready.cost = time.monotonic() - start
    if outcome is None:
        return None
    if isinstance(outcome, Failure):
        del run.ready[visit.cell]
        return _add(run, _failed(record, outcome))
    ready.seconds = outcome.seconds_median
    return _add(run, replace(record, **vars(outcome)))


def _timed(execute: Callable[[], Any], ready: Ready, stopwatch: Stopwatch) -> Times | None:
    """The times of a visit, whose last result must be the one that passed the gate."""
    timed = stopwatch(execute, ready.seconds)
    if timed is None:
        return None
    times, result = timed
    compare(numbers(result), ready.checked, ready.tolerance)
    return times


def _through_the_gate(run: OpenRun, cell: Cell, engine: type[Engine], record: TimingRecord) -> Ready:
    key = (cell.graph, cell.size, cell.engine)
    if key not in run.bound:
        run.bound[key] = prepared.bind(cell, engine)
    ready = prepared.prepare(cell, run.bound[key])
    counts = ready.count()
    if counts.sweeps not in (None, sweeps(cell)):
        raise WrongError(f"counted {counts.sweeps} sweeps, expected {sweeps(cell)}", math.nan)
    with collected():
        seconds, result = once(ready.run)
    tolerance = engine.tolerance_in(cell.dtype)
    error = run.gate.check(cell, result, tolerance, independent=engine.independent)
    checked, twin = numbers(result), None
    if cell in run.twinned:
        # Prepared on its own, so that where its memory came to lie is part of what identical cells differ by.
        twin = prepared.prepare(cell, prepared.bind(cell, engine)).run
        compare(numbers(twin()), checked, tolerance)
    return Ready(
        record=replace(
            record,
            prepare_seconds=ready.seconds,
            sweeps=counts.sweeps,
            ops_executed=counts.ops,
            elements_executed=counts.elements,
            max_error=error,
            note=ready.note,
        ),
        run=ready.run,
        twin=twin,
        checked=checked,
        tolerance=tolerance,
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


def _bounded(run: OpenRun, cell: Cell, action: Callable[[], Any], limit: float) -> Any:
    """Run what a cell does, within its limit; with less than cells may take, not to end is no error; see `guarded`."""
    with run.at_work(cell), run.watched(cell):
        outcome = guarded(action, limit)
    if not isinstance(outcome, Failure) or not outcome.hung:
        return outcome
    settle(min(run.settings.time_limit, _spare(run)))
    if limit < run.settings.time_limit:
        return replace(outcome, status="over_budget", note=f"did not end in the {duration(limit)} that it had")
    return outcome


def _limit(run: OpenRun, promised: float = 0.0) -> float:
    """Seconds that the next cell may take."""
    return min(run.settings.time_limit, max(run.deadline - time.monotonic() - promised, 1.0))


def _spare(run: OpenRun) -> float:
    """Seconds that no visit needs."""
    return run.deadline - time.monotonic() - seconds_left(run)


def _trim(run: OpenRun, block: int) -> None:
    """Give up blocks that nobody asked for, then the dearest cells, until what is left fits into the time that is."""
    excess = seconds_left(run) - (run.deadline - time.monotonic())
    while excess > 0.0 and run.blocks > max(run.least, block - 1):
        run.drop_a_block()
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
    return replace(
        record, sweeps=None, ops_executed=None, elements_executed=None, max_error=nothing, prepare_seconds=nothing
    )


def _add(run: OpenRun, record: TimingRecord) -> TimingRecord:
    run.timings.append(record)
    return record
