"""Measuring: cells pass the gate, are visited in shuffled blocks, and every outcome becomes a row at once.

    admit     before the first block: prepare, count, check, estimate; decide what fits into the budget
    visit     one cell in one block, timed by the stopwatch that the entrance hands in (pytest-benchmark's fixture)

A cell that raises, runs out of memory or hangs gets its row, and the run goes on.  Analysis and files other than
`timings.csv` are not made here.

Limits: hanging is noticed by a signal, so only in the main thread of a POSIX system, and only once the interpreter gets
control back: native code that never returns cannot be interrupted.  A process that the system kills for want of memory
leaves no row for the cell at work; `--resume` tries that cell again.
"""

from __future__ import annotations

import gc
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from benchmarks.cells import Cell, Visit, graph_of, work
from benchmarks.engines import Engine, Prepared
from benchmarks.measuring.gate import Gate, WrongError
from benchmarks.options import Settings
from benchmarks.runs.columns import AA, Row
from benchmarks.runs.files import Timings

FIRST_RATE = 1e-6
"""Seconds per op assumed before anything has been measured."""
TRIFLE = 0.001
"""Seconds of preparation that are not worth a note."""


@dataclass(frozen=True)
class Times:
    """What a visit's stopwatch read: seconds per execution over the rounds of the visit."""

    seconds_min: float
    seconds_median: float
    seconds_mean: float
    seconds_stddev: float
    rounds: int
    iterations: int


Stopwatch = Callable[[Callable[[], Any], float], Times | None]
"""Times a callable, given the seconds one execution is expected to take; None where timing is switched off."""


class HangingError(Exception):
    """A cell ran beyond its time limit."""


@dataclass(frozen=True)
class Failure:
    """Why a cell has no time."""

    status: str
    note: str
    max_error: float = float("nan")


@dataclass
class Ready:
    """A cell that passed the gate.

    Attributes:
        row: its row without block and times.
        prepared: what to run.
        seconds: one execution, estimated, then as last measured.
        cost: seconds of wall clock that one visit takes, estimated, then as last seen.
    """

    row: Row
    prepared: Prepared
    seconds: float
    cost: float


@dataclass
class Campaign:
    """A run in progress.

    Attributes:
        name: of the run.
        settings: how it is made.
        engines: by name.
        timings: where rows go.
        deadline: when timing must be over, on `time.monotonic`'s clock.
        visit_cost: seconds of wall clock for a visit, from the seconds of one execution.
        left: visits still to be made, by cell.
        ready: cells that passed the gate and have not failed since.
        failures: rows that are `wrong` or `error`, of this session.
        gate: what the gate has accepted.
        block: the block at work.
    """

    name: str
    settings: Settings
    engines: Mapping[str, Engine]
    timings: Timings
    deadline: float
    visit_cost: Callable[[float], float]
    left: Counter[Cell]
    ready: dict[Cell, Ready] = field(default_factory=dict)
    failures: list[Row] = field(default_factory=list)
    gate: Gate = field(default_factory=Gate)
    block: int = 0


def describe(run: str, cell: Cell, engine: Engine) -> Row:
    """A cell's row, without block, times and outcome."""
    graph = graph_of(cell)
    return Row(
        run=run,
        block=0,
        graph=cell.graph,
        n_inputs=graph.n_inputs(cell.n),
        n_outputs=graph.n_outputs(cell.n),
        n_ops=graph.n_ops(cell.n),
        depth=graph.depth(cell.n),
        engine=cell.engine,
        engine_version=engine.version(),
        mode=cell.mode,
        quantity=cell.quantity,
        lanes=cell.lanes,
        status="ok",
    )


def admit(campaign: Campaign, cell: Cell) -> Row | None:
    """Prepare, count and check one cell, if it fits into the budget; to be called with the smallest cells first.

    Returns:
        The row that says why the cell will not be timed, which is also recorded; None if it is ready.
    """
    engine = campaign.engines[cell.engine]
    row = describe(campaign.name, cell, engine)
    reason = engine.unsupported(cell)
    if reason is not None:
        return _record(campaign, replace(row, status="unsupported", note=reason))
    seconds = _predicted(campaign, cell)
    # The gate executes a cell twice, once counted, and computes the reference.
    cost = 4 * seconds + campaign.left[cell] * campaign.visit_cost(seconds)
    free = campaign.deadline - time.monotonic() - seconds_left(campaign)
    if cost > free:
        note = f"would take about {cost:.2g} s of the {max(free, 0.0):.2g} s that are left"
        return _record(campaign, replace(row, status="over_budget", note=note))
    outcome = guarded(lambda: _through_the_gate(campaign, cell, row), _limit(campaign))
    if isinstance(outcome, Failure):
        return _record(campaign, _failed(row, outcome))
    campaign.ready[cell] = outcome
    return None


def visit(campaign: Campaign, visit: Visit, stopwatch: Stopwatch) -> Row | None:
    """Time one cell in one block, and record it.

    Returns:
        The row recorded; None where there is nothing to record, because the cell was given up before or timing is off.
    """
    if visit.block != campaign.block:
        campaign.block = visit.block
        _trim(campaign, visit.block)
    ready = campaign.ready.get(visit.cell)
    campaign.left[visit.cell] -= 1
    if ready is None:
        return None
    row = replace(ready.row, block=visit.block, note=f"{AA}; {ready.row.note}" if visit.copy else ready.row.note)
    if time.monotonic() + ready.cost > campaign.deadline:
        return _record(campaign, replace(_untimed(row), status="over_budget", note="the run's time was up"))
    start = time.monotonic()
    with collected():
        outcome = guarded(lambda: stopwatch(ready.prepared.run, ready.seconds), _limit(campaign))
    ready.cost = time.monotonic() - start
    if outcome is None:
        return None
    if isinstance(outcome, Failure):
        del campaign.ready[visit.cell]
        return _record(campaign, _failed(row, outcome))
    ready.seconds = outcome.seconds_median
    return _record(campaign, replace(row, **vars(outcome)))


def guarded(action: Callable[[], Any], limit: float) -> Any:
    """Run something that may fail.

    Args:
        action: what to run.
        limit: seconds it may take.

    Returns:
        What it returned, or the `Failure` that it ended in.
    """
    try:
        with time_limit(limit):
            return action()
    except WrongError as problem:
        return Failure("wrong", str(problem), problem.max_error)
    except MemoryError:
        return Failure("out_of_memory", "ran out of memory")
    except HangingError as problem:
        return Failure("error", str(problem))
    except Exception as problem:
        first = str(problem).strip().partition("\n")[0]
        return Failure("error", f"{type(problem).__name__}: {first}"[:200])


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `HangingError` in the block once it has run for so many seconds; see the module's text for the limits."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    def ring(*_: object) -> None:
        raise HangingError(f"still running after {seconds:.3g} s")

    before = signal.signal(signal.SIGALRM, ring)
    # Rings again every second, for code that catches everything.
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 1e-3), 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def collected() -> Iterator[None]:
    """Collect garbage, then keep the collector off inside the block."""
    gc.collect(1)  # what is new; a full collection would take longer than most cells
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def remaining(visits: Sequence[Visit], timings: pd.DataFrame, key: Callable[[Cell], tuple[Any, ...]]) -> list[Visit]:
    """The visits of a resumed run that still have to be made: what is measured or decided is not done again.

    Args:
        visits: all visits of the run.
        timings: its rows so far.
        key: the identity of a cell in the result rows, as `row_key` gives it.
    """
    rows = timings[timings["status"] != "over_budget"]
    identity = ["graph", "n_inputs", "n_outputs", "engine", "mode", "quantity", "lanes"]
    keys = list(rows[identity].itertuples(index=False, name=None))
    copies = rows["note"].str.startswith(AA).astype(int)
    done = set(zip(rows["block"], keys, copies, strict=True))
    given_up = {k for k, status in zip(keys, rows["status"], strict=True) if status != "ok"}
    return [
        visit
        for visit, k in ((visit, key(visit.cell)) for visit in visits)
        if k not in given_up and (visit.block, k, visit.copy) not in done
    ]


def row_key(cell: Cell) -> tuple[Any, ...]:
    """The identity of a cell in the result rows."""
    graph = graph_of(cell)
    shape = (graph.n_inputs(cell.n), graph.n_outputs(cell.n))
    return (cell.graph, *shape, cell.engine, cell.mode, cell.quantity, cell.lanes)


def _through_the_gate(campaign: Campaign, cell: Cell, row: Row) -> Ready:
    engine, graph = campaign.engines[cell.engine], graph_of(cell)
    x = graph.inputs(cell.n)
    start = time.perf_counter()
    prepared = engine.prepare(graph, x, cell)
    preparation = time.perf_counter() - start
    counts = prepared.count()
    with collected():
        start = time.perf_counter()
        result = prepared.run()
        seconds = time.perf_counter() - start
    error = campaign.gate.check(cell, result)
    dear = preparation > max(seconds, TRIFLE)
    note = f"{prepared.note}; preparation took {preparation:.2g} s" if dear else prepared.note
    return Ready(
        row=replace(row, sweeps=counts.sweeps, ops_executed=counts.ops, max_error=error, note=note),
        prepared=prepared,
        seconds=seconds,
        cost=campaign.visit_cost(seconds),
    )


def _predicted(campaign: Campaign, cell: Cell) -> float:
    """Seconds of one execution, from the largest cell of the same kind so far: cost per op hardly depends on size."""
    kinds: tuple[Callable[[Cell], Any], ...] = (
        lambda c: (c.engine, c.mode, c.quantity, c.lanes, c.graph),
        lambda c: (c.engine, c.mode, c.quantity, c.lanes),
        lambda c: (c.engine, c.mode),
    )
    for kind in kinds:
        alike = [c for c in campaign.ready if kind(c) == kind(cell)]
        if alike:
            nearest = max(alike, key=work)
            return campaign.ready[nearest].seconds * work(cell) / max(work(nearest), 1)
    return FIRST_RATE * work(cell)


def seconds_left(campaign: Campaign) -> float:
    """Seconds that the visits still to be made will take."""
    return sum(campaign.left[cell] * ready.cost for cell, ready in campaign.ready.items())


def _limit(campaign: Campaign) -> float:
    """Seconds that the next cell may take."""
    return min(campaign.settings.time_limit, max(campaign.deadline - time.monotonic(), 1.0))


def _trim(campaign: Campaign, block: int) -> None:
    """Give up the dearest cells until the blocks that are left fit into the time that is left."""
    excess = seconds_left(campaign) - (campaign.deadline - time.monotonic())
    for cell, ready in sorted(campaign.ready.items(), key=lambda item: -item[1].cost):
        if excess <= 0.0:
            return
        saved = campaign.left[cell] * ready.cost
        if saved:
            excess -= saved
            del campaign.ready[cell]
            note = f"not visited from block {block} on: no time was left"
            _record(campaign, replace(_untimed(ready.row), block=block, status="over_budget", note=note))


def _failed(row: Row, failure: Failure) -> Row:
    return replace(_untimed(row), status=failure.status, note=failure.note, max_error=failure.max_error)


def _untimed(row: Row) -> Row:
    """The row with nothing that would have been measured."""
    return replace(row, sweeps=None, ops_executed=None, max_error=float("nan"))


def _record(campaign: Campaign, row: Row) -> Row:
    campaign.timings.append(row)
    if row.status in ("wrong", "error"):
        campaign.failures.append(row)
    return row
