"""A run's cells as lines: which rows a figure draws, and how a line of one engine, mode and number of lanes looks.

Only rows that were measured become lines.  Every engine of a run is drawn; the first one that the harness lists is the
one that titles speak of, with filled dots, and the others have open marks of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes

from benchmarks.engines import engines as known_engines
from benchmarks.findings.analysis import noise_floors, summarise
from benchmarks.findings.found import noise_of
from benchmarks.functions.catalogue import FAMILIES, HEADLINE, SYNTHETIC
from benchmarks.functions.maps import MAPS
from benchmarks.runs.files import Run
from plots.style import MODES, PRIMAL, Label

MARKERS = "osD^v<>ph8"
"""Of the engines in their order."""
PANELS = 12
"""Families that a figure has panels for."""
LINES = 3
"""Engines that a panel has room for."""
NAMED = 8
"""No more names than this are listed of what was left out."""


class NothingToDrawError(ValueError):
    """A run has no data for a figure; the message is one line that says what is missing."""


@dataclass(frozen=True)
class Line:
    """Cells of one engine, mode and number of lanes, by increasing size.

    Attributes:
        engine, mode, lanes: what they have in common.
        place: of the engine among those of the run, from 0.
        cells: rows of `summary.csv`, with the column `n` that `everything` adds.
    """

    engine: str
    mode: str
    lanes: int
    place: int
    cells: pd.DataFrame

    @property
    def colour(self) -> str:
        """The mode's colour."""
        return MODES[self.mode]

    @property
    def name(self) -> str:
        """The direct label; its colour says the mode, so only the first engine spells the mode out."""
        if self.lanes > 1:
            return f"{self.lanes} lanes"
        return self.mode if self.place == 0 else short(self.engine)

    def draw(self, ax: Axes, column: str) -> Label:
        """Draw one column against the size, with its 95 % band where there is one, and return its direct label."""
        size, values = self.cells["n"], self.cells[column]
        bounds = [f"{column.removesuffix('_median')}_{end}" for end in ("low", "high")]
        if set(bounds) <= set(self.cells.columns):
            low, high = (self.cells[bound] for bound in bounds)
            ax.fill_between(size, low, high, color=self.colour, alpha=0.22, lw=0)
        first = self.place == 0 and self.lanes == 1
        marker = "P" if self.lanes > 1 else MARKERS[self.place % len(MARKERS)]
        ax.plot(
            size, values, color=self.colour, marker=marker, markerfacecolor=self.colour if first else "white",
            lw=1.8 if first else 1.1, markersize=3.6 if first else 3.4, markeredgewidth=0.9,
        )  # fmt: skip
        return Label(
            float(size.iloc[-1]), float(values.iloc[-1]), self.name, self.colour, "bold" if first else "normal"
        )


def summary(run: Run) -> pd.DataFrame:
    """The measured cells of a run: `summary.csv`, or the same made from the timings of a run that was interrupted.

    Returns:
        The rows with status `ok`, by increasing size; `n` is N, or M where it is larger.

    Raises:
        NothingToDrawError: there are none.
    """
    table = everything(run)
    table = table[table["status"] == "ok"]
    if table.empty:
        raise NothingToDrawError(f"{run.path}: no measured cell")
    return table


def everything(run: Run) -> pd.DataFrame:
    """As `summary`, with all statuses."""
    table = run.summary if run.summary is not None else summarise(run.timings, noise_floors(run.timings))
    table = table.assign(n=table[["n_inputs", "n_outputs"]].max(axis=1).astype("int64"))
    return table.sort_values("n", kind="stable")


def readable(cells: pd.DataFrame, panels: int = PANELS, lines: int = LINES) -> tuple[pd.DataFrame, str]:
    """What of some cells can be read in one figure: the first families and engines, as the harness lists them.

    Workloads are left to their own figure where there are synthetic families, each of which shows one thing alone.

    Returns:
        The cells that are drawn, and a sentence that says what was left out, "" where nothing was.
    """
    names, others = families(cells), engines(cells)[lines:]
    first = [name for name in names if name not in FAMILIES or FAMILIES[name] in SYNTHETIC] or names
    few = [name for name in names if name not in first[:panels]]
    kept = cells[~cells["graph"].isin(few) & ~cells["engine"].isin(others)]
    told = [
        f"{len(names)} {one if len(names) == 1 else many}"
        + (f" ({', '.join(names)})" if len(names) <= NAMED else f" from {names[0]} on")
        for names, one, many in ((few, "family", "families"), (others, "engine", "engines"))
        if names
    ]
    return kept, f" Left out, and in the CSVs: {' and '.join(told)}." if told else ""


def announced(run: Run, finding: str) -> str:
    """A title that tells times: the finding; or, where the run is too noisy to trust, what was seen and what to do."""
    noise = noise_of(run)
    return noise.sentence() if noise.seen else finding


def gradients(table: pd.DataFrame) -> pd.DataFrame:
    """The full gradients among some cells; the map of N by M is a figure of its own."""
    return table[(table["quantity"] == "gradient") & ~table["graph"].isin(MAPS)]


def families(table: pd.DataFrame) -> list[str]:
    """The families among some cells, in the catalogue's order; those it does not list follow in the cells' order."""
    return in_order([str(graph) for graph in table["graph"].unique() if graph not in MAPS])


def in_order(names: Sequence[str]) -> list[str]:
    """Families as the catalogue lists them, then those that it does not know."""
    return [name for name in FAMILIES if name in names] + [name for name in names if name not in FAMILIES]


def lines(cells: pd.DataFrame) -> Iterator[Line]:
    """Split cells of one family into lines: engines in their order, one lane before many."""
    for place, engine in enumerate(engines(cells)):
        for _, group in cells[cells["engine"] == engine].groupby(["lanes", "mode"]):
            first = group.iloc[0]
            yield Line(engine, first["mode"], int(first["lanes"]), place, group)


def draw_primal(ax: Axes, cells: pd.DataFrame, name: str) -> list[Label]:
    """Draw the seconds of the function alone, in the first engine, where they are there, and return its label."""
    primal = cells[(cells["quantity"] == "primal") & (cells["engine"] == engines(cells)[0])]
    if primal.empty:
        return []
    ax.plot(primal["n"], primal["seconds_median"], color=PRIMAL, lw=1.2)
    end = primal.iloc[-1]
    return [Label(float(end["n"]), float(end["seconds_median"]), name, PRIMAL)]


def engines(cells: pd.DataFrame) -> list[str]:
    """The engines among some cells: in the harness's order, then those it does not know."""
    present, known = set(cells["engine"]), list(known_engines())
    return [name for name in known if name in present] + sorted(present.difference(known))


def short(engine: str) -> str:
    """An engine's name as a label, which has room for about twelve letters: `compiled` for `ad-compiled`."""
    name = engine.removeprefix("ad-")
    return name if len(name) <= 12 else name.rpartition("-")[2]


def letter(cells: pd.DataFrame) -> str:
    """What the size of these cells is called: N inputs, or M outputs for the transposed kind."""
    return "M" if (cells["n_outputs"] > cells["n_inputs"]).any() else "N"


def headline(cells: pd.DataFrame) -> pd.Series:
    """The row that a title speaks of: the headline family at its largest size, or the largest of any family."""
    cells = cells[cells["engine"] == engines(cells)[0]]
    chosen = cells[cells["graph"] == HEADLINE]
    chosen = chosen if len(chosen) else cells
    return chosen.sort_values("n", kind="stable").iloc[-1]
