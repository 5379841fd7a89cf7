"""Figure `million`: the full gradient by N forward sweeps and by one reverse sweep, both executed in full."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from benchmarks.experiments import million
from plots.lines import NothingToDrawError
from plots.style import FORWARD, REVERSE, canvas, darker, log_axis, panels, quantity


def draw(folder: Path) -> Figure:
    """Draw every row of `million.csv` as two bars on one logarithmic axis of seconds.

    Args:
        folder: where `million.csv` is.

    Raises:
        RecordError: it is missing or not one of ours.
        NothingToDrawError: it has no row with times.
    """
    rows = million.history(folder)
    rows = rows[rows["status"] == "ok"].sort_values("n_inputs", ascending=False, kind="stable")
    if rows.empty:
        raise NothingToDrawError(f"{folder}: million.csv has no row with times")
    first = rows.iloc[0]
    finding = (
        f"{first['n_inputs']:,} inputs: all {first['forward_sweeps']:,} forward sweeps executed, "
        f"one reverse sweep is {first['ratio']:,.0f} times faster"
    )
    detail = (
        f"Full gradient of {first['graph']}, {first['n_ops']:,} ops, compiled. Nothing is extrapolated: the "
        f"gradients of both modes agree to {rows['difference'].max():.1e}. Sweeps and ops are counted by the program."
    )
    room = canvas(finding, detail, 1.7 + 1.0 * len(rows))
    (ax,) = panels(room, [""], 1, right=0.25)
    ax.set_xscale("log")
    low = float(rows["reverse_seconds"].min()) / 4.0
    ax.set_xlim(low, float(rows["forward_seconds"].max()) * 1.5)
    for k, (_, row) in enumerate(rows.iterrows()):
        _bar(ax, 3.0 * k, float(row["forward_seconds"]), FORWARD, _forward(row), low)
        _bar(ax, 3.0 * k + 1.0, float(row["reverse_seconds"]), REVERSE, "1 reverse sweep", low)
    ax.set_ylim(3.0 * len(rows) - 1.2, -0.7)
    ax.set_yticks([])
    log_axis(ax, "x", "s")
    ax.set_xlabel("seconds for the whole gradient", labelpad=1)
    return room.figure


def _forward(row: pd.Series) -> str:
    lanes = "one tangent at a time" if row["lanes"] == 1 else f"{row['lanes']} tangents at a time"
    return f"{row['forward_sweeps']:,} forward sweeps, {lanes}, {row['threads']} threads"


def _bar(ax: object, y: float, seconds: float, colour: str, text: str, low: float) -> None:
    ax.barh(y, seconds - low, left=low, height=0.62, color=colour)  # type: ignore[attr-defined]
    inside = seconds / low > 1e3
    ax.annotate(  # type: ignore[attr-defined]
        f"{text}: {quantity(seconds, 's')}",
        (low if inside else seconds, y),
        (6, 0),
        textcoords="offset points",
        va="center",
        size=9,
        weight="bold",
        color="white" if inside else darker(colour),
    )
