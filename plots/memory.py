"""Figure `memory`: bytes that each mode holds, against ops; the price of reverse mode."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.runs.files import Run
from plots.lines import NothingToDrawError, engines, families, headline
from plots.style import MODES, REVERSE, Label, canvas, label_ends, log_axis, panels, quantity, rows_height

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
    engine = engines(cells)[0]
    cells = cells[cells["engine"] == engine].sort_values("n_ops")
    cells = cells.assign(size=cells["n_ops"])
    names = families(cells)
    room = canvas(_finding(cells), _detail(cells, engine), rows_height(names))
    for ax, name in zip(panels(room, names), names, strict=True):
        ax.set_xlim(cells["size"].min() / 1.5, cells["size"].max() * 1.5)
        ax.set_ylim(max(FLOOR, cells["peak_bytes"].min()) / 2, max(FLOOR, cells["peak_bytes"].max()) * 2)
        _panel(ax, cells[cells["graph"] == name])
    return room.figure


def _panel(ax: Axes, cells: pd.DataFrame) -> None:
    labels = []
    for mode, group in cells.groupby("mode"):
        size, peak = group["size"], group["peak_bytes"].astype(float).clip(lower=FLOOR)
        ax.plot(size, peak, "o-", color=MODES[str(mode)], ms=3.6)
        labels.append(Label(float(size.iloc[-1]), float(peak.iloc[-1]), str(mode), MODES[str(mode)], "bold"))
    taped = cells[cells["tape_bytes"].notna() & (cells["mode"] == "reverse")]
    if len(taped):
        size, tape = taped["size"], taped["tape_bytes"].astype(float).clip(lower=FLOOR)
        ax.plot(size, tape, ".-", color=REVERSE, lw=1.0, ms=3)
        labels.append(Label(float(size.iloc[-1]), float(tape.iloc[-1]), "its tape", REVERSE))
    log_axis(ax, "x")
    log_axis(ax, "y", "B")
    ax.set_xlabel("ops", labelpad=1)
    label_ends(ax, labels)


def _finding(cells: pd.DataFrame) -> str:
    reverse = cells[cells["mode"] == "reverse"]
    both = cells[cells["mode"] == "forward"].merge(reverse, on=["graph", "engine", "size"], suffixes=("", "_reverse"))
    if both.empty:
        row = headline(cells)
        return f"The gradient of {row['graph']} at {row['size']:,} ops takes {quantity(row['peak_bytes'], 'B')}"
    row = headline(both)
    return (
        f"The price of reverse mode is memory: {quantity(row['peak_bytes_reverse'], 'B')} for {row['graph']} at "
        f"{row['size']:,} ops, against {quantity(row['peak_bytes'], 'B')} in forward mode"
    )


def _detail(cells: pd.DataFrame, engine: str) -> str:
    per_op = cells.loc[(cells["mode"] == "reverse") & (cells["size"] == cells["size"].max()), "bytes_per_op"].median()
    detail = (
        f"Peak bytes of one sweep above the baseline, engine {engine}; its tape is part of the reverse sweep's peak."
    )
    if per_op == per_op:
        detail += f" In reverse, {per_op:,.0f} bytes per op at the largest size (median)."
    if (cells["peak_bytes"] < FLOOR).any():
        detail += f" Less than {quantity(FLOOR, 'B')} is drawn at {quantity(FLOOR, 'B')}."
    return detail
