"""The pytest side of a run: what `pytest --benchmark` does around the visits that `test_cells.py` collects.

`conftest.py` registers this module as a plugin; `python -m benchmarks run` starts pytest with it.  Here are only hooks:
measuring is in `measure`, what follows in `closing`, files in `record`.
"""

from __future__ import annotations

import gc
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pytest

from benchmarks import closing
from benchmarks.cells import Visit, plan, shuffled, work
from benchmarks.engines import load
from benchmarks.measuring import measure
from benchmarks.measuring.environment import describe, now
from benchmarks.measuring.measure import Campaign, Stopwatch, Times
from benchmarks.measuring.progress import Reporter
from benchmarks.options import OptionError, Selection, Settings, settings_from
from benchmarks.runs.files import (
    RecordError,
    Timings,
    create_run,
    find_run,
    lock_run,
    read_environment,
    read_run,
    repair_timings,
    write_environment,
)

VISIT_OVERHEAD = 0.002
"""Seconds that pytest and a garbage collection add to a visit."""
TIMING_SHARE = 0.7
"""Share of the budget for timing; memory, statistics and figures need the rest."""
CLOSING_SECONDS = 10.0
"""Seconds kept free for statistics and figures."""
SAME = ("cpu", "python", "version", "threads")
"""What a resumed run must share with its beginning; otherwise its blocks could not be compared."""
TABLE_OPTIONS = ("sort", "group-by", "columns", "name", "time-unit", "histogram", "compare", "cprofile", "verbose")
"""Options of pytest-benchmark that ask for its own table, which is left out otherwise: it has a line per visit."""


@dataclass
class State:
    """What the hooks of one pytest session share.

    Attributes:
        settings: of the run.
        started: when the budget began, on `time.monotonic`'s clock.
        results: the folder that runs are kept in.
        resume: the folder of the run to finish, or None for a new run.
        reporter: says where the run is.
        visits: all visits of the run, in order.
        folder, campaign: once measuring has begun.
        total_seconds: that the visits were expected to take when they began.
    """

    settings: Settings
    started: float
    results: Path
    resume: Path | None
    reporter: Reporter
    visits: list[Visit] = field(default_factory=list)
    folder: Path | None = None
    campaign: Campaign | None = None
    total_seconds: float = 0.0


STATE = pytest.StashKey[State]()


def configure(config: pytest.Config) -> None:
    """Read the options, before anything is collected.

    Raises:
        pytest.UsageError: an option is wrong, or the run to resume cannot be.
    """
    given = {name: config.getoption(name) for name in ("--budget", "--blocks", "--seed", "--time-limit")}
    results = Path(config.getoption("--results"))
    try:
        settings = settings_from(config.getoption)
        resume = config.getoption("--resume")
        if resume is not None:
            resume = find_run(resume, results)
            settings = _resumed(resume, settings, given)
        visits = shuffled(plan(settings.selection), settings.blocks, settings.seed)
    except (OptionError, RecordError) as problem:
        raise pytest.UsageError(str(problem)) from None
    if getattr(config.option, "numprocesses", None):
        raise pytest.UsageError("--benchmark: cells are measured one at a time; leave out -n")
    if not any(a.startswith(f"--benchmark-{name}") for a in config.invocation_params.args for name in TABLE_OPTIONS):
        config.option.benchmark_quiet = True
    if config.option.verbose == 0:
        config.option.verbose = -1  # the reporter says where the run is
    # A visit that is interrupted, or given up for want of time, does not use the fixture that it has asked for.
    config.addinivalue_line("filterwarnings", "ignore:Benchmark fixture was not used")
    config.stash[STATE] = State(settings, time.monotonic(), results, resume, Reporter(sys.stdout), visits)


def _resumed(folder: Path, settings: Settings, given: dict[str, Any]) -> Settings:
    """The settings that a run was begun with, and the budget and time limit given now."""
    begun = read_environment(folder).get("settings")
    if not isinstance(begun, dict):
        raise RecordError(f"{folder}: environment.json has no settings, so it cannot be resumed")
    if given["--blocks"] or given["--seed"] or settings.selection != Selection():
        raise OptionError(
            "--resume: the run keeps its own selection, blocks and seed; give only a budget or time limit"
        )
    try:
        chosen = {name: tuple(v) if v is not None else None for name, v in begun["selection"].items()}
        return Settings(Selection(**chosen), settings.budget, begun["blocks"], begun["seed"], settings.time_limit)
    except (KeyError, TypeError, AttributeError):
        raise RecordError(f"{folder}: the settings in environment.json are not those of a run") from None


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Open the run, let every cell pass the gate, and leave only the visits that are to be made."""
    state = session.config.stash[STATE]
    option = session.config.option
    skip = option.benchmark_skip and not option.benchmark_only
    if option.collectonly or skip or session.testsfailed or not session.items:
        return
    chosen = [visit_of(item) for item in session.items]
    todo = set(_open(state, session.config, chosen))
    assert state.campaign is not None
    campaign, reporter = state.campaign, state.reporter
    cells = sorted({visit.cell for visit in todo}, key=lambda cell: (work(cell), cell))
    _keep()
    reporter.phase(f"Checking {len(cells)} cells")
    for i, cell in enumerate(cells):
        reporter.at(i / len(cells), str(cell))
        row = measure.admit(campaign, cell)
        if row is not None and row.status in ("wrong", "error"):
            reporter.say(f"{row.status}: {cell}: {row.note}")
    session.items[:] = [item for item in session.items if (v := visit_of(item)) in todo and v.cell in campaign.ready]
    _keep()
    state.total_seconds = measure.seconds_left(campaign)
    reporter.phase(f"Timing {len(campaign.ready)} cells in {state.settings.blocks} blocks")


def _keep() -> None:
    """What lives now lives until the end of the run; the collector need not look at it between visits."""
    gc.collect()
    gc.freeze()


def _open(state: State, config: pytest.Config, chosen: list[Visit]) -> list[Visit]:
    """Create the run's folder or take up the one to resume; returns the visits to be made."""
    environment = describe()
    try:
        folder = state.resume or create_run(state.results)
        config.add_cleanup(lock_run(folder))
        if state.resume is None:
            begun = _beginning(folder.name, state, config, environment)
        else:
            begun = read_environment(folder)
            for name in SAME:
                if begun.get(name) != environment[name]:
                    raise RecordError(f"{folder}: was begun with {name} {begun.get(name)!r}, not {environment[name]!r}")
            repair_timings(folder)
            chosen = measure.remaining(chosen, read_run(folder).timings, measure.row_key)
        sessions = [*begun.get("sessions", []), {k: environment[k] for k in ("commit", "dirty", "command")}]
        sessions[-1] |= {"started": now(), "finished": None, "load_average": environment["load_average"]}
        write_environment(folder, {**begun, "finished": None, "sessions": sessions})
        timings = Timings(folder)
    except (RecordError, OSError) as problem:
        raise pytest.UsageError(str(problem)) from None
    state.folder = folder
    state.campaign = Campaign(
        name=folder.name,
        settings=state.settings,
        engines=load(sorted({visit.cell.engine for visit in chosen})),
        timings=timings,
        deadline=state.started + TIMING_SHARE * state.settings.budget,
        visit_cost=_visit_cost(config),
        left=Counter(visit.cell for visit in chosen),
    )
    return chosen


def _beginning(name: str, state: State, config: pytest.Config, environment: dict[str, Any]) -> dict[str, Any]:
    options = {key: config.getoption(f"benchmark_{key}") for key in ("timer", "min_rounds", "min_time", "max_time")}
    return {
        "run": name,
        "started": now(),
        "finished": None,
        "settings": asdict(state.settings),
        "pytest_benchmark": {**options, "garbage_collector": "off while timing, on between visits"},
        "noise_floor": None,
        "noise": None,
        **environment,
    }


def visit_of(item: pytest.Item) -> Visit:
    """The visit that an item of `test_cells.py` makes."""
    visit: Visit = item.callspec.params["visit"]  # type: ignore[attr-defined]
    return visit


def stopwatch(benchmark: Any, config: pytest.Config) -> Stopwatch:
    """pytest-benchmark's fixture as a stopwatch.

    It calibrates rounds and iterations for what is short.  What is longer than its `max_time` would only be executed
    more often by calibrating, so that is timed in `min_rounds` rounds of one execution.
    """
    longest, rounds = float(config.getoption("benchmark_max_time")), config.getoption("benchmark_min_rounds")

    def read(run: Callable[[], Any], seconds: float) -> Times | None:
        if seconds > longest:
            benchmark.pedantic(run, rounds=rounds)
        else:
            benchmark(run)
        if benchmark.disabled:
            return None
        seen = benchmark.stats.stats
        spread = float(seen.stddev) if seen.rounds > 1 else float("nan")
        return Times(seen.min, seen.median, seen.mean, spread, seen.rounds, benchmark.stats.iterations)

    return read


def _visit_cost(config: pytest.Config) -> Callable[[float], float]:
    """Seconds of wall clock that the stopwatch takes, from the seconds of one execution."""
    longest, rounds = float(config.getoption("benchmark_max_time")), int(config.getoption("benchmark_min_rounds"))
    shortest = float(config.getoption("benchmark_min_time"))

    def cost(seconds: float) -> float:
        if seconds > longest:
            return VISIT_OVERHEAD + rounds * seconds
        # Calibration, the rounds, and one execution for the result.
        return VISIT_OVERHEAD + 2 * max(shortest, seconds) + max(longest, rounds * max(shortest, seconds)) + seconds

    return cost


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> None:
    """Say what is at work, before it is timed."""
    state = item.config.stash[STATE]
    if state.campaign is not None:
        left = measure.seconds_left(state.campaign)
        state.reporter.at(1.0 - left / max(state.total_seconds, 1e-9), str(visit_of(item)), left)


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """No dots: the reporter says where the run is."""
    return (report.outcome, "", "") if report.when == "call" and not report.failed else None


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Write what follows from the timings, also of an interrupted run, and say what was found."""
    state = session.config.stash[STATE]
    if state.campaign is None or state.folder is None:
        return
    reporter, folder = state.reporter, state.folder
    interrupted = exitstatus == pytest.ExitCode.INTERRUPTED
    state.campaign.timings.close()
    gc.unfreeze()
    if not interrupted:
        try:
            reporter.phase("Measuring memory")
            left = state.settings.budget - (time.monotonic() - state.started) - CLOSING_SECONDS
            closing.memory_pass(folder, state.settings, max(left, 0.0), reporter.at)
            if closing.has_checkpointing(state.settings):
                reporter.phase("Measuring the price of checkpointing")
                closing.checkpointing_pass(folder)
        except KeyboardInterrupt:
            interrupted = True
            session.exitstatus = pytest.ExitCode.INTERRUPTED
    reporter.phase("Computing statistics")
    run = closing.analyse(folder)
    closing.stamp(folder, "interrupted" if interrupted else "finished")
    pictures = []
    if not interrupted and not session.config.getoption("--no-plots"):
        reporter.phase("Drawing")
        pictures = closing.figures(folder)
    reporter.close()
    for line in [*closing.lines(run), *pictures]:
        reporter.say(line)
    if interrupted:
        reporter.say(f"Interrupted; `pytest --benchmark --resume {folder}` finishes it.")
    elif closing.failed(run):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
