"""The catalogue of synthetic graphs: `FAMILIES`, by name.

Each family isolates one property of a function, so that a difference in cost can be put down to it.  How each is made
is in `folds` and `networks`; what a `Graph` offers is in `graph`.  Functions from real life are not here.
"""

from __future__ import annotations

from benchmarks.functions.folds import BROADCAST, CHAIN, HUB, PRODUCT, TREE, fixed_work
from benchmarks.functions.graph import Graph, Shape
from benchmarks.functions.networks import dense, lattice, layered

__all__ = ["FAMILIES", "Graph", "Shape", "family"]

FAMILIES: dict[str, Graph] = {
    graph.name: graph for graph in (CHAIN, TREE, PRODUCT, layered(), HUB, fixed_work(), lattice(), dense(), BROADCAST)
}


def family(name: str) -> Graph:
    """The graph family of that name.

    Raises:
        ValueError: there is none; the message lists those there are.
    """
    try:
        return FAMILIES[name]
    except KeyError:
        raise ValueError(f"graph: got {name!r}, expected one of {', '.join(FAMILIES)}") from None
