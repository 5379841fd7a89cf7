"""Figure `workloads`: seconds of the whole derivative against size for every workload, and a picture of each alone."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.findings.closing import workload_sentences
from benchmarks.findings.found import noise_of, speedups
from benchmarks.findings.words import times
from benchmarks.findings.workloads import Workload, workloads
from benchmarks.functions.catalogue import WORKLOADS
from benchmarks.functions.catalogue import families as catalogued
from benchmarks.runs.files import Run
from plots.lines import (
    Line,
    NothingToDrawError,
    announced,
    draw_primal,
    engines,
    families,
    gradients,
    lines,
    short,
    summary,
)
from plots.style import FAINT, canvas, label_ends, log_axis, panels, rows_height

COLUMNS = 4
GROWS = 3
"""A workload measured at fewer sizes has no picture of its own."""
MARKED = 3
"""With more engines than this in a panel, those after the first are thin lines without marks."""


def draw(run: Run) -> Figure:
    """Draw all workloads as small multiples.

    Raises:
        NothingToDrawError: the run measured the derivative of no workload.
    """
    cells = _measured(run)
    names = families(cells)
    room = canvas(announced(run, _finding(run, cells)), _detail(cells), rows_height(names, COLUMNS, row=1.75))
    for ax, name in zip(panels(room, names, COLUMNS, right=0.16), names, strict=True):
        mine = growing(cells[cells["graph"] == name])
        for line in lines(gradients(mine)):
            _draw(ax, line, crowded=len(engines(cells)) > MARKED)
        _axes(ax, mine, ticks=3)
    return room.figure


def each(run: Run) -> Iterator[tuple[str, Figure]]:
    """A picture of every workload that grows, by its name, with all lines named."""
    cells, told = _measured(run), workloads(run)
    for name in families(cells):
        mine = growing(cells[cells["graph"] == name])
        if mine["size"].nunique() < GROWS:
            continue
        first = [one for one in told if (one.graph, one.engine) == (name, engines(mine)[0])]
        finding = announced(run, _title(first[0])) if first else f"{name}: not measured in both modes"
        detail = (
            f"{'' if finding.startswith(name) else f'{name}. '}Seconds of the whole derivative. Bands: 95 % intervals. "
            "Grey: the function alone, in the first engine."
        )
        room = canvas(finding, detail, 1.2 + max(3.0, 0.16 * sum(1 for _ in lines(gradients(mine)))))
        (ax,) = panels(room, [""], 1, right=1.75)
        labels = draw_primal(ax, mine, "the function")
        for line in lines(gradients(mine)):
            kind = f", {line.lanes} lanes" if line.lanes > 1 else ""
            text = f"{short(line.engine)} {line.mode}{kind}"
            labels.append(dataclasses.replace(line.draw(ax, "seconds_median"), text=text))
        _axes(ax, mine, ticks=6)
        label_ends(ax, labels)
        yield name, room.figure


def growing(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells of one workload along what tells its sizes apart: `n` is N, M, or the size itself; `letter` says which.

    Args:
        cells: rows of `summary.csv`.
    """
    sizes = cells.drop_duplicates("size")
    for column, letter in (("n_inputs", "N"), ("n_outputs", "M")):
        if sizes[column].nunique() == len(sizes):
            ordered = cells.assign(n=cells[column]).sort_values("n", kind="stable")
            outputs = ordered["n_outputs"].iloc[[0, -1]].tolist()
            both = f" (M {outputs[0]:,} to {outputs[1]:,})" if letter == "N" and outputs[0] != outputs[1] else ""
            return ordered.assign(letter=f"{letter}{both}")
    number = cells["size"].map(lambda size: math.prod(map(int, size.split("x"))))
    return cells.assign(n=number, letter="size").sort_values("n", kind="stable")


def _measured(run: Run) -> pd.DataFrame:
    names = {family.name for family in catalogued([WORKLOADS])}
    cells = summary(run)
    cells = cells[cells["graph"].isin(names)]
    cells = cells[cells["graph"].isin(gradients(cells)["graph"])]
    if cells.empty:
        raise NothingToDrawError(f"{run.path}: no derivative of a workload was measured")
    return cells


def _draw(ax: Axes, line: Line, *, crowded: bool) -> None:
    if not crowded or line.place == 0:
        line.draw(ax, "seconds_median")
        return
    ax.plot(line.cells["n"], line.cells["seconds_median"], color=line.colour, lw=0.7, alpha=0.55)


def _axes(ax: Axes, cells: pd.DataFrame, ticks: int) -> None:
    log_axis(ax, "x", ticks=ticks)
    log_axis(ax, "y", "s", ticks=ticks)
    ax.set_xlabel(str(cells["letter"].iloc[0]), labelpad=1, color=FAINT)


def _title(told: Workload) -> str:
    size, last = told.largest
    if last.winner not in ("reverse", "forward"):
        return f"{told.graph}: {last.outcome()} at size {size}"
    ratio, *_ = last.times_as_fast
    return f"{told.graph}: {last.winner} mode is {times(ratio)} times as fast at size {size} ({told.engine})"


def _finding(run: Run, cells: pd.DataFrame) -> str:
    first = cells[(cells["engine"] == engines(cells)[0]) & (cells["lanes"] == 1)]
    said = workload_sentences(speedups(first, trusted=noise_of(run).seen is None))
    return said[0] if said else f"The derivatives of {len(families(cells))} workloads, each in one mode"


def _detail(cells: pd.DataFrame) -> str:
    first, *others = engines(cells)
    marks = f" Filled dots: {first}; crosses: many tangents in a forward pass."
    if others:
        kind = "thin lines" if len(others) >= MARKED else "open marks"
        marks += f" {kind.capitalize()}: {', '.join(map(short, others))}; each workload's own picture names them."
    return (
        "Seconds of the whole derivative against N inputs, M outputs or the size; orange: forward, blue: reverse mode."
        f"{marks} Bands: 95 % intervals."
    )
