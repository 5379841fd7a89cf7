"""Figure `map`: which mode computes a Jacobian faster, over N inputs by M outputs, with the border between them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from numpy.typing import NDArray

from benchmarks.findings.analysis import noise_floor
from benchmarks.findings.crossover import map_border
from benchmarks.findings.found import borders, noise_of
from benchmarks.findings.words import times
from benchmarks.runs.files import Run
from plots.lines import NothingToDrawError, announced, engines
from plots.style import FORWARD, INK, REVERSE, THEORY, canvas, darker, quantity

COLOURS = LinearSegmentedColormap.from_list("forward to reverse", [FORWARD, "#F7F7F7", REVERSE])
STRONG = 0.62
"""From this share of the strongest colour on, text on it is white."""


def draw(run: Run) -> Figure:
    """Draw the figure.

    Raises:
        NothingToDrawError: the run measured no map.
    """
    places = map_border(run.timings, noise_floor(run.timings))
    places = places[places["speedup"].notna()]
    if places.empty:
        raise NothingToDrawError(f"{run.path}: no Jacobian of the graph `map` was measured in both modes")
    engine, *others = engines(places)
    places = places[places["engine"] == engine]
    room = canvas(announced(run, _finding(places)), _detail(places, others), 6.6, width=7.6)
    width, height = (float(inches) for inches in room.figure.get_size_inches())
    ax = room.figure.add_axes((0.8 / width, 0.6 / height, (width - 1.9) / width, room.top - 0.95 / height))
    _heat(ax, places, trusted=noise_of(run).seen is None)
    _border(ax, places)
    return room.figure


def _heat(ax: Axes, places: pd.DataFrame, *, trusted: bool) -> None:
    # What the noise hides has no colour.
    table = places.assign(
        speedup=places["speedup"].where(places["winner"].isin(["forward", "reverse"]), 1.0)
    ).pivot_table(index="n_outputs", columns="n_inputs", values="speedup")
    n, m = table.columns.to_numpy(float), table.index.to_numpy(float)
    log_speedup = np.log10(table.to_numpy(float))
    most = max(1.0, float(np.nanmax(np.abs(log_speedup))))
    ax.pcolormesh(_edges(n), _edges(m), log_speedup, cmap=COLOURS, vmin=-most, vmax=most, ec="white", lw=1.5)
    for _, place in places.iterrows():
        decided = place["winner"] in ("forward", "reverse")
        ratio = float(place["speedup"]) if decided else 1.0
        strong = abs(np.log10(ratio)) > STRONG * most
        text = f"{times(max(ratio, 1 / ratio))}×" if decided else "even" if place["winner"] else "?"
        text = place["winner"] if decided and not trusted else text
        # Forward wins above the border and left of it: there, and not in the middle, a text is clear of both lines.
        toward = -1 if place["speedup"] < 1.0 else 1
        ax.annotate(
            text, (place["n_inputs"], place["n_outputs"]), (16 * toward, -16 * toward), textcoords="offset points",
            size=8.5, ha="center", va="center", zorder=4,
            color="white" if strong else darker(REVERSE if ratio > 1 else FORWARD if ratio < 1 else INK, 0.35),
            bbox={"fc": COLOURS(0.5 + 0.5 * float(np.log10(ratio)) / most), "ec": "none", "pad": 1.0},
        )  # fmt: skip
    ax.set_xscale("log")
    ax.set_yscale("log")
    for axis, values in ((ax.xaxis, n), (ax.yaxis, m)):
        axis.set_major_locator(FixedLocator(values.tolist()))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(lambda value, _: quantity(round(value))))
    ax.grid(visible=False)
    ax.tick_params(length=0)
    for side, align, text, colour in ((0.0, "left", "forward", FORWARD), (1.0, "right", "reverse", REVERSE)):
        ax.annotate(
            f"{text} is faster", (side, 1.0), (0, 5), xycoords="axes fraction", textcoords="offset points",
            size=10, weight="bold", color=darker(colour), ha=align,
        )  # fmt: skip
    ax.set_xlabel("N, number of inputs (forward sweeps)")
    ax.set_ylabel("M, number of outputs (reverse sweeps)")


def _border(ax: Axes, places: pd.DataFrame) -> None:
    limits = ax.get_xlim(), ax.get_ylim()
    ends = np.array([max(limits[0][0], limits[1][0]), min(limits[0][1], limits[1][1])])
    ax.plot(ends, ends, color=THEORY, lw=1.4, ls=(0, (1, 1.8)), zorder=2)
    ax.annotate("N = M", (ends[1], ends[1]), (4, -4), textcoords="offset points", size=9, color=INK, va="top")
    border = places.drop_duplicates("n_outputs").dropna(subset="border")
    if len(border):
        ax.plot(border["border"], border["n_outputs"], "-", color=INK, lw=1.8, zorder=3)
        ax.plot(border["border"], border["n_outputs"], "o", color=INK, ms=5, mfc="white", zorder=5)
        head = border.sort_values("n_outputs").iloc[-1]
        ax.annotate(
            "measured border", (head["border"], head["n_outputs"]), (8, 0), textcoords="offset points", size=9,
            color=INK, weight="bold", va="center",
        )  # fmt: skip
    ax.set_xlim(*limits[0])
    ax.set_ylim(*limits[1])


def _edges(centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """Borders of cells around centres, half way between them on a logarithmic scale."""
    logs = np.log(centres)
    steps = np.diff(logs) if len(logs) > 1 else np.array([1.0])
    middles = logs[:-1] + steps[: len(logs) - 1] / 2
    edges: NDArray[np.float64] = np.exp(np.concatenate([[logs[0] - steps[0] / 2], middles, [logs[-1] + steps[-1] / 2]]))
    return edges


def _finding(places: pd.DataFrame) -> str:
    enclosed = borders(places.sort_values("n_outputs"))
    if enclosed:
        return enclosed[-1].sentence().removesuffix(".")
    wins = (places["winner"] == "reverse").sum()
    return f"Reverse mode is faster at {wins:,} of {len(places):,} places; no border was enclosed"


def _detail(places: pd.DataFrame, others: list[str]) -> str:
    left_out = f" Left out: {', '.join(others)}." if others else ""
    unsure = (
        " Even, or ?: no difference beyond noise, or undecided."
        if (~places["winner"].isin(["forward", "reverse"])).any()
        else ""
    )
    return (
        f"Full Jacobians of one function of N inputs and M outputs at {len(places):,} places: the faster mode and by "
        "how much. Solid: where both cost the same, between measured places. Dotted: N = M, as many sweeps in both."
        f"{unsure}{left_out}"
    )
