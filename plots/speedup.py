"""Figure `speedup`: how many times as fast one reverse sweep is as N forward sweeps, against N.

The figure that opens the README: one panel, readable at 800 pixels.  In each engine one family is drawn in full, with
one tangent in a forward pass (the textbook's forward mode) and with as many as the engine carries; others are faint.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.findings.found import noise_of
from benchmarks.findings.words import times
from benchmarks.functions.catalogue import HEADLINE
from benchmarks.runs.files import Run
from plots.lines import (
    NothingToDrawError,
    announced,
    engines,
    families,
    gradients,
    headline,
    letter,
    readable,
    short,
    summary,
)
from plots.style import FAINT, FORWARD, INK, REVERSE, THEORY, Label, canvas, darker, label_ends, log_axis, quantity

SIZE = (12.0, 7.4)
TEXT = 13.0
"""Points; the picture is twelve inches wide, so this is ten points where a page shows it at nine."""

SHADES = {True: (REVERSE, "#3C9BD6", "#7FB8DE"), False: (FORWARD, "#E58A3C", "#EFB07A")}
"""By whether reverse wins: a colour for each engine drawn, the first one strongest."""
MARKERS = ("o", "s", "D")


def draw(run: Run) -> Figure:
    """Draw the figure.

    Raises:
        NothingToDrawError: no gradient was measured in both modes.
    """
    every = compared(summary(run))
    if every.empty:
        raise NothingToDrawError(f"{run.path}: no gradient was measured in both modes")
    cells, left_out = readable(every, panels=len(families(every)))
    finding = announced(run, _finding(cells))
    room = canvas(finding, _detail(cells) + left_out, SIZE[1], width=SIZE[0], scale=1.45)
    figure, (width, height) = room.figure, SIZE
    ax = figure.add_axes((0.9 / width, 0.72 / height, (width - 4.35) / width, room.top - 0.92 / height))
    labels, trusted = [], noise_of(run).seen is None
    for (name, engine, lanes), line in cells.groupby(["graph", "engine", "lanes"], sort=False):
        place = engines(cells).index(str(engine))
        if str(name) in _bold(cells):
            labels.append(_line(ax, line, place, many=lanes != 1, trusted=trusted))
        elif lanes == 1:
            colour = SHADES[_wins(line)][place]
            ax.plot(line["n"], line["speedup"], color=colour, lw=0.9, alpha=0.3, zorder=1.5)
    _ground(ax, cells)
    label_ends(ax, labels, size=TEXT - 1, offset=10)
    return figure


def compared(cells: pd.DataFrame) -> pd.DataFrame:
    """The forward gradients that have a reverse gradient to compare with, the map left out."""
    cells = gradients(cells)
    return cells[(cells["mode"] == "forward") & cells["speedup"].notna()]


def _bold(cells: pd.DataFrame) -> set[str]:
    """The families drawn in full: the headline, or the first there is, and the first with many outputs."""
    names = families(cells)
    outputs = [name for name in names if letter(cells[cells["graph"] == name]) == "M"]
    inputs = [HEADLINE] if HEADLINE in names else [name for name in names if name not in outputs]
    return {*inputs[:1], *outputs[:1]}


def _wins(line: pd.DataFrame) -> bool:
    return bool(line.iloc[-1]["speedup"] >= 1.0)


def _line(ax: Axes, line: pd.DataFrame, place: int, *, many: bool, trusted: bool) -> Label:
    size, speedup, last = line["n"], line["speedup"], line.iloc[-1]
    colour = SHADES[_wins(line)][place]
    ax.fill_between(size, line["speedup_low"], line["speedup_high"], color=colour, alpha=0.2, lw=0)
    ax.plot(size, speedup, color=colour, lw=2.2, zorder=3)
    decided = line["verdict"].isin(["faster", "slower"])
    for which, face in ((decided, colour), (~decided, "white")):
        ax.plot(
            size[which], speedup[which], "P" if many else MARKERS[place], color=colour, mfc=face, ms=6.0, mew=1.3,
            zorder=4,
        )  # fmt: skip
    ratio = float(last["speedup"])
    said = (f" {times(ratio)}×" if ratio >= 1 else f" 1/{times(1 / ratio)}") if decided.iloc[-1] else " even"
    said = said if trusted else ""
    kind = f", {last['lanes']} lanes" if many else ""
    return Label(float(last["n"]), ratio, f"{last['graph']}{said} ({short(last['engine'])}{kind})", colour, "bold")


def _ground(ax: Axes, cells: pd.DataFrame) -> None:
    """Axes, the line between the modes, and theory's line N."""
    low, high = 0.5 * min(1.0, cells["speedup"].min()), 2.5 * max(1.0, cells["speedup"].max())
    left, right = cells["n"].min() / 1.4, cells["n"].max() * 1.4
    log_axis(ax, "x", ticks=7)
    log_axis(ax, "y", "×", ticks=7)
    ax.set_xlim(left, right)
    ax.set_ylim(low, high)
    ax.tick_params(labelsize=TEXT, length=0)
    ax.axhspan(1.0, high, color=REVERSE, alpha=0.045, lw=0, zorder=0)
    ax.axhspan(low, 1.0, color=FORWARD, alpha=0.055, lw=0, zorder=0)
    ax.axhline(1.0, color=FAINT, lw=1.0, zorder=1)
    for text, up, colour, align in (
        ("reverse is faster ↑", 5, REVERSE, "bottom"),
        ("forward is faster ↓", -6, FORWARD, "top"),
    ):
        ax.annotate(
            text, (1, 1), (-8, up), xycoords=("axes fraction", "data"), textcoords="offset points",
            color=darker(colour), size=TEXT - 1, ha="right", va=align,
        )  # fmt: skip
    n = np.array([max(left, low), min(right, high)])
    ax.plot(n, n, color=THEORY, lw=1.6, ls=(0, (1, 1.6)), zorder=2)
    where = float(np.exp(np.mean(np.log(n)) + 0.18 * np.diff(np.log(n))[0]))
    ax.text(
        where, where * 1.12, "N sweeps to one", color=INK, size=TEXT, ha="right", va="bottom", rotation=45,
        rotation_mode="anchor", transform_rotates_text=True, zorder=5,
        bbox={"fc": "white", "ec": "none", "alpha": 0.8, "pad": 0.5},
    )  # fmt: skip
    ax.set_xlabel("N, number of inputs (broadcast: M, number of outputs)", size=TEXT, labelpad=8)
    ax.set_ylabel("time of N forward sweeps / time of one reverse sweep", size=TEXT, labelpad=8)


def _finding(cells: pd.DataFrame) -> str:
    """The headline cell of the first engine, with one tangent in a pass, and with many where an engine carries them."""
    one_output = cells[cells["n_outputs"] == 1]
    cells = one_output if len(one_output) else cells
    row = headline(cells[cells["lanes"] == 1] if (cells["lanes"] == 1).any() else cells)
    size, ratio = quantity(row["n"]), float(row["speedup"])
    forward, reverse = f"{size} forward sweeps", "one reverse sweep"
    if letter(cells[cells["graph"] == row["graph"]]) == "M":
        forward, reverse = "one forward sweep", f"{size} reverse sweeps"
    where = f"At {'N' if reverse.startswith('one') else 'M'}\xa0=\xa0{size}"
    if row["verdict"] == "no difference":
        return f"{where} there is no difference between {reverse} and {forward} on {row['graph']}"
    if row["verdict"] not in ("faster", "slower"):
        return f"{where} it is undecided whether {reverse} or {forward} is faster on {row['graph']}: more blocks needed"
    if ratio < 1:
        return f"{where}, {forward} beats {reverse} by {times(1 / ratio)}× on {row['graph']}"
    many = cells[(cells["lanes"] > 1) & (cells["graph"] == row["graph"]) & (cells["verdict"] == "faster")]
    said = f"{where}, {reverse} beats {forward} by {times(ratio)}×"
    if many.empty:
        return said
    best = many.iloc[-1]
    return (
        f"{said}; {times(float(best['speedup']))}× where forward carries {best['lanes']} tangents at once "
        f"({short(best['engine'])}, N\xa0=\xa0{quantity(best['n'])})"
    )


def _detail(cells: pd.DataFrame) -> str:
    others = len(families(cells)) - len(_bold(cells))
    faint = f" Faint: {others} other famil{'y' if others == 1 else 'ies'}, one tangent in a pass." if others else ""
    hollow = "" if cells["verdict"].isin(["faster", "slower"]).all() else " Hollow marks: no difference beyond noise."
    lanes = (
        " Lanes: tangents carried through one forward pass; without, one, as in textbooks."
        if (cells["lanes"] > 1).any()
        else ""
    )
    return f"Seconds of full gradients, one engine in both modes.{lanes}{faint}{hollow} Bands: 95 % intervals."
