"""Nested lists and tuples of numbers, flattened to a list of leaves and rebuilt.

The one place that knows which containers a function's inputs and outputs may come in.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from ad.active import Active, require_alive
from ad.scalars import real

Shape = None | tuple[type, "int | list[Shape]"]
"""How a tree nests: None for a number, else a container's type and its children (their count, if all are numbers)."""


def flatten(name: str, tree: Any) -> tuple[list[Any], Shape]:
    """The leaves of a tree, left to right, as floats (or active values), and its shape.

    Args:
        name: what the tree is called in an error.
        tree: a number, or lists and tuples (named ones too) of numbers, nested to any depth.

    Raises:
        TypeError: a leaf is not a real number; the message gives its place.
        ValueError: a leaf is left over from a derivative that has ended.
    """
    leaves: list[Any] = []
    return leaves, _collect(name, tree, leaves)


def unflatten(shape: Shape, leaves: list[Any]) -> Any:
    """The tree of a given shape with new leaves."""
    return _rebuild(shape, iter(leaves))


def _collect(name: str, tree: Any, leaves: list[Any]) -> Shape:
    if not isinstance(tree, list | tuple):
        leaves.append(_leaf(name, tree))
        return None
    if set(map(type, tree)) <= {float}:  # the common case, and the one that may be a million long
        leaves.extend(tree)
        return type(tree), len(tree)
    shapes = [_collect(f"{name}[{k}]", child, leaves) for k, child in enumerate(tree)]
    return type(tree), (shapes if any(shapes) else len(shapes))


def _leaf(name: str, x: Any) -> Any:
    if isinstance(x, bool):
        raise TypeError(f"{name}: got bool, expected a real number")
    if isinstance(x, Active):
        require_alive(name, [x])
        return x
    return real(name, x)


def _rebuild(shape: Shape, leaves: Iterator[Any]) -> Any:
    if shape is None:
        return next(leaves)
    kind, children = shape
    if isinstance(children, int):
        items = list(islice(leaves, children))
    else:
        items = [_rebuild(child, leaves) for child in children]
    if kind is list:
        return items
    return kind(*items) if hasattr(kind, "_fields") else kind(items)
