"""Timings as a matrix of cells by blocks: ratios formed inside a block, medians over blocks, intervals.

This is the arithmetic under every statistic of a run.  What the numbers mean is said in `analysis`, `scaling`,
`crossover` and `comparison`; measuring, and reading or writing files, happen elsewhere.

The seconds of a visit are its `seconds_median`.  A ratio is formed inside a block, where both sides saw the same
machine.  From five blocks on, the interval of a median over blocks is made of observed values: of n independent ones,
as many lie below their true median as heads fall in n throws, so the binomial law says how often two of them enclose
it (94 % with 5 blocks, never less than 93 %), whatever the noise is like.  Two to four values cannot give 95 % that
way; there it is the t interval of the mean of the logarithms, which is right where noise multiplies as often as it
divides.  One block has no interval.

All intervals are within one run.  They hold the noise from block to block, not what a process keeps from its start to
its end: where its memory came to lie, the frequency of the processor, what else ran.  Another run may lie outside.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from benchmarks.runs.columns import IDENTITY

Floats = NDArray[np.float64]

CELL = ["run", *IDENTITY]
SHARED = ["run", *(name for name in IDENTITY if name not in ("mode", "quantity", "lanes"))]
"""What the two cells of a ratio share: the run, the problem, the engine and the dtype."""
SECONDS = "seconds_median"
SORTED_BY = ["run", "graph", "engine", "n_inputs", "n_outputs", "size", "mode", "quantity", "lanes", "dtype"]
ORDER = ["primal", "forward", "reverse", "jvp", "vjp", "gradient"]
SEED = 20260
DRAWS = 2000
LARGEST = 300.0
"""Logarithms of draws go no further than this either way, which is short of overflow."""
COVERAGE = 0.95

BLOCKS = 5
"""From so many blocks on, order statistics give 95 %; below, the t interval is used."""

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
        numbers = pd.Series(wanted.index.to_numpy(), index=pd.MultiIndex.from_frame(wanted[SHARED]))
        found = numbers.reindex(pd.MultiIndex.from_frame(cells[SHARED]))
        return found.fillna(-1).to_numpy().astype(np.intp)

    def speedup(self) -> Floats:
        """Forward seconds over one-lane reverse seconds of each forward gradient, shape (cells, blocks).

        Every other cell is NaN: a comparison stands in one place only, with the lanes of the forward side.
        """
        forward = (self.cells["quantity"] == "gradient") & (self.cells["mode"] == "forward")
        own = np.where(forward, np.arange(len(self.cells)), -1)
        return self.ratio(own, self.partner("reverse", "gradient"))

    def primal_ratio(self) -> Floats:
        """Seconds of each cell over the seconds of its engine's primal on the same problem, shape (cells, blocks)."""
        return self.ratio(np.arange(len(self.cells)), self.partner("primal", "primal"))


def pick(values: Floats, cells: NDArray[np.intp]) -> Floats:
    """Rows of `values` by cell number; the number -1, for a cell that does not exist, gives NaN."""
    missing = np.full((1, *values.shape[1:]), np.nan)
    picked: Floats = np.concatenate([values, missing])[cells]
    return picked


def at_best(timings: pd.DataFrame) -> pd.DataFrame:
    """Timings rows in which each mode is at its best: of its gradients of a problem, only those of the fastest lanes.

    They are told as one lane, so that whatever compares the textbook's modes compares the best of either instead.
    """
    gradients = timings[(timings["quantity"] == "gradient") & ~is_twin(timings)]
    seconds = gradients[gradients["status"] == "ok"].groupby([*SHARED, "mode", "lanes"])[SECONDS].median()
    best = pd.MultiIndex.from_tuples(seconds.groupby([*SHARED, "mode"]).idxmin(), names=seconds.index.names)
    kept = pd.MultiIndex.from_frame(timings[[*best.names]]).isin(best)
    return timings[kept | (timings["quantity"] != "gradient")].assign(lanes=1)


def is_twin(timings: pd.DataFrame) -> pd.Series[bool]:
    """Which records are twins, the second of two identical cells: they measure the noise floor and nothing else."""
    return timings["twin"] == 1


def by_block(timings: pd.DataFrame) -> Blocks:
    """Arrange timings rows, without twins, as a matrix of cells by blocks.

    Args:
        timings: rows of `timings.csv`.

    Returns:
        Cells in the order in which they first appear.

    Raises:
        ValueError: a record has an unknown status.
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


def in_order(table: pd.DataFrame, order: Sequence[str]) -> pd.DataFrame:
    """Sort records as the catalogue lists families and engines; the order of measuring is shuffled.

    Args:
        table: with any of the columns run, graph, engine, n_inputs, n_outputs, size, mode, quantity and lanes.
        order: names of families and engines; names that it lacks follow by alphabet.
    """
    known = {name: f"{rank:06}" for rank, name in enumerate([*order, *ORDER])}
    keys = [name for name in SORTED_BY if name in table.columns]
    ranks = dict.fromkeys(("graph", "engine", "mode", "quantity"), lambda name: known.get(name, f"~{name}"))
    ranks["size"] = _rank_of_size
    return table.sort_values(
        keys,
        key=lambda column: column.map(ranks[column.name]) if column.name in ranks else column,
        ignore_index=True,
        kind="stable",
    )


def _rank_of_size(size: str) -> str:
    """Text that sorts as sizes grow: `8x16` by its product, then by its numbers."""
    numbers = [int(number) for number in size.split("x")]
    return " ".join(f"{number:020}" for number in (math.prod(numbers), *numbers))


def sizes(cells: pd.DataFrame) -> Floats:
    """The size that a family grows by: its inputs; its outputs where only those vary, as in the transposed kind."""
    inputs: Floats = cells["n_inputs"].to_numpy(np.float64)
    outputs: Floats = cells["n_outputs"].to_numpy(np.float64)
    if len(set(inputs)) > 1:
        return inputs
    return outputs if len(set(outputs)) > 1 else np.fmax(inputs, outputs)


def medians(values: Floats) -> Floats:
    """Median over blocks, shape (rows,), of values of shape (rows, blocks); NaN marks what was not measured."""
    measured = ~np.isnan(values).all(axis=1)
    result = np.full(len(values), np.nan)
    result[measured] = np.nanmedian(values[measured], axis=1)
    return result


def median_draws(values: Floats, seed: int = SEED) -> Floats:
    """Where the true median of each row may lie, as draws whose central 95 % are its interval.

    All rows are drawn high together and low together.  That makes no row's interval wider, and what is computed from
    several rows of one draw (a crossover) errs on the wide side.

    Args:
        values: shape (rows, blocks), positive; NaN marks what was not measured.
        seed: of the order of the draws: two calls with different seeds are independent.

    Returns:
        Shape (rows, DRAWS); a row measured in fewer than two blocks is NaN, since its spread is unknown.
    """
    draws = np.full((len(values), DRAWS), np.nan)
    chance = np.random.default_rng(seed).permutation((np.arange(DRAWS) + 0.5) / DRAWS)
    measured = ~np.isnan(values)
    counts = measured.sum(axis=1)
    for count in np.unique(counts[counts > 1]):
        rows = np.flatnonzero(counts == count)
        ordered = np.sort(values[rows][measured[rows]].reshape(len(rows), count), axis=1)
        if count < BLOCKS:
            logs = np.log(ordered)
            error = logs.std(axis=1, ddof=1, keepdims=True) / np.sqrt(count)
            drawn = logs.mean(axis=1, keepdims=True) + error * stats.t.ppf(chance, count - 1)
            draws[rows] = np.exp(np.clip(drawn, -LARGEST, LARGEST))  # two blocks have heavy tails
        else:
            draws[rows] = ordered[:, _order(chance, int(count))]
    return draws


def _order(chance: Floats, count: int) -> NDArray[np.intp]:
    """Which of `count` ordered values (from 0) stands for the true median, for each quantile of it.

    With `below` values under the true median, it lies between two neighbours; either stands for it half of the time.
    """
    below = np.arange(count + 1)
    weight = stats.binom.pmf(below, count, 0.5)
    share = np.zeros(count)
    np.add.at(share, np.maximum(below - 1, 0), 0.5 * weight)
    np.add.at(share, np.minimum(below, count - 1), 0.5 * weight)
    return np.minimum(np.searchsorted(np.cumsum(share), chance), count - 1)


def interval(draws: Floats) -> tuple[Floats, Floats]:
    """The central 95 % of each row of draws; NaN for a row that has a NaN.

    Infinities are allowed, and mean "beyond what was measured": quantiles are values of the draws themselves.
    """
    tail = (1.0 - COVERAGE) / 2.0
    low, high = np.quantile(draws, [tail, 1.0 - tail], axis=-1, method="inverted_cdf")
    return low, high


def median_interval(values: Floats) -> tuple[Floats, Floats, Floats]:
    """Median over blocks and its 95 % interval: three arrays of shape (rows,)."""
    low, high = interval(median_draws(values))
    return medians(values), low, high


def verdict(middle: Floats, low: Floats, high: Floats, floor: float | Floats, above: str, below: str) -> NDArray[Any]:
    """Say in a word what each ratio shows, given its interval and the noise floor.

    Args:
        middle: the ratios, shape (rows,).
        low: lower ends of their intervals.
        high: upper ends.
        floor: the noise floor as a relative ratio, for example 0.03; one for all, or shape (rows,).
        above: the word for a ratio above 1.
        below: the word for a ratio below 1.

    Returns:
        Shape (rows,): `above` or `below` where the whole interval lies beyond the noise floor; "" where nothing can
        be said (no floor, or a ratio outside the floor with no interval); otherwise "no difference".
    """
    edge = 1.0 + floor
    inside = (middle <= edge) & (middle >= 1.0 / edge)
    known = ~np.isnan(low) & ~np.isnan(high) & ~np.isnan(floor)
    choices = [known & (low > edge), known & (high < 1.0 / edge), known | inside]
    return np.select(choices, [above, below, "no difference"], default="").astype(object)
