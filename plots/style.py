"""The one look of every figure: colours, text, headers, direct labels, and how a figure is saved.

Nothing here knows what is drawn.  Colours are Okabe and Ito's, safe for colour-blind readers; forward mode is always
vermillion, reverse mode always blue.  A solid line with markers is measured; a dashed line was not, and says so; a
dotted line is theory.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

FORWARD = "#D55E00"
REVERSE = "#0072B2"
PRIMAL = "#7A7A7A"
THEORY = "#333333"
INK = "#1A1A1A"
FAINT = "#5F5F5F"
GRID = "#E6E6E6"
MODES = {"forward": FORWARD, "reverse": REVERSE, "primal": PRIMAL}

WIDTH = 9.0
"""Inches: 900 pixels where a page shows a picture at 100 dots per inch; text is legible from 8 points up."""

RC = {
    "axes.axisbelow": True,
    "axes.edgecolor": "#B0B0B0",
    "axes.grid": True,
    "axes.labelcolor": FAINT,
    "axes.labelsize": 9,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "figure.facecolor": "white",
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same picture on every machine
    "font.size": 9,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "lines.linewidth": 1.8,
    "lines.markersize": 4.0,
    "mathtext.fontset": "dejavusans",
    "svg.fonttype": "path",
    "svg.hashsalt": "forward-vs-reverse",  # without it every SVG would carry new random ids
    "text.color": INK,
    "xtick.color": "#B0B0B0",
    "xtick.labelcolor": FAINT,
    "xtick.labelsize": 8,
    "xtick.minor.visible": False,
    "ytick.color": "#B0B0B0",
    "ytick.labelcolor": FAINT,
    "ytick.labelsize": 8,
    "ytick.minor.visible": False,
}


@contextmanager
def style() -> Iterator[None]:
    """Draw inside this `with` block to get the shared look."""
    with mpl.rc_context(RC):  # type: ignore[arg-type]  # matplotlib types the keys one by one
        yield


@dataclass(frozen=True)
class Canvas:
    """A new figure whose header is written, and the room left under it.

    Attributes:
        figure: the figure.
        top: where the header ends, as a fraction of the figure's height.
    """

    figure: Figure
    top: float


def canvas(finding: str, detail: str, height: float, *, width: float = WIDTH, scale: float = 1.0) -> Canvas:
    """A figure with its finding as the title and the detail under it, both wrapped to the figure's width.

    Args:
        finding: what the data shows, in one sentence.
        detail: how to read the picture, or what was measured.
        height: inches, header included.
        width: inches.
        scale: factor on the sizes of the header's text.
    """
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    margin, y = 0.16, height - 0.12
    for text, size, weight, colour in ((finding, 13.0 * scale, "bold", INK), (detail, 9.0 * scale, "normal", FAINT)):
        lines = _wrap(figure, text, size, weight, (width - 2 * margin) * figure.dpi)
        figure.text(
            margin / width, y / height, "\n".join(lines),
            size=size, weight=weight, color=colour, va="top", ha="left", linespacing=1.25,
        )  # fmt: skip
        y -= (len(lines) * 1.25 * size + 5.0) / 72.0
    return Canvas(figure, y / height)


def _wrap(figure: Figure, text: str, size: float, weight: str, pixels: float) -> list[str]:
    """Break a text into lines no wider than `pixels`; balanced, so that no single word is left on the last line."""

    @cache
    def width(word: str) -> float:
        probe = figure.text(0, 0, word, size=size, weight=weight)
        extent = float(probe.get_window_extent().width)
        probe.remove()
        return extent

    space = width("n n") - 2.0 * width("n")

    def broken(limit: float) -> list[str]:
        lines, full = [""], -space
        for word in text.split(" "):  # not at the spaces that keep a number and its unit together
            full += space + width(word)
            if lines[-1] and full > limit:
                lines.append("")
                full = width(word)
            lines[-1] += f" {word}" if lines[-1] else word
        return lines

    fewest = len(broken(pixels))
    narrowest = bisect_left(range(int(pixels)), True, key=lambda limit: len(broken(limit)) <= fewest)
    return broken(narrowest)


def panels(
    room: Canvas, names: Sequence[str], columns: int = 3, *, left: float = 0.55, right: float = 0.62
) -> list[Axes]:
    """Small multiples under the header, one panel per name, with room for labels right of each.

    Args:
        room: the canvas.
        names: the panels' titles.
        columns: panels in a row.
        left: inches kept free left of each panel, for tick labels; more where the axis has a name, too.
        right: inches kept free right of each panel, for direct labels.
    """
    figure = room.figure
    width, height = (float(inches) for inches in figure.get_size_inches())
    columns = min(columns, len(names))
    rows = math.ceil(len(names) / columns)
    bottom, head = 0.42, 0.36
    cell_width, cell_height = (width - 0.1) / columns, room.top * height / rows
    axes = []
    for k, name in enumerate(names):
        row, column = divmod(k, columns)
        x, y = column * cell_width + left, (rows - 1 - row) * cell_height + bottom
        box = (x / width, y / height, (cell_width - left - right) / width, (cell_height - bottom - head) / height)
        ax = figure.add_axes(box)
        ax.set_title(name, pad=5)
        axes.append(ax)
    return axes


def rows_height(names: Sequence[str], columns: int = 3, *, row: float = 2.1) -> float:
    """Inches that `panels` of these names need."""
    return 1.0 + row * math.ceil(len(names) / columns)


def log_axis(ax: Axes, which: str, unit: str = "", *, ticks: int = 5) -> None:
    """Make an axis logarithmic, with a few ticks in plain numbers.

    Args:
        ax: the axes, with its data already drawn.
        which: "x" or "y".
        unit: as in `quantity`.
        ticks: about how many.
    """
    axis = ax.xaxis if which == "x" else ax.yaxis
    (ax.set_xscale if which == "x" else ax.set_yscale)("log")
    low, high = axis.get_view_interval()
    powers = math.floor(math.log10(high)) - math.ceil(math.log10(low)) + 1  # of ten, that lie on the axis
    subs = (1.0, 2.0, 5.0) if high < 50.0 * low or powers < 2 else (1.0,)
    axis.set_major_locator(LogLocator(base=10, subs=subs, numticks=ticks + 2))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())
    axis.set_major_formatter(FuncFormatter(lambda value, _: tick(value, unit)))


PREFIXES = {
    "s": ((3600.0, "h"), (60.0, "min"), (1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")),
    "B": ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "B")),
}


def quantity(value: float, unit: str = "") -> str:
    r"""A number as a reader would say it: two or three digits, thousands with commas, seconds and bytes with prefixes.

    Args:
        value: the number.
        unit: "s" or "B" for seconds or bytes; "×" for a ratio; "" for a plain number.

    Example:
        >>> quantity(1024), quantity(0.00123, "s"), quantity(2.5e6, "B"), quantity(312.4, "×")
        ('1,024', '1.2\xa0ms', '2.5\xa0MB', '312×')
    """
    if unit not in PREFIXES:
        return _digits(value) + unit
    factor, prefixed = next((p for p in PREFIXES[unit] if abs(value) >= p[0] * 0.9995), PREFIXES[unit][-1])
    return f"{_digits(value / factor)}\xa0{prefixed}"


def tick(value: float, unit: str = "") -> str:
    r"""A power of ten as a short tick label: 100, 10k, 1M; seconds stay seconds, so that decades stay decades.

    Example:
        >>> tick(1e4), tick(1e-5, "s"), tick(1e3, "s"), tick(1e12), tick(0.01, "×")
        ('10k', '10\xa0µs', '1k\xa0s', '$10^{12}$', '1/100')
    """
    if unit == "B" or (unit == "s" and value < 1.0):
        return quantity(value, unit)
    if unit == "×" and value < 1.0:
        return f"1/{tick(round(1.0 / value))}"
    if value >= 1e10:
        return f"$10^{{{round(math.log10(value))}}}${unit}"
    scaled, suffix = next(((value / f, s) for f, s in ((1e9, "G"), (1e6, "M"), (1e3, "k")) if value >= f), (value, ""))
    return f"{scaled:g}{suffix}" + ("\xa0s" if unit == "s" else unit)


def _digits(value: float) -> str:
    if abs(value) >= 100 or value == round(value):
        return f"{value:,.0f}"
    return f"{value:.1f}".removesuffix(".0") if abs(value) >= 1 else f"{value:.2g}"


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Positions at least `gap` apart and as near to the wanted ones as that allows, in the wanted order.

    Clusters of labels that would overlap are moved apart around their common mean.  When they don't all fit between
    `low` and `high` the gap shrinks.
    """
    if not wanted:
        return []
    gap = min(gap, (high - low) / max(1, len(wanted) - 1))
    order = sorted(range(len(wanted)), key=lambda k: wanted[k])
    clusters: list[tuple[float, int]] = []  # (centre, members): each spans (members - 1) * gap around its centre
    for k in order:
        centre, members = min(max(wanted[k], low), high), 1
        while clusters and centre - (members - 1) * gap / 2 < clusters[-1][0] + (clusters[-1][1] - 1) * gap / 2 + gap:
            other, count = clusters.pop()
            centre, members = (centre * members + other * count) / (members + count), members + count
            half = (members - 1) * gap / 2
            centre = min(max(centre, low + half), high - half)
        clusters.append((centre, members))
    placed = [centre + (k - (members - 1) / 2) * gap for centre, members in clusters for k in range(members)]
    positions = [0.0] * len(wanted)
    for k, position in zip(order, placed, strict=True):
        positions[k] = position
    return positions


@dataclass(frozen=True)
class Label:
    """A direct label: a line's name, written at the line's end.

    Attributes:
        x, y: the end of the line, in data coordinates.
        text: what is written.
        colour: the line's colour.
        weight: the text's weight.
    """

    x: float
    y: float
    text: str
    colour: str
    weight: str = "normal"


def label_ends(ax: Axes, labels: Sequence[Label], *, size: float = 8.0, offset: float = 6.0) -> None:
    """Write labels right of the axes' edge, moved apart where they would overlap; call it when limits are final.

    Args:
        ax: the axes.
        labels: the labels, in any order.
        size: points.
        offset: points between the edge and the text; a thin leader bridges it when the label had to move.
    """
    figure = ax.figure
    box = ax.get_window_extent()
    point = figure.dpi / 72.0
    ends = [ax.transData.transform((label.x, label.y)) for label in labels]
    heights = spread([float(y) for _, y in ends], size * 1.3 * point, box.y0, box.y1)
    right = max([box.x1, *(float(x) for x, _ in ends)])
    for label, (x, y), height in zip(labels, ends, heights, strict=True):
        text_x = right + offset * point
        across, up = ax.transData.inverted().transform((text_x, height))
        ax.text(
            across, up, label.text, color=darker(label.colour), size=size, weight=label.weight,
            va="center", ha="left", clip_on=False,
        )  # fmt: skip
        if abs(height - y) > 2 * point or text_x - x > 10 * point:
            start = ax.transData.inverted().transform((x + 3 * point, y))
            end = ax.transData.inverted().transform((text_x - 1.5 * point, height))
            ax.plot(
                [start[0], end[0]], [start[1], end[1]],
                color=label.colour, lw=0.6, alpha=0.55, clip_on=False, zorder=1, scalex=False, scaley=False,
            )  # fmt: skip


def darker(colour: str, amount: float = 0.15) -> tuple[float, float, float]:
    """A colour mixed with black, for text, which needs more contrast than a line."""
    red, green, blue = (channel * (1.0 - amount) for channel in to_rgb(colour))
    return red, green, blue


def save(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Write `name.svg` and `name.png` (twice the pixels of a 100-dpi screen), the same bytes for the same data."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}.svg", folder / f"{name}.png"]
    with style():
        figure.savefig(paths[0], metadata={"Date": None, "Creator": None})
        figure.savefig(paths[1], dpi=200, metadata={"Software": None})
    return paths
