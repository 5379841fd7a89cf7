"""The catalogue: every family that the harness knows, by name, in the order of all results.

The synthetic families come first, each of which isolates one property of a function, so that a difference in cost can
be put down to it.  Then the workloads, by name: every module in `benchmarks/functions/workloads/` that defines a
`FAMILY`, or several `FAMILIES`, is one, without being listed anywhere.
"""

from __future__ import annotations

import difflib
import functools
import importlib
import pkgutil
from collections.abc import Iterator, Sequence

from benchmarks.functions.folds import BROADCAST, CHAIN, HUB, PRODUCT, TREE, fixed_work
from benchmarks.functions.maps import MAP, TRUNK
from benchmarks.functions.networks import dense, lattice, layered
from benchmarks.functions.problem import Family, Problem, Size
from benchmarks.options import DTYPE

WORKLOADS = "workloads"
"""The name that selects all workloads."""
HEADLINE = CHAIN.name
"""The family that pages and titles speak of, where a run has it."""


def _workloads() -> Iterator[Family]:
    package = importlib.import_module(f"benchmarks.functions.{WORKLOADS}")
    for module in sorted(pkgutil.iter_modules(package.__path__), key=lambda module: module.name):
        found = vars(importlib.import_module(f"{package.__name__}.{module.name}"))
        yield from found.get("FAMILIES", (found["FAMILY"],) if "FAMILY" in found else ())


SYNTHETIC = (CHAIN, TREE, PRODUCT, layered(), HUB, fixed_work(), lattice(), dense(), BROADCAST, MAP, TRUNK)
FAMILIES: dict[str, Family] = {
    **{family.name: family for family in SYNTHETIC},
    **{family.name: family for family in sorted(_workloads(), key=lambda family: family.name)},
}


def family(name: str) -> Family:
    """The family of that name.

    Raises:
        ValueError: there is none; the message names the nearest, or those there are.
    """
    if name in FAMILIES:
        return FAMILIES[name]
    close = difflib.get_close_matches(name, FAMILIES, 1)
    hint = f"did you mean {close[0]!r}?" if close else f"expected one of {', '.join(FAMILIES)}"
    raise ValueError(f"family: unknown {name!r}; {hint}")


def families(names: Sequence[str] | None = None) -> list[Family]:
    """The families of these names, in the catalogue's order; all of them for None, all workloads for `workloads`.

    Raises:
        ValueError: one is not there.
    """
    if names is None:
        return list(FAMILIES.values())
    wanted = {family(name).name for name in names if name != WORKLOADS}
    if WORKLOADS in names:
        wanted |= FAMILIES.keys() - {one.name for one in SYNTHETIC}
    return [family for name, family in FAMILIES.items() if name in wanted]


@functools.cache
def problem(name: str, size: Size, dtype: str = DTYPE) -> Problem:
    """The problem of a family and a size, in a dtype; made once, since inputs can be many.

    Raises:
        ValueError: there is no such family, or it cannot have this size.
    """
    return family(name).at(size) if dtype == DTYPE else problem(name, size).as_dtype(dtype)


def add(family: Family) -> None:
    """Let the harness know a family of one's own, for this process.

    Raises:
        ValueError: the name is taken.
    """
    if family.name in FAMILIES:
        raise ValueError(f"family: the name {family.name!r} is taken")
    FAMILIES[family.name] = family
