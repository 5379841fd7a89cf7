"""What a run's timings say: the noise floor, and a summary of every cell.

Pure functions, from a DataFrame with the columns of `timings.csv` to numbers and DataFrames.  How cost grows is in
`scaling`, where reverse starts to win in `crossover`, run against run in `comparison`, all of it in words in `told`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks.findings.blocks import (
    CELL,
    SECONDS,
    Floats,
    by_block,
    in_order,
    is_twin,
    median_interval,
    medians,
    pick,
    verdict,
)

FLOOR_QUANTILE = 0.95
FEW = 5
MANY_CELLS = 20
"""With fewer pairs, or fewer cells, none is set aside as an outlier."""
FLOOR_PAIRS = 8
"""Fewer pairs than this in a class of cells say too little: it has the floor of the run."""

CLASSES = (1e-5, 1e-4, 1e-3)
"""Seconds that part the classes of cells, from short to long; the shorter a cell, the noisier."""

# When a machine is too noisy to trust.  The limits on spread are those of pyperf's `check`.
STDDEV_LIMIT = 0.10
RANGE_LIMIT = 1.50
FLOOR_LIMIT = 0.10


@dataclass(frozen=True)
class Floor:
    """The relative difference that identical cells show on this machine; NaN where it was not measured.

    Attributes:
        overall: of all cells.
        classes: of cells in each class of seconds, one more than there are `CLASSES`.
    """

    overall: float
    classes: tuple[float, ...]

    def at(self, seconds: Floats) -> Floats:
        """The floor of cells that take so long, shape of `seconds`; that of the shortest where that is unknown."""
        return np.array(self.classes)[np.searchsorted(CLASSES, np.nan_to_num(seconds))]


def noise_floor(timings: pd.DataFrame) -> float:
    """The floor of all cells: `noise_floors` says what it is."""
    return noise_floors(timings).overall


def noise_floors(timings: pd.DataFrame) -> Floor:
    """The relative difference that identical cells show on this machine, over all and by how long a cell takes.

    A cell that has a twin was measured twice in a block.  The floor is the 95 % quantile of the absolute logarithm of
    the ratio of the two, over all pairs and blocks, turned back into a ratio: 0.03 means that 19 of 20 identical pairs
    differed by less than 3 %.  No single outlier decides: the largest pair is set aside where there are five or more,
    and where there are twenty cells or more, so is the one that differs most, whose memory may lie badly for the whole
    run.

    Args:
        timings: rows of `timings.csv`.
    """
    rows = timings[timings["status"] == "ok"]
    identical = rows.assign(twin=is_twin(rows)).groupby([*CELL, "block"])
    pairs = identical.agg(low=(SECONDS, "min"), high=(SECONDS, "max"), count=(SECONDS, "size"), twin=("twin", "any"))
    pairs = pairs[pairs["twin"] & (pairs["count"] > 1)]
    pairs["spread"] = np.log(pairs["high"].to_numpy(np.float64) / pairs["low"].to_numpy(np.float64))
    of_cell = pairs.groupby(CELL)["spread"].median()
    if len(of_cell) >= MANY_CELLS:
        pairs = pairs.drop(of_cell.idxmax())
    spread = pairs["spread"].to_numpy(np.float64)
    where = np.searchsorted(CLASSES, pairs["low"].to_numpy(np.float64))
    overall = _robust_floor(spread)
    members = [spread[where == number] for number in range(len(CLASSES) + 1)]
    return Floor(overall, tuple(_robust_floor(each) if len(each) >= FLOOR_PAIRS else overall for each in members))


def _robust_floor(spread: Floats) -> float:
    if not len(spread):
        return float("nan")
    kept = np.sort(spread)[:-1] if len(spread) >= FEW else spread
    return float(np.expm1(np.quantile(kept, FLOOR_QUANTILE)))


def noise_verdict(timings: pd.DataFrame) -> str | None:
    """Say what was seen when the machine was too noisy to trust small differences, as pyperf does.

    Three witnesses are heard: the noise floor (above 10 %), the standard deviation inside a typical visit (above 10 %
    of its mean), and the slowest over the fastest block of a typical cell (above 1.5).

    Args:
        timings: rows of `timings.csv`.

    Returns:
        One line with what was too large, or None when nothing was.
    """
    seen = []
    floor = noise_floor(timings)
    if floor > FLOOR_LIMIT:
        seen.append(f"identical cells differ by {floor:.0%}")

    rows = timings[timings["status"] == "ok"]
    stddev = float((rows["seconds_stddev"] / rows["seconds_mean"]).median())  # NaN for a single round: left out
    if stddev > STDDEV_LIMIT:
        seen.append(f"stddev is {stddev:.0%} of the mean")

    seconds = by_block(timings).seconds
    seconds = seconds[(~np.isnan(seconds)).sum(axis=1) > 1]
    if len(seconds):
        swing = float(np.median(np.nanmax(seconds, axis=1) / np.nanmin(seconds, axis=1)))
        if swing > RANGE_LIMIT:
            seen.append(f"slowest/fastest block is {swing:.1f}")
    return f"Too noisy to trust: {', '.join(seen)}." if seen else None


def summarise(timings: pd.DataFrame, floor: Floor, order: Sequence[str] = ()) -> pd.DataFrame:
    """Reduce blocks to one row per cell: the columns of `summary.csv`.

    Every number is a median over blocks with a 95 % interval (`_low`, `_high`; NaN with a single block).  That of a
    speedup is widened by the noise floor: identical cells differ by so much, and so do two runs.

    Args:
        timings: rows of `timings.csv`.
        floor: the noise floor, from `noise_floors`.
        order: names of families and engines in the order of the catalogue; others follow by alphabet.

    Returns:
        One row per cell, in the order of the catalogue.  `primal_ratio` is the cell over its engine's primal, and
        `speedup` the forward gradient, with the lanes of its row, over the reverse gradient of the same engine; both
        are formed inside a block.  `speedup` and `verdict`, which is what reverse is against forward, stand on rows of
        forward gradients only.  Only `ok` cells carry numbers.
    """
    matrix = by_block(timings)
    table = matrix.cells[
        ["run", "graph", "size", "n_inputs", "n_outputs", "n_ops", "engine", "mode", "quantity", "lanes", "dtype"]
    ].copy()
    table["blocks"] = (~np.isnan(matrix.seconds)).sum(axis=1)
    for name, values in (
        ("seconds", matrix.seconds),
        ("primal_ratio", matrix.primal_ratio()),
        ("speedup", matrix.speedup()),
    ):
        middle, low, high = median_interval(values)
        table[f"{name}_median" if name == "seconds" else name] = middle
        table[f"{name}_low"], table[f"{name}_high"] = low, high
    bounds = [table[name].to_numpy() for name in ("speedup", "speedup_low", "speedup_high")]
    seconds = medians(matrix.seconds)
    edge = floor.at(np.fmin(seconds, pick(seconds, matrix.partner("reverse", "gradient"))))
    table["verdict"] = verdict(bounds[0], bounds[1], bounds[2], edge, above="faster", below="slower")
    widened = 1.0 + np.nan_to_num(edge)
    table["speedup_low"], table["speedup_high"] = bounds[1] / widened, bounds[2] * widened
    table["status"] = matrix.cells["status"]
    return in_order(table, order)
