"""Helpers of the harness's tests: a whole run without pytest-benchmark, in a temporary folder."""

from __future__ import annotations

import time
from pathlib import Path

import pandas as pd

from benchmarks.cells import Cell, work
from benchmarks.engines import chosen
from benchmarks.measuring import visits
from benchmarks.measuring.open_run import OpenRun
from benchmarks.options import Settings
from benchmarks.plan import shuffled
from benchmarks.runs.files import Timings, read_table
from benchmarks.stopwatch import Times


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
