"""The worked examples, drawn: a recorded graph with its values and partials, swept forward and in reverse side by side.

Every number in these pictures is read from a tape, a reverse sweep or a forward sweep made while drawing.  An edge of a
picture stands for one path between two named nodes, so nodes that an example doesn't name are drawn as part of an edge.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import mean
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch

import ad
from plots.style import FAINT, FORWARD, INK, REVERSE, canvas, darker

PANEL, RADIUS, LAYER, ROW, BEND = 4.4, 0.27, 1.4, 1.3, 0.42
"""Inches: width of a panel, radius of a node, distance between layers and between nodes of one, bulge of an edge."""


@dataclass(frozen=True)
class Example:
    """One worked example.

    Attributes:
        inputs: the inputs' names and values.
        f: the function; given the inputs, it returns the nodes to draw by name, the output last.
        seed: the input that the forward sweep starts from.
        finding: the picture's title, from what was swept.
        letters: names for the partials, in the order of the edges; none for plain numbers.
    """

    inputs: dict[str, float]
    f: Callable[..., dict[str, Any]]
    seed: str
    finding: Callable[[Swept], str]
    letters: str = ""


@dataclass(frozen=True)
class Edge:
    """One path between two named nodes.

    Attributes:
        source, target: the nodes' names.
        partial: the product of the partials along it.
        letter: what it is called, or "".
    """

    source: str
    target: str
    partial: float
    letter: str = ""


@dataclass(frozen=True)
class Swept:
    """A graph after one forward sweep and one reverse sweep.

    Attributes:
        edges: the edges, in the order in which the forward sweep passes them.
        primals, tangents, adjoints: a value for each node, by its name; in recording order.
        seed, output: where the forward and the reverse sweep started.
    """

    edges: list[Edge]
    primals: dict[str, float]
    tangents: dict[str, float]
    adjoints: dict[str, float]
    seed: str
    output: str
    inputs: list[str] = field(default_factory=list)


def _product(a: Any, b: Any) -> dict[str, Any]:
    c = a + b
    d = b + 1
    return {"c": c, "d": d, "e": c * d}


def _chain_rule(x: Any) -> dict[str, Any]:
    g = -2 * x + 5
    return {"g": g, "h": 6 * g + 3}


def _sum_rule(x: Any) -> dict[str, Any]:
    square, line = x**2, 3 * x
    return {"x²": square, "3x": line, "y": square + line + 2}


def _nine_paths(x: Any) -> dict[str, Any]:
    y = 1.0 * x + 2.0 * x + 3.0 * x
    return {"Y": y, "Z": 4.0 * y + 5.0 * y + 6.0 * y}


def _each(swept: Swept) -> str:
    reverse = " and ".join(f"∂{swept.output}/∂{name} = {number(swept.adjoints[name])}" for name in swept.inputs)
    forward = f"∂{swept.output}/∂{swept.seed} = {number(swept.tangents[swept.output])}"
    return f"One forward sweep gives {forward}; one reverse sweep gives {reverse}"


def _chain(swept: Swept) -> str:
    slopes = " · ".join(factor(edge.partial) for edge in reversed(swept.edges))
    return f"Along a path partials multiply: h' = {slopes} = {number(swept.adjoints[swept.seed])}"


def _sum(swept: Swept) -> str:
    return f"Where paths meet their products add: y' = {_terms(swept, swept.seed, forward=False)}"


def _factored(swept: Swept) -> str:
    count = 1
    letters = []
    for target in list(swept.primals)[1:]:
        stage = [edge.letter for edge in swept.edges if edge.target == target]
        count *= len(stage)
        letters.append(f"({' + '.join(stage)})")
    return f"{count} paths, but {len(letters)} sums: {''.join(letters)} = {number(swept.adjoints[swept.seed])}"


EXAMPLES = {
    "product": Example({"a": 2.0, "b": 1.0}, _product, "b", _each),
    "chain_rule": Example({"x": 1.0}, _chain_rule, "x", _chain),
    "sum_rule": Example({"x": 2.0}, _sum_rule, "x", _sum),
    "nine_paths": Example({"X": 1.0}, _nine_paths, "X", _factored, letters="αβγδεζ"),
}


def draw(name: str) -> Figure:
    """Draw one example.

    Args:
        name: one of `EXAMPLES`.

    Raises:
        ValueError: there is no such example.
    """
    if name not in EXAMPLES:
        raise ValueError(f"example: unknown {name!r}, expected one of {', '.join(EXAMPLES)}")
    example = EXAMPLES[name]
    swept = sweep(example)
    places = layout(swept)
    rows = max(y for _, y in places.values()) - min(y for _, y in places.values())
    room = canvas(
        example.finding(swept),
        "In a node: its name and value. On an edge: the partial derivative along it. Beside a node: what the sweep "
        "leaves there.",
        2.5 + rows + (2 * BEND if example.letters else 0.0),
        width=2 * PANEL + 0.2,
    )
    height = float(room.figure.get_size_inches()[1]) * room.top
    for k, forward in enumerate((True, False)):
        ax = room.figure.add_axes((k * (PANEL + 0.1) / (2 * PANEL + 0.2), 0.0, PANEL / (2 * PANEL + 0.2), room.top))
        ax.set_xlim(0.0, PANEL)
        ax.set_ylim(0.0, height)
        ax.axis("off")
        _panel(ax, swept, places, height, forward=forward)
    return room.figure


def sweep(example: Example) -> Swept:
    """Record an example on a tape and sweep it once in each mode."""
    tape = ad.Tape()
    inputs = dict(zip(example.inputs, tape.lift(example.inputs.values()), strict=True))
    named = inputs | example.f(*inputs.values())
    output = list(named)[-1]
    tape.sweep(named[output])
    seeds = tuple(1.0 if name == example.seed else 0.0 for name in inputs)
    _, tangents = ad.jvp(lambda *x: list(example.f(*x).values()), tuple(example.inputs.values()), seeds)
    return Swept(
        edges=_edges(tape, named, example.letters),
        primals={name: node.primal for name, node in named.items()},
        tangents=dict(zip(named, [*seeds, *tangents], strict=True)),
        adjoints={name: node.adjoint for name, node in named.items()},
        seed=example.seed,
        output=output,
        inputs=list(inputs),
    )


def _edges(tape: ad.Tape, named: dict[str, Any], letters: str) -> list[Edge]:
    """The paths between named nodes that pass no other named node."""
    known = {id(node) for node in named.values()}
    found = [
        (source, target, path.product)
        for target in named
        for source in named
        if source != target
        for path in sorted(ad.enumerate_paths(tape, named[source], named[target]), key=lambda path: path.product)
        if not known & {id(node) for node in path.nodes[1:-1]}
    ]
    names = letters or [""] * len(found)
    return [Edge(*edge, letter) for edge, letter in zip(found, names, strict=True)]


def layout(swept: Swept) -> dict[str, tuple[float, float]]:
    """Places for the nodes, in inches, the middle of the graph at (0, 0): a layer is the longest way from an input."""
    layer: dict[str, int] = {}
    for name in swept.primals:
        layer[name] = max((layer[edge.source] + 1 for edge in swept.edges if edge.target == name), default=0)
    last = max(layer.values())
    places: dict[str, tuple[float, float]] = {}
    for depth in range(last + 1):
        names = [name for name in layer if layer[name] == depth]
        if depth:
            names.sort(key=lambda name: -mean([places[e.source][1] for e in swept.edges if e.target == name]))
        for k, name in enumerate(names):
            places[name] = ((depth - last / 2) * LAYER, ((len(names) - 1) / 2 - k) * ROW)
    return places


def _panel(ax: Axes, swept: Swept, places: dict[str, tuple[float, float]], height: float, *, forward: bool) -> None:
    colour = FORWARD if forward else REVERSE
    values = swept.tangents if forward else swept.adjoints
    start = swept.seed if forward else swept.output
    mode = f"Forward sweep from {start}: tangents" if forward else f"Reverse sweep from {start}: adjoints"
    ax.text(0.16, height - 0.12, mode, color=darker(colour), size=11, weight="bold", va="top")
    centre = (PANEL / 2, (height - 0.3) / 2)
    at = {name: (centre[0] + x, centre[1] + y) for name, (x, y) in places.items()}
    one_row = len({y for _, y in places.values()}) == 1
    groups: dict[tuple[str, str], list[Edge]] = defaultdict(list)
    for edge in swept.edges:
        groups[edge.source, edge.target].append(edge)
    for (source, target), group in groups.items():
        active = values[source if forward else target] != 0.0
        for k, edge in enumerate(group):
            bulge = BEND * ((len(group) - 1) / 2 - k) * 2 / max(1, len(group) - 1) if len(group) > 1 else 0.0
            ends = (at[source], at[target]) if forward else (at[target], at[source])
            _edge(ax, ends, edge, bulge if forward else -bulge, colour if active else "#BBBBBB")
    for name, (x, y) in at.items():
        reached = values[name] != 0.0
        tint = colour if reached else "#BBBBBB"
        ax.add_patch(Circle((x, y), RADIUS, fc="white", ec=tint, lw=2.2 if name == start else 1.4, zorder=3))
        ax.text(x, y + 0.07, name, size=10.5, weight="bold", ha="center", va="center", zorder=4)
        ax.text(x, y - 0.11, number(swept.primals[name]), size=8.5, color=FAINT, ha="center", va="center", zorder=4)
        above = places[name][1] >= 0 and not one_row
        lettered = one_row and any(edge.letter for edge in swept.edges)
        gap = RADIUS + (BEND if lettered else 0.1)
        said = f"seed {number(values[name])}" if name == start else _terms(swept, name, forward=forward)
        said = said.replace(" = ", "\n= ") if lettered else said  # side by side, two long ones would read as one
        ax.text(
            x, y + gap if above else y - gap, said, color=darker(tint if reached else FAINT), size=9,
            weight="bold" if reached else "normal", ha="center", va="bottom" if above else "top",
        )  # fmt: skip


def _edge(
    ax: Axes, ends: tuple[tuple[float, float], tuple[float, float]], edge: Edge, bulge: float, colour: str
) -> None:
    """An arrow in the direction of the sweep, with its partial in its middle; `bulge` inches left of the arrow."""
    (x0, y0), (x1, y1) = ends
    length = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
    arrow = FancyArrowPatch(
        *ends, connectionstyle=f"arc3,rad={-2 * bulge / length}", arrowstyle="-|>", mutation_scale=11,
        shrinkA=RADIUS * 72 + 1, shrinkB=RADIUS * 72 + 1, color=colour, lw=1.4, zorder=2,
    )  # fmt: skip
    ax.add_patch(arrow)
    x, y = (x0 + x1) / 2 - bulge * (y1 - y0) / length, (y0 + y1) / 2 + bulge * (x1 - x0) / length
    text = f"{edge.letter} = {number(edge.partial)}" if edge.letter else number(edge.partial)
    ax.text(
        x, y, text, size=9, color=INK, ha="center", va="center", zorder=5,
        bbox={"fc": "white", "ec": "none", "pad": 1.2},
    )  # fmt: skip


def _terms(swept: Swept, name: str, *, forward: bool) -> str:
    """How a sweep works out its value at a node: a term for each neighbour it hears from, and their sum."""
    values = swept.tangents if forward else swept.adjoints
    heard: dict[str, list[str]] = defaultdict(list)
    for edge in swept.edges:
        here, there = (edge.target, edge.source) if forward else (edge.source, edge.target)
        if here == name and values[there] != 0.0:
            heard[there].append(edge.letter or number(edge.partial))
    terms = []
    for there, partials in heard.items():
        together = f"({' + '.join(partials)})" if len(partials) > 1 else partials[0]
        terms.append(f"{together}·{factor(values[there])}")
    return f"{' + '.join(terms)} = {number(values[name])}" if terms else number(values[name])


def factor(value: float) -> str:
    """A number as the right-hand factor of a product: in parentheses when it is negative."""
    return f"({number(value)})" if value < 0 else number(value)


def number(value: float) -> str:
    """A number as one writes it by hand: no trailing zeros, a true minus sign."""
    return f"{value:.6g}".replace("-", "−")
