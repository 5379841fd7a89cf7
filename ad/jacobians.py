"""Jacobians of trees with arrays: unit seeds, and the blocks that columns and rows are put together to.

The block of an output of shape `out` and an input of shape `in` has the shape `out + in`, as in JAX; numbers have the
shape (), and a block of two numbers is a number.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ad.active import is_array
from ad.arrays import MAPS, dtype_of, shape_of, zeros_like

Shape = tuple[int, ...]


def unit_leaves(leaves: list[Any]) -> Iterator[list[Any]]:
    """One seed for each number in the leaves: 1 there, and 0 elsewhere."""
    zeros = [zeros_like(x) if is_array(x) else 0.0 for x in leaves]
    for k, zero in enumerate(zeros):
        if not isinstance(zero, np.ndarray):
            yield [*zeros[:k], 1.0, *zeros[k + 1 :]]
        else:
            for place in range(zero.size):
                one = zero.copy()
                one.flat[place] = 1.0
                yield [*zeros[:k], one, *zeros[k + 1 :]]


def unit(leaves: list[Any], place: int) -> list[Any]:
    """The seed of one of the numbers in the leaves."""
    seed: list[Any] = []
    for leaf in leaves:
        size = math.prod(shape_of(leaf))
        if is_array(leaf):
            zeros = zeros_like(leaf)
            if 0 <= place < size:
                zeros.flat[place] = 1.0
            seed.append(zeros)
        else:
            seed.append(1.0 if place == 0 else 0.0)
        place -= size
    return seed


def from_columns(columns: list[Any], out: Shape, ins: list[Shape], dtype: Any) -> list[Any]:
    """The blocks of one output: `columns` are its derivatives in each number of the inputs; `dtype` is the output's."""
    blocks, place = [], 0
    for shape in ins:
        n = math.prod(shape)
        blocks.append(_block(columns[place : place + n], -1, out, shape, dtype))
        place += n
    return blocks


def from_rows(rows: list[list[Any]], out: Shape, ins: list[Any]) -> list[Any]:
    """The blocks of one output: `rows` are the derivatives, in all inputs `ins`, of each number in it."""
    return [_block([row[k] for row in rows], 0, out, shape_of(x), dtype_of(x)) for k, x in enumerate(ins)]


def _block(parts: list[Any], axis: int, out: Shape, shape: Shape, dtype: Any) -> Any:
    if not out and not shape:
        return parts[0]
    if not parts:
        return np.zeros(out + shape, dtype)
    return MAPS["reshape"](MAPS["stack"](parts, axis), out + shape)
