"""Where reverse mode starts to win: the crossover of each family, and the border on the map of inputs by outputs.

A crossover is read between two measured sizes, by interpolating the logarithm of the speedup against the logarithm of
the size.  Nothing is ever extrapolated: where the measured sizes do not enclose it, there is none, and a note says so.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from benchmarks.findings.blocks import (
    Floats,
    by_block,
    in_order,
    interval,
    median_draws,
    median_interval,
    medians,
    sizes,
    verdict,
)
from benchmarks.findings.scaling import is_curve, repeated
from benchmarks.functions.maps import MAPS
from benchmarks.runs.columns import CrossoverRecord, kinds

CURVE = ["run", "graph", "engine"]
CROSSOVER = list(kinds(CrossoverRecord))
PLACE = ["run", "engine", "n_inputs", "n_outputs"]
MAP = [*PLACE, "speedup", "speedup_low", "speedup_high", "winner", "border", "border_theory"]


def crossover(timings: pd.DataFrame, floor: float, order: Sequence[str] = ()) -> pd.DataFrame:
    """Find the size from which on one reverse sweep beats N forward sweeps: the columns of `crossover.csv`.

    Args:
        timings: rows of `timings.csv`.
        floor: the noise floor, from `benchmarks.findings.analysis.noise_floor`.
        order: names of families and engines in the order of the catalogue; others follow by alphabet.

    Returns:
        One row per graph and engine that was measured in both modes at any size, for forward sweeps of one lane; no row
        for a family whose sizes grow while N stays.

        - `crossover` is the size at which the speedup passes 1 for the last time, upward; NaN where it does not within
          `n_min` to `n_max`, and `note` says what happens instead.
        - `crossover_low` and `crossover_high` are its 95 % interval, widened by the noise floor: where the speedup can
          first be told from 1, and where it surely can.  An end that would lie outside the measured sizes is NaN, and
          the note says so.
        - Where one mode wins throughout, beyond noise, there is a bound: `crossover_high` is `n_min` if reverse does,
          `crossover_low` is `n_max` if forward does.
    """
    cells, speedup = _speedups(timings)
    curves = cells[~cells["graph"].isin(MAPS)].groupby(CURVE, sort=False)
    rows = [
        dict(zip(CURVE, key, strict=True)) | _crossing(group, speedup[group.index.to_numpy()], floor)
        for key, group in curves
        if not np.isnan(speedup[group.index.to_numpy()]).all() and is_curve(sizes(group))
    ]
    return in_order(pd.DataFrame(rows, columns=CROSSOVER), order)


def map_border(timings: pd.DataFrame, floor: float) -> pd.DataFrame:
    """Say which mode wins at each place of the map of inputs by outputs, and where the border runs.

    Args:
        timings: rows of `timings.csv`; only those of the graph `map` are used.
        floor: the noise floor, from `benchmarks.findings.analysis.noise_floor`.

    Returns:
        One row per engine, `n_inputs` (N) and `n_outputs` (M): `speedup` of reverse over forward with its 95 %
        interval; `winner`, one of `forward`, `reverse`, `no difference` and "" (not enough blocks to say); `border`,
        the N at which the speedup passes 1 for this M, interpolated between measured N (NaN where they do not enclose
        it; the same in all rows of one M); `border_theory`, which is M.
    """
    cells, speedup = _speedups(timings)
    chosen = (cells["graph"] == "map").to_numpy()
    table = cells.loc[chosen, PLACE].reset_index(drop=True)
    middle, low, high = median_interval(speedup[chosen])
    table["speedup"], table["speedup_low"], table["speedup_high"] = middle, low, high
    table["winner"] = verdict(middle, low, high, floor, above="reverse", below="forward")
    table["border"] = np.nan
    for _, column in table.groupby(["run", "engine", "n_outputs"], sort=False):
        column = column[column["speedup"].notna()].sort_values("n_inputs")
        if len(column):
            n, log_speedup = column["n_inputs"].to_numpy(float), np.log(column["speedup"].to_numpy(float))
            border = last_crossing(n, log_speedup[:, np.newaxis])[0]
            table.loc[column.index, "border"] = border if np.isfinite(border) else np.nan
    table["border_theory"] = table["n_outputs"]
    return table[MAP].sort_values(PLACE, ignore_index=True)


def last_crossing(n: Floats, log_speedup: Floats, level: float = 0.0) -> Floats:
    """The size from which on each curve stays at or above a level.

    Args:
        n: sizes in increasing order, shape (sizes,).
        log_speedup: shape (sizes, curves).
        level: what the curves are compared with.

    Returns:
        Shape (curves,): interpolated in log n; -inf for a curve that is nowhere below the level, inf for one that
        ends below it, NaN for a curve that has a NaN.
    """
    below = log_speedup < level
    last = len(n) - 1 - np.argmax(below[::-1], axis=0)
    left = np.minimum(last, max(len(n) - 2, 0))
    right = np.minimum(left + 1, len(n) - 1)
    curve = np.arange(log_speedup.shape[1])
    start, end = log_speedup[left, curve], log_speedup[right, curve]
    with np.errstate(divide="ignore", invalid="ignore"):  # a flat piece has no crossing, and is not selected below
        share = np.clip((level - start) / (end - start), 0.0, 1.0)  # beyond, there is no crossing in this piece
        inside = np.exp(np.log(n)[left] + share * (np.log(n)[right] - np.log(n)[left]))
    found = np.where(last == len(n) - 1, np.inf, inside)
    return np.where(np.isnan(log_speedup).any(axis=0), np.nan, np.where(below.any(axis=0), found, -np.inf))


def _speedups(timings: pd.DataFrame) -> tuple[pd.DataFrame, Floats]:
    """The one-lane forward gradients, numbered from 0, and reverse's speedup over them, shape (cells, blocks)."""
    matrix = by_block(timings)
    cells = matrix.cells
    rows = cells[(cells["mode"] == "forward") & (cells["quantity"] == "gradient") & (cells["lanes"] == 1)]
    return rows.reset_index(drop=True), matrix.speedup()[rows.index.to_numpy()]


def _crossing(cells: pd.DataFrame, speedup: Floats, floor: float) -> dict[str, object]:
    """Everything that a row of `crossover.csv` says after its key, for one curve of shape (sizes, blocks)."""
    letter = "M" if (sizes(cells) != cells["n_inputs"]).any() else "N"
    n, speedup = repeated(sizes(cells), speedup)
    curve = np.log(medians(speedup))[:, np.newaxis]
    edge = np.nan_to_num(np.log1p(floor))
    found = float(last_crossing(n, curve)[0])
    result: dict[str, object] = {"n_min": int(n[0]), "n_max": int(n[-1])}
    samples = np.log(median_draws(speedup))
    if not np.isfinite(found):
        result["note"] = _no_crossing(n, curve[:, 0], edge, letter)
        least, most = interval(samples)
        if (least > edge).all():
            result["crossover_high"] = float(n[0])
        elif (most < -edge).all():
            result["crossover_low"] = float(n[-1])
        return result

    result["crossover"] = found
    if np.isnan(samples).any():
        return result | {"note": "measured in a single block, so without an interval"}
    low = float(interval(last_crossing(n, samples, -edge)[np.newaxis])[0][0])
    high = float(interval(last_crossing(n, samples, edge)[np.newaxis])[1][0])
    notes = []
    if np.isfinite(low):
        result["crossover_low"] = low
    else:
        notes.append(f"may lie below the smallest measured {letter}")
    if np.isfinite(high):
        result["crossover_high"] = high
    else:
        notes.append(f"may lie above the largest measured {letter}")
    return result | {"note": "; ".join(notes)}


def _no_crossing(n: Floats, curve: Floats, edge: float, letter: str) -> str:
    """What happens in the measured range instead of a crossover; what lies inside the noise floor is no difference."""
    span = f"from {letter} = {n[0]:.0f} to {letter} = {n[-1]:.0f}" if len(n) > 1 else f"at {letter} = {n[0]:.0f}"
    if (np.abs(curve) <= edge).all():
        return f"no difference {span}"
    if curve[-1] >= 0.0:
        return f"reverse wins {span}" if (curve > edge).all() else f"forward never wins {span}"
    if (curve <= edge).all():
        return f"forward wins {span}" if (curve < -edge).all() else f"reverse never wins {span}"
    return f"forward wins at {letter} = {n[-1]:.0f}, but not at every smaller size"
