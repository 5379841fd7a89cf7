"""Timings as a matrix of cells by blocks: ratios formed inside a block, medians over blocks, bootstrap intervals.

This is the arithmetic under every statistic of a run.  What the numbers mean is said in `analysis`, `scaling`,
`crossover` and `comparison`; measuring, and reading or writing files, happen elsewhere.

The seconds of a visit are its `seconds_median`.  A ratio is formed inside a block, where both sides saw the same
machine, and its interval comes from resampling blocks (`scipy.stats.bootstrap`, percentile method).  That is the
method which stays sound for a median of few values: the interval is made of observed values, never of a variance that
a handful of blocks cannot give.  With 5 blocks it spans all that was seen and covers the true median in 94 % of runs;
with 7 to 15 blocks in 87 to 96 %, by the binomial law of order statistics.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from benchmarks.runs.columns import IDENTITY

Floats = NDArray[np.float64]

CELL = ["run", *IDENTITY]
PROBLEM = ["run", "graph", "n_inputs", "n_outputs", "engine"]
SECONDS = "seconds_median"
SEED = 20260
RESAMPLES = 2000
COVERAGE = 0.95

# A cell has one status although it was visited in several blocks: the first of these that any of its rows has.
# An answer that was wrong once is not trusted in the other blocks either; other failures leave what was measured.
PRECEDENCE = ["wrong", "ok", "error", "out_of_memory", "over_budget", "unsupported"]


@dataclass(frozen=True)
class Blocks:
    """The timings of one or more runs as a matrix.

    Attributes:
        cells: one row per cell, index 0, 1, ...; the columns of `CELL`, then `n_ops` and `status`.
        seconds: shape (cells, blocks); NaN where a cell was not measured, or where its status is not `ok`.
    """

    cells: pd.DataFrame
    seconds: Floats

    def ratio(self, numerator: NDArray[np.intp], denominator: NDArray[np.intp]) -> Floats:
        """Ratios formed inside each block, shape (pairs, blocks); a cell number of -1 gives a row of NaN."""
        return pick(self.seconds, numerator) / pick(self.seconds, denominator)

    def partner(self, mode: str, quantity: str) -> NDArray[np.intp]:
        """For each cell, the number of the one-lane cell of this mode and quantity on the same problem and engine.

        Returns:
            Shape (cells,); -1 where there is no such cell.
        """
        cells = self.cells
        wanted = cells[(cells["mode"] == mode) & (cells["quantity"] == quantity) & (cells["lanes"] == 1)]
        numbers = pd.Series(wanted.index.to_numpy(), index=pd.MultiIndex.from_frame(wanted[PROBLEM]))
        found = numbers.reindex(pd.MultiIndex.from_frame(cells[PROBLEM]))
        return found.fillna(-1).to_numpy().astype(np.intp)

    def speedup(self) -> Floats:
        """Forward seconds over reverse seconds for each full gradient, shape (cells, blocks); NaN for other cells.

        A forward cell is compared with the reverse cell of one lane, and a reverse cell with the forward cell of one
        lane, on the same problem and engine.
        """
        own = np.arange(len(self.cells))
        gradient = (self.cells["quantity"] == "gradient").to_numpy()
        forward = gradient & (self.cells["mode"] == "forward").to_numpy()
        reverse = gradient & (self.cells["mode"] == "reverse").to_numpy()
        numerator = np.where(forward, own, np.where(reverse, self.partner("forward", "gradient"), -1))
        denominator = np.where(reverse, own, np.where(forward, self.partner("reverse", "gradient"), -1))
        return self.ratio(numerator, denominator)

    def primal_ratio(self) -> Floats:
        """Seconds of each cell over the seconds of its engine's primal on the same problem, shape (cells, blocks)."""
        return self.ratio(np.arange(len(self.cells)), self.partner("primal", "primal"))


def pick(values: Floats, cells: NDArray[np.intp]) -> Floats:
    """Rows of `values` by cell number; the number -1, for a cell that does not exist, gives NaN."""
    missing = np.full((1, *values.shape[1:]), np.nan)
    picked: Floats = np.concatenate([values, missing])[cells]
    return picked


def is_twin(timings: pd.DataFrame) -> pd.Series[bool]:
    """Which records are twins, the second of two identical cells: they measure the noise floor and nothing else."""
    return timings["twin"] == 1


def by_block(timings: pd.DataFrame) -> Blocks:
    """Arrange timings rows, without twins, as a matrix of cells by blocks.

    Args:
        timings: rows of `timings.csv`.

    Returns:
        Cells in the order in which they first appear.
    """
    rows = timings[~is_twin(timings)].reset_index(drop=True)
    cell = rows.groupby(CELL, sort=False, dropna=False).ngroup().to_numpy()
    block, blocks = pd.factorize(rows["block"])
    rank = rows["status"].map({status: rank for rank, status in enumerate(PRECEDENCE)})
    if rank.isna().any():
        unknown = rows.loc[rank.isna(), "status"].iloc[0]
        raise ValueError(f"timings: status is {unknown!r}, expected one of {', '.join(PRECEDENCE)}")

    cells = rows.loc[~pd.Series(cell).duplicated().to_numpy(), [*CELL, "n_ops"]].reset_index(drop=True)
    cells["status"] = [PRECEDENCE[first] for first in rank.groupby(cell).min().astype(int)]

    seconds = np.full((len(cells), max(len(blocks), 1)), np.nan)
    ok = (rows["status"] == "ok").to_numpy()
    seconds[cell[ok], block[ok]] = rows[SECONDS].to_numpy(dtype=np.float64)[ok]
    seconds[(cells["status"] != "ok").to_numpy()] = np.nan
    return Blocks(cells, seconds)


def sizes(cells: pd.DataFrame) -> Floats:
    """The size that a family grows by: its inputs, or its outputs where it has more of those (the transposed kind)."""
    inputs: Floats = cells["n_inputs"].to_numpy(np.float64)
    outputs: Floats = cells["n_outputs"].to_numpy(np.float64)
    return np.fmax(inputs, outputs)


def medians(values: Floats) -> Floats:
    """Median over blocks, shape (rows,), of values of shape (rows, blocks); NaN marks what was not measured."""
    measured = ~np.isnan(values).all(axis=1)
    result = np.full(len(values), np.nan)
    result[measured] = np.nanmedian(values[measured], axis=1)
    return result


def resampled_medians(values: Floats, seed: int = SEED) -> Floats:
    """Bootstrap distribution of the median over blocks.

    Rows measured in the same blocks are resampled together, so what a whole block has in common stays in common.

    Args:
        values: shape (rows, blocks); NaN marks what was not measured.
        seed: of the resampling; fixed, so that the same timings always give the same interval.

    Returns:
        Shape (rows, RESAMPLES); a row measured in fewer than two blocks is NaN, since its spread is unknown.
    """
    distribution = np.full((len(values), RESAMPLES), np.nan)
    measured = ~np.isnan(values)
    counts = measured.sum(axis=1)
    for count in np.unique(counts[counts > 1]):
        rows = np.flatnonzero(counts == count)
        compact = values[rows][measured[rows]].reshape(len(rows), count)
        result = stats.bootstrap(
            (compact,),
            np.median,
            axis=-1,
            vectorized=True,
            n_resamples=RESAMPLES,
            batch=50,  # small pieces stay in the cache: twice as fast as one piece
            confidence_level=COVERAGE,
            method="percentile",
            rng=seed,
        )
        distribution[rows] = result.bootstrap_distribution
    return distribution


def interval(distribution: Floats) -> tuple[Floats, Floats]:
    """The central 95 % of each row of a bootstrap distribution; NaN for a row that has a NaN.

    Infinities are allowed, and mean "beyond what was measured": quantiles are values of the distribution itself.
    """
    tail = (1.0 - COVERAGE) / 2.0
    low, high = np.quantile(distribution, [tail, 1.0 - tail], axis=-1, method="inverted_cdf")
    return low, high


def median_interval(values: Floats) -> tuple[Floats, Floats, Floats]:
    """Median over blocks and its 95 % bootstrap interval: three arrays of shape (rows,)."""
    low, high = interval(resampled_medians(values))
    return medians(values), low, high


def verdict(middle: Floats, low: Floats, high: Floats, floor: float, above: str, below: str) -> NDArray[Any]:
    """Say in a word what each ratio shows, given its interval and the noise floor.

    Args:
        middle: the ratios, shape (rows,).
        low: lower ends of their intervals.
        high: upper ends.
        floor: the noise floor as a relative ratio, for example 0.03.
        above: the word for a ratio above 1.
        below: the word for a ratio below 1.

    Returns:
        Shape (rows,): `above` or `below` where the whole interval lies beyond the noise floor; "" where nothing can
        be said (no floor, or a ratio outside the floor with no interval); otherwise "no difference".
    """
    edge = 1.0 + floor
    inside = (middle <= edge) & (middle >= 1.0 / edge)
    known = ~np.isnan(low) & ~np.isnan(high) & (not np.isnan(floor))
    choices = [low > edge, high < 1.0 / edge, known | inside]
    return np.select(choices, [above, below, "no difference"], default="").astype(object)
