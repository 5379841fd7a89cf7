"""Figure `checkpointing`: memory bought with recomputation, against the optimum that theory gives."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.findings.found import noise_of
from benchmarks.findings.words import times
from benchmarks.runs.files import Run
from plots.lines import NothingToDrawError
from plots.style import INK, REVERSE, THEORY, Label, canvas, darker, label_ends, log_axis, panels, quantity

AFFORDABLE = 3.0
"""The title speaks of the fewest snapshots with which a step is computed at most this often extra, on average."""


def draw(run: Run) -> Figure:
    """Draw the figure, for the longest sequence of steps that was measured.

    Raises:
        NothingToDrawError: the run did not measure checkpointing.
    """
    rows = run.checkpointing
    if rows is None:
        raise NothingToDrawError(f"{run.path}: no checkpointing.csv; this run did not measure checkpointing")
    kept = rows[rows["snapshots"].notna()]
    if kept.empty:
        raise NothingToDrawError(f"{run.path}: checkpointing.csv has no row with snapshots")
    steps = int(kept["steps"].max())
    kept = kept[kept["steps"] == steps].astype({"snapshots": "int64"}).sort_values("snapshots")
    plain = rows[rows["snapshots"].isna() & (rows["steps"] == steps)]
    room = canvas(_finding(kept, plain, noisy=bool(noise_of(run).seen)), _detail(kept), 4.6)
    counts, costs = panels(room, ["Extra runs of each step (mean)", "Time of one gradient"], 2, right=0.9)
    _counts(counts, kept)
    _costs(costs, kept, plain)
    return room.figure


def _counts(ax: Axes, kept: pd.DataFrame) -> None:
    per_step, optimal = kept["advances"] / kept["steps"], kept["advances_optimal"] / kept["steps"]
    ax.plot(kept["snapshots"], optimal, color=THEORY, ls=(0, (1, 1.5)), lw=1.4)
    ax.plot(kept["snapshots"], per_step, "o", color=REVERSE, ms=5)
    log_axis(ax, "x")
    log_axis(ax, "y", "×")
    ax.set_xlabel("snapshots held", labelpad=1)
    middle = len(kept) // 2
    for text, values, colour, place, align in (
        ("measured", per_step, REVERSE, (6, 6), "left"),
        ("theory's optimum", optimal, INK, (-6, -10), "right"),
    ):
        ax.annotate(
            text, (kept["snapshots"].iloc[middle], values.iloc[middle]), place, textcoords="offset points",
            size=8.5, color=darker(colour), ha=align, weight="bold" if colour == REVERSE else "normal",
        )  # fmt: skip


def _costs(ax: Axes, kept: pd.DataFrame, plain: pd.DataFrame) -> None:
    ax.plot(kept["peak_bytes"], kept["seconds"], "o-", color=REVERSE, ms=5)
    for rows, colour in ((kept, REVERSE), (plain, INK)):
        ax.vlines(rows["peak_bytes"], rows["seconds_low"], rows["seconds_high"], color=colour, lw=1.2)
    few, many = kept.iloc[0], kept.iloc[-1]
    ax.annotate(
        f"{few['snapshots']:,} snapshots", (few["peak_bytes"], few["seconds"]), (8, 0), textcoords="offset points",
        size=8.5, color=darker(REVERSE), va="center",
    )  # fmt: skip
    ax.annotate(
        f"{many['snapshots']:,}", (many["peak_bytes"], many["seconds"]), (8, 0), textcoords="offset points",
        size=8.5, color=darker(REVERSE), va="center",
    )  # fmt: skip
    labels = []
    for _, row in plain.iterrows():
        ax.plot([row["peak_bytes"]], [row["seconds"]], "s", color=INK, ms=6)
        labels.append(Label(float(row["peak_bytes"]), float(row["seconds"]), "plain tape", INK, "bold"))
    log_axis(ax, "x", "B", ticks=4)
    log_axis(ax, "y", "s")
    ax.margins(0.1, 0.15)
    ax.set_xlabel("peak memory", labelpad=1)
    label_ends(ax, labels, size=8.5)


def _finding(kept: pd.DataFrame, plain: pd.DataFrame, *, noisy: bool) -> str:
    """Counts and bytes, which noise does not change; and the time, where the run is quiet enough to trust."""
    affordable = kept[kept["advances"] <= AFFORDABLE * kept["steps"]]
    row = affordable.iloc[0] if len(affordable) else kept.iloc[-1]
    said = f"{row['snapshots']:,} snapshots are enough for {row['steps']:,} steps:"
    if plain.empty:
        return f"{said} {quantity(row['peak_bytes'], 'B')} at the peak"
    whole = plain.iloc[0]
    less = f"{said} {times(whole['peak_bytes'] / row['peak_bytes'])} times less memory than a tape of them all"
    return less if noisy else f"{less}, for {times(row['seconds'] / whole['seconds'])} times the time"


def _detail(kept: pd.DataFrame) -> str:
    exact = int((kept["advances"] == kept["advances_optimal"]).sum())
    return (
        "Reverse mode of a sequence of steps that keeps a few states and recomputes the others. Extra runs are those "
        f"not recorded. {exact:,} of {len(kept):,} counts are exactly the optimum of Griewank and Walther (2000)."
        f"{' Bars: 95 % intervals.' if kept['seconds_low'].notna().any() else ''}"
    )
