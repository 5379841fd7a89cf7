"""The pytest side of a run: hooks around the visits that `test_cells.py` collects, and nothing but hooks.

The root `conftest.py` registers this module; `python -m benchmarks run` starts pytest with it.  Measuring, opening and
closing a run are in `measuring`, which knows nothing of pytest.
"""

from __future__ import annotations

import functools
import gc
import importlib.util
import os
import sys
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from benchmarks.cells import Visit
from benchmarks.findings import tables
from benchmarks.measuring.ending import Watch, leave, owned
from benchmarks.measuring.interrupting import Interruptions
from benchmarks.measuring.open_run import OpenRun, close_run, open_run, seconds_left
from benchmarks.measuring.progress import Reporter
from benchmarks.measuring.resuming import resumed_settings
from benchmarks.measuring.visits import admit_all
from benchmarks.options import OptionError, Settings, settings_from
from benchmarks.plan import of_engines, plan, shuffled
from benchmarks.runs.columns import IDENTITY
from benchmarks.runs.environment import clock
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
INTERRUPTIONS = pytest.StashKey[Interruptions]()
FINISHED = pytest.StashKey[bool]()
WATCH = pytest.StashKey[Watch]()
SESSION = pytest.StashKey[pytest.Session]()


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
        visits = shuffled(plan(settings.selection), settings.most_blocks, settings.seed)
        if only := config.getoption("--only"):
            visits = of_engines(visits, only)
        elif settings.apart and resume is None:
            raise OptionError("--apart: is for `python -m benchmarks run`, which starts a process for every engine")
    except (OptionError, RecordError) as problem:
        raise pytest.UsageError(str(problem)) from None
    if reason := unusable(config):
        raise pytest.UsageError(reason)
    if not any(a.startswith(f"--benchmark-{name}") for a in config.invocation_params.args for name in TABLE_OPTIONS):
        config.option.benchmark_quiet = True
    if getattr(config.option, "verbose", None) == 0:  # there is none without a terminal
        config.option.verbose = -1  # the reporter says where the run is
    # A visit that is interrupted, or given up for want of time, does not use the fixture that it has asked for.
    config.addinivalue_line("filterwarnings", "ignore:Benchmark fixture was not used")
    config.stash[INTERRUPTIONS] = interruptions = Interruptions()
    config.add_cleanup(interruptions.listen())
    config.stash[ASKED] = Asked(settings, results, resume, visits, time.monotonic(), Reporter(sys.stdout), draw)


def unusable(config: pytest.Config) -> str | None:
    """In one line which option could not be followed to the end, which is said before anything is measured."""
    option = config.option
    if getattr(option, "numprocesses", None):
        return "--benchmark: cells are measured one at a time; leave out -n"
    needs = {
        "histogram": ("pygal", "pygaljs") if option.benchmark_histogram else (),
        "elasticsearch": ("elasticsearch",) if option.benchmark_storage.startswith("elasticsearch+") else (),
    }
    for extra, packages in needs.items():
        for package in packages:
            if importlib.util.find_spec(package) is None:
                name = "--benchmark-histogram" if extra == "histogram" else "--benchmark-storage"
                return f"{name}: needs the package {package}: pip install 'pytest-benchmark[{extra}]'"
    if option.benchmark_json and not Path(option.benchmark_json).absolute().parent.is_dir():
        return f"--benchmark-json: got '{option.benchmark_json}', expected a file in a folder that there is"
    if option.benchmark_timer.endswith("_ns"):
        return f"--benchmark-timer: got {option.benchmark_timer!r}, expected a clock that counts seconds"
    return None


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """Open the run, let pytest make the visits, and note whether it has come to their end."""
    _begin(session)
    result = yield
    session.config.stash[FINISHED] = True
    return result


def _begin(session: pytest.Session) -> None:
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
            details={
                "pytest_benchmark": {**details, "garbage_collector": "off while timing, on between visits"},
                "clock": clock(config.getoption("benchmark_timer")),
            },
            started=asked.started,
        )
    except (OptionError, RecordError, OSError) as problem:
        raise pytest.UsageError(str(problem)) from None
    config.stash[RUN], config.stash[SESSION] = run, session
    if owned("pytest", "benchmarks"):
        config.stash[WATCH] = watch = Watch(run.settings.time_limit, _giving_up(run))
        run.watched = watch.over
    _keep()
    with writing(run), config.stash[INTERRUPTIONS].at_once():
        admit_all(run, asked.reporter)
    config.stash[INTERRUPTIONS].stop = functools.partial(setattr, session, "shouldstop", "told to end")
    todo = {visit for visit in run.visits if visit.block <= run.blocks and visit.cell in run.ready}
    session.items[:] = [item for item in session.items if visit_of(item) in todo]
    _keep()
    asked.reporter.phase(f"Timing {len(run.ready)} cells in {run.blocks} blocks")


def _giving_up(run: OpenRun) -> Callable[[object, float], None]:
    """What ends a run whose cell does not: all that it has is kept, and resuming goes on without that cell."""
    screen = os.dup(1)  # pytest captures the file of that number while a cell is timed

    def give_up(cell: object, seconds: float) -> None:
        said = f"error: {cell}: still running after {seconds:.3g} s, in code that cannot be interrupted"
        os.write(screen, f"{said}\n{interrupted_line(run)}\n".encode())
        os._exit(pytest.ExitCode.INTERRUPTED)

    return give_up


def interrupted_line(run: OpenRun) -> str:
    """What to do about a run that has not come to its end."""
    return f"Interrupted; `pytest --benchmark --resume={run.folder}` finishes it."


@contextmanager
def writing(run: OpenRun) -> Iterator[None]:
    """End the session in one line where a record cannot be written, as on a full disk."""
    try:
        yield
    except OSError as problem:
        pytest.exit(f"{run.folder}: cannot be written: {problem}", returncode=pytest.ExitCode.INTERNAL_ERROR)


def _keep() -> None:
    """What lives now lives until the end of the run; the collector need not look at it between visits."""
    gc.collect()
    gc.freeze()


def visit_of(item: pytest.Item) -> Visit:
    """The visit that an item of `test_cells.py` makes."""
    visit: Visit = item.callspec.params["visit"]  # type: ignore[attr-defined]
    return visit


def describe(benchmark: Any, run: OpenRun, visit: Visit) -> None:
    """Tell pytest-benchmark what a visit is: for its JSON, and for its table, grouped by problem and mode."""
    cell = visit.cell
    benchmark.group = f"{cell.graph} {cell.problem.n_inputs}x{cell.problem.n_outputs} {cell.quantity}"
    fields = {"block": visit.block, "twin": visit.twin, **dict(zip(IDENTITY, cell.identity, strict=True))}
    benchmark.extra_info.update(run=run.name, **fields)
    benchmark.params = {"visit": str(visit), **fields}  # so that `--benchmark-group-by=param:engine` works


def stopwatch(benchmark: Any, config: pytest.Config) -> Stopwatch:
    """pytest-benchmark's fixture as a stopwatch.

    It calibrates rounds and iterations for what is short.  What is longer than its `max_time` would only be executed
    more often by calibrating, so that is timed in `min_rounds` rounds of one execution.
    """
    longest, rounds = float(config.getoption("benchmark_max_time")), config.getoption("benchmark_min_rounds")

    def read(run: Callable[[], Any], seconds: float) -> tuple[Times, Any] | None:
        result = benchmark.pedantic(run, rounds=rounds) if seconds > longest else benchmark(run)
        if benchmark.disabled:
            return None
        seen = benchmark.stats.stats
        spread = float(seen.stddev) if seen.rounds > 1 else float("nan")
        return Times(seen.min, seen.median, seen.mean, spread, seen.rounds, benchmark.stats.iterations), result

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
        stash[ASKED].reporter.at(None, str(visit_of(item)), seconds_left(stash[RUN]))


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """No dots: the reporter says where the run is."""
    return (report.outcome, "", "") if report.when == "call" and not report.failed else None


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write what follows from the timings, also of an interrupted run, and say what was found."""
    asked, run = session.config.stash[ASKED], session.config.stash.get(RUN, None)
    if run is None:
        return
    gc.unfreeze()
    if WATCH in session.config.stash:
        session.config.stash[WATCH].close()
    stopped = FINISHED not in session.config.stash
    said: list[str] = []
    try:
        with session.config.stash[INTERRUPTIONS].at_once():
            found, stopped = close_run(run, asked.reporter, interrupted=stopped)
            said += tables.lines(found)
            if not stopped:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED if tables.failed(found) else session.exitstatus
                if not session.config.getoption("--no-plots"):
                    asked.reporter.phase("Drawing")
                    said += asked.draw(run.folder)
    except KeyboardInterrupt:
        stopped = True
    except (OSError, RecordError) as problem:
        stopped, session.exitstatus = True, pytest.ExitCode.INTERNAL_ERROR
        said.append(f"error: {problem}")
    finally:
        run.close()
        asked.reporter.close()
    if stopped:
        said.append(interrupted_line(run))
        if session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            session.exitstatus = pytest.ExitCode.INTERRUPTED
    for line in said:
        asked.reporter.say(line)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Let the process end, where it is pytest's; `python -m benchmarks` sees to that itself."""
    if SESSION in config.stash and owned("pytest"):
        leave(int(config.stash[SESSION].exitstatus))
