"""Figure `checkpointing`: memory bought with recomputation, against the optimum that theory gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from benchmarks.record import RecordError, Run
from plots.lines import NothingToDrawError, times
from plots.style import REVERSE, THEORY, Label, canvas, darker, label_ends, log_axis, panels, quantity

COLUMNS = {
    "run": "str", "steps": "int64", "snapshots": "Int64", "advances": "int64", "advances_optimal": "int64",
    "seconds": "float64", "peak_bytes": "float64",
}  # fmt: skip

AFFORDABLE = 3.0
"""The title speaks of the fewest snapshots for which no step runs more often than this, on average."""


def draw(run: Run) -> Figure:
    """Draw the figure.

    Raises:
        NothingToDrawError: the run did not measure checkpointing.
        RecordError: its `checkpointing.csv` is not what it should be.
    """
    rows = read(run.path)
    room = canvas(_finding(rows), _detail(rows), 4.5)
    counts, costs = panels(room, ["Forward runs of each step (mean)", "Time of a gradient"], 2, right=0.9)
    count_labels, cost_labels = [], []
    for steps, group in rows.groupby("steps"):
        name, per_step = f"{steps:,} steps", group["advances"] / group["steps"]
        optimal = group["advances_optimal"] / group["steps"]
        counts.plot(group["snapshots"], optimal, color=THEORY, ls=(0, (1, 1.5)), lw=1.4)
        counts.plot(group["snapshots"], per_step, "o", color=REVERSE, ms=5)
        count_labels.append(Label(float(group["snapshots"].iloc[-1]), float(per_step.iloc[-1]), name, REVERSE, "bold"))
        costs.plot(group["peak_bytes"], group["seconds"], "o-", color=REVERSE, ms=5)
        for _, row in group.iloc[[0, -1]].iterrows():
            costs.annotate(
                f"{row['snapshots']:,} snapshots", (row["peak_bytes"], row["seconds"]), (0, 9),
                textcoords="offset points", size=8, ha="left", color=darker(REVERSE),
            )  # fmt: skip
        last = group.iloc[-1]
        cost_labels.append(Label(float(last["peak_bytes"]), float(last["seconds"]), name, REVERSE, "bold"))
    for ax, x, x_unit, y_unit, labels in (
        (counts, "snapshots held", "", "×", count_labels),
        (costs, "peak memory", "B", "s", cost_labels),
    ):
        log_axis(ax, "x", x_unit)
        log_axis(ax, "y", y_unit)
        ax.margins(y=0.15)
        ax.set_xlabel(x, labelpad=1)
        label_ends(ax, labels)
    return room.figure


def read(folder: Path) -> pd.DataFrame:
    """Read a run's `checkpointing.csv`, by increasing steps and snapshots.

    Raises:
        NothingToDrawError: there is none.
        RecordError: it is empty, cut short, or not one of ours.
    """
    path = folder / "checkpointing.csv"
    if not path.exists():
        raise NothingToDrawError(f"{folder}: no checkpointing.csv; this run did not measure checkpointing")
    try:
        if not path.read_text(encoding="utf-8").endswith("\n"):
            raise RecordError(f"{path}: empty or cut short")
        rows = pd.read_csv(path, dtype=COLUMNS)
    except ValueError as problem:  # bad text, a bad number, or too many values in a line
        raise RecordError(f"{path}: {' '.join(str(problem).split())}") from None
    if list(rows.columns) != list(COLUMNS):
        raise RecordError(f"{path}: not a table of this project: its columns are {', '.join(map(str, rows.columns))}")
    if rows.empty:
        raise NothingToDrawError(f"{path}: no rows")
    rows = rows.dropna(subset="snapshots").astype({"snapshots": "int64"})  # the plain sweep keeps no snapshots
    return rows.sort_values(["steps", "snapshots"])


def _finding(rows: pd.DataFrame) -> str:
    longest = rows[rows["steps"] == rows["steps"].max()]
    most = longest.iloc[-1]
    affordable = longest[longest["advances"] <= AFFORDABLE * longest["steps"]]
    row = affordable.iloc[0] if len(affordable) else most
    if row["snapshots"] == most["snapshots"]:
        return f"{row['snapshots']:,} snapshots for {row['steps']:,} steps take {quantity(row['peak_bytes'], 'B')}"
    return (
        f"{row['snapshots']:,} snapshots do for {row['steps']:,} steps: "
        f"{times(most['peak_bytes'] / row['peak_bytes'])} times less memory than with {most['snapshots']:,}, for "
        f"{times(row['seconds'] / most['seconds'])} times the time"
    )


def _detail(rows: pd.DataFrame) -> str:
    exact = int(np.sum(rows["advances"] == rows["advances_optimal"]))
    return (
        f"Reverse mode of a sequence of steps that keeps few states and recomputes the others. Dotted: the fewest runs "
        f"possible, by Griewank and Walther's theory; {exact:,} of {len(rows):,} counts are exactly that."
    )
