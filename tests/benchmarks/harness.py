"""Helpers of the harness's tests: a whole campaign without pytest-benchmark, in a temporary folder."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import pandas as pd

from benchmarks.cells import Cell, shuffled, work
from benchmarks.engines import load
from benchmarks.measuring import measure
from benchmarks.measuring.measure import Campaign, Times
from benchmarks.options import Settings
from benchmarks.runs.files import Timings, read_table


def once(run, seconds):
    """A stopwatch that executes once and does not care for time."""
    run()
    return Times(1e-3, 1e-3, 1e-3, float("nan"), 1, 1)


def begin(folder: Path, cells: list[Cell], settings: Settings, engines=None, seconds: float = 60.0) -> Campaign:
    """A campaign that has measured nothing yet."""
    visits = shuffled(cells, settings.blocks, settings.seed)
    return Campaign(
        name=folder.name,
        settings=settings,
        engines=engines or load(["ad"]),
        timings=Timings(folder),
        deadline=time.monotonic() + seconds,
        visit_cost=lambda seconds: seconds,
        left=Counter(visit.cell for visit in visits),
    )


def campaign_in(folder: Path, cells: list[Cell], settings: Settings, stopwatch=once, **options) -> Campaign:
    """A campaign from the gate to the last block."""
    campaign = begin(folder, cells, settings, **options)
    for cell in sorted(cells, key=work):
        measure.admit(campaign, cell)
    for visit in shuffled(cells, settings.blocks, settings.seed):
        measure.visit(campaign, visit, stopwatch)
    return campaign


def rows_of(campaign: Campaign, folder: Path) -> pd.DataFrame:
    """What the campaign has written."""
    campaign.timings.close()
    return read_table(folder / "timings.csv")
