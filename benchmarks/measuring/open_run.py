"""An open run: one that is being measured, in this process.  Opened, resumed and closed from anywhere.

    run = open_run(Settings(Selection(families=("chain",))), Path("results"))
    measure(run, reporter)
    found, interrupted = close_run(run, reporter)

`visits` measures, `runs.files` writes; what the numbers say is computed by `findings` when the run is closed.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks import stopwatch
from benchmarks.cells import Cell, Kind, Visit
from benchmarks.engines import chosen
from benchmarks.engines.base import Engine
from benchmarks.experiments import checkpointing
from benchmarks.findings import tables
from benchmarks.functions.problem import Floats, Size
from benchmarks.measuring import memory
from benchmarks.measuring.gate import Gate
from benchmarks.measuring.guard import Failure, guarded
from benchmarks.measuring.prepared import Bound
from benchmarks.measuring.progress import Reporter
from benchmarks.measuring.resuming import remaining, require_same
from benchmarks.measuring.resuming import suspects as found_suspects
from benchmarks.options import Selection, Settings
from benchmarks.plan import plan, shuffled
from benchmarks.runs.at_work import AtWork
from benchmarks.runs.columns import TimingRecord
from benchmarks.runs.environment import describe, now
from benchmarks.runs.files import (
    Run,
    Timings,
    create_run,
    lock_run,
    read_environment,
    read_table,
    repair_timings,
    write_environment,
    write_records,
)

TIMING_SHARE = 0.6
"""Share of the budget for timing; memory, statistics and figures need the rest."""
CHECKPOINTING_LIMIT = 300.0
"""Seconds after which its measuring counts as hanging."""
CLOSING_SECONDS = 20.0
"""Seconds kept free for checkpointing, statistics and figures."""


@dataclass
class Ready:
    """A cell that passed the gate.

    Attributes:
        record: its record without block and times.
        run: what to time.
        twin: the same, prepared a second time, for the visits of its twin; None where it has none.
        checked: the numbers that passed, which what is timed is compared with.
        tolerance: of that comparison, relative to the largest of the numbers.
        seconds: one execution, estimated, then as last measured.
        cost: seconds of wall clock that one visit takes, estimated, then as last seen.
    """

    record: TimingRecord
    run: Callable[[], Any]
    twin: Callable[[], Any] | None
    checked: Floats
    tolerance: float
    seconds: float
    cost: float


@dataclass
class OpenRun:
    """A run being measured.

    Attributes:
        folder: where its files are.
        settings: how it is made.
        visits: those to be made, in order.
        engines: by name.
        timings: where records go.
        started: when the budget began, on `time.monotonic`'s clock.
        deadline: when timing must be over, on the same clock.
        visit_cost: seconds of wall clock for a visit, from the seconds of one execution.
        release: lets other processes write this run.
        watched: watches what is done with a cell in its block; by default nobody does.
        left: visits still to be made, by cell.
        bound: engines bound to problems so far.
        ready: cells that passed the gate and have not failed since.
        gate: what the gate has accepted.
        block: the block at work.
        blocks: the last block that there is.
        least: the last block that was asked for; those after it fill the time that is left.
        suspects: cells that an earlier process died with, and how many did.
        stopped: kinds of cells of which one did not end, with what is said of the larger ones.
        hung: seconds lost to cells that did not end, by engine.
        twinned: the cells that have a twin.
    """

    folder: Path
    settings: Settings
    visits: list[Visit]
    engines: Mapping[str, type[Engine]]
    timings: Timings
    started: float
    deadline: float
    visit_cost: Callable[[float], float] = stopwatch.visit_cost
    release: Callable[[], None] = lambda: None
    watched: Callable[[Cell], AbstractContextManager[None]] = lambda _: nullcontext()
    left: Counter[Cell] = field(default_factory=Counter)
    bound: dict[tuple[str, Size, str], Bound] = field(default_factory=dict)
    ready: dict[Cell, Ready] = field(default_factory=dict)
    gate: Gate = field(default_factory=Gate)
    block: int = 0
    blocks: int = 0
    least: int = 0
    suspects: dict[Cell, int] = field(default_factory=dict)
    stopped: dict[Kind, str] = field(default_factory=dict)
    hung: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    twinned: frozenset[Cell] = frozenset()

    def __post_init__(self) -> None:
        self.twinned = frozenset(visit.cell for visit in self.visits if visit.twin)
        self._at_work = AtWork(self.folder)
        self.least = self.settings.blocks
        self._make_up_to(self.settings.blocks)

    @property
    def name(self) -> str:
        """The run's name, which is its folder's."""
        return self.folder.name

    def at_work(self, cell: Cell) -> AbstractContextManager[None]:
        """Inside the block, a file says that this cell is at work."""
        return self._at_work.on(cell.identity)

    def postpone(self, seconds: float) -> None:
        """Do not charge so many seconds to the budget."""
        self.started += seconds
        self.deadline += seconds

    def fix_blocks(self, blocks: int) -> None:
        """Say how many blocks there are, here and in the run's folder."""
        self.settings = replace(self.settings, blocks=blocks, most_blocks=blocks)
        self._make_up_to(blocks)
        write_environment(self.folder, {**read_environment(self.folder), "settings": asdict(self.settings)})

    def drop_a_block(self) -> None:
        """Leave out the last block, as a machine that has become slower demands."""
        self.left -= Counter(visit.cell for visit in self.visits if visit.block == self.blocks)
        self.blocks -= 1

    def _make_up_to(self, blocks: int) -> None:
        self.blocks = blocks
        self.left = Counter(visit.cell for visit in self.visits if visit.block <= blocks)

    def close(self) -> None:
        """Let the run go; once more does nothing."""
        self._at_work.close()
        release, self.release = self.release, lambda: None
        release()


def open_run(
    settings: Settings,
    results: Path,
    *,
    resume: Path | None = None,
    visits: Sequence[Visit] | None = None,
    visit_cost: Callable[[float], float] = stopwatch.visit_cost,
    details: Mapping[str, Any] | None = None,
    started: float | None = None,
) -> OpenRun:
    """Open a new run, or take up one that was interrupted.

    Args:
        settings: how it is made; for a run to resume those of `resumed_settings`.
        results: the folder that runs are kept in.
        resume: the folder of the run to finish.
        visits: those wanted, by default all that the settings give; what a resumed run has is left out.
        visit_cost: seconds of wall clock that the stopwatch takes, from the seconds of one execution.
        details: what `environment.json` of a new run shall say besides, or instead.
        started: when the budget began, on `time.monotonic`'s clock; by default now.

    Raises:
        RecordError: the run to resume was begun on another machine, is at work elsewhere, or cannot be read.
        OptionError: the selection is wrong.
        OSError: nothing can be written.
    """
    if visits is None:
        visits = shuffled(plan(settings.selection), settings.most_blocks, settings.seed)
    environment = describe()
    folder = resume or create_run(results)
    release = lock_run(folder)
    suspects: dict[Cell, int] = {}
    try:
        if resume is None:
            begun = _beginning(folder.name, settings, details or {}, environment)
        else:
            begun = read_environment(folder)
            require_same(folder, begun, environment)
            suspects = found_suspects(folder, sorted({visit.cell for visit in visits}))
            begun["died_with"] = [str(cell) for cell, times in suspects.items() for _ in range(times)]
            repair_timings(folder, {visit.cell.engine for visit in visits})
            visits = remaining(visits, read_table(folder / "timings.csv"))
        engines = {engine.name: engine for engine in chosen(sorted({visit.cell.engine for visit in visits}))}
        begun["versions"] = begun.get("versions", {}) | _versions(engines)
        session = {name: environment[name] for name in ("commit", "dirty", "command")}
        session |= {"started": now(), "finished": None, "load_average": environment["load_average"]}
        sessions = [*begun.get("sessions", []), session]
        write_environment(folder, {**begun, "finished": None, "sessions": sessions})
        timings = Timings(folder)
    except BaseException:
        release()
        raise
    started = time.monotonic() if started is None else started
    return OpenRun(
        folder=folder,
        settings=settings,
        visits=list(visits),
        engines=engines,
        timings=timings,
        started=started,
        deadline=started + TIMING_SHARE * settings.budget,
        visit_cost=visit_cost,
        release=release,
        suspects=suspects,
    )


def seconds_left(run: OpenRun) -> float:
    """Seconds that the visits still to be made will take."""
    return sum(run.left[cell] * ready.cost for cell, ready in run.ready.items())


def close_run(run: OpenRun, reporter: Reporter, *, interrupted: bool = False) -> tuple[Run, bool]:
    """Measure memory, write what follows from the timings, and let the run go.

    Args:
        run: whose visits are over; of an interrupted one, only what follows from its timings is written.
        reporter: says where it is.
        interrupted: whether it was.

    Returns:
        The run as it can be read back, and whether it was interrupted, by now.
    """
    run.timings.close()
    if not interrupted:
        try:
            _memory_pass(run, reporter)
            _checkpointing_pass(run, reporter)
        except KeyboardInterrupt:
            interrupted = True
    reporter.phase("Computing statistics")
    found = tables.analyse(run.folder)
    environment = read_environment(run.folder)
    environment["finished"] = now()
    environment["sessions"][-1] |= {"finished": now(), "outcome": "interrupted" if interrupted else "finished"}
    write_environment(run.folder, environment)
    run.close()
    return replace(found, environment=environment), interrupted


def _memory_pass(run: OpenRun, reporter: Reporter) -> None:
    """Measure memory of what was selected, unless it was measured before."""
    path = run.folder / "memory.csv"
    loads = memory.plan(run.settings.selection)
    known = memory.known(path)
    missing = [load for load in loads if memory.key(load, run.name) not in known]
    if not missing:
        return
    reporter.phase("Measuring memory")
    left = max(run.settings.budget - (time.monotonic() - run.started) - CLOSING_SECONDS, 0.0)
    measured = memory.measure(missing, run=run.name, budget=left, time_limit=run.settings.time_limit)
    for done, (load, record) in enumerate(zip(missing, measured, strict=True), start=1):
        known[memory.key(load, run.name)] = record
        reporter.at(done / len(missing), f"{record.graph} {record.n_inputs} {record.engine} {record.mode}")
    write_records(path, [known[key] for load in loads if (key := memory.key(load, run.name)) in known])


def _checkpointing_pass(run: OpenRun, reporter: Reporter) -> None:
    """Measure the price of checkpointing, in runs of the whole plan, unless it was measured before."""
    path = run.folder / "checkpointing.csv"
    if run.settings.selection == Selection() and not path.exists():
        reporter.phase("Measuring the price of checkpointing")
        measured = guarded(lambda: list(checkpointing.measure(run=run.name)), CHECKPOINTING_LIMIT)
        if isinstance(measured, Failure):
            reporter.say(f"{measured.status}: checkpointing: {measured.note}")
        else:
            write_records(path, measured)


def _beginning(
    name: str, settings: Settings, details: Mapping[str, Any], environment: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "run": name,
        "started": now(),
        "finished": None,
        "settings": asdict(settings),
        "noise_floor": None,
        "noise": None,
        **environment,
        **details,
    }


def _versions(engines: Mapping[str, type[Engine]]) -> dict[str, str]:
    """The versions of the packages behind the engines; one that cannot say its version has none."""
    said = {engine.package or name: guarded(engine.version, 10.0) for name, engine in engines.items()}
    return {name: version for name, version in said.items() if version and not isinstance(version, Failure)}
