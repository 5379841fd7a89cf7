"""How the cost of a gradient grows: the exponent of its ratio to the primal, with an interval and a verdict.

Theory says that a full gradient of N inputs costs a multiple of the primal that grows as N**1 in forward mode and
as N**0 in reverse mode.  Measured curves bend at small N, because every call, and every sweep, has an overhead: in the
gradient (the ratio starts too high) and in the primal (it starts too low).  So the seconds of each are modelled,

    log seconds(N) = constant + p log N + log(1 + A h(N / N_min)),     A >= 0,

where h(x) is 1 / x for the primal (a constant per call), and for a gradient of one sweep.  A gradient of N sweeps pays
per sweep, 1 / x, and per call, 1 / x**2: its h is a mixture of both.  The exponent sought is the gradient's p minus the
primal's.  The primal is fitted over all of its sizes, also those that the gradient was too slow for.  For a given
overhead the fit is a straight line, in closed form; all overheads on a grid are tried.  The interval is the profile
likelihood's: every exponent that some pair of overheads makes as plausible as the data allow.  An overhead that the
sizes cannot tell from growth therefore widens the interval; it does not shift it.

A function of arrays, or a compiled one, costs the same for one element as for a thousand: over many sizes there is
nothing but overhead, and no fit can tell whether the primal is flat because it is, or because its growth is still to
come.  The primal and a sweep pay that overhead for the same calls, though, so overheads that are alike count as
likelier: a factor of 16 between them lowers the likelihood as an error of one standard deviation would.

Two families need this.  The primal of `layered` has an overhead per call of a hundred ops in the interpreter (layers
are set up), which lasts over all sizes that forward mode reaches: a fit with one overhead takes it for N**1.3.  On
`broadcast` in reverse one recording serves M sweeps, and is the larger part up to the middle of the sizes: a fit with
one overhead takes that for M**0.7.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from benchmarks.findings.blocks import COVERAGE, Floats, by_block, in_order, medians, sizes
from benchmarks.functions.maps import MAPS
from benchmarks.runs.columns import ScalingRecord, kinds

MARGIN = 0.1
"""Exponents this close to theory's count as theory's: what caches and memory add over the measured sizes."""

MODEL_ERROR = 0.015
"""Relative error of a median that is there even without noise: no curve of timings follows a formula closer."""

RESOLUTION = 0.01
"""How closely the grid of overheads can tell an exponent; an interval is wider by this on each side."""

REASONS = {
    ("dense", "ad", "reverse"): (
        "In the interpreter the function itself pays for every neuron, to set up its inner loop, as well as for every "
        "op. There are about as many neurons as the square root of N, so their share dies out as N grows, the "
        "function gets faster per op, and the sweep, whose ops all cost the same, does not: theory speaks of the limit."
    ),
    ("broadcast", "ad", "reverse"): (
        "In the interpreter, to start and end a sweep costs as much as many ops, and one recording serves M sweeps: "
        "over the sizes reached, that is a good part of the cost, and it grows more slowly than the ops of M sweeps."
    ),
}
"""Why a curve does not grow as theory says, by family, engine and mode: what was found by looking into it."""

HALF_OF_PAIRS = 0.9539
"""Half of all pairs of normal values are less than so many standard deviations apart: 0.6745 times the root of two."""

Shapes = tuple[tuple[float, float], ...]

LAST = 3
"""Over how many of the largest sizes a disagreement must be seen as it is."""
POINTS = 4
FEWEST = 3
AMPLITUDES = 128
STRONGEST = 32.0
LIKENESS = float(np.log(16.0))
"""How alike the overheads of a gradient and its primal are: the standard deviation of log((1 + A) / (1 + A'))."""

ONE_CALL: Shapes = ((1.0, 0.0),)
MANY_SWEEPS: Shapes = tuple((1.0 - share, share) for share in (0.0, 0.25, 0.5, 0.75, 0.875, 0.9375, 0.97, 1.0))
"""Shapes of an overhead: the shares of it that fall as 1 / N and as 1 / N**2."""
CURVE = ["run", "graph", "engine", "mode", "quantity", "lanes"]
COLUMNS = list(kinds(ScalingRecord))


@dataclass(frozen=True)
class Curve:
    """Seconds against size.

    Attributes:
        n: sizes in increasing order, shape (sizes,).
        log_seconds: shape (sizes, blocks); NaN marks what was not measured.
    """

    n: Floats
    log_seconds: Floats


@dataclass(frozen=True)
class Exponent:
    """An exponent and its 95 % interval, and the wider one from `least` to `most` where overheads need not be alike."""

    value: float
    low: float
    high: float
    least: float
    most: float


@dataclass(frozen=True)
class _Lines:
    """The straight lines that are left, one for each overhead of the grid.

    Attributes:
        slope: their exponents, shape (overheads,).
        excess: how much worse than the best each fits, in units of the variance of a point, shape (overheads,).
        strength: log(1 + A) of the overhead, shape (overheads,).
        moderate: whether the overhead is at most 32 times the rest of the cost at the smallest size, or at most the
            rest at the largest, shape (overheads,).
        variance: of any of the slopes.
        freedom: degrees of freedom behind that variance.
    """

    slope: Floats
    excess: Floats
    strength: Floats
    moderate: NDArray[np.bool_]
    variance: float
    freedom: int


def scaling(timings: pd.DataFrame, order: Sequence[str] = ()) -> pd.DataFrame:
    """Fit how each family's full gradient grows relative to the primal: the columns of `scaling.csv`.

    Args:
        timings: rows of `timings.csv`.
        order: names of families and engines in the order of the catalogue; others follow by alphabet.

    Returns:
        One row per graph, engine, mode and lanes that was measured together with its primal, at three sizes at least
        (through two points goes any curve) and at each N once (where data grow and N stays there is none).  `theory` is
        how fast the sweeps grow: 1 or 0, and the other way round where a family grows by its outputs.  `verdict` is

        - `agrees` where the whole interval lies within 0.1 of theory;
        - `disagrees` where no part of it does, nor would if overheads need not be alike, and the largest sizes alone
          show it, too: no fit knows what it has taken for an overhead;
        - `inconclusive` otherwise, and with fewer than four sizes, less than a decade of them, or a single block.
    """
    matrix = by_block(timings)
    cells, seconds = matrix.cells, matrix.seconds
    primals = cells[(cells["mode"] == "primal") & ~cells["graph"].isin(MAPS)]
    curves = {key: _curve(group, seconds) for key, group in primals.groupby(["run", "graph", "engine"], sort=False)}
    gradients = cells[(cells["quantity"] == "gradient") & ~cells["graph"].isin(MAPS)]
    rows = []
    for key, group in gradients.groupby(CURVE, sort=False):
        gradient, primal = _curve(group, seconds), curves.get(key[:3])
        if len(gradient.n) >= FEWEST and primal is not None and len(primal.n) and is_curve(gradient.n):
            theory = _theory(
                sizes(group), group["n_inputs" if key[3] == "forward" else "n_outputs"].to_numpy(np.float64)
            )
            rows.append(dict(zip(CURVE, key, strict=True)) | _row(gradient, primal, theory))
    return in_order(pd.DataFrame(rows, columns=COLUMNS), order)


def _theory(n: Floats, sweeps: Floats) -> float:
    """The exponent with which the sweeps of a gradient grow over the sizes measured."""
    first, last = int(np.argmin(n)), int(np.argmax(n))
    if n[first] == n[last]:
        return float(sweeps[0] > 1.0)
    return round(float(np.log(sweeps[last] / sweeps[first]) / np.log(n[last] / n[first])), 2)


def _row(gradient: Curve, primal: Curve, theory: float) -> dict[str, object]:
    """Everything that a row of `scaling.csv` says after its key."""
    n = gradient.n
    result: dict[str, object] = {"points": len(n), "n_min": int(n[0]), "n_max": int(n[-1])}
    result |= {"theory": theory, "verdict": "inconclusive"}
    blocks = (~np.isnan(gradient.log_seconds)).sum(axis=1).max()
    if len(n) < POINTS or len(primal.n) < POINTS or n[-1] < 10.0 * n[0] or blocks < 2:
        return result
    found = exponent(gradient, primal, MANY_SWEEPS if theory else ONE_CALL)
    result["verdict"] = judge(found, theory)
    beyond = (_at_the_end(gradient, primal) - theory) * np.sign(found.value - theory)
    if result["verdict"] == "disagrees" and not beyond > MARGIN:
        result["verdict"] = "inconclusive"
    return result | {"exponent": found.value, "exponent_low": found.low, "exponent_high": found.high}


def _at_the_end(gradient: Curve, primal: Curve) -> float:
    """The exponent of the ratio over the last sizes that both have, overheads left in: what is seen without a fit."""
    n, above, below = np.intersect1d(gradient.n, primal.n, return_indices=True)
    ratios = medians(gradient.log_seconds)[above] - medians(primal.log_seconds)[below]
    return float(np.polyfit(np.log(n[-LAST:]), ratios[-LAST:], 1)[0]) if len(n) >= LAST else np.nan


def exponent(gradient: Curve, primal: Curve, shapes: Shapes = MANY_SWEEPS) -> Exponent:
    """The exponent of the ratio of two curves, each with an overhead of unknown size.

    The value is the mean over all pairs of overheads, weighted by how plausible they are.

    Args:
        gradient: at least four sizes, and at least two blocks of one of them.
        primal: the same, of the same blocks.
        shapes: of the gradient's overhead.
    """
    together = _without_speed_of_block(np.concatenate([gradient.log_seconds, primal.log_seconds]))
    upper = _lines(gradient.n, together[: len(gradient.n)], shapes)
    lower = _lines(primal.n, together[len(gradient.n) :], ONE_CALL)
    # A speed was taken out of each block: that many degrees of freedom are gone.
    freedom = max(upper.freedom + lower.freedom - together.shape[1] + 1, 1)
    limit = float(stats.t.ppf(0.5 + COVERAGE / 2.0, freedom)) ** 2
    variance = upper.variance + lower.variance
    difference = upper.slope[:, np.newaxis] - lower.slope
    excess = upper.excess[:, np.newaxis] + lower.excess
    alike = excess + ((upper.strength[:, np.newaxis] - lower.strength) / LIKENESS) ** 2
    moderate = upper.moderate[:, np.newaxis] & lower.moderate
    weight = np.exp(-0.5 * alike)
    return Exponent(
        float((weight * difference).sum() / weight.sum()),
        *_interval(difference, alike, limit, variance),
        *_interval(difference, np.where(moderate, excess, np.inf), limit, variance),
    )


def _interval(difference: Floats, excess: Floats, limit: float, variance: float) -> tuple[float, float]:
    """The profile likelihood's: from the lowest to the highest exponent that is plausible with some overheads."""
    room = limit - (excess - excess.min())
    plausible = room >= 0.0
    half = np.sqrt(room[plausible] * variance)
    return (
        float((difference[plausible] - half).min()) - RESOLUTION,
        float((difference[plausible] + half).max()) + RESOLUTION,
    )


def judge(found: Exponent, theory: float) -> str:
    """`agrees` where the whole interval lies near theory's, `disagrees` where none of the wider one does."""
    if theory - MARGIN <= found.low and found.high <= theory + MARGIN:
        return "agrees"
    if min(found.low, found.least) > theory + MARGIN or max(found.high, found.most) < theory - MARGIN:
        return "disagrees"
    return "inconclusive"


def _lines(n: Floats, log_seconds: Floats, shapes: Shapes) -> _Lines:
    """Fit a straight line in logarithms for every overhead of the grid; scatter about the best one counts as noise."""
    counts = (~np.isnan(log_seconds)).sum(axis=1)
    freedom = max(int((counts - 1).sum()), 1)
    # The variance of a median of k values is about that of pi / (2 k + pi - 2) of one.
    of_median = float(np.mean(np.pi / (2.0 * counts + np.pi - 2.0)))
    noise = spread(log_seconds) ** 2 * of_median + MODEL_ERROR**2

    x = np.log(n) - np.log(n).mean()
    y = medians(log_seconds)
    y = y - y.mean()
    overheads, strength, moderate = _overheads(tuple(n.tolist()), shapes)
    slope = (x @ y - overheads @ x) / (x @ x)
    squares = ((y - overheads - slope[:, np.newaxis] * x) ** 2).sum(axis=1)
    best = float(squares.min())
    noise = max(noise, best / max(len(n) - 3, 1))
    return _Lines(
        slope=slope, excess=(squares - best) / noise, strength=strength, moderate=moderate,
        variance=noise / float(x @ x), freedom=freedom,
    )  # fmt: skip


def spread(log_seconds: Floats) -> float:
    """The standard deviation of one value, from how far those of a row, in pairs, are apart.

    A median of values withstands the block in which something else ran; so must what is said of its error.
    """
    i, j = np.triu_indices(log_seconds.shape[1], k=1)
    differences = np.abs(log_seconds[:, i] - log_seconds[:, j])
    return float(np.nanmedian(differences)) / HALF_OF_PAIRS if np.isfinite(differences).any() else 0.0


@lru_cache(maxsize=256)
def _overheads(n: tuple[float, ...], shapes: Shapes) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """What overheads on a grid add to log seconds, shape (overheads, sizes), less the mean; the first is none.

    They go up to 32 times the rest of the cost at the largest size, where nothing but a straight line is left of them.

    Returns:
        That, and the `strength` of each, and whether it is `moderate`.
    """
    relative = np.array(n) / n[0]
    amplitudes = np.geomspace(0.02, STRONGEST * relative[-1], AMPLITUDES)
    added, strength, moderate = [np.zeros((1, len(n)))], [np.zeros(1)], [np.ones(1, bool)]
    for per_sweep, per_call in shapes:
        shape = per_sweep / relative + per_call / relative**2
        added.append(np.log1p(amplitudes[:, np.newaxis] * shape))
        strength.append(np.log1p(amplitudes))
        moderate.append((amplitudes <= STRONGEST) | (amplitudes * shape[-1] <= 1.0))
    every = np.vstack(added)
    return every - every.mean(axis=1, keepdims=True), np.concatenate(strength), np.concatenate(moderate)


def _without_speed_of_block(log_seconds: Floats) -> Floats:
    """Take out of each block how fast the machine was during it: what all sizes have in common."""
    own = log_seconds - medians(log_seconds)[:, np.newaxis]
    return log_seconds - np.nan_to_num(medians(own.T))


def _curve(cells: pd.DataFrame, seconds: Floats) -> Curve:
    n, values = repeated(sizes(cells), seconds[cells.index.to_numpy()])
    return Curve(n, np.log(values))


def is_curve(n: Floats) -> bool:
    """Whether each size is there once."""
    return len(set(n)) == len(n)


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
    kept = order[(counts[order] >= min(2, counts.max(initial=1))) & (counts[order] > 0)]
    return n[kept], values[kept]
