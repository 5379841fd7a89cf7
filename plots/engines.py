"""Figure `engines`: every function in every engine, relative to the fastest engine, the faster mode of each."""

from __future__ import annotations

from collections.abc import Set

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from benchmarks.findings.found import noise_of
from benchmarks.findings.peers import compared, leaders, noisy_engines
from benchmarks.findings.told import Noise
from benchmarks.findings.words import rounded
from benchmarks.runs.files import Run
from plots.lines import NothingToDrawError, engines, everything, in_order
from plots.style import FAINT, INK, WIDTH, canvas

FEWEST = 3
"""Engines from which on there is something to compare."""
DARKEST = 100.0
"""Ratios beyond this look alike, so that one outlier does not make all others equal; the number is in the cell."""
ROW = 0.27
SAID = {"over_budget": "too long", "unsupported": "–", "error": "error", "wrong": "wrong", "out_of_memory": "memory"}


def draw(run: Run) -> Figure:
    """Draw the figure.

    Raises:
        NothingToDrawError: fewer than three engines gave a gradient.
    """
    table = everything(run)
    cells = compared(table)
    names, kinds = list(dict.fromkeys(table["graph"])), engines(cells)
    if len(kinds) < FEWEST:
        raise NothingToDrawError(
            f"{run.path}: gradients of fewer than {FEWEST} engines, so there is nothing to compare"
        )
    noise, noisy = noise_of(run), set(noisy_engines(run.timings))
    sizes = cells.drop_duplicates("graph").set_index("graph")
    names = [name for name in in_order(names) if name in sizes.index]
    room = canvas(_finding(cells, noise), _detail(noise, noisy), 2.25 + ROW * len(names))
    height = float(room.figure.get_size_inches()[1])
    ax = room.figure.add_axes((1.75 / WIDTH, 0.12 / height, (WIDTH - 2.2) / WIDTH, room.top - 1.1 / height))
    _cells(ax, cells, table, [(name, str(sizes.loc[name, "size"])) for name in names], noise, noisy)
    ax.set_xlim(-0.5, len(kinds) - 0.5)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set_xticks(range(len(kinds)), kinds, size=8, rotation=50, ha="left", rotation_mode="anchor")
    ax.xaxis.tick_top()
    ax.set_yticks(range(len(names)), [f"{name} {sizes.loc[name, 'size']}" for name in names], size=8)
    ax.tick_params(length=0, pad=2)
    ax.grid(visible=False)
    for side in ax.spines.values():
        side.set_visible(False)
    return room.figure


def _cells(
    ax: Axes,
    cells: pd.DataFrame,
    table: pd.DataFrame,
    rows: list[tuple[str, str]],
    noise: Noise,
    noisy: Set[str],
) -> None:
    """A coloured cell for every function and engine; where nothing was measured, a word that says why."""
    kinds, norm, colours = engines(cells), LogNorm(1.0, DARKEST), colormaps["cividis_r"]
    at = {(row["graph"], row["engine"]): row for row in cells.to_dict("records")}
    first = {row["graph"]: row["engine"] for row in cells[cells["relative"] == 1.0].to_dict("records")}
    for y, (name, size) in enumerate(rows):
        mine = table[(table["graph"] == name) & (table["size"] == size)]
        for x, engine in enumerate(kinds):
            row = at.get((name, engine))
            if row is None:
                status = mine.loc[(mine["engine"] == engine) & (mine["quantity"] == "gradient"), "status"]
                text = SAID.get(str(status.iloc[0]), "") if len(status) else ""
                ax.text(x, y, text, size=6.5, color=FAINT, ha="center", va="center")
                continue
            ratio = float(row["relative"])
            even = ratio <= noise.even
            shade = colours(norm(1.0 if even else min(ratio, DARKEST)))
            ax.add_patch(Rectangle((x - 0.5, y - 0.5), 1.0, 1.0, color=shade, lw=0))
            dark = float(np.dot(shade[:3], (0.299, 0.587, 0.114))) < 0.55
            said = (
                "1"
                if ratio == 1.0
                else "≈"
                if even
                else _short(rounded(ratio) if {engine, first[name]} & noisy else ratio)
            )
            ax.text(
                x, y, f"{said} {'F' if row['mode'] == 'forward' else 'R'}", size=7.5, ha="center", va="center",
                color="white" if dark else INK, weight="bold" if ratio == 1.0 else "normal",
            )  # fmt: skip


def _short(ratio: float) -> str:
    """A ratio in at most five characters, up to a million."""
    if ratio >= 9999.5:
        return f"{ratio / 1000.0:,.0f}k"
    return f"{ratio:,.0f}" if ratio >= 9.95 or ratio == round(ratio) else f"{ratio:.1f}"


def _finding(cells: pd.DataFrame, noise: Noise) -> str:
    said = leaders(cells, noise.even)
    return f"Fastest whole derivative of {cells['graph'].nunique()} functions, but for noise: {said}"


def _detail(noise: Noise, noisy: Set[str]) -> str:
    digits = f" One digit where an engine was noisy: {', '.join(sorted(noisy))}." if noisy else ""
    return (
        "Seconds of the whole derivative relative to the fastest engine of the row, each engine in its faster mode: "
        "F forward, R reverse, with as many tangents a pass as it is fastest with. Preparation is not included. Behind "
        "a name its size, the largest that nearly all engines reached. Colours end at 100. –: the engine cannot do it. "
        "Empty: more than the plan asks of it. "
        f"≈: less than {noise.even:.2f} times as long, which is noise.{digits}"
    )
