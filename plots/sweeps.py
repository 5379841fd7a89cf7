"""Figure `sweeps`: sweeps counted for a full gradient, against size.  Counts, not times: exact on any machine."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.findings.found import counted_sweeps
from benchmarks.runs.files import Run
from plots.lines import NothingToDrawError
from plots.style import INK, MODES, THEORY, Label, canvas, label_ends, log_axis, panels


def draw(run: Run) -> Figure:
    """Draw the figure.

    Raises:
        NothingToDrawError: the run counted no sweep of a gradient with one input or one output.
    """
    rows = counted_sweeps(run.timings)
    rows = rows.assign(n=rows[["n_inputs", "n_outputs"]].max(axis=1), sweeps=rows["sweeps"].astype("int64"))
    rows = rows.sort_values("n", kind="stable")
    kinds = {
        "N inputs, one output": rows[rows["n_outputs"] == 1],
        "one input, M outputs": rows[(rows["n_inputs"] == 1) & (rows["n_outputs"] > 1)],
    }
    kinds = {title: group for title, group in kinds.items() if len(group)}
    if not kinds:
        raise NothingToDrawError(f"{run.path}: no sweeps were counted of a gradient with one input or one output")
    room = canvas(_finding(rows), _detail(rows), 4.6)
    for ax, (title, group) in zip(panels(room, list(kinds), 2, left=0.7, right=1.15), kinds.items(), strict=True):
        _panel(ax, group, title[0] if title[0] == "N" else "M")
    return room.figure


def _panel(ax: Axes, rows: pd.DataFrame, size: str) -> None:
    n = np.array([1.0, float(rows["n"].max())])
    ax.plot(n, n, color=THEORY, lw=1.2, ls=(0, (1, 1.8)), zorder=1)
    ax.plot(n, n**0, color=THEORY, lw=1.2, ls=(0, (1, 1.8)), zorder=1)
    labels = []
    for mode, group in rows.groupby("mode"):
        colour = MODES[str(mode)]
        ax.plot(group["n"], group["sweeps"], "o", color=colour, ms=6.5, mec="white", mew=0.8, zorder=3)
        end = group.iloc[-1]
        labels.append(Label(end["n"], end["sweeps"], f"{mode}: {end['sweeps']:,}", colour, "bold"))
    log_axis(ax, "x")
    log_axis(ax, "y", ticks=4)
    ax.set_xlabel(f"{size}, number of {'inputs' if size == 'N' else 'outputs'}")
    if size == "N" or ax is ax.figure.axes[0]:
        ax.set_ylabel("sweeps counted", color=INK)
    label_ends(ax, labels, size=9)


def _finding(rows: pd.DataFrame) -> str:
    right = rows["sweeps"] == rows["expected"]
    if not right.all():
        return f"Counted sweeps are not what theory says in {(~right).sum():,} of {len(rows):,} full gradients"
    one_output = rows[rows["n_outputs"] == 1]
    forward = one_output[one_output["mode"] == "forward"]
    if forward.empty:
        return f"Counted sweeps are what theory says in all {len(rows):,} full gradients"
    return (
        f"Counted: up to {forward['sweeps'].max():,} forward sweeps for a gradient that takes one reverse sweep, "
        f"as theory says in all {len(rows):,} full gradients"
    )


def _detail(rows: pd.DataFrame) -> str:
    many = rows["graph"].nunique()
    return (
        f"Sweeps that the engines counted while they ran: {len(rows):,} full gradients of {many} "
        f"famil{'y' if many == 1 else 'ies'}; points of different families coincide. Dotted: theory."
    )
