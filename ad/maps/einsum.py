"""Einstein's sums of any number of operands, as sums of products of two.

A specification is read once: letters that occur twice in an operand become a diagonal, axes of length one that another
operand has longer are dropped.  What is left are products of two operands in which no letter is repeated: the bilinear
map `contract`, which is a matrix product of stacks.  The order of the products is NumPy's (`np.einsum_path`).
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from ad.arrays import shape_of
from ad.linear import bilinear, composed
from ad.maps.products import matmul
from ad.maps.reductions import sum
from ad.maps.structure import broadcast_to, diagonal, expand_dims, reshape, transpose

Shape = tuple[int, ...]
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def _contract(x: Any, y: Any, left: str, right: str, to: str) -> Any:
    """`np.einsum(f"{left},{right}->{to}", x, y)` by a product of matrices, if anything is summed over both."""
    plan = _plan(left, right, to)
    if plan is None:
        return np.einsum(f"{left},{right}->{to}", x, y)
    alone, stack, inner, rows, columns, order = plan
    x, y = (np.sum(a, axis) if axis else a for a, axis in zip((x, y), alone, strict=True))
    left, right = ("".join(c for k, c in enumerate(s) if k not in a) for s, a in zip((left, right), alone, strict=True))
    sizes = dict(zip(left + right, (*x.shape, *y.shape), strict=True))
    x = x.transpose([left.index(c) for c in stack + rows + inner])
    y = y.transpose([right.index(c) for c in stack + inner + columns])
    lengths = [[sizes[c] for c in letters] for letters in (stack, rows, inner, columns)]
    n_rows, n_inner, n_columns = map(math.prod, lengths[1:])
    found = np.matmul(x.reshape((*lengths[0], n_rows, n_inner)), y.reshape((*lengths[0], n_inner, n_columns)))
    return found.reshape((*lengths[0], *lengths[1], *lengths[3])).transpose(order)


@functools.lru_cache(1024)
def _plan(left: str, right: str, to: str) -> Any:
    """How a sum is a product of matrices: axes summed alone, letters of stack, sum, rows, columns; and the order."""
    alone = tuple(
        tuple(k for k, c in enumerate(s) if c not in to and c not in other)
        for s, other in ((left, right), (right, left))
    )
    both = [c for c in left if c in right]
    inner = "".join(c for c in both if c not in to)
    if not inner:
        return None
    stack = "".join(c for c in both if c in to)
    rows, columns = ("".join(c for c in s if c in to and c not in both) for s in (left, right))
    return alone, stack, inner, rows, columns, [(stack + rows + columns).index(c) for c in to]


@bilinear(_contract)
def contract(bar: Any, y: Any, shape: Shape, left: str, right: str, to: str) -> Any:
    """Two operands of an Einstein sum in which no letter is repeated."""
    return _spread(contract(bar, y, to, right, _known(left, to + right)), shape, left, to + right)


@contract.right
def _(bar: Any, x: Any, shape: Shape, left: str, right: str, to: str) -> Any:
    return _spread(contract(bar, x, to, left, _known(right, to + left)), shape, right, to + left)


@contract.lanes
def _(primals: list[Any], tangents: list[Any], left: str, right: str, to: str) -> Any:
    (x, y), (tx, ty) = primals, tangents
    lane = next((c for c in LETTERS if c not in left + right), None)
    if lane is None:
        return None
    first = 0.0 if tx is None else contract(tx, y, lane + left, right, lane + to)
    return first if ty is None else first + contract(x, ty, left, lane + right, lane + to)


@contract.spelled
def _(x: Any, y: Any, left: str, right: str, to: str) -> Any:
    summed = "".join(dict.fromkeys(c for c in left + right if c not in to))

    def spread(a: Any, letters: str) -> Any:
        order = [c for c in to + summed if c in letters]
        missing = tuple(k for k, c in enumerate(to + summed) if c not in letters)
        return expand_dims(transpose(a, tuple(letters.index(c) for c in order)), missing)

    terms = spread(x, left) * spread(y, right)
    return sum(terms, tuple(range(len(to), len(to + summed)))) if summed else terms


def _known(letters: str, among: str) -> str:
    return "".join(c for c in letters if c in among)


def _spread(x: Any, shape: Shape, letters: str, among: str) -> Any:
    """What has the axes of the letters found, with the others added: all their elements were summed alike."""
    missing = tuple(k for k, c in enumerate(letters) if c not in among)
    return broadcast_to(expand_dims(x, missing), shape) if missing else x


# ---- any number of operands -----------------------------------------------------------------------------------------


@composed(np.einsum)
def einsum(subscripts: str, *operands: Any, optimize: Any = "greedy") -> Any:
    """Einstein's sum, as NumPy's: repeated letters, an ellipsis, and an output that is left to be found out.

    Raises:
        ValueError: the specification does not fit the operands; the message says where.
    """
    if not isinstance(subscripts, str):
        raise TypeError("einsum: subscripts: got an operand, expected text such as 'ij,jk->ik'")
    names, to = read(subscripts, [shape_of(x) for x in operands])
    terms = [_without_repeats(x, name) for x, name in zip(operands, names, strict=True)]
    sizes: dict[str, int] = {}
    for x, name in terms:
        for c, n in zip(name, shape_of(x), strict=True):
            if sizes.setdefault(c, n) == 1:
                sizes[c] = n
            if n not in (1, sizes[c]):
                raise ValueError(f"einsum: got lengths {sizes[c]} and {n} for {c!r} in {subscripts!r}")
    terms = [_without_ones(x, name, sizes) for x, name in terms]
    if len(terms) > 2:
        spec = ",".join(name for _, name in terms) + "->" + to
        path = np.einsum_path(
            spec, *(np.broadcast_to(0.0, shape_of(x)) for x, _ in terms), optimize=optimize or "greedy"
        )
        for chosen in path[0][1:]:
            pair = [terms.pop(k) for k in sorted(chosen, reverse=True)]
            while len(pair) > 1:
                (y, right), (x, left) = pair.pop(), pair.pop()
                after = to + "".join(name for _, name in (*terms, *pair))
                kept = "".join(dict.fromkeys(c for c in left + right if c in after))
                pair.append((contract(x, y, left, right, kept), kept))
            terms += pair
    elif len(terms) == 2:
        (x, left), (y, right) = terms
        return contract(x, y, left, right, to)
    ((x, name),) = terms
    summed = tuple(k for k, c in enumerate(name) if c not in to)
    name = "".join(c for c in name if c in to)
    x = sum(x, summed) if summed else x
    order = tuple(name.index(c) for c in to)
    return transpose(x, order) if order != tuple(range(len(order))) else x


def read(subscripts: str, shapes: list[Shape]) -> tuple[list[str], str]:
    """The letters of each operand and of the output, those of an ellipsis included.

    Raises:
        ValueError: the specification cannot be read, or does not fit the shapes.
    """
    told = f"einsum: subscripts: got {subscripts!r}"
    given, arrow, to = subscripts.replace(" ", "").partition("->")
    names = given.split(",")
    if len(names) != len(shapes):
        raise ValueError(f"{told}, which has {len(names)} operands, and {len(shapes)} operands")
    for name in (*names, to):
        letters = name.replace("...", "", 1)
        if letters.strip(LETTERS):
            raise ValueError(f"{told}, expected letters, commas, '...' and one '->'")
    free = [c for c in LETTERS if c not in subscripts]
    behind = 0
    for name, shape in zip(names, shapes, strict=True):
        n = len(name.replace("...", ""))
        if n > len(shape) or (n < len(shape) and "..." not in name):
            raise ValueError(f"{told}, where {name!r} is for an operand of shape {shape}")
        behind = max(behind, len(shape) - n if "..." in name else 0)
    spread = "".join(free[:behind])
    whole = []
    for name, shape in zip(names, shapes, strict=True):
        n = len(shape) - len(name.replace("...", ""))
        whole.append(name.replace("...", spread[behind - n :] if n else ""))
    if not arrow:
        plain = given.replace("...", "").replace(",", "")
        to = ("..." if "..." in given else "") + "".join(c for c in sorted(set(plain)) if plain.count(c) == 1)
    if "..." in given and arrow and "..." not in to and behind:
        raise ValueError(f"{told}, whose output has no '...' for the axes that the operands have")
    to = to.replace("...", spread)
    if len(set(to)) != len(to):
        raise ValueError(f"{told}, whose output repeats a letter")
    for c in to:
        if not any(c in name for name in whole):
            raise ValueError(f"{told}, whose output has {c!r}, and no operand has")
    return whole, to


def _without_repeats(x: Any, letters: str) -> tuple[Any, str]:
    """An operand's diagonals, where a letter is repeated."""
    for c in dict.fromkeys(letters):
        while letters.count(c) > 1:
            i, j = [k for k, other in enumerate(letters) if other == c][:2]
            if shape_of(x)[i] != shape_of(x)[j]:
                raise ValueError(f"einsum: got lengths {shape_of(x)[i]} and {shape_of(x)[j]} for {c!r}")
            x = diagonal(x, 0, i, j)
            letters = "".join(other for k, other in enumerate(letters) if k not in (i, j)) + c
    return x, letters


def _without_ones(x: Any, letters: str, sizes: dict[str, int]) -> tuple[Any, str]:
    """An operand without the axes of length one that another has longer."""
    kept = [k for k, c in enumerate(letters) if shape_of(x)[k] == sizes[c]]
    if len(kept) == len(letters):
        return x, letters
    return reshape(x, tuple(shape_of(x)[k] for k in kept)), "".join(letters[k] for k in kept)


@composed(np.linalg.multi_dot)
def multi_dot(arrays: Any) -> Any:
    """The product of matrices, in the order that takes the least work; the first and the last may be vectors."""
    arrays = list(arrays)
    if len(arrays) < 2:
        raise ValueError(f"multi_dot: arrays: got {len(arrays)}, expected at least 2")
    if len(arrays) == 2:
        return matmul(*arrays)
    letters = LETTERS[: len(arrays) + 1]
    names = [letters[k : k + 2] for k in range(len(arrays))]
    names[0] = names[0][2 - len(shape_of(arrays[0])) :]
    names[-1] = names[-1][: len(shape_of(arrays[-1]))]
    to = names[0][:-1] + names[-1][1:]
    return einsum(",".join(names) + "->" + to, *arrays, optimize="optimal")
