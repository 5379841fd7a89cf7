"""Figure `cost`: one sweep of either mode relative to the function itself, against size, one panel per family."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator

from benchmarks.findings.found import costs, single_sweeps
from benchmarks.findings.told import Cost
from benchmarks.runs.files import Run
from plots.lines import NothingToDrawError, announced, engines, families, letter, lines, readable, short, summary
from plots.style import MODES, canvas, label_ends, log_axis, panels, rows_height

THEORY = {"forward": 2.5, "reverse": 4.0}
"""Griewank and Walther, Evaluating Derivatives (2008), section 4: bounds on the cost of a tangent and of a gradient
relative to the function, for operations and memory accesses counted on an ideal machine."""


def draw(run: Run) -> Figure:
    """Draw the figure.

    Raises:
        NothingToDrawError: no single sweep was measured together with its primal.
    """
    cells = single_sweeps(summary(run))
    if cells.empty:
        raise NothingToDrawError(f"{run.path}: no single sweep was measured together with the function itself")
    told = costs(cells)
    cells, left_out = readable(cells)
    names = families(cells)
    room = canvas(announced(run, _finding(cells, told)), _detail(cells, told) + left_out, rows_height(names))
    low, high = cells["primal_ratio"].min(), cells["primal_ratio"].max()
    for ax, name in zip(panels(room, names), names, strict=True):
        _panel(ax, cells[cells["graph"] == name], min(0.9, low / 1.1), max(4.5, high * 1.1))
    return room.figure


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


def _finding(cells: pd.DataFrame, told: Sequence[Cost]) -> str:
    said = {each.mode: each for each in told if each.engine == engines(cells)[0]}
    first, *others = said
    text = f"One {first} sweep costs {said[first].span} times the function itself"
    return "; ".join([text, *(f"one {mode} sweep {said[mode].span} times" for mode in others)])


def _detail(cells: pd.DataFrame, told: Sequence[Cost]) -> str:
    first, *others = engines(cells)
    said = [f"{short(each.engine)} {each.mode} {each.span}" for each in told if each.engine in others]
    many = max(each.families for each in told if each.engine == first)
    where = "the one family measured" if many == 1 else f"all {many} families, each"
    marks = f" Open marks: {', '.join(map(short, others))} ({', '.join(said)})." if others else ""
    return (
        f"Seconds of one sweep / seconds of the function alone, in the same engine; in the title, {where} at its "
        f"largest size, drawn or left out. Filled dots: {first}.{marks} Dotted: Griewank and Walther's bounds, 2.5 for "
        "a tangent, 4 for a gradient. Bands: 95 % intervals."
    )
