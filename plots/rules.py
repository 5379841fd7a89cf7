"""Figure `rules`: how often rules for choosing the mode are wrong, and what each multiplies the time by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from benchmarks.findings.found import rules
from benchmarks.findings.tried import ALL, LANES, MODEL, TEXTBOOK, TRANSFERRED, Tried
from benchmarks.runs.files import Run
from plots.lines import NothingToDrawError, announced
from plots.style import FAINT, FORWARD, INK, PRIMAL, REVERSE, canvas

ROW = 0.34
"""Inches for one rule."""
NAMES = {MODEL: "our cost model", TRANSFERRED: "the same, from other engines"}
LOOKS = {TEXTBOOK: (INK, "o", 0.13), LANES: (FAINT, "s", -0.13)}
"""Colour, marker and offset of a rule against each kind of forward mode."""


def draw(run: Run) -> Figure:
    """Draw the figure.

    Raises:
        NothingToDrawError: no Jacobian was measured in both modes.
    """
    tried = rules(run.regret, trusted=True) if run.regret is not None else None
    overall = tried.overall(TEXTBOOK) if tried is not None else ()
    if tried is None or not overall:
        raise NothingToDrawError(f"{run.path}: no Jacobian was measured in both modes, to try rules on")
    thumbs = sorted((each for each in overall if each.thumb), key=lambda each: each.mean)
    names = [*(each.rule for each in thumbs), *(each.rule for each in overall if not each.thumb)]
    both = {TEXTBOOK: overall, LANES: tried.overall(LANES)}
    single = [each for each in tried.tried if each.forward == TEXTBOOK and overall[0].engine == ALL != each.engine]
    room = canvas(
        announced(run, _finding(thumbs, overall)), _detail(overall, both[LANES], single), 1.75 + ROW * len(names)
    )
    width, height = (float(inches) for inches in room.figure.get_size_inches())
    axes = []
    for left, wide, title in ((2.55, 2.15, "Wrong choices"), (5.0, 3.65, "Time, relative to knowing the answer")):
        box = (left / width, 0.5 / height, wide / width, room.top - 0.85 / height)
        axes.append(room.figure.add_axes(box))
        axes[-1].set_title(title, pad=5)
    _shares(axes[0], names, both)
    _times(axes[1], names, both, single)
    for ax in axes:
        ax.set_ylim(len(names) - 0.45, -0.55)
        ax.axhline(len(thumbs) - 0.5, color="#B0B0B0", lw=0.8)
        ax.tick_params(axis="y", length=0)
        ax.grid(visible=False, axis="y")
        ax.set_yticks(range(len(names)), [""] * len(names))
    axes[0].set_yticks(range(len(names)), [NAMES.get(name, name) for name in names])
    axes[0].tick_params(axis="y", labelsize=8.5, labelcolor=INK)
    return room.figure


def _shares(ax: Axes, names: Sequence[str], both: dict[str, tuple[Tried, ...]]) -> None:
    for each, y, colour, marker in _placed(names, both):
        ax.plot([each.wrong_low, each.wrong_high], [y, y], color=colour, lw=1.3)
        ax.plot([each.wrong], [y], marker, color=colour, ms=4.6, mfc="white" if each.forward == LANES else colour)
    ax.set_xlim(-0.03, 1.03)
    ax.xaxis.set_major_locator(FixedLocator([0.0, 0.25, 0.5, 0.75, 1.0]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{share:.0%}"))
    ax.set_xlabel("share of problems, beyond noise", labelpad=2)


def _times(ax: Axes, names: Sequence[str], both: dict[str, tuple[Tried, ...]], single: Sequence[Tried]) -> None:
    most = max(each.worst for group in both.values() for each in group)
    ax.set_xscale("log")
    for each in single:
        ax.plot([each.mean], [names.index(each.rule) + LOOKS[TEXTBOOK][2]], ".", color=REVERSE, ms=4.5, mew=0, zorder=3)
    for each, y, colour, marker in _placed(names, both):
        high = each.mean if np.isnan(each.mean_high) else each.mean_high
        ax.plot([np.fmin(each.mean_low, each.mean), high], [y, y], color=colour, lw=1.3)
        ax.plot([each.mean], [y], marker, color=colour, ms=4.6, mfc="white" if each.forward == LANES else colour)
        if each.worst > 1.0:
            ax.plot([each.worst], [y], "|", color=FORWARD, ms=6.5, mew=1.5)
    ax.set_xlim(0.93, most * 1.25)
    ticks = [1.0, 2.0, 5.0, 10.0, *(10.0**k for k in range(2, 7))]
    ax.xaxis.set_major_locator(FixedLocator([tick for tick in ticks if tick <= most * 1.25]))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda ratio, _: f"{ratio:,.0f}×"))
    ax.axvline(1.0, color=PRIMAL, lw=0.8)
    ax.set_xlabel("mean, and at worst", labelpad=2)


def _placed(names: Sequence[str], both: dict[str, tuple[Tried, ...]]) -> list[tuple[Tried, float, str, str]]:
    """Each rule with its height, colour and marker."""
    return [
        (each, names.index(each.rule) + (LOOKS[kind][2] if both[LANES] else 0.0), *LOOKS[kind][:2])
        for kind, group in both.items()
        for each in group
        if each.rule in names
    ]


def _finding(thumbs: Sequence[Tried], overall: Sequence[Tried]) -> str:
    model = next(each for each in overall if each.rule == MODEL)
    return (
        f"Choosing by the best rule of thumb ({thumbs[0].rule}) takes {thumbs[0].multiplies} times the time of "
        f"knowing the answer, by the worst ({thumbs[-1].rule}) {thumbs[-1].multiplies}, by our cost model "
        f"{model.multiplies}"
    )


def _detail(overall: Sequence[Tried], lanes: Sequence[Tried], single: Sequence[Tried]) -> str:
    engines = sorted({each.engine for each in single}) or [overall[0].engine]
    where = engines[0] if len(engines) == 1 else f"{len(engines)} engines"
    kinds = "Dots: forward mode with one tangent a pass; squares: with as many as an engine carries. " if lanes else ""
    blue = "Small blue dots: one engine each. " if single else ""
    return (
        f"{overall[0].problems:,} problems in {where}; N inputs, M outputs. {kinds}Lines: 95 % intervals over "
        f"families, which weigh the same. {blue}Orange: the worst choice. The cost model is scored on families that it "
        "was not fitted to."
    )
