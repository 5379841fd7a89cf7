"""The picture of lost digits: for each step of three computations, how much of the result its rounding costs.

Each is drawn twice: as it is found in books, and rewritten.  A bar is the estimate of `ad.rounding_error` for one line
of the function that was run; the mark is the error that was really made, known from exact fractions and 60 digits.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import ad
from plots.style import INK, canvas, darker

ROW, GAP, TEXT = 0.25, 0.72, 2.3
"""Inches: height of a line, what stands above and below the lines of one panel, and the width of their text."""

TICKS = {1e-16: "16", 1e-12: "12", 1e-8: "8", 1e-4: "4", 1.0: "0 digits"}

LOST, KEPT = "#CC79A7", "#009E73"
"""Colours of a computation as it is found, and of the one that keeps its digits: neither is that of a mode."""


@dataclass(frozen=True)
class Computation:
    """One way to compute something.

    Attributes:
        name: what it is called in the picture.
        f: the function, one step per line.
        args: where it is run.
        exact: the value that f should have there.
        kept: whether this is the way that keeps the digits.
    """

    name: str
    f: Callable[..., Any]
    args: tuple[Any, ...]
    exact: Fraction
    kept: bool = False


def _root(a: Any, b: Any, c: Any) -> Any:
    d = b * b - 4 * a * c
    s = ad.sqrt(d)
    return (-b + s) / (2 * a)


def _root_rewritten(a: Any, b: Any, c: Any) -> Any:
    d = b * b - 4 * a * c
    s = ad.sqrt(d)
    return -2 * c / (b + s)


def _variance(x: Any) -> Any:
    squares = np.sum(x * x) / len(x)
    mean = np.sum(x) / len(x)
    return squares - mean * mean


def _variance_rewritten(x: Any) -> Any:
    mean = np.sum(x) / len(x)
    d = x - mean
    return np.sum(d * d) / len(x)


STEPS = 18


def _integral(log: Any) -> Any:
    y = 1.0 * log
    for n in range(1, STEPS + 1):
        y = 1 / n - 5 * y
    return y


def _integral_rewritten(start: Any) -> Any:
    y = 1.0 * start
    for n in range(STEPS + 20, STEPS, -1):
        y = (1 / n - y) / 5
    return y


def computations() -> tuple[Computation, ...]:
    """All of them, with what they should give."""
    a, b, c = 1.0, 1e6, 1.0
    x = 1000.0 + np.random.default_rng(1).normal(size=200)
    with localcontext(prec=60):
        root = (-Decimal(b) + (Decimal(b) ** 2 - 4 * Decimal(a) * Decimal(c)).sqrt()) / (2 * Decimal(a))
    values = [Fraction(v) for v in x.tolist()]
    mean = sum(values, Fraction(0)) / len(values)
    variance = sum(((v - mean) ** 2 for v in values), Fraction(0)) / len(values)
    log = math.log(1.2)
    forwards = Fraction(log)
    for n in range(1, STEPS + 1):
        forwards = Fraction(1 / n) - 5 * forwards
    backwards = Fraction(0)
    for n in range(STEPS + 20, STEPS, -1):
        backwards = (Fraction(1 / n) - backwards) / 5
    return (
        Computation("root of a quadratic", _root, (a, b, c), Fraction(root)),
        Computation("the same, rewritten", _root_rewritten, (a, b, c), Fraction(root), kept=True),
        Computation("variance in one pass", _variance, (x,), variance),
        Computation("in two passes", _variance_rewritten, (x,), variance, kept=True),
        Computation(f"recurrence, {STEPS} steps up", _integral, (log,), forwards),
        Computation("20 steps down", _integral_rewritten, (0.0,), backwards, kept=True),
    )


@dataclass(frozen=True)
class Report:
    """What became of the digits of one computation.

    Attributes:
        computation: which.
        lines: the source of each line with the estimate for it, relative to the result.
        estimate: their sum.
        made: the error made, relative to the result.
    """

    computation: Computation
    lines: list[tuple[str, float]]
    estimate: float
    made: float


def report(computation: Computation) -> Report:
    """Run one computation and see."""
    found = ad.rounding_error(computation.f)(*computation.args)
    source, first = inspect.getsourcelines(computation.f)
    errors: dict[int, float] = {}
    for loss in found.losses:
        errors[loss.line] = errors.get(loss.line, 0.0) + loss.error / abs(found.value)
    lines = [(source[line - first].strip(), errors[line]) for line in sorted(errors)]
    made = abs((Fraction(found.value) - computation.exact) / computation.exact)
    return Report(computation, lines, found.relative, float(made))


def draw() -> Figure:
    """Draw the figure."""
    reports = [report(computation) for computation in computations()]
    rows = [reports[k : k + 2] for k in range(0, len(reports), 2)]
    heights = [GAP + ROW * max(len(r.lines) for r in row) for row in rows]
    *some, last = [str(_digits(one.made)) for one in reports if not one.computation.kept]
    room = canvas(
        f"As found in books, three computations keep {', '.join(some)} and {last} of 16 digits: one reverse sweep "
        "names the lines that cost the rest",
        "A bar: how far the rounding of one line moves the result, relative to it (the sum of |adjoint · value| eps "
        "over its ops). The black mark: the error made, known exactly. Left as in books, right rewritten.",
        sum(heights) + 1.0,
    )
    width, height = (float(inches) for inches in room.figure.get_size_inches())
    y = room.top * height
    for row, tall in zip(rows, heights, strict=True):
        y -= tall
        for k, one in enumerate(row):
            n = len(one.lines)
            box = (k * width / 2 + 0.16 + TEXT, y + tall - GAP + 0.3 - ROW * n, width / 2 - 0.6 - TEXT, ROW * n)
            ax = room.figure.add_axes((box[0] / width, box[1] / height, box[2] / width, box[3] / height))
            _panel(ax, one)
    return room.figure


def _digits(relative: float) -> int:
    return max(0, min(16, math.floor(-math.log10(relative)))) if relative else 16


def _panel(ax: Axes, one: Report) -> None:
    """The lines of one computation, each with its bar."""
    colour = KEPT if one.computation.kept else LOST
    least = 1e-17
    ax.set_xscale("log")
    ax.set_xlim(least, 1.0)
    ax.set_ylim(len(one.lines) - 0.5, -0.5)
    ax.grid(visible=False, axis="y")
    for spine in ax.spines.values():
        spine.set_visible(False)
    ax.set_yticks([])
    ax.set_xticks(list(TICKS), list(TICKS.values()))
    ax.tick_params(length=0, pad=1)
    beside = ax.get_yaxis_transform()
    start = -TEXT * ax.figure.dpi / ax.get_window_extent().width
    for k, (source, error) in enumerate(one.lines):
        ax.text(start, k, source, size=8, family="DejaVu Sans Mono", color=INK, va="center", transform=beside)
        ax.barh(k, max(error, least) - least, left=least, height=0.6, color=colour)
    if one.made:
        ax.plot([one.made] * 2, [-0.45, len(one.lines) - 0.55], color=INK, lw=1.6)
    title = f"{one.computation.name}: {_digits(one.made)} digits left"
    ax.text(start, 1.02, title, color=darker(colour), size=10, weight="bold", va="bottom", transform=ax.transAxes)
