"""Helpers of the tests of the harness: a whole run without pytest-benchmark, in a temporary folder, and bad engines."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pandas as pd

from benchmarks.cells import Cell, work
from benchmarks.engines import chosen, engine
from benchmarks.engines.base import Counts
from benchmarks.measuring import visits
from benchmarks.measuring.open_run import OpenRun
from benchmarks.options import Selection, Settings
from benchmarks.plan import plan, shuffled
from benchmarks.runs.files import Timings, read_table
from benchmarks.stopwatch import Times

CELLS = plan(Selection(families=("chain",), engines=("ad",), sizes=(1, 2, 4)))


def once(run, seconds):
    """A stopwatch that executes once and does not care for time."""
    result = run()
    return Times(1e-3, 1e-3, 1e-3, float("nan"), 1, 1), result


def begin(folder: Path, cells: list[Cell], settings: Settings, engines=None, seconds: float = 60.0) -> OpenRun:
    """An open run that has measured nothing yet."""
    wanted = shuffled(cells, settings.blocks, settings.seed)
    return OpenRun(
        folder=folder,
        settings=settings,
        visits=wanted,
        engines=engines or {engine.name: engine for engine in chosen(sorted({cell.engine for cell in cells}))},
        timings=Timings(folder),
        started=time.monotonic(),
        deadline=time.monotonic() + seconds,
        visit_cost=lambda seconds: seconds,
    )


def measured_in(folder: Path, cells: list[Cell], settings: Settings, stopwatch=once, **options) -> OpenRun:
    """An open run from the gate to the last block."""
    run = begin(folder, cells, settings, **options)
    for cell in sorted(cells, key=work):
        visits.admit(run, cell)
    for visit in run.visits:
        visits.visit(run, visit, stopwatch)
    return run


def records_of(run: OpenRun, folder: Path) -> pd.DataFrame:
    """What the run has written."""
    run.timings.close()
    return read_table(folder / "timings.csv")


def misbehaving(what, mode="reverse", **statements):
    """The engine `ad`, but for gradients of four inputs in one mode, where it does something else."""

    class Misbehaving(engine("ad")):
        def jacobian(self, asked, lanes=1):
            here = (self.problem.n_inputs, asked) == (4, mode)
            return what() if here else super().jacobian(asked, lanes)

        def count(self, execute):
            return Counts(None, None) if self.problem.n_inputs == 4 else super().count(execute)

    for name, statement in statements.items():
        setattr(Misbehaving, name, statement)
    return {"ad": Misbehaving}


def fail(problem):
    def raising(*_):
        raise problem

    return raising


def hang():
    while True:
        pass


def computing(seconds):
    """A thread that computes for a while, as a compiler does that has been given up."""

    def compute():
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            sum(range(1000))

    thread = threading.Thread(target=compute, daemon=True)
    thread.start()
    return thread
