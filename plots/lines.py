"""A run's cells as lines: which rows a figure draws, and how a line of one engine, mode and number of lanes looks.

Only rows that were measured become lines.  Figures compare the two modes, so they draw the project's own engines; other
engines in a run are left to figures about engines.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes

from benchmarks.findings.analysis import noise_floor, summarise
from benchmarks.functions.catalogue import FAMILIES
from benchmarks.runs.files import Run
from plots.style import MODES, Label

ENGINES = ("ad", "ad-compiled")
HEADLINE = "chain"


class NothingToDrawError(ValueError):
    """A run has no data for a figure; the message is one line that says what is missing."""


@dataclass(frozen=True)
class Line:
    """Cells of one engine, mode and number of lanes, by increasing size.

    Attributes:
        engine, mode, lanes: what they have in common.
        cells: rows of `summary.csv`, with the column `size`.
    """

    engine: str
    mode: str
    lanes: int
    cells: pd.DataFrame

    @property
    def colour(self) -> str:
        """The mode's colour."""
        return MODES[self.mode]

    @property
    def name(self) -> str:
        """The direct label; its colour says the mode, so only the eager engine spells the mode out."""
        if self.lanes > 1:
            return f"{self.lanes} lanes"
        return self.mode if self.engine == "ad" else self.engine.removeprefix("ad-")

    def draw(self, ax: Axes, column: str) -> Label:
        """Draw one column against the size, with its 95 % band where there is one, and return its direct label."""
        size, values = self.cells["size"], self.cells[column]
        bounds = [f"{column.removesuffix('_median')}_{end}" for end in ("low", "high")]
        if set(bounds) <= set(self.cells.columns):
            low, high = (self.cells[bound] for bound in bounds)
            ax.fill_between(size, low, high, color=self.colour, alpha=0.22, lw=0)
        eager = self.engine == "ad"
        marker = "o" if eager else "D" if self.lanes > 1 else "s"
        ax.plot(
            size, values, color=self.colour, marker=marker, markerfacecolor=self.colour if eager else "white",
            lw=1.8 if eager else 1.1, markersize=3.6 if eager else 3.4, markeredgewidth=0.9,
        )  # fmt: skip
        return Label(
            float(size.iloc[-1]), float(values.iloc[-1]), self.name, self.colour, "bold" if eager else "normal"
        )


def summary(run: Run) -> pd.DataFrame:
    """The measured cells of a run: `summary.csv`, or the same made from the timings of a run that was interrupted.

    Returns:
        The rows with status `ok` of the project's engines, by increasing size; `size` is N, or M where it is larger.

    Raises:
        NothingToDrawError: there are none.
    """
    table = everything(run)
    table = table[(table["status"] == "ok") & table["engine"].isin(ENGINES)]
    if table.empty:
        raise NothingToDrawError(f"{run.path}: no measured cell of the engines {' and '.join(ENGINES)}")
    return table


def everything(run: Run) -> pd.DataFrame:
    """As `summary`, with all statuses and engines."""
    table = run.summary if run.summary is not None else summarise(run.timings, noise_floor(run.timings))
    table = table.assign(size=table[["n_inputs", "n_outputs"]].max(axis=1).astype("int64"))
    return table.sort_values("size", kind="stable")


def gradients(table: pd.DataFrame) -> pd.DataFrame:
    """The full gradients among some cells; the map of N by M is a figure of its own."""
    return table[(table["quantity"] == "gradient") & (table["graph"] != "map")]


def families(table: pd.DataFrame) -> list[str]:
    """The families among some cells, in the catalogue's order; those it does not list follow in the cells' order."""
    present = [str(graph) for graph in table["graph"].unique() if graph != "map"]
    return [name for name in FAMILIES if name in present] + [name for name in present if name not in FAMILIES]


def lines(cells: pd.DataFrame) -> Iterator[Line]:
    """Split cells of one family into lines: eager before compiled, one lane before many."""
    for _, group in cells.groupby(["engine", "lanes", "mode"]):
        first = group.iloc[0]
        yield Line(first["engine"], first["mode"], int(first["lanes"]), group)


def letter(cells: pd.DataFrame) -> str:
    """What the size of these cells is called: N inputs, or M outputs for the transposed kind."""
    return "M" if (cells["n_outputs"] > cells["n_inputs"]).any() else "N"


def headline(cells: pd.DataFrame) -> pd.Series:
    """The row that a title speaks of: the headline family at its largest size, or the largest of any family."""
    eager = cells[cells["engine"] == ENGINES[0]]
    cells = eager if len(eager) else cells
    chosen = cells[cells["graph"] == HEADLINE]
    chosen = chosen if len(chosen) else cells
    return chosen.sort_values("size", kind="stable").iloc[-1]


def times(ratio: float) -> str:
    """A ratio in words' size: two significant digits below ten, whole numbers above, 1,234 with its comma."""
    return f"{ratio:,.0f}" if ratio >= 10 else f"{ratio:.2g}"
