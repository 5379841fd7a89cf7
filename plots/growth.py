"""Figure `growth`: the fitted exponent of every curve with its interval, against theory's; one row per family."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.findings.scaling import MARGIN, scaling
from benchmarks.findings.tables import catalogue_order
from benchmarks.runs.files import Run
from plots.lines import MARKERS, NothingToDrawError, announced, engines, families, readable, short
from plots.style import INK, MODES, canvas, darker

FAMILIES = 14
ROW = 0.36
"""Inches for the curves of one family in one panel."""
FEWEST = 2
"""Families for which there is room at least: one alone would be squeezed by a title of three lines."""
LIMITS = (-0.6, 1.6)
"""Of the axis; a curve beyond is an arrow at its end, with the exponent beside it."""
NAMED = 3
"""Curves that disagree, of which no more are named in the title."""


def draw(run: Run) -> Figure:
    """Draw the figure.

    Raises:
        NothingToDrawError: no curve has sizes enough for a fit.
    """
    table = run.scaling if run.scaling is not None else scaling(run.timings, catalogue_order())
    fitted = table[table["exponent"].notna()]
    if fitted.empty:
        raise NothingToDrawError(f"{run.path}: no gradient was measured at enough sizes to fit how it grows")
    drawn, left_out = readable(fitted, FAMILIES)
    names = families(drawn)
    tall = 1.9 + ROW * max(FEWEST, len(names))
    room = canvas(announced(run, _finding(table)), _detail(drawn, table) + left_out, tall)
    titles = {"forward": "Forward mode: theory says N", "reverse": "Reverse mode: theory says no growth"}
    width, height = (float(inches) for inches in room.figure.get_size_inches())
    for k, (mode, title) in enumerate(titles.items()):
        box = ((1.05 + k * 3.95) / width, 0.45 / height, 3.75 / width, room.top - (0.45 + 0.35) / height)
        ax = room.figure.add_axes(box)
        ax.set_title(title, pad=5)
        _panel(ax, drawn[drawn["mode"] == mode], names, engines(drawn), labelled=k == 0)
    return room.figure


def _panel(ax: Axes, curves: pd.DataFrame, names: list[str], kinds: list[str], *, labelled: bool) -> None:
    step = 0.7 / max(1, len(kinds) + 1)
    for place, name in enumerate(names):
        mine = curves[curves["graph"] == name]
        if len(mine):
            theory = float(mine["theory"].iloc[0])
            ax.fill_betweenx([place - 0.42, place + 0.42], theory - MARGIN, theory + MARGIN, color="#E3E3E3", lw=0)
            ax.plot([theory, theory], [place - 0.42, place + 0.42], color=INK, lw=1.0, ls=(0, (1, 1.5)))
        slots = sorted({(kinds.index(row["engine"]), row["lanes"]) for _, row in mine.iterrows()})
        for _, row in mine.iterrows():
            slot = slots.index((kinds.index(row["engine"]), row["lanes"]))
            y = place + (slot - (len(slots) - 1) / 2) * step
            colour = MODES[row["mode"]]
            face = colour if row["verdict"] == "agrees" else INK if row["verdict"] == "disagrees" else "white"
            ax.plot([row["exponent_low"], row["exponent_high"]], [y, y], color=colour, lw=1.3)
            marker = "P" if row["lanes"] > 1 else MARKERS[kinds.index(row["engine"])]
            x = float(np.clip(row["exponent"], *LIMITS))
            if x != row["exponent"]:
                marker, inwards = ("<", 1) if x == LIMITS[0] else (">", -1)
                ax.annotate(
                    f"{row['exponent']:.1f}", (x, y), (7 * inwards, 0), textcoords="offset points", size=7,
                    color=darker(colour), ha="left" if inwards > 0 else "right", va="center",
                    bbox={"fc": "white", "ec": "none", "pad": 0.5},
                )  # fmt: skip
            ax.plot([x], [y], marker, color=colour, mfc=face, ms=4.6, mew=1.0, clip_on=False)
    ax.set_xlim(*LIMITS)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set_xticks([0.0, 0.5, 1.0, 1.5], ["0", "0.5", "1", "1.5"])
    ax.set_yticks(range(len(names)), names if labelled else [""] * len(names))
    ax.tick_params(axis="y", length=0, labelsize=9, labelcolor=INK)
    ax.grid(visible=False, axis="y")
    ax.set_xlabel("exponent of N in gradient / function", labelpad=1)


def _finding(table: pd.DataFrame) -> str:
    counts = table["verdict"].value_counts()
    against = table[table["verdict"] == "disagrees"]
    names = [f"{row['graph']} {short(row['engine'])} {row['mode']}" for row in against.to_dict("records")]
    more = [f"{len(names) - NAMED} more"] if len(names) > NAMED else []
    named = f" ({', '.join(names[:NAMED] + more)})" if names else ""
    return (
        f"Growth agrees with theory in {counts.get('agrees', 0)} of {len(table)} curves, disagrees in "
        f"{len(against)}{named}, and is inconclusive in {counts.get('inconclusive', 0)}"
    )


def _detail(drawn: pd.DataFrame, table: pd.DataFrame) -> str:
    names = engines(drawn)
    marks = {"o": "dots", "s": "squares", "D": "diamonds"}
    said = ", ".join(f"{marks.get(MARKERS[k], MARKERS[k])} {short(name)}" for k, name in enumerate(names))
    lanes = ", plus signs many tangents in a pass" if (drawn["lanes"] > 1).any() else ""
    few = int(table["exponent"].isna().sum())
    missing = f" {few} curves have too few sizes for a fit." if few else ""
    beyond = " Arrows: beyond the axis." if not drawn["exponent"].between(*LIMITS).all() else ""
    turned = " With many outputs the modes change places." if drawn["graph"].isin(["broadcast"]).any() else ""
    return (
        f"Exponent fitted with overheads of gradient and function, and its 95 % interval: {said}{lanes}. Grey: within "
        f"{MARGIN:g} of theory. Filled: agrees; black: disagrees; hollow: inconclusive.{beyond}{missing}{turned}"
    )
