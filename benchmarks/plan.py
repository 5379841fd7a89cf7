"""What is measured in a run: the default plan, the selection from it, the order of visits, the twins."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

from benchmarks.cells import Cell, Visit, by_cost, evaluation, sweeps, work
from benchmarks.engines import chosen
from benchmarks.engines.base import Engine
from benchmarks.functions import catalogue, own
from benchmarks.functions.problem import Family, Size
from benchmarks.options import DTYPE, OptionError, Selection

DERIVATIVES = (("forward", "jvp"), ("forward", "gradient"), ("reverse", "vjp"), ("reverse", "gradient"))
STEP = 4
"""Sizes are powers of this, in a family that does not state its own."""
BETWEEN = 2
"""Sizes between them are this much larger."""
LANES_SAVE = 16
"""Carrying tangents together makes a sweep about this much cheaper, so gradients reach further."""
CELLS_PER_TWIN = 40
"""One derivative in so many has a twin, for the noise of short and long cells, and of every engine, is not the same."""
TWINS = 5
"""As many have one in any case."""


def plan(selection: Selection) -> list[Cell]:
    """The cells selected, smallest first.

    Raises:
        OptionError: a family or an engine is unknown, a function of the user's own cannot be measured, or the selection
            leaves nothing.
    """
    try:
        families = chosen_families(selection)
        engines = chosen(selection.engines)
    except ValueError as problem:
        raise OptionError(f"--{problem}") from None
    try:
        cells = {
            cell
            for engine in engines
            for family in families
            for cell in _cells(family, engine, selection)
            if (selection.modes is None or cell.mode in selection.modes)
            and (selection.quantities is None or cell.quantity in selection.quantities)
        }
    except own.FunctionError as problem:  # it is looked at where its sizes are made
        raised, sized = problem.__cause__ is not None, selection.at is not None or selection.sizes is not None
        hint = "; if it is made for another number of inputs, say so: --size=N" if raised and not sized else ""
        raise OptionError(f"--{problem}{hint}") from None
    if not cells:
        only = "" if selection.dtype == DTYPE else f" in {selection.dtype}, which functions of arrays alone have"
        raise OptionError(f"selection: there is no such cell{only}; `python -m benchmarks list` shows what there is")
    return sorted(cells, key=by_cost)


def chosen_families(selection: Selection) -> list[Family]:
    """The families that a selection names, or the one function of the user's own, which the catalogue then knows.

    Raises:
        ValueError: a family is unknown, or the function cannot be measured.
    """
    if selection.function is None:
        if selection.at is not None:
            raise ValueError("at: got inputs without a function, expected --function as well")
        return catalogue.families(selection.families)
    if selection.families is not None:
        raise ValueError("function: got families as well, expected one or the other")
    return [own.known(selection.function, selection.at)]


def twins(cells: Sequence[Cell]) -> list[Cell]:
    """The cells that every block visits twice: derivatives from cheap to dear, in both modes.

    Args:
        cells: smallest first.
    """
    derivatives = [cell for cell in cells if cell.mode != "primal"] or list(cells)
    count = max(TWINS, len(derivatives) // CELLS_PER_TWIN)
    places = [round((k + 0.5) / count * len(derivatives) - 0.5) for k in range(count)]
    return list(dict.fromkeys(derivatives[min(place, len(derivatives) - 1)] for place in places))


def shuffled(cells: Sequence[Cell], blocks: int, seed: int) -> list[Visit]:
    """All visits, block after block; each block visits every cell once, and a twin twice, in an order of its own."""
    doubled = [*((cell, 0) for cell in sorted(cells)), *((cell, 1) for cell in sorted(twins(cells)))]
    visits = []
    for block in range(1, blocks + 1):
        order = doubled.copy()
        random.Random(f"{seed} {block}").shuffle(order)
        visits += [Visit(block, cell, twin) for cell, twin in order]
    return visits


def of_engines(visits: Sequence[Visit], names: str) -> list[Visit]:
    """The visits of some engines, whose names are parted by commas.

    Raises:
        OptionError: an engine has none.
    """
    there = dict.fromkeys(visit.cell.engine for visit in visits)
    wanted = [name.strip() for name in names.split(",")]
    for name in wanted:
        if name not in there:
            raise OptionError(f"--only: got {name!r}, expected engines of the run: {', '.join(there)}")
    return [visit for visit in visits if visit.cell.engine in wanted]


def _cells(family: Family, engine: type[Engine], selection: Selection) -> Iterator[Cell]:
    asked = bool(selection.sizes) or bool(selection.families and family.growing)
    for size in _sizes(family, engine, selection):
        for cell in _of(family, size, engine, selection):
            if asked or _within(cell, engine):
                yield cell
    if engine.reach.between and not (asked or family.sizes):
        for size in _powers(family, engine, BETWEEN):
            many = [cell for cell in _of(family, size, engine, selection) if sweeps(cell) > 1 and _within(cell, engine)]
            yield from many
            if many:
                yield Cell(family.name, size, engine.name, "primal", "primal", dtype=selection.dtype)


def _of(family: Family, size: Size, engine: type[Engine], selection: Selection) -> Iterator[Cell]:
    """The cells of one problem with one engine, whatever they cost."""
    problem = catalogue.problem(family.name, size, selection.dtype)
    # What an engine cannot do is left out, but said where the engine was asked for.
    if engine.declined(problem, selection.dtype) and not selection.engines:
        return
    for mode, quantity in (("primal", "primal"), *DERIVATIVES):
        # With one input the jvp is the gradient, and with one output the vjp is: they are measured once.
        if (quantity == "jvp" and problem.n_inputs == 1) or (quantity == "vjp" and problem.n_outputs == 1):
            continue
        if mode == "primal" or mode in engine.modes or selection.engines:
            cell = Cell(family.name, size, engine.name, mode, quantity, dtype=selection.dtype)
            yield cell
            if (lanes := engine.carried(problem, mode)) > 1 and sweeps(cell) > 1:
                yield replace(cell, lanes=lanes)


def _within(cell: Cell, engine: type[Engine]) -> bool:
    """Whether the default plan goes as far as this with an engine; what has no formula goes as far as it states."""
    if cell.problem.ops is None and catalogue.family(cell.graph).sizes:
        return True
    if sweeps(cell) > 1:
        return work(cell) <= engine.reach.gradient_ops * min(cell.lanes, LANES_SAVE)
    return evaluation(cell.problem) <= engine.reach.single_ops or cell.size == engine.reach.far.get(cell.graph)


def _sizes(family: Family, engine: type[Engine], selection: Selection) -> Sequence[Size]:
    """The sizes asked for, or the family's own.

    Where it states none, powers, as far as one op per input would go; and how far the engine goes with it.
    """
    if selection.sizes:
        return family.sizes_from(selection.sizes)
    if selection.families and family.growing:
        return family.growing
    if family.sizes:
        return family.sizes
    far = engine.reach.far.get(family.name)
    return [*_powers(family, engine), *([] if far is None else [far])]


def _powers(family: Family, engine: type[Engine], first: int = 1) -> Sequence[Size]:
    """The family's sizes nearest to `first` times powers, as far as one op per input would go."""
    powers = [first * STEP**k for k in range(64) if first * STEP**k <= engine.reach.single_ops]
    return family.sizes_from(powers)
