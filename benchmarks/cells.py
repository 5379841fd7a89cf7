"""Cells: what there is to measure.  The default plan, the selection from it, the order of visits, the A/A twins.

A cell is graph x size x engine x mode x quantity (x lanes).  Nothing is executed or timed here.
"""

from __future__ import annotations

import difflib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from benchmarks.engines import ENGINES
from benchmarks.functions.graph import Graph
from benchmarks.functions.graphs import FAMILIES
from benchmarks.functions.maps import grid
from benchmarks.options import OptionError, Selection

MAP = "map"
DERIVATIVES = (("forward", "jvp"), ("forward", "gradient"), ("reverse", "vjp"), ("reverse", "gradient"))
DEFAULT_ENGINES = ("ad", "ad-compiled")
COMPILED = "ad-compiled"
LANES = 128
"""Tangents that the compiled engine carries together where it carries many."""
MAP_SIZES = (1, 2, 4, 8, 16)
TWINS = 5


@dataclass(frozen=True)
class Reach:
    """How far the default plan goes with an engine; the time budget may stop earlier.

    Attributes:
        step: sizes are powers of this.
        single_ops: primals and single sweeps up to this many ops.
        gradient_ops: gradients of many sweeps up to this many executed ops.
        far: families whose single sweeps go to this many inputs, whatever their ops.
    """

    step: int
    single_ops: int
    gradient_ops: int
    far: dict[str, int] = field(default_factory=dict)


EAGER_REACH = Reach(step=4, single_ops=2**16, gradient_ops=2**19)
COMPILED_REACH = Reach(step=4, single_ops=2**16, gradient_ops=2**22, far={"chain": 10**6})


@dataclass(frozen=True, order=True)
class Cell:
    """One thing to measure.

    Attributes:
        graph: name of the family, or `map`.
        n: size: the number of inputs, or of outputs where the family has one input.
        engine, mode, quantity: as in the result rows.
        lanes: tangents carried together through one forward pass.
        m: outputs of a `map`; 0 for the families, which know theirs.
    """

    graph: str
    n: int
    engine: str
    mode: str
    quantity: str
    lanes: int = 1
    m: int = 0

    def __str__(self) -> str:
        size = f"{self.n}x{self.m}" if self.m else str(self.n)
        what = self.mode if self.mode == self.quantity else f"{self.mode} {self.quantity}"
        return f"{self.graph} {size} {self.engine} {what}" + (f" {self.lanes} lanes" if self.lanes > 1 else "")


@dataclass(frozen=True)
class Visit:
    """One cell in one block; `copy` is 1 for the second of two identical cells, 0 otherwise."""

    block: int
    cell: Cell
    copy: int = 0

    def __str__(self) -> str:
        return f"block {self.block}: {self.cell}" + (" (A/A copy)" if self.copy else "")


def graph_of(cell: Cell) -> Graph:
    """The graph of a cell, with `f` and `gradient` for its size."""
    return (grid(cell.m) if cell.graph == MAP else FAMILIES[cell.graph]).at(cell.n)


def sweeps(cell: Cell) -> int:
    """Sweeps that theory gives a cell; used to predict its cost, and never recorded."""
    if cell.quantity != "gradient":
        return 0 if cell.mode == "primal" else 1
    graph = graph_of(cell)
    return graph.n_inputs(cell.n) if cell.mode == "forward" else graph.n_outputs(cell.n)


def work(cell: Cell) -> int:
    """Ops that theory gives one execution of a cell, recording included; used to predict its cost."""
    passes = sweeps(cell) + (cell.mode != "forward")
    return graph_of(cell).n_ops(cell.n) * passes


def plan(selection: Selection) -> list[Cell]:
    """The cells selected, smallest first.

    Raises:
        OptionError: a family or an engine is unknown, or the selection leaves nothing.
    """
    families = _known("--family", selection.families, [*FAMILIES, MAP]) or [*FAMILIES, MAP]
    engines = _known("--engine", selection.engines, list(ENGINES)) or DEFAULT_ENGINES
    cells = {
        cell
        for engine in engines
        for name in families
        for cell in (_map_cells if name == MAP else _family_cells)(name, engine, selection.sizes)
        if (selection.modes is None or cell.mode in selection.modes)
        and (selection.quantities is None or cell.quantity in selection.quantities)
    }
    if not cells:
        raise OptionError("selection: there is no such cell; `python -m benchmarks list` shows what there is")
    return sorted(cells, key=lambda cell: (work(cell), cell))


def twins(cells: Sequence[Cell]) -> list[Cell]:
    """The cells that every block visits twice (A/A): a few derivatives from cheap to dear, in both modes.

    Args:
        cells: smallest first.
    """
    derivatives = [cell for cell in cells if cell.mode != "primal"] or list(cells)
    places = [round((k + 0.5) / TWINS * len(derivatives) - 0.5) for k in range(TWINS)]
    return list(dict.fromkeys(derivatives[min(place, len(derivatives) - 1)] for place in places))


def shuffled(cells: Sequence[Cell], blocks: int, seed: int) -> list[Visit]:
    """All visits, block after block; each block visits every cell once, and a twin twice, in an order of its own."""
    doubled = [*((cell, 0) for cell in sorted(cells)), *((cell, 1) for cell in sorted(twins(cells)))]
    visits = []
    for block in range(1, blocks + 1):
        order = doubled.copy()
        random.Random(f"{seed} {block}").shuffle(order)
        visits += [Visit(block, cell, copy) for cell, copy in order]
    return visits


def _family_cells(name: str, engine: str, sizes: Sequence[int] | None) -> Iterator[Cell]:
    graph = FAMILIES[name]
    reach = COMPILED_REACH if engine == COMPILED else EAGER_REACH
    for n in sorted({graph.nearest_size(n) for n in (sizes or _sizes(name, reach))}):
        one_input, one_output = graph.n_inputs(n) == 1, graph.n_outputs(n) == 1
        for mode, quantity in (("primal", "primal"), *DERIVATIVES):
            # With one input the jvp is the gradient, and with one output the vjp is: they are measured once.
            if (quantity == "jvp" and one_input) or (quantity == "vjp" and one_output):
                continue
            cell = Cell(name, n, engine, mode, quantity)
            single = sweeps(cell) <= 1
            within = graph.n_ops(n) <= reach.single_ops or n == reach.far.get(name)
            if not (sizes or (within if single else work(cell) <= reach.gradient_ops)):
                continue
            yield cell
            if engine == COMPILED and mode == "forward" and not single:
                yield replace(cell, lanes=LANES)


def _map_cells(name: str, engine: str, sizes: Sequence[int] | None) -> Iterator[Cell]:
    if engine == COMPILED and not sizes:
        return  # the map is the eager engine's, unless it is asked for
    for n in sizes or MAP_SIZES:
        for m in sizes or MAP_SIZES:
            for mode in ("forward", "reverse"):
                yield Cell(name, n, engine, mode, "gradient", m=m)


def _sizes(name: str, reach: Reach) -> list[int]:
    """The sizes of the default plan: powers, as far as one op per input would go, and the far one."""
    powers = [reach.step**k for k in range(64) if reach.step**k <= reach.single_ops]
    return [*powers, *(size for family, size in reach.far.items() if family == name)]


def _known(option: str, names: Sequence[str] | None, known: Sequence[str]) -> Sequence[str] | None:
    for name in names or ():
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(known)}"
            raise OptionError(f"{option}: unknown {name!r}; {hint}")
    return names
