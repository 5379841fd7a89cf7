"""Figure `memory`: bytes that one sweep of either mode holds, against ops; one panel per engine."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.findings.found import memories
from benchmarks.functions.catalogue import HEADLINE
from benchmarks.runs.files import Run
from plots.lines import NothingToDrawError, engines, families, headline
from plots.style import MODES, REVERSE, Label, canvas, label_ends, log_axis, panels, quantity, rows_height

ENGINES = 6
FLOOR = 1e3
"""Bytes; less than this cannot be told from the interpreter's own, and is drawn here."""


def draw(run: Run) -> Figure:
    """Draw the figure.

    Raises:
        NothingToDrawError: the run measured no memory.
    """
    if run.memory is None:
        raise NothingToDrawError(f"{run.path}: no memory.csv; this run did not measure memory")
    cells = run.memory[(run.memory["status"] == "ok") & run.memory["peak_bytes"].notna()]
    cells = cells[cells["mode"].isin(["forward", "reverse"])]
    if cells.empty:
        raise NothingToDrawError(f"{run.path}: memory.csv has no measured cell")
    uncounted = families(cells[cells["n_ops"].isna()])
    cells = cells[cells["n_ops"].notna()]
    if cells.empty:
        raise NothingToDrawError(f"{run.path}: memory.csv has no cell whose ops are known")
    cells = cells.sort_values("n_ops").assign(n=lambda table: table["n_ops"])
    kinds, left_out = engines(cells)[:ENGINES], engines(cells)[ENGINES:]
    cells = cells[cells["engine"].isin(kinds)]
    detail = _detail(cells) + (f" Left out, and in memory.csv: {', '.join(left_out)}." if left_out else "")
    detail += f" Without a count of ops, in memory.csv: {len(uncounted)} families." if uncounted else ""
    columns = 2 if len(kinds) in (2, 4) else 3
    room = canvas(_finding(cells), detail, rows_height(kinds, columns, row=2.7))
    for ax, name in zip(panels(room, kinds, columns, right=0.9), kinds, strict=True):
        ax.set_xlim(cells["n"].min() / 1.5, cells["n"].max() * 1.5)
        ax.set_ylim(max(FLOOR, cells["peak_bytes"].min()) / 2, max(FLOOR, cells["peak_bytes"].max()) * 2)
        _panel(ax, cells[cells["engine"] == name])
    return room.figure


def _panel(ax: Axes, cells: pd.DataFrame) -> None:
    """All families as dots; the headline family, or the first there is, as a line, its tape as a thin one."""
    names = families(cells)
    chosen = HEADLINE if HEADLINE in names else names[0]
    labels = []
    for mode, group in cells.groupby("mode"):
        colour, peak = MODES[str(mode)], group["peak_bytes"].astype(float).clip(lower=FLOOR)
        ax.plot(group["n"], peak, "o", color=colour, ms=4.5, alpha=0.45, mew=0)
        mine = group["graph"] == chosen
        if mine.any():
            ax.plot(group["n"][mine], peak[mine], "o-", color=colour, ms=3.6)
            end = (float(group["n"][mine].iloc[-1]), float(peak[mine].iloc[-1]))
            labels.append(Label(*end, str(mode), colour, "bold"))
    taped = cells[cells["tape_bytes"].notna() & (cells["mode"] == "reverse") & (cells["graph"] == chosen)]
    if len(taped):
        size, tape = taped["n"], taped["tape_bytes"].astype(float).clip(lower=FLOOR)
        ax.plot(size, tape, "o-", color=REVERSE, mfc="white", ms=2.6, mew=0.7, lw=1.0, zorder=3)
        end = (float(size.iloc[-1]), float(tape.iloc[-1]))
        labels.append(Label(*end, f"tape: {quantity(end[1], 'B')}", REVERSE))
    log_axis(ax, "x")
    log_axis(ax, "y", "B")
    ax.set_xlabel("ops", labelpad=1)
    label_ends(ax, labels)


def _finding(cells: pd.DataFrame) -> str:
    both = [each for each in memories(cells) if each.engine == engines(cells)[0]]
    if not both:
        row = headline(cells)
        return f"The gradient of {row['graph']} at {row['n']:,} ops takes {quantity(row['peak_bytes'], 'B')}"
    told = next((each for each in both if each.graph == HEADLINE), both[0])
    return (
        f"The price of reverse mode is memory: {quantity(told.reverse, 'B')} for {told.graph} at "
        f"{told.n_ops:,} ops, against {quantity(told.forward, 'B')} in forward mode ({told.engine})"
    )


def _detail(cells: pd.DataFrame) -> str:
    chosen = HEADLINE if HEADLINE in families(cells) else families(cells)[0]
    detail = (
        f"Peak bytes of one sweep above the baseline. Lines: {chosen}; dots: the other families. "
        "The tape, with open marks, is part of the reverse sweep's peak, often most of it."
    )
    if (cells["peak_bytes"] < FLOOR).any():
        detail += f" Less than {quantity(FLOOR, 'B')} is drawn at {quantity(FLOOR, 'B')}."
    return detail
