"""What a run's timings say: the noise floor, a summary of every cell, and the closing lines of a run.

Pure functions, from a DataFrame with the columns of `timings.csv` to numbers and DataFrames.  How cost grows is in
`scaling`, where reverse starts to win in `crossover`, and run against run in `comparison`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from benchmarks.findings.blocks import CELL, PRECEDENCE, SECONDS, by_block, is_twin, median_interval, sizes, verdict

if TYPE_CHECKING:
    from benchmarks.runs.files import Run

FLOOR_QUANTILE = 0.95

# When a machine is too noisy to trust.  The limits on spread are those of pyperf's `check`.
STDDEV_LIMIT = 0.10
RANGE_LIMIT = 1.50
FLOOR_LIMIT = 0.10

FAMILY_LINES = 9


def noise_floor(timings: pd.DataFrame) -> float:
    """The relative difference that identical cells show on this machine.

    A cell that has a twin was measured twice in a block.  The floor is the 95 % quantile of the absolute logarithm
    of the ratio of the two, over all pairs and blocks, turned back into a ratio: 0.03 means that 19 of 20 identical
    pairs differed by less than 3 %.

    Args:
        timings: rows of `timings.csv`.

    Returns:
        The floor, at least 0; NaN when no pair was measured.
    """
    rows = timings[timings["status"] == "ok"]
    identical = rows.assign(twin=is_twin(rows)).groupby([*CELL, "block"])
    pairs = identical.agg(low=(SECONDS, "min"), high=(SECONDS, "max"), count=(SECONDS, "size"), twin=("twin", "any"))
    pairs = pairs[pairs["twin"] & (pairs["count"] > 1)]
    if pairs.empty:
        return float("nan")
    spread = np.log(pairs["high"].to_numpy() / pairs["low"].to_numpy())
    return float(np.expm1(np.quantile(spread, FLOOR_QUANTILE)))


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


def summarise(timings: pd.DataFrame, floor: float) -> pd.DataFrame:
    """Reduce blocks to one row per cell: the columns of `summary.csv`.

    Every number is a median over blocks with a 95 % bootstrap interval (`_low`, `_high`; NaN with a single block).

    Args:
        timings: rows of `timings.csv`.
        floor: the noise floor, from `noise_floor`.

    Returns:
        One row per cell, in the order in which cells first appear.  `primal_ratio` is the cell over its engine's
        primal, and `speedup` the forward gradient over the reverse gradient, both formed inside a block.  `speedup`
        stands on gradient rows: on a forward row it compares that row's lanes with reverse, on a reverse row it
        compares forward with one lane.  `verdict` is what reverse is against forward.  Only `ok` cells carry numbers.
    """
    matrix = by_block(timings)
    table = matrix.cells[
        ["run", "graph", "n_inputs", "n_outputs", "n_ops", "engine", "mode", "quantity", "lanes"]
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
    table["verdict"] = verdict(bounds[0], bounds[1], bounds[2], floor, above="faster", below="slower")
    table["status"] = matrix.cells["status"]
    return table


def closing_lines(run: Run) -> list[str]:
    """What a run found, in a few plain lines for the terminal.

    Args:
        run: a finished or interrupted run; only its `timings` are read.

    Returns:
        At most 12 lines of fewer than 110 characters.
    """
    timings = run.timings
    if timings.empty:
        return ["Nothing was measured."]
    floor = noise_floor(timings)
    families = _family_lines(summarise(timings[timings["quantity"] == "gradient"], floor))
    if len(families) > FAMILY_LINES:
        hidden = len(families) - (FAMILY_LINES - 1)
        families = [*families[: FAMILY_LINES - 1], f"... and {hidden} more; all of them are in summary.csv."]
    return [_sweeps_line(timings), *families, noise_verdict(timings) or _floor_line(floor), _status_line(timings)]


def _sweeps_line(timings: pd.DataFrame) -> str:
    """Whether the counted sweeps of full gradients are one per input forward, and one per output in reverse."""
    rows = timings[(timings["quantity"] == "gradient") & (timings["status"] == "ok") & (timings["lanes"] == 1)]
    rows = rows[rows["mode"].isin(["forward", "reverse"]) & rows["sweeps"].notna()]
    if rows.empty:
        return "Sweeps counted: none, since no full gradient was measured."
    expected = rows["n_inputs"].where(rows["mode"] == "forward", rows["n_outputs"])
    astray = rows[rows["sweeps"] != expected]
    if astray.empty:
        return f"Sweeps counted in {len(rows)} full gradients: one per input forward, one per output in reverse."
    first = astray.iloc[0]
    return (
        f"Sweeps counted: {len(astray)} of {len(rows)} gradients are not as expected; first {first['graph']}, "
        f"{first['mode']}: {first['sweeps']:.0f} sweeps."
    )


def _family_lines(summary: pd.DataFrame) -> list[str]:
    """One line per family: which mode wins at the largest size where both were measured, and by how much."""
    rows = summary[(summary["mode"] == "reverse") & summary["speedup"].notna() & (summary["graph"] != "map")]
    rows = rows.assign(size=sizes(rows))
    lines = []
    for graph, family in rows.groupby("graph", sort=False):
        family = family[family["engine"] == family["engine"].iloc[0]]
        last = family.loc[family["size"].idxmax()]
        lines.append(_family_line(str(graph), last))
    return lines


def _family_line(graph: str, row: pd.Series) -> str:
    ratio, low, high = row["speedup"], row["speedup_low"], row["speedup_high"]
    forward_wins = ratio < 1.0
    if forward_wins:
        ratio, low, high = 1.0 / ratio, 1.0 / high, 1.0 / low
    where = f"M = {row['n_outputs']:,}" if row["n_outputs"] > row["n_inputs"] else f"N = {row['n_inputs']:,}"
    spread = f"95 % [{low:.3g}, {high:.3g}]" if low == low else "one block, no interval"
    result = f"{'forward' if forward_wins else 'reverse'} {ratio:.3g} times as fast, {spread}"
    if row["verdict"] == "no difference":
        result = f"no difference ({result})"
    return f"{graph} ({row['engine']}), {where}: {result}."


def _floor_line(floor: float) -> str:
    if np.isnan(floor):
        return "Noise floor: not measured, so nothing is called a difference."
    return f"Noise floor: identical cells differ by up to {floor:.1%}; nothing smaller is called a difference."


def _status_line(timings: pd.DataFrame) -> str:
    """How many rows have no time, and why; wrong answers come first."""
    rows = timings[~is_twin(timings)]
    counts = rows["status"].value_counts()
    listed = ", ".join(f"{counts[status]} {status}" for status in PRECEDENCE if status != "ok" and status in counts)
    if not listed:
        return f"All {len(rows)} rows were checked and measured; none was wrong."
    return f"Rows without a time: {listed}."
