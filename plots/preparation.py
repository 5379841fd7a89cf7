"""Figure `preparation`: what engines do once before the first gradient, against what a gradient then takes."""

from __future__ import annotations

import math
from collections.abc import Set

import pandas as pd
from matplotlib.figure import Figure

from benchmarks.findings.peers import PROBLEM, best, noisy_engines
from benchmarks.findings.words import counted, rounded
from benchmarks.runs.files import Run
from plots.lines import MARKERS, NothingToDrawError, announced, engines, everything
from plots.modes import SHADES
from plots.style import FAINT, canvas, log_axis, quantity

FEWEST = 3


def draw(run: Run) -> Figure:
    """Draw the figure.

    Raises:
        NothingToDrawError: fewer than three engines gave a gradient.
    """
    rows = best(everything(run))
    first = run.timings[run.timings["prepare_seconds"] > 0.0]
    first = first.groupby([*PROBLEM, "engine", "mode", "lanes"])["prepare_seconds"].first().reset_index()
    cells = rows.merge(first, on=[*PROBLEM, "engine", "mode", "lanes"])
    kinds = engines(cells)
    if len(kinds) < FEWEST:
        raise NothingToDrawError(f"{run.path}: preparation of fewer than {FEWEST} engines, so nothing to compare")
    noisy = set(noisy_engines(run.timings))
    finding = _finding(cells, noisy)
    room = canvas(announced(run, finding) if noisy.issuperset(kinds) else finding, _detail(), 5.6)
    ax = room.figure.add_axes((0.085, 0.105, 0.70, room.top - 0.135))
    low, high = cells["seconds_median"].min() / 2.0, cells["seconds_median"].max() * 2.0
    bottom, top = cells["prepare_seconds"].min() / 2.0, cells["prepare_seconds"].max() * 2.0
    for place, kind in enumerate(kinds):
        mine, again = cells[cells["engine"] == kind], place // len(SHADES)
        colour = SHADES[(place + 3 * again) % len(SHADES)]
        ax.plot(
            mine["seconds_median"], mine["prepare_seconds"], MARKERS[place % len(MARKERS)], color=colour,
            mfc=colour if again else "none", ms=4.0 if again else 5.5, mew=1.2, label=kind, ls="none",
        )  # fmt: skip
    for calls in (1, 1_000, 1_000_000):
        ends = (max(low, bottom / calls), min(high, top / calls))
        if ends[0] < ends[1]:
            ax.plot(ends, [end * calls for end in ends], color=FAINT, lw=0.9, ls=(0, (1, 1.8)), zorder=1)
            ax.text(
                ends[1] / 1.2, ends[1] / 1.2 * calls, f"as long as {counted(calls, 'gradient')}", size=8, color=FAINT,
                ha="right", va="center", rotation=math.degrees(math.atan(calls)), rotation_mode="anchor",
                transform_rotates_text=True, bbox={"fc": "white", "ec": "none", "pad": 1.0},
            )  # fmt: skip
    log_axis(ax, "x", "s")
    log_axis(ax, "y", "s")
    ax.set_xlim(low, high)
    ax.set_ylim(bottom, top)
    ax.set_xlabel("one whole derivative")
    ax.set_ylabel("preparation, once")
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False, fontsize=8.5, handletextpad=0.2)
    return room.figure


def _finding(cells: pd.DataFrame, noisy: Set[str]) -> str:
    median = cells.groupby("engine")["prepare_seconds"].median().sort_values()
    least, most = (
        f"{quantity(rounded(seconds) if engine in noisy else seconds, 's')} ({engine})"
        for engine, seconds in ((str(median.index[k]), float(median.iloc[k])) for k in (0, -1))
    )
    return f"Preparation takes {least} to {most} on the median function"


def _detail() -> str:
    return (
        "A mark for each function and size: seconds of preparation (inputs converted, recorded, compiled), which is in "
        "no other time, against seconds of one whole derivative in the faster mode. From how many gradients on "
        "preparation pays is in engines.csv."
    )
