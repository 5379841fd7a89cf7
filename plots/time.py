"""Figure `time`: seconds of a full gradient against size, in both modes, one panel per family."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.runs.files import Run
from plots.lines import (
    NothingToDrawError,
    announced,
    draw_primal,
    engines,
    families,
    gradients,
    headline,
    letter,
    lines,
    readable,
    short,
    summary,
)
from plots.style import FORWARD, Label, canvas, darker, label_ends, log_axis, panels, quantity, rows_height

ENGINES = 2
"""A panel has room for two: each has up to three lines here."""
LABEL_WIDTH = 38.0
"""Points that the word "forward" takes."""


def draw(run: Run) -> Figure:
    """Draw the figure.

    Raises:
        NothingToDrawError: the run measured no gradient.
    """
    cells = summary(run)
    measured = gradients(cells)
    if measured.empty:
        raise NothingToDrawError(f"{run.path}: no gradient was measured")
    measured, left_out = readable(measured, lines=ENGINES)
    names = families(measured)
    cells = cells[cells["engine"].isin(engines(measured))]
    room = canvas(announced(run, _finding(measured)), _detail(measured) + left_out, rows_height(names, row=2.3))
    for ax, name in zip(panels(room, names), names, strict=True):
        _panel(ax, cells[cells["graph"] == name])
    return room.figure


def _panel(ax: Axes, cells: pd.DataFrame) -> None:
    labels = draw_primal(ax, cells, "value")
    inner: Label | None = None
    for line in lines(gradients(cells)):
        label = line.draw(ax, "seconds_median")
        beyond = not_run(cells, line.cells) if (line.place, line.mode, line.lanes) == (0, "forward", 1) else None
        if beyond is not None:
            ax.plot(beyond["n"], beyond["seconds_median"], color=FORWARD, lw=1.0, dashes=(3, 2))
            inner = label
            end = beyond.iloc[-1]
            label = Label(end["n"], end["seconds_median"], "not run", FORWARD)
        labels.append(label)
    log_axis(ax, "x")
    log_axis(ax, "y", "s")
    ax.set_xlabel(letter(cells), labelpad=1)
    if inner is not None:
        _inside(ax, inner)
    label_ends(ax, labels)


def _inside(ax: Axes, label: Label) -> None:
    """Write a label left of a line that goes on, above it; or below where the axis leaves no room."""
    point = ax.figure.dpi / 72.0
    room = float(ax.transData.transform((label.x, label.y))[0]) - float(ax.get_window_extent().x0)
    short = LABEL_WIDTH * point - room
    place, align = ((3, -11), "left") if short > 0.4 * LABEL_WIDTH * point else ((max(-5.0, short / point), 3), "right")
    ax.annotate(
        label.text, (label.x, label.y), place, textcoords="offset points", color=darker(label.colour), size=8,
        weight="bold", ha=align,
    )  # fmt: skip


def not_run(cells: pd.DataFrame, forward: pd.DataFrame) -> pd.DataFrame | None:
    """What forward gradients larger than the last one measured would take: a measured sweep times the sweeps needed.

    Args:
        cells: all cells of a family.
        forward: its measured forward gradients of one engine.

    Returns:
        `n` and `seconds_median`, beginning with the last measured gradient; None when no larger sweep was measured.
    """
    last = forward.iloc[-1]
    sweep = cells[(cells["quantity"] == "jvp") & (cells["engine"] == last["engine"]) & (cells["lanes"] == 1)]
    sweep = sweep[sweep["n"] > last["n"]]
    if sweep.empty:
        return None
    beyond = pd.DataFrame({"n": sweep["n"], "seconds_median": sweep["seconds_median"] * sweep["n_inputs"]})
    return pd.concat([last[["n", "seconds_median"]].to_frame().T, beyond]).astype(float)


def _finding(cells: pd.DataFrame) -> str:
    forward = cells[(cells["mode"] == "forward") & (cells["lanes"] == 1)]
    reverse = cells[cells["mode"] == "reverse"]
    if forward.empty or reverse.empty:
        row = headline(cells)
        return (
            f"The gradient of {row['graph']} at {row['n']:,} takes {quantity(row['seconds_median'], 's')} "
            f"in {row['mode']} mode"
        )
    key = ["graph", "engine", "size", "n", "n_outputs"]
    both = forward.merge(reverse, on=key, suffixes=("", "_reverse"))
    one_output = both[both["n_outputs"] == 1]
    row = headline(one_output if len(one_output) else both)
    if row["verdict"] == "no difference":
        return f"The gradient of {row['graph']} takes as long in both modes at size {row['n']:,}"
    size = letter(both[both["graph"] == row["graph"]])
    return (
        f"The gradient of {row['graph']} at {size}\xa0=\xa0{row['n']:,} takes "
        f"{quantity(row['seconds_median'], 's')} in forward mode and {quantity(row['seconds_median_reverse'], 's')} "
        "in reverse mode"
    )


def _detail(cells: pd.DataFrame) -> str:
    detail = "Seconds of a full gradient, recording included; N inputs, one output (broadcast: one input, M outputs)."
    first, *others = engines(cells)
    if others:
        detail += f" Filled dots: {first}; open marks: {', '.join(short(name) for name in others)}."
    return detail + " Dashed: not run, one measured sweep times the sweeps needed. Bands: 95 % intervals."
