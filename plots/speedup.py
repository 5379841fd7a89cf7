"""Figure `speedup`: how many times as fast one reverse sweep is as N forward sweeps, against N.

The figure that opens the README: one panel, readable at 800 pixels.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.runs.files import Run
from plots.lines import NothingToDrawError, engines, families, gradients, headline, letter, short, summary, times
from plots.style import FAINT, FORWARD, INK, REVERSE, THEORY, Label, canvas, darker, label_ends, log_axis, quantity

SIZE = (12.0, 7.0)
TEXT = 13.0
"""Points; the picture is twelve inches wide, so this is ten points where a page shows it at nine."""

COMPILED = "#56B4E9"


def draw(run: Run) -> Figure:
    """Draw the figure.

    Raises:
        NothingToDrawError: no gradient was measured in both modes.
    """
    cells = compared(summary(run))
    if cells.empty:
        raise NothingToDrawError(f"{run.path}: no gradient was measured in both modes")
    engine = engines(cells)[0]
    room = canvas(_finding(cells), _detail(cells), SIZE[1], width=SIZE[0], scale=1.45)
    figure, (width, height) = room.figure, SIZE
    ax = figure.add_axes((0.9 / width, 0.72 / height, (width - 3.35) / width, room.top - 0.92 / height))
    labels = []
    for name in families(cells):
        for kind in engines(cells):
            line = cells[(cells["graph"] == name) & (cells["engine"] == kind)]
            if len(line):
                label = _line(ax, line, main=kind == engine)
                labels += [label] if kind == engine else []
    _ground(ax, cells)
    others = ", ".join(short(name) for name in engines(cells) if name != engine)
    if others:
        # Bottom right of reverse's half is always free: every line that ends above 1 ends high.
        ax.annotate(
            f"thin: {others}", (1, 1), (-8, 26), xycoords=("axes fraction", "data"), textcoords="offset points",
            color=darker(COMPILED, 0.3), size=TEXT - 1, ha="right",
        )  # fmt: skip
    label_ends(ax, labels, size=TEXT, offset=10)
    return figure


def compared(cells: pd.DataFrame) -> pd.DataFrame:
    """The forward gradients of one lane that have a reverse gradient to compare with, the map left out."""
    cells = gradients(cells)
    return cells[(cells["mode"] == "forward") & (cells["lanes"] == 1) & cells["speedup"].notna()]


def _line(ax: Axes, line: pd.DataFrame, *, main: bool) -> Label:
    size, speedup = line["size"], line["speedup"]
    last = line.iloc[-1]
    colour = (REVERSE if last["speedup"] >= 1 else FORWARD) if main else COMPILED
    if main:
        ax.fill_between(size, line["speedup_low"], line["speedup_high"], color=colour, alpha=0.2, lw=0)
    ax.plot(size, speedup, color=colour, lw=2.2 if main else 1.0, zorder=3 if main else 2)
    undecided = line["verdict"] == "no difference"
    if main:
        for which, face in ((~undecided, colour), (undecided, "white")):
            ax.plot(size[which], speedup[which], "o", color=colour, mfc=face, ms=5.5, mew=1.3, zorder=4)
    ratio = float(last["speedup"])
    said = f"{times(ratio)}×" if ratio >= 1 else f"1/{times(1 / ratio)}"
    return Label(float(last["size"]), ratio, f"{last['graph']}  {said}", colour, "bold")


def _ground(ax: Axes, cells: pd.DataFrame) -> None:
    """Axes, the line between the modes, and theory's line N."""
    low, high = 0.5 * min(1.0, cells["speedup"].min()), 2.5 * max(1.0, cells["speedup"].max())
    left, right = cells["size"].min() / 1.4, cells["size"].max() * 1.4
    log_axis(ax, "x", ticks=7)
    log_axis(ax, "y", "×", ticks=7)
    ax.set_xlim(left, right)
    ax.set_ylim(low, high)
    ax.tick_params(labelsize=TEXT, length=0)
    ax.axhspan(1.0, high, color=REVERSE, alpha=0.045, lw=0, zorder=0)
    ax.axhspan(low, 1.0, color=FORWARD, alpha=0.055, lw=0, zorder=0)
    ax.axhline(1.0, color=FAINT, lw=1.0, zorder=1)
    ax.annotate(
        "reverse is faster ↑", (1, 1), (-8, 5), xycoords=("axes fraction", "data"), textcoords="offset points",
        color=REVERSE, size=TEXT - 1, ha="right", va="bottom",
    )  # fmt: skip
    ax.annotate(
        "forward is faster ↓", (1, 1), (-8, -6), xycoords=("axes fraction", "data"), textcoords="offset points",
        color=FORWARD, size=TEXT - 1, ha="right", va="top",
    )  # fmt: skip
    n = np.array([max(left, low), min(right, high)])
    ax.plot(n, n, color=THEORY, lw=1.6, ls=(0, (1, 1.6)), zorder=2)
    where = float(np.exp(np.mean(np.log(n)) + 0.18 * np.diff(np.log(n))[0]))
    ax.text(
        where, where * 1.12, "N sweeps to one", color=INK, size=TEXT, ha="right", va="bottom", rotation=45,
        rotation_mode="anchor", transform_rotates_text=True,
    )  # fmt: skip
    ax.set_xlabel("N, number of inputs (broadcast: M, number of outputs)", size=TEXT, labelpad=8)
    ax.set_ylabel("time of N forward sweeps / time of one reverse sweep", size=TEXT, labelpad=8)


def _finding(cells: pd.DataFrame) -> str:
    row = headline(cells[cells["n_outputs"] == 1] if (cells["n_outputs"] == 1).any() else cells)
    size, ratio = quantity(row["size"]), float(row["speedup"])
    forward, reverse = f"{size} forward sweeps", "one reverse sweep"
    if letter(cells[cells["graph"] == row["graph"]]) == "M":
        forward, reverse = "one forward sweep", f"{size} reverse sweeps"
    where = f"At {'N' if reverse.startswith('one') else 'M'}\xa0=\xa0{size}"
    if row["verdict"] == "no difference":
        return f"{where} there is no difference between {reverse} and {forward} on {row['graph']}"
    if ratio < 1:
        return f"{where}, {forward} beats {reverse} by {times(1 / ratio)}× on {row['graph']}"
    return f"{where}, {reverse} beats {forward} by {times(ratio)}×"


def _detail(cells: pd.DataFrame) -> str:
    engine = engines(cells)[0]
    last = cells[cells["engine"] == engine].groupby("graph").tail(1)
    wins, losses = last[last["speedup"] >= 1], last[last["speedup"] < 1]
    said = []
    if len(wins):
        low, high = float(wins["speedup"].min()), float(wins["speedup"].max())
        many = len(wins) > 1
        subject = f"{len(wins)} families of functions" if many else f"{wins['graph'].iloc[0]}"
        span = f"{times(low)}× to {times(high)}×" if many else f"{times(high)}×"
        said.append(f"Full gradients of {subject}, each at its largest size measured in both modes: {span}.")
    if len(losses):
        names = ", ".join(
            f"{row['graph']} ({quantity(row['n_inputs'])} input{'s' * (row['n_inputs'] > 1)}, "
            f"{quantity(row['n_outputs'])} outputs) by {times(1 / row['speedup'])}×"
            for _, row in losses.iterrows()
        )
        said.append(f"Forward wins {names}.")
    return " ".join([*said, "Bands: 95 % intervals."])
