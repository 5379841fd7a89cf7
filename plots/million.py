"""Figure `million`: the full gradient by N forward sweeps and by one reverse sweep, both executed in full."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.runs.files import read_table
from plots.lines import NothingToDrawError
from plots.style import FAINT, FORWARD, INK, REVERSE, canvas, darker, log_axis, panels, quantity


def draw(folder: Path) -> Figure:
    """Draw every record of `million.csv` as two dots on one logarithmic axis of seconds.

    Args:
        folder: where `million.csv` is.

    Raises:
        RecordError: it is missing or not one of ours.
        NothingToDrawError: it has no row with times.
    """
    rows = read_table(folder / "million.csv")
    rows = rows[rows["status"] == "ok"].sort_values("n_inputs", ascending=False, kind="stable")
    if rows.empty:
        raise NothingToDrawError(f"{folder}: million.csv has no row with times")
    first = rows.iloc[0]
    finding = (
        f"{first['n_inputs']:,} inputs: all {first['forward_sweeps']:,} forward sweeps executed, "
        f"one reverse sweep is {first['ratio']:,.0f} times faster"
    )
    textbook = rows[rows["lanes"] == 1]
    if first["lanes"] > 1 and len(textbook):
        other = textbook.iloc[0]
        finding += f"; with one tangent at a time {other['ratio']:,.0f} times, at {other['n_inputs']:,} inputs"
    detail = (
        f"Full gradient of {first['graph']}, {first['n_ops']:,} ops, compiled. Nothing is extrapolated: the "
        f"gradients of both modes agree to {rows['difference'].max():.1e}. Sweeps and ops are counted by the program."
    )
    room = canvas(finding, detail, 1.75 + 0.95 * len(rows))
    (ax,) = panels(room, [""], 1, right=0.25)
    for k, (_, row) in enumerate(rows.iterrows()):
        _pair(ax, float(k), row)
    log_axis(ax, "x", "s")
    low, high = float(rows["reverse_seconds"].min()), float(rows["forward_seconds"].max())
    ax.set_xlim(low / 3.0, high * 3.0)
    ax.set_ylim(len(rows) - 0.45, -0.6)
    ax.set_yticks([])
    ax.set_xlabel("seconds for the whole gradient", labelpad=1)
    return room.figure


def _pair(ax: Axes, y: float, row: pd.Series) -> None:
    """Both modes of one record as dots, the ratio between them, and what each did, inward of its dot."""
    reverse, forward = float(row["reverse_seconds"]), float(row["forward_seconds"])
    ax.plot([reverse, forward], [y, y], color=FAINT, lw=1.0, zorder=1)
    lanes = "one tangent at a time" if row["lanes"] == 1 else f"{row['lanes']} tangents at a time"
    threads = "one thread" if row["threads"] == 1 else f"{row['threads']} threads"
    sides = (
        (reverse, REVERSE, "left", -4, f"1 reverse sweep, one thread: {quantity(reverse, 's')}"),
        (forward, FORWARD, "right", 4, f"{row['forward_sweeps']:,} forward sweeps: {quantity(forward, 's')}"),
    )
    for seconds, colour, align, aside, text in sides:
        ax.plot([seconds], [y], "o", color=colour, ms=9)
        ax.annotate(
            text, (seconds, y), (aside, 9), textcoords="offset points", size=9, weight="bold", color=darker(colour),
            ha=align,
        )  # fmt: skip
    ax.annotate(
        f"{lanes}, {threads}", (forward, y), (4, -17), textcoords="offset points", size=8.5, color=darker(FORWARD),
        ha="right",
    )  # fmt: skip
    ax.annotate(
        f"{row['ratio']:,.0f}×", ((reverse * forward) ** 0.5, y), (0, -13), textcoords="offset points", size=10,
        weight="bold", color=INK, ha="center",
    )  # fmt: skip
