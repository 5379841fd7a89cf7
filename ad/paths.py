"""The naive rule that both modes factor: sum, over all paths, of the product of the partials along the path.

It is here to be beaten.  The number of paths can grow exponentially with the number of ops (`count_paths` finds it
without walking them), while a sweep of either mode visits every edge once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ad.tape import Tape, Var

LIMIT = 100_000
"""How many paths are enumerated unless the caller says otherwise."""


class TooManyPathsError(ValueError):
    """There are more paths than the limit; `count` says how many."""

    def __init__(self, count: int, limit: int) -> None:
        self.count = count
        super().__init__(
            f"limit: there are {count:,} paths, expected at most {limit:,}; one sweep of either mode gives their sum"
        )


@dataclass(frozen=True)
class Path:
    """One path through a recorded graph.

    Attributes:
        nodes: its nodes, from the input to the output.
        partials: the partial along each of its edges, in the same order.
        product: the product of the partials.
    """

    nodes: tuple[Var, ...]
    partials: tuple[Any, ...]
    product: Any


def count_paths(tape: Tape, source: Var, output: Var) -> int:
    """How many paths lead from one node to another, found in one pass over the tape.

    Args:
        tape: a recorded tape.
        source: where the paths start, an input or any other node of the tape.
        output: where they end.

    Raises:
        TypeError: there are arrays on the tape.
        ValueError: a node is not one of the tape's.
    """
    return _counts(tape, source, output).get(id(output), 0)


def enumerate_paths(tape: Tape, source: Var, output: Var, limit: int = LIMIT) -> Iterator[Path]:
    """Every path from one node to another, one at a time.

    Args:
        tape: a recorded tape.
        source: where the paths start.
        output: where they end.
        limit: how many paths there may be.

    Raises:
        TypeError: there are arrays on the tape.
        TooManyPathsError: there are more; raised before the first path is walked.
        ValueError: a node is not one of the tape's.
    """
    counts = _counts(tape, source, output)
    total = counts.get(id(output), 0)
    if total > limit:
        raise TooManyPathsError(total, limit)
    return _walk(source, output, counts)


def sum_over_paths(tape: Tape, source: Var, output: Var, limit: int = LIMIT) -> Any:
    """The derivative of `output` in `source` by the naive rule: the sum of the products along all paths.

    Args and errors are those of `enumerate_paths`.
    """
    return sum((path.product for path in enumerate_paths(tape, source, output, limit)), 0.0)


def _counts(tape: Tape, source: Var, output: Var) -> dict[int, int]:
    """For every node that `source` reaches, by its id, the number of paths from `source`."""
    if tape.nodes.has_arrays:
        raise TypeError("tape: got one with arrays, expected one of numbers")
    for name, node in (("source", source), ("output", output)):
        if not tape.owns(node):
            raise ValueError(f"{name}: got {node!r}, expected a node of the tape")
    counts = {id(source): 1}
    for node in tape.nodes:
        if node is not source:
            ways = sum(counts.get(id(operand), 0) for operand, _ in _edges(node))
            if ways:
                counts[id(node)] = ways
    return counts


def _edges(node: Var) -> list[tuple[Var, Any]]:
    """The active operands of a node with the partials along the edges to them."""
    return [(x, dx) for x, dx in ((node.x, node.dx), (node.y, node.dy)) if dx is not None]


def _walk(source: Var, output: Var, counts: dict[int, int]) -> Iterator[Path]:
    """Depth first from the output down, only through nodes that `source` reaches; a stack, so depth has no limit."""
    if id(output) not in counts:
        return
    nodes, partials = [output], []
    stack = [iter([] if output is source else _edges(output))]
    if output is source:
        yield Path((source,), (), 1.0)
    while stack:
        for operand, partial in stack[-1]:
            if id(operand) not in counts:
                continue
            nodes.append(operand)
            partials.append(partial)
            if operand is source:
                product = 1.0
                for p in reversed(partials):
                    product = p * product
                yield Path(tuple(reversed(nodes)), tuple(reversed(partials)), product)
                nodes.pop()
                partials.pop()
                continue
            stack.append(iter(_edges(operand)))
            break
        else:
            stack.pop()
            nodes.pop()
            if partials:
                partials.pop()
