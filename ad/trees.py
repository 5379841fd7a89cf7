"""Nested lists, tuples, dicts and dataclasses of numbers and arrays, flattened to a list of leaves and rebuilt.

The one place that knows which containers a function's inputs and outputs may come in.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from ad.active import Active, require_alive
from ad.ndarrays import DOUBLE, floating
from ad.scalars import real

Shape = None | tuple[Any, "int | tuple[int, ...] | list[Shape]"]
"""How a tree nests: None for a number or an array without dimensions; `(np.ndarray, shape)` for an array; else a
container's kind and its children (their count, if all are numbers)."""


@dataclass(frozen=True)
class Named:
    """The kind of a container that names its children: a dict, or a dataclass.

    Attributes:
        type: the container's.
        keys: the names, in order.
    """

    type: Any
    keys: tuple[Any, ...]

    @property
    def __name__(self) -> str:
        return str(self.type.__name__)

    def __call__(self, items: list[Any]) -> Any:
        """The container with new children."""
        named = dict(zip(self.keys, items, strict=True))
        return named if self.type is dict else self.type(**named)


def flatten(name: str, tree: Any) -> tuple[list[Any], Shape]:
    """The leaves of a tree, left to right, as floats or arrays (or active values), and its shape.

    A number becomes a Python float; NumPy's float32 an array without dimensions, so that it stays what it is.

    Args:
        name: what the tree is called in an error.
        tree: a number or an array, or lists, tuples (named ones too), dicts and dataclasses of such, nested to any
            depth.

    Raises:
        TypeError: a leaf is not a real number or an array of floats or integers; the message gives its place.
        ValueError: a leaf is left over from a derivative that has ended.
    """
    if type(tree) is np.ndarray:
        leaf = tree if tree.dtype is DOUBLE else floating(name, tree)
        return [leaf], (np.ndarray, tree.shape) if tree.shape else None
    if isinstance(tree, Active):
        return [tree], _of_active(name, tree)
    if type(tree) is tuple and len(tree) == 1 and type(x := tree[0]) is np.ndarray and x.dtype is DOUBLE and x.shape:
        return [x], (tuple, [(np.ndarray, x.shape)])  # the arguments of most functions of arrays
    leaves: list[Any] = []
    return leaves, _collect(name, tree, leaves)


def unflatten(shape: Shape, leaves: list[Any]) -> Any:
    """The tree of a given shape with new leaves."""
    if shape is None or shape[0] is np.ndarray:
        return leaves[0]
    if shape[0] is tuple and isinstance(shape[1], list) and len(shape[1]) == 1:  # the arguments of most functions
        (child,) = shape[1]
        return (leaves[0] if child is None or child[0] is np.ndarray else unflatten(child, leaves),)
    return _rebuild(shape, iter(leaves))


def leaf_shapes(shape: Shape) -> list[tuple[int, ...]]:
    """The shapes of the leaves; () for numbers."""
    if shape is None:
        return [()]
    kind, children = shape
    if kind is np.ndarray:
        return [children]  # type: ignore[list-item]
    if isinstance(children, int):
        return [()] * children
    return [leaf for child in children for leaf in leaf_shapes(child)]  # type: ignore[arg-type]


def describe(shape: Shape) -> str:
    """A tree's shape in words."""
    if shape is None:
        return "a number"
    kind, children = shape
    if kind is np.ndarray:
        return f"NumPy array of shape {children}"
    if isinstance(children, int):
        return f"{kind.__name__} of {children} number{'' if children == 1 else 's'}"
    return f"{kind.__name__}({', '.join(map(describe, children))})"  # type: ignore[arg-type]


def _collect(name: str, tree: Any, leaves: list[Any]) -> Shape:
    kind: Any = type(tree)
    children: list[Any]
    places: Callable[[int], str]
    if isinstance(tree, Active):
        leaves.append(tree)
        return _of_active(name, tree)
    if isinstance(tree, np.ndarray):
        leaves.append(floating(name, tree))
        return _of_array(tree.shape)
    if kind is dict:
        kind = Named(dict, tuple(tree))
        children, places = list(tree.values()), lambda k: f"{name}[{kind.keys[k]!r}]"
    elif isinstance(tree, list | tuple):
        if (kinds := set(map(type, tree))) <= {float, np.float64}:  # the common case, that may be a million long
            leaves.extend(tree if kinds <= {float} else map(float, tree))
            return kind, len(tree)
        children, places = list(tree), lambda k: f"{name}[{k}]"
    elif dataclasses.is_dataclass(tree) and not isinstance(tree, type):
        keys = tuple(field.name for field in dataclasses.fields(tree) if field.init)
        kind = Named(kind, keys)
        children, places = [getattr(tree, key) for key in keys], lambda k: f"{name}.{keys[k]}"
    else:
        if isinstance(tree, bool | np.bool):
            raise TypeError(f"{name}: got {kind.__name__}, expected a real number")
        if kind is np.float32:
            leaves.append(np.asarray(tree))
            return None
        leaves.append(real(name, tree))
        return None
    shapes: list[Shape] = []
    for k, child in enumerate(children):
        if type(child) is np.ndarray and child.dtype is DOUBLE:  # the common case, without a name for its place
            leaves.append(child)
            shapes.append(_of_array(child.shape))
        else:
            shapes.append(_collect(places(k), child, leaves))
    return kind, (shapes if any(shapes) else len(shapes))


def _of_active(name: str, x: Any) -> Shape:
    if x.finished:
        require_alive(name, [x])
    return _of_array(x.shape) if x.is_array else None


def _of_array(shape: tuple[int, ...]) -> Shape:
    return (np.ndarray, shape) if shape else None


def _rebuild(shape: Shape, leaves: Iterator[Any]) -> Any:
    if shape is None:
        return next(leaves)
    kind, children = shape
    if kind is np.ndarray:
        return next(leaves)
    if isinstance(children, int):
        items = list(islice(leaves, children))
    else:
        items = [_rebuild(child, leaves) for child in children]  # type: ignore[arg-type]
    if kind is list:
        return items
    return kind(*items) if hasattr(kind, "_fields") else kind(items)
