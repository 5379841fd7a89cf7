"""Figure `training`: the network that learns mirror symmetry, trained with gradients of either mode."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.engines.base import TOLERANCE
from benchmarks.experiments.training import SWEEPS_OF_THE_PAPER
from benchmarks.findings.words import times
from benchmarks.runs.files import read_table
from plots.lines import NothingToDrawError
from plots.style import FAINT, FORWARD, INK, MODES, THEORY, Label, canvas, label_ends, log_axis, panels

SMALLEST = 1e-17
"""A difference of nothing is drawn here, since the axis is logarithmic."""


def draw(folder: Path) -> Figure:
    """Draw the learning curve, how far the weights of the modes are apart, and a step's time against the weights.

    Args:
        folder: where `training.csv` and `learning.csv` are.

    Raises:
        RecordError: one is missing or not one of ours.
        NothingToDrawError: no training has times.
    """
    trained, curve = read_table(folder / "training.csv"), read_table(folder / "learning.csv")
    if trained.empty or not (trained["status"] == "ok").all():
        raise NothingToDrawError(f"{folder}: training.csv has no record with times, or a wrong one")
    paper = trained[trained["n_inputs"] == trained["n_inputs"].iloc[0]]
    names = ["Error over all patterns", "Weights, forward against reverse", "Seconds of a training step"]
    room = canvas(_finding(paper), _detail(trained, paper), 4.0)
    learning, apart, growth = panels(room, names, right=0.72)
    _learning(learning, curve)
    _apart(apart, curve)
    _growth(growth, trained)
    return room.figure


def _learning(ax: Axes, curve: pd.DataFrame) -> None:
    ax.plot(curve["step"], curve["error"], color=INK, lw=1.6)
    ax.axvline(SWEEPS_OF_THE_PAPER, color=THEORY, lw=1.0, ls=(0, (1, 1.8)), zorder=1)
    ax.set_ylim(0.0, 1.12 * float(curve["error"].max()))
    ax.set_xlim(0.0, 1.08 * max(SWEEPS_OF_THE_PAPER, float(curve["step"].max())))
    ax.set_xlabel("sweeps through the patterns", labelpad=1)
    ax.annotate(
        "1986", (SWEEPS_OF_THE_PAPER, ax.get_ylim()[1]), (-3, -11), textcoords="offset points", size=8, color=FAINT,
        ha="right",
    )  # fmt: skip
    end = curve.iloc[-1]
    label_ends(ax, [Label(float(end["step"]), float(end["error"]), "both modes", INK, "bold")])


def _apart(ax: Axes, curve: pd.DataFrame) -> None:
    after = curve[curve["step"] > 0]
    ax.plot(after["step"], after["difference"].clip(lower=SMALLEST), color=FORWARD, lw=1.2)
    log_axis(ax, "y")
    ax.set_ylim(SMALLEST / 3.0, TOLERANCE)
    ax.set_xlabel("sweeps through the patterns", labelpad=1)


def _growth(ax: Axes, trained: pd.DataFrame) -> None:
    labels = []
    for (mode, many), group in trained.groupby(["mode", trained["lanes"] > 1], sort=False):
        colour = MODES[str(mode)]
        ax.fill_between(
            group["n_inputs"], group["step_seconds_low"], group["step_seconds_high"], color=colour, alpha=0.22, lw=0
        )
        ax.plot(
            group["n_inputs"], group["step_seconds"], color=colour, marker="P" if many else "o", ms=3.6,
            mfc="white" if many else colour, lw=1.1 if many else 1.8,
        )  # fmt: skip
        end, text = group.iloc[-1], "many lanes" if many else str(mode)
        weight = "normal" if many else "bold"
        labels.append(Label(float(end["n_inputs"]), float(end["step_seconds"]), text, colour, weight))
    log_axis(ax, "x")
    log_axis(ax, "y", "s")
    ax.set_xlabel("N, number of weights", labelpad=1)
    label_ends(ax, labels)


def _finding(paper: pd.DataFrame) -> str:
    reverse = paper[paper["mode"] == "reverse"].iloc[0]
    textbook = paper[(paper["mode"] == "forward") & (paper["lanes"] == 1)].iloc[0]
    did = "Mirror symmetry, learned in" if reverse["learned"] else "Mirror symmetry, not learned in"
    return (
        f"{did} {reverse['steps']:,} sweeps with the same weights in both modes; "
        f"with forward gradients each step takes {times(textbook['ratio'])} times as long"
    )


def _detail(trained: pd.DataFrame, paper: pd.DataFrame) -> str:
    first = paper.iloc[0]
    most = paper["difference"].max()
    return (
        f"The network of Rumelhart, Hinton and Williams (1986): {first['hidden']} hidden units, {first['n_inputs']} "
        f"weights, all 64 patterns. Weights differ by at most {most:.1e}, relative to the largest ({TOLERANCE:.0e} "
        f"is allowed). Dotted: the paper's {SWEEPS_OF_THE_PAPER:,} sweeps, from other weights. Right: wider networks; "
        f"a band is a 95 % interval, crosses carry up to {trained['lanes'].max()} tangents a pass."
    )
