"""Figure `modes`: a function of the user's own in both modes, by engine; and over its sizes, if it has several."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.findings.found import best_of_modes
from benchmarks.findings.told import Speedup
from benchmarks.findings.words import counted
from benchmarks.runs.files import Run
from plots.lines import NothingToDrawError, announced, short, summary
from plots.style import FAINT, FORWARD, REVERSE, WIDTH, Label, canvas, darker, label_ends, log_axis, quantity

ROW = 0.34
KINDS = [
    (mode, many, marker, colour)
    for mode, colour in (("forward", FORWARD), ("reverse", REVERSE))
    for many, marker in ((False, "o"), (True, "P"))
]
"""Mode, many lanes or one, marker and colour."""
SHADES = ("#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#333333", "#8A6D3B", "#7A7A7A", "#B03A2E", "#5B4B8A")
"""Of the engines over sizes; Okabe and Ito's first."""


def draw(run: Run) -> Figure:
    """Draw the function that a run was made for.

    Raises:
        NothingToDrawError: the run was not made for one function, or nothing of it was measured.
    """
    asked = run.environment.get("function")
    if not asked:
        raise NothingToDrawError(f"{run.path}: was not made for a function of one's own")
    cells = summary(run)
    cells = cells[(cells["quantity"] == "gradient") & (cells["graph"] == asked["name"])]
    here = cells[(cells["n_inputs"] == asked["n_inputs"]) & (cells["n_outputs"] == asked["n_outputs"])]
    if here.empty:
        raise NothingToDrawError(f"{run.path}: no gradient of {asked['name']} was measured")
    here = here.sort_values("seconds_median", kind="stable")
    order = list(dict.fromkeys(here["engine"]))
    compared = tuple(each for each in best_of_modes(run)[0] if each.graph == asked["name"])
    sized = len(set(cells["n_inputs"])) > 1 and bool(compared)
    finding = announced(run, _finding(here, compared))
    detail = (
        f"{asked['name']}: {counted(asked['n_inputs'], 'input')}, {counted(asked['n_outputs'], 'output')}. Seconds of "
        "the whole derivative, with 95 % intervals; a plus carries many tangents, or cotangents, in one pass."
    )
    if sized:
        detail += " Right: forward over reverse, each at its best, against the number of inputs."
    height = 1.75 + max(ROW * len(order), 2.0 if sized else 0.0)
    room = canvas(finding, detail, height)
    left, bottom = 1.35 / WIDTH, 0.5 / height
    across = (3.9 if sized else WIDTH - 2.0) / WIDTH
    ax = room.figure.add_axes((left, bottom, across, room.top - bottom - 0.25 / height))
    _dots(ax, here, order)
    if sized:
        beside = room.figure.add_axes((6.05 / WIDTH, bottom, 1.85 / WIDTH, room.top - bottom - 0.25 / height))
        _ratios(beside, compared, order)
    return room.figure


def _dots(ax: Axes, here: pd.DataFrame, order: list[str]) -> None:
    """A row for each engine, the fastest on top; a line from its faster mode to its slower one."""
    for k, engine in enumerate(order):
        mine = here[here["engine"] == engine]
        ax.plot([mine["seconds_median"].min(), mine["seconds_median"].max()], [k, k], color="#CFCFCF", lw=1.2, zorder=1)
        for mode, many, marker, colour in KINDS:
            for row in mine[(mine["mode"] == mode) & ((mine["lanes"] > 1) == many)].to_dict("records"):
                ax.plot([row["seconds_low"], row["seconds_high"]], [k, k], color=colour, lw=3.0, alpha=0.35, zorder=2)
                ax.plot([row["seconds_median"]], [k], marker, color=colour, ms=7.5 if many else 6.5, zorder=3)
    ax.set_yticks(range(len(order)), [short(engine) for engine in order], size=9)
    ax.set_ylim(len(order) - 0.4, -0.6)
    log_axis(ax, "x", "s")
    drawn = here[["seconds_median", "seconds_low", "seconds_high"]].to_numpy(float)  # NaN where there is one block
    ax.set_xlim(np.nanmin(drawn) / 1.6, np.nanmax(drawn) * 1.6)
    ax.tick_params(length=0)
    # Side by side: at the two ends of the axis they would read as what lies there.
    for text, colour, points in (("forward", FORWARD, 0), ("reverse", REVERSE, 62)):
        ax.annotate(
            f"● {text}", (0.0, 1.0), (points, 5), xycoords="axes fraction", textcoords="offset points", size=9,
            weight="bold", color=darker(colour),
        )  # fmt: skip


def _ratios(ax: Axes, compared: tuple[Speedup, ...], order: list[str]) -> None:
    """Forward over reverse against the number of inputs, each mode at its best."""
    labels = []
    for place, engine in enumerate(order):
        mine = [each for each in compared if each.engine == engine]
        line = sorted(mine, key=lambda each: each.n_inputs)
        if not line:
            continue
        colour = SHADES[place % len(SHADES)]
        sizes, ratios = [each.n_inputs for each in line], [each.value for each in line]
        ax.fill_between(sizes, [e.low for e in line], [e.high for e in line], color=colour, alpha=0.15, lw=0)
        ax.plot(sizes, ratios, color=colour, marker="o", ms=3.0, lw=1.3)
        labels.append(Label(sizes[-1], ratios[-1], short(engine), colour))
    log_axis(ax, "x", ticks=4)
    log_axis(ax, "y", "×", ticks=5)
    ax.axhline(1.0, color=FAINT, lw=1.0, zorder=1)
    bounds = np.array([(each.value, each.low, each.high) for each in compared])
    low, high = np.nanmin(bounds), np.nanmax(bounds)
    ax.set_ylim(min(0.5, low / 1.5), max(2.0, high * 1.5))
    ax.tick_params(length=0)
    ax.set_xlabel("inputs", labelpad=1)
    ax.annotate(
        "reverse is faster ↑", (0.0, 1.0), (0, 5), xycoords="axes fraction", textcoords="offset points", size=8.5,
        color=darker(REVERSE),
    )  # fmt: skip
    label_ends(ax, labels)


def _finding(here: pd.DataFrame, compared: tuple[Speedup, ...]) -> str:
    best = here.iloc[0]
    mine = [
        each for each in compared
        if (each.engine, each.n_inputs, each.n_outputs) == (best["engine"], best["n_inputs"], best["n_outputs"])
    ]  # fmt: skip
    if not mine:
        return (
            f"Only {best['mode']} mode was measured; fastest: {best['engine']}, {quantity(best['seconds_median'], 's')}"
        )
    return f"{mine[0].graph} ({mine[0].engine}, each mode at its best), {mine[0].size}: {mine[0].outcome()}"
