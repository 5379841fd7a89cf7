"""Two runs against each other: which cells became faster or slower, and by how much.

Blocks of different runs have nothing in common, so both sides are resampled on their own.  The noise floor is measured
inside a block and does not hold what changed between the runs around them (another machine, another load): compare
runs of the same machine, and let `environment.json` tell the two apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from benchmarks.findings.analysis import noise_floor
from benchmarks.findings.blocks import CELL, SEED, by_block, interval, medians, pick, resampled_medians, verdict

if TYPE_CHECKING:
    from benchmarks.runs.files import Run

KEY = [name for name in CELL if name != "run"]
COLUMNS = [*KEY, "seconds_a", "seconds_b", "ratio", "ratio_low", "ratio_high", "floor", "verdict", "status"]


def compare(a: Run, b: Run) -> pd.DataFrame:
    """Compare the seconds of every cell of two runs.

    Args:
        a: the run to compare with, for example of the main branch.
        b: the run in question.

    Returns:
        One row per cell of either run, those of `a` first.  `ratio` is b / a of the medians over blocks, with a 95 %
        bootstrap interval; `floor` the larger of both noise floors; `verdict` one of `faster`, `slower` (the interval
        lies beyond the floor), `no difference`, and "" (cannot be said: no floor, or a side with a single block).
        `status` is `ok` where both sides were measured, and otherwise says what each side has instead, such as
        `only in a` or `ok in a, wrong in b`; such a row has no ratio.
    """
    left, right = by_block(a.timings), by_block(b.timings)
    keys_a, keys_b = (pd.MultiIndex.from_frame(side.cells[KEY]) for side in (left, right))
    keys = keys_a.append(keys_b[~keys_b.isin(keys_a)])
    cell_a, cell_b = keys_a.get_indexer(keys), keys_b.get_indexer(keys)

    table = keys.to_frame(index=False)
    table["seconds_a"] = pick(medians(left.seconds), cell_a)
    table["seconds_b"] = pick(medians(right.seconds), cell_b)
    ratio = (table["seconds_b"] / table["seconds_a"]).to_numpy()
    samples_a = pick(resampled_medians(left.seconds, SEED), cell_a)
    samples_b = pick(resampled_medians(right.seconds, SEED + 1), cell_b)
    low, high = interval(samples_b / samples_a)
    floor = float(np.maximum(noise_floor(a.timings), noise_floor(b.timings)))
    table["ratio"], table["ratio_low"], table["ratio_high"], table["floor"] = ratio, low, high, floor
    table["verdict"] = verdict(ratio, low, high, floor, above="slower", below="faster")
    status_a, status_b = left.cells["status"].reindex(cell_a), right.cells["status"].reindex(cell_b)
    table["status"] = [_status(one, other) for one, other in zip(status_a, status_b, strict=True)]
    return table[COLUMNS]


def _status(one: object, other: object) -> str:
    """What the two sides have; a missing cell comes as NaN."""
    if not isinstance(other, str):
        return "only in a" if one == "ok" else f"only in a, {one}"
    if not isinstance(one, str):
        return "only in b" if other == "ok" else f"only in b, {other}"
    return "ok" if one == other == "ok" else f"{one} in a, {other} in b"


def slower_than(comparison: pd.DataFrame, threshold: float) -> pd.DataFrame:
    """The cells that became slower by more than a threshold, slowest first: what a regression gate fails on.

    Args:
        comparison: from `compare`.
        threshold: a ratio b / a of at least 1; 1.1 lets pass what became up to 10 % slower.

    Returns:
        The rows of `comparison` with a verdict of `slower` and a ratio above the threshold.

    Raises:
        ValueError: the threshold is not a ratio of at least 1.
    """
    if not 1.0 <= threshold < np.inf:
        raise ValueError(f"threshold: got {threshold!r}, expected a ratio of at least 1, such as 1.1 for 10 % slower")
    slower = comparison[(comparison["verdict"] == "slower") & (comparison["ratio"] > threshold)]
    return slower.sort_values("ratio", ascending=False, ignore_index=True)
