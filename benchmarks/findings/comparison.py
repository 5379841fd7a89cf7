"""Two runs against each other: which cells became faster or slower, and by how much.

Blocks of different runs have nothing in common, so both sides have an interval of their own.  The noise floor is
measured inside a block and does not hold what changed between the runs around them (memory layout, frequency, load).
What all cells have in common is reported as `common`, the median ratio; how far they scatter about it widens the floor.
Compare runs of the same machine: `differences` says what else is not the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from benchmarks.findings.analysis import noise_floors
from benchmarks.findings.blocks import CELL, SEED, Floats, by_block, interval, median_draws, medians, pick, verdict
from benchmarks.options import DTYPE

if TYPE_CHECKING:
    from benchmarks.runs.files import Run

KEY = [name for name in CELL if name != "run"]
COLUMNS = [*KEY, "seconds_a", "seconds_b", "ratio", "ratio_low", "ratio_high", "common", "floor", "verdict", "status"]

SHIFT_CELLS = 8
"""Fewer cells than this do not tell a scatter between the runs from a change of some of them."""


def compare(a: Run, b: Run) -> pd.DataFrame:
    """Compare the seconds of every cell of two runs.

    Args:
        a: the run to compare with, for example of the main branch.
        b: the run in question.

    Returns:
        One row per cell of either run, those of `a` first.  `ratio` is b / a of the medians over blocks, with a 95 %
        interval; `common` the median of all ratios; `floor` the largest of both noise floors for cells of that length
        and of the scatter of the ratios about `common`; `verdict` one of `faster`, `slower` (the interval
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
    ratio = table["seconds_b"].to_numpy(np.float64) / table["seconds_a"].to_numpy(np.float64)
    samples_a = pick(median_draws(left.seconds, SEED), cell_a)
    samples_b = pick(median_draws(right.seconds, SEED + 1), cell_b)
    low, high = interval(samples_b / samples_a)
    common, scatter = _shift(ratio)
    shorter = np.fmin(table["seconds_a"].to_numpy(np.float64), table["seconds_b"].to_numpy(np.float64))
    inside = np.maximum(noise_floors(a.timings).at(shorter), noise_floors(b.timings).at(shorter))
    floor = np.maximum(inside, scatter)
    table["ratio"], table["ratio_low"], table["ratio_high"] = ratio, low, high
    table["common"], table["floor"] = common, floor
    table["verdict"] = verdict(ratio, low, high, floor, above="slower", below="faster")
    status_a, status_b = left.cells["status"].reindex(cell_a), right.cells["status"].reindex(cell_b)
    table["status"] = [_status(one, other) for one, other in zip(status_a, status_b, strict=True)]
    return table[COLUMNS]


def _shift(ratio: Floats) -> tuple[float, float]:
    """The median ratio of all cells, and what 19 of 20 stay within about it, as a relative difference.

    The scatter comes from the median absolute deviation, so that cells that truly changed do not make it.
    """
    logs = np.log(ratio[~np.isnan(ratio)])
    if not len(logs):
        return float("nan"), 0.0
    middle = float(np.median(logs))
    deviation = 1.96 * 1.4826 * float(np.median(np.abs(logs - middle))) if len(logs) >= SHIFT_CELLS else 0.0
    return float(np.exp(middle)), float(np.expm1(deviation))


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


def reasons_to_fail(comparison: pd.DataFrame, threshold: float) -> list[str]:
    """Why a regression gate must not let run b pass; whatever cannot be decided is a reason.

    Args:
        comparison: from `compare`.
        threshold: a ratio b / a of at least 1.

    Returns:
        One line for each reason; empty where every cell that was measured in `a` was measured in `b`, and could be told
        from a cell slower by `threshold`, and was.

    Raises:
        ValueError: the threshold is not a ratio of at least 1.
    """
    slower = slower_than(comparison, threshold)
    common = comparison[comparison["status"] == "ok"]
    status = comparison["status"].astype(str)
    lost = comparison[(status == "only in a") | status.str.startswith("ok in a, ")]
    reasons = []
    if len(slower):
        worst = slower.iloc[0].to_dict()
        reasons.append(
            f"slower by more than {threshold:g}: {len(slower)} cells, most {cell_name(worst)}: {worst['ratio']:.3g}"
        )
    if len(lost):
        first = lost.iloc[0]
        reasons.append(f"no longer ok: {len(lost)} cells, first {cell_name(first.to_dict())}: {first['status']}")
    if common.empty:
        return [*reasons, "nothing in common: no cell was measured in both runs"]
    if common["floor"].isna().any():
        return [*reasons, "noise floor unknown: no cell was measured twice in a block"]
    hidden = common[common["floor"] > threshold - 1.0]
    if len(hidden):
        floor = hidden["floor"].max()
        reasons.append(
            f"noise hides the limit: the floor is up to {floor:.1%} in {len(hidden)} cells; more blocks needed"
        )
    undecided = common[common["verdict"] == ""]
    if len(undecided):
        reasons.append(f"undecided: {len(undecided)} cells outside the noise floor have no interval (one block)")
    return reasons


def differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[str]:
    """What is not the same in two environments although it changes times; empty environments differ in nothing."""
    if not a or not b:
        return []
    flat_a, flat_b = (
        {name: one.get(name) for name in ("cpu", "python")}
        | {**one.get("versions", {}), **one.get("forced", {})}
        | {"dtype": _dtype(one)}
        for one in (a, b)
    )
    names = [*flat_a, *(name for name in flat_b if name not in flat_a)]
    return [
        f"{name}: {flat_a.get(name) or 'none'} in a, {flat_b.get(name) or 'none'} in b"
        for name in names
        if flat_a.get(name) != flat_b.get(name)
    ]


def _dtype(environment: Mapping[str, Any]) -> str:
    """What a run was computed in; those from before there was a choice do not say it."""
    return str(environment.get("settings", {}).get("selection", {}).get("dtype", DTYPE))


def cell_name(row: Mapping[Any, Any]) -> str:
    """What a row of a comparison is about."""
    lanes = f", {row['lanes']} lanes" if row["lanes"] > 1 else ""
    dtype = f", {row['dtype']}" if row["dtype"] != DTYPE else ""
    return f"{row['graph']} {row['size']} {row['engine']} {row['mode']} {row['quantity']}{lanes}{dtype}"
