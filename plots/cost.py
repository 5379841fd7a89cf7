"""Figure `cost`: one sweep of either mode relative to the function itself, against size, one panel per family."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator

from benchmarks.runs.files import Run
from plots.lines import NothingToDrawError, engines, families, letter, lines, short, summary, times
from plots.style import MODES, canvas, label_ends, log_axis, panels, rows_height

THEORY = {"forward": 2.5, "reverse": 4.0}
"""Griewank and Walther, Evaluating Derivatives (2008), section 4: bounds on the cost of a tangent and of a gradient
relative to the function, for operations and memory accesses counted on an ideal machine."""


def draw(run: Run) -> Figure:
    """Draw the figure.

    Raises:
        NothingToDrawError: no single sweep was measured together with its primal.
    """
    cells = sweeps(summary(run))
    if cells.empty:
        raise NothingToDrawError(f"{run.path}: no single sweep was measured together with the function itself")
    names = families(cells)
    room = canvas(_finding(cells), _detail(cells), rows_height(names))
    low, high = cells["primal_ratio"].min(), cells["primal_ratio"].max()
    for ax, name in zip(panels(room, names), names, strict=True):
        _panel(ax, cells[cells["graph"] == name], min(0.9, low / 1.1), max(4.5, high * 1.1))
    return room.figure


def sweeps(cells: pd.DataFrame) -> pd.DataFrame:
    """Single sweeps of one lane that were measured together with the primal.

    With one output the reverse gradient is one reverse sweep, and with one input the forward gradient one forward.
    """
    alone = ((cells["mode"] == "reverse") & (cells["n_outputs"] == 1)) | (
        (cells["mode"] == "forward") & (cells["n_inputs"] == 1)
    )
    one = (cells["quantity"] == "gradient") & alone
    single = cells[cells["quantity"].isin(["jvp", "vjp"]) | one]
    single = single[(single["lanes"] == 1) & (single["graph"] != "map") & single["primal_ratio"].notna()]
    return single.drop_duplicates(["graph", "n_inputs", "n_outputs", "engine", "mode"])


def _panel(ax: Axes, cells: pd.DataFrame, low: float, high: float) -> None:
    for mode, bound in THEORY.items():
        ax.axhline(bound, color=MODES[mode], lw=1.0, ls=(0, (1, 1.8)), zorder=1)
    labels = [line.draw(ax, "primal_ratio") for line in lines(cells)]
    log_axis(ax, "x")
    log_axis(ax, "y", "×")
    ax.yaxis.set_major_locator(FixedLocator([power for k in range(-2, 12) if low <= (power := 2.0**k) <= high]))
    ax.set_ylim(low, high)
    ax.set_xlabel(letter(cells), labelpad=1)
    label_ends(ax, labels)


def _span(cells: pd.DataFrame, mode: str) -> str | None:
    ratio = cells.loc[cells["mode"] == mode, "primal_ratio"]
    return None if ratio.empty else f"{times(float(ratio.quantile(0.1)))} to {times(float(ratio.quantile(0.9)))} times"


def _finding(cells: pd.DataFrame) -> str:
    engine = engines(cells)[0]
    cells = cells[cells["engine"] == engine]
    said = [
        f"one {mode} sweep {'costs ' * (mode == first)}{span}{' the function' * (mode == first)}"
        for first in [next(mode for mode in THEORY if _span(cells, mode))]
        for mode in THEORY
        if (span := _span(cells, mode))
    ]
    most = int(cells["size"].max())
    return f"Up to size {most:,}, {', '.join(said)}"


def _detail(cells: pd.DataFrame) -> str:
    detail = "Seconds of one sweep / seconds of the function alone, in the same engine; titles give 8 cells of 10."
    first, *others = engines(cells)
    for place, name in enumerate(others):
        mine = cells[cells["engine"] == name]
        spans = [f"{mode} {span}" for mode in THEORY if (span := _span(mine, mode))]
        opening = f" Filled dots: {first}. Open marks: " if place == 0 else "; "
        detail += f"{opening}{short(name)} ({', '.join(spans)})" + "." * (name == others[-1])
    return (
        detail + " Dotted: Griewank and Walther's bounds, 2.5 for a tangent, 4 for a gradient. Bands: 95 % intervals."
    )
