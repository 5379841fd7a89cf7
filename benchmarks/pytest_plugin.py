"""The pytest side of a run: hooks around the visits that `test_cells.py` collects, and nothing but hooks.

The root `conftest.py` registers this module; `python -m benchmarks run` starts pytest with it.  Measuring, opening and
closing a run are in `measuring`, which knows nothing of pytest.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from benchmarks.cells import Visit
from benchmarks.findings import tables
from benchmarks.measuring.open_run import OpenRun, close_run, open_run, resumed_settings, seconds_left
from benchmarks.measuring.progress import Reporter
from benchmarks.measuring.visits import admit_all
from benchmarks.options import OptionError, Settings, settings_from
from benchmarks.plan import plan, shuffled
from benchmarks.runs.files import RecordError, find_run
from benchmarks.stopwatch import Stopwatch, Times

VISIT_OVERHEAD = 0.002
"""Seconds that pytest and a garbage collection add to a visit."""
TABLE_OPTIONS = ("sort", "group-by", "columns", "name", "time-unit", "histogram", "compare", "cprofile", "verbose")
"""Options of pytest-benchmark that ask for its own table, which is left out otherwise: it has a line per visit."""

Draw = Callable[[Path], Sequence[str]]
"""Draws the figures of a run's folder; returns lines that say where they are."""


@dataclass(frozen=True)
class Asked:
    """What the command line asks for.

    Attributes:
        settings: of the run.
        results: the folder that runs are kept in.
        resume: the folder of the run to finish, or None for a new run.
        visits: all visits of the run, in order.
        started: when the budget began, on `time.monotonic`'s clock.
        reporter: says where the run is.
        draw: what draws its figures.
    """

    settings: Settings
    results: Path
    resume: Path | None
    visits: list[Visit]
    started: float
    reporter: Reporter
    draw: Draw


ASKED = pytest.StashKey[Asked]()
RUN = pytest.StashKey[OpenRun]()
EXPECTED = pytest.StashKey[float]()
"""Seconds that the visits were expected to take when they began."""


def configure(config: pytest.Config, draw: Draw) -> None:
    """Read the options, before anything is collected.

    Args:
        config: pytest's.
        draw: what draws the figures of a finished run.

    Raises:
        pytest.UsageError: an option is wrong, or the run to resume cannot be.
    """
    results, resume = Path(config.getoption("--results")), config.getoption("--resume")
    try:
        settings = settings_from(config.getoption)
        if resume is not None:
            resume = find_run(resume, results)
            changed = bool(config.getoption("--blocks") or config.getoption("--seed"))
            settings = resumed_settings(resume, settings, changed=changed)
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
    config.stash[ASKED] = Asked(settings, results, resume, visits, time.monotonic(), Reporter(sys.stdout), draw)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Open the run, let every cell pass the gate, and leave only the visits that are to be made."""
    config, asked = session.config, session.config.stash[ASKED]
    skip = config.option.benchmark_skip and not config.option.benchmark_only
    if config.option.collectonly or skip or session.testsfailed or not session.items:
        return
    names = ("timer", "min_rounds", "min_time", "max_time")
    details = {name: config.getoption(f"benchmark_{name}") for name in names}
    try:
        run = open_run(
            asked.settings,
            asked.results,
            resume=asked.resume,
            visits=[visit_of(item) for item in session.items],
            visit_cost=_visit_cost(config),
            details={"pytest_benchmark": {**details, "garbage_collector": "off while timing, on between visits"}},
            started=asked.started,
        )
    except (OptionError, RecordError, OSError) as problem:
        raise pytest.UsageError(str(problem)) from None
    config.stash[RUN] = run
    _keep()
    admit_all(run, asked.reporter)
    todo = set(run.visits)
    session.items[:] = [item for item in session.items if (v := visit_of(item)) in todo and v.cell in run.ready]
    _keep()
    config.stash[EXPECTED] = max(seconds_left(run), 1e-9)
    asked.reporter.phase(f"Timing {len(run.ready)} cells in {asked.settings.blocks} blocks")


def _keep() -> None:
    """What lives now lives until the end of the run; the collector need not look at it between visits."""
    gc.collect()
    gc.freeze()


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
    stash = item.config.stash
    if RUN in stash:
        left = seconds_left(stash[RUN])
        stash[ASKED].reporter.at(1.0 - left / stash[EXPECTED], str(visit_of(item)), left)


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """No dots: the reporter says where the run is."""
    return (report.outcome, "", "") if report.when == "call" and not report.failed else None


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Write what follows from the timings, also of an interrupted run, and say what was found."""
    asked, run = session.config.stash[ASKED], session.config.stash.get(RUN, None)
    if run is None:
        return
    gc.unfreeze()
    found, interrupted = close_run(run, asked.reporter, interrupted=exitstatus == pytest.ExitCode.INTERRUPTED)
    pictures: Sequence[str] = []
    if not interrupted and not session.config.getoption("--no-plots"):
        asked.reporter.phase("Drawing")
        pictures = asked.draw(run.folder)
    asked.reporter.close()
    for line in [*tables.lines(found), *pictures]:
        asked.reporter.say(line)
    if interrupted:
        session.exitstatus = pytest.ExitCode.INTERRUPTED
        asked.reporter.say(f"Interrupted; `pytest --benchmark --resume {run.folder}` finishes it.")
    elif tables.failed(found):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
