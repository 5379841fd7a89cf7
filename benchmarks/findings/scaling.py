"""How the cost of a gradient grows: the exponent of its ratio to the primal, with an interval and a verdict.

Theory says that a full gradient of N inputs costs a multiple of the primal that grows as N**1 in forward mode and
as N**0 in reverse mode.  Measured curves bend at small N, because every call has a constant overhead: in the gradient
(the curve starts too high) or in the primal (it starts too low).  A straight line through such a curve is fooled.  So
the fit is a power with one correction that dies out,

    log ratio(N) = constant + p log N  +-  log(1 + A N**-w),        w in {1/2, 1, 2},

the leading correction to scaling of statistical physics.  It contains a constant in the ratio (c0 + c1 N**p is the
case w = p) and a constant in the seconds (w = 1) of either side.  The correction must have sunk to at most half of the
cost by the geometric middle of the measured sizes, because a "constant" that lasts longer cannot be told from the cost
itself; this is what keeps p determined on a flat curve.  It is used only where it pays for its two parameters (BIC).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.findings.blocks import Floats, by_block, interval, medians, resampled_medians, sizes

MARGIN = 0.1
"""An exponent this close to theory's agrees with it: what caches and memory add over the measured sizes."""

MODEL_ERROR = 0.01
"""Relative error below which a better fit is no evidence: no curve of timings follows a formula closer than that."""

RESOLUTION = 0.01
"""How closely the grid of corrections can tell an exponent, whatever the noise; no interval is narrower."""

POINTS = 4
DECAYS = (0.5, 1.0, 2.0)
AMPLITUDES = 48
CURVE = ["run", "graph", "engine", "mode", "quantity", "lanes"]
COLUMNS = [*CURVE, "points", "n_min", "n_max", "exponent", "exponent_low", "exponent_high", "theory", "verdict"]


@dataclass(frozen=True)
class Fit:
    """The best power with a correction, for each of several curves over the same sizes.

    Attributes:
        exponent: shape (curves,).
        residual: what the fit leaves of each log ratio, shape (curves, sizes).
        lasting: whether the correction is about as strong as it may be, so that more of the curve's bend may be
            overhead than the fit can take away, shape (curves,).
    """

    exponent: Floats
    residual: Floats
    lasting: NDArray[np.bool_]


def scaling(timings: pd.DataFrame, floor: float) -> pd.DataFrame:
    """Fit how each family's full gradient grows relative to the primal: the columns of `scaling.csv`.

    Args:
        timings: rows of `timings.csv`.
        floor: the noise floor, from `benchmarks.findings.analysis.noise_floor`; it widens what counts as agreement.

    Returns:
        One row per graph, engine, mode and lanes that was measured at any size.  `exponent_low` and `exponent_high`
        bound 95 % of the bootstrap over blocks, widened by what the fit's residuals can do to a slope.  `theory` is 1
        or 0, and the other way round where a family grows by its outputs.  `verdict` is

        - `inconclusive` with fewer than four sizes or less than a decade of them, with a single block, with an
          interval so wide that it cannot tell neighbouring integers apart, or where the curve bends away from the fit
          at its large end;
        - `agrees` when theory lies in the interval, widened by 0.1 or by the slope that the noise floor could feign;
        - `disagrees` otherwise, unless overhead may last beyond the middle of the sizes: then `inconclusive`, too.
    """
    matrix = by_block(timings)
    ratios = matrix.primal_ratio()
    gradient = (matrix.cells["quantity"] == "gradient") & (matrix.cells["graph"] != "map")
    curves = matrix.cells[gradient].groupby(CURVE, sort=False)
    rows = [
        dict(zip(CURVE, key, strict=True)) | _curve(cells, ratios[cells.index.to_numpy()], floor)
        for key, cells in curves
        if not np.isnan(ratios[cells.index.to_numpy()]).all()
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _curve(cells: pd.DataFrame, ratios: Floats, floor: float) -> dict[str, object]:
    """Everything that a row of `scaling.csv` says after its key, for one curve of shape (sizes, blocks)."""
    theory = float((cells["mode"].iloc[0] == "reverse") == bool(cells["n_outputs"].max() > 1))
    n, ratios = repeated(sizes(cells), ratios)
    result: dict[str, object] = {"points": len(n), "n_min": int(n[0]), "n_max": int(n[-1])}
    result |= {"theory": theory, "verdict": "inconclusive"}
    if len(n) < 2:
        return result

    best = fit(n, np.log(medians(ratios))[np.newaxis])
    exponent = float(best.exponent[0])
    lows, highs = interval(fit(n, np.log(resampled_medians(ratios)).T).exponent[np.newaxis])
    slack = max(_slope_error(n, best.residual[0]), RESOLUTION)
    low, high = float(lows[0]) - slack, float(highs[0]) + slack

    margin = max(MARGIN, 2.0 * float(np.nan_to_num(np.log1p(floor))) / float(np.log(n[-1] / n[0])))
    determined = len(n) >= POINTS and n[-1] >= 10.0 * n[0] and high - low < 1.0
    if determined and abs(_end_slope(n, best.residual[0])) <= margin:
        if low - margin <= theory <= high + margin:
            result["verdict"] = "agrees"
        elif not best.lasting[0]:
            result["verdict"] = "disagrees"
    return result | {"exponent": exponent, "exponent_low": low, "exponent_high": high}


def repeated(n: Floats, values: Floats) -> tuple[Floats, Floats]:
    """The measured sizes in increasing order, with their values.

    A size seen in a single block has no spread of its own, so it is left out where other sizes have one.

    Args:
        n: sizes, shape (sizes,).
        values: shape (sizes, blocks); NaN marks what was not measured.

    Returns:
        The sizes and values that are kept.
    """
    counts = (~np.isnan(values)).sum(axis=1)
    order = np.argsort(n)
    kept = order[counts[order] >= min(2, counts.max(initial=1))]
    return n[kept], values[kept]


def fit(n: Floats, log_ratio: Floats) -> Fit:
    """Fit a power of n, with at most one correction that dies out, to each curve by least squares in logarithms.

    For a given correction the fit is a straight line, in closed form; so all corrections on a grid are tried, for all
    curves at once, and the one with the least BIC is taken.  The optimum is global and needs no starting point.

    Args:
        n: sizes in increasing order, shape (sizes,), at least two.
        log_ratio: shape (curves, sizes).

    Returns:
        The fit; NaN for a curve that has a NaN.
    """
    corrections, lasting = _corrections(n)
    x = np.log(n) - np.log(n).mean()
    y = log_ratio - log_ratio.mean(axis=1, keepdims=True)
    h = corrections - corrections.mean(axis=1, keepdims=True)
    # Sums of squares of y - h - slope * x, for every curve (rows) and correction (columns), without forming them.
    slope = (y @ x)[:, np.newaxis] / (x @ x) - (h @ x) / (x @ x)
    squares = (y * y).sum(axis=1)[:, np.newaxis] - 2.0 * y @ h.T + (h * h).sum(axis=1) - slope**2 * (x @ x)
    parameters = np.where(np.arange(len(h)) == 0, 0, 2)
    # exp(BIC / sizes), which has its minimum in the same place and needs no logarithms.
    score = (np.maximum(squares, 0.0) / len(n) + MODEL_ERROR**2) * len(n) ** (parameters / len(n))
    choice = np.argmin(score, axis=1)
    exponent = slope[np.arange(len(y)), choice]
    return Fit(exponent, y - h[choice] - exponent[:, np.newaxis] * x, lasting[choice])


def _corrections(n: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Corrections `+-log(1 + A n**-w)` on a grid, shape (corrections, sizes), and which of them last the longest.

    The first is none at all, and the only one where there are too few sizes for more.
    """
    none = np.zeros((1, len(n)))
    if len(n) < POINTS:
        return none, np.array([False])
    middle = np.sqrt(n[0] * n[-1])
    grid, last = [], []
    for decay in DECAYS:
        # From 1 % of the cost at the smallest size, to as much as the rest of the cost at the middle one.
        strongest = middle**decay
        weakest = min(0.01 * n[0] ** decay, strongest)
        amplitudes = np.geomspace(weakest, strongest, AMPLITUDES)
        grid.append(np.log1p(amplitudes[:, np.newaxis] * n**-decay))
        last.append(amplitudes > 0.5 * strongest)
    upward, lasting = np.vstack(grid), np.concatenate(last)
    return np.vstack([none, upward, -upward]), np.concatenate([[False], lasting, lasting])


def _slope_error(n: Floats, residual: Floats) -> float:
    """Two standard errors of a slope through points that scatter as the residuals do."""
    scatter = np.sqrt((residual**2).sum() / max(len(n) - 2, 1))
    return float(2.0 * scatter / (np.log(n).std() * np.sqrt(len(n))))


def _end_slope(n: Floats, residual: Floats) -> float:
    """Slope of the residuals over the last decade (at least three sizes): how the curve bends away from its fit."""
    first = max(min(int(np.searchsorted(n, n[-1] / 10.0)), len(n) - 3), 0)
    return float(np.polyfit(np.log(n[first:]), residual[first:], 1)[0])
