"""Functions that lay arrays out: joining and cutting, turning, repeating, padding, triangles and diagonals."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from ad.arrays import axes_of, dtype_of, shape_of, unbroadcast
from ad.linear import composed, linear
from ad.maps.indexing import getitem, scatter
from ad.maps.selecting import take
from ad.maps.structure import (
    broadcast_to,
    concatenate,
    diagonal,
    expand_dims,
    flip,
    ravel,
    reshape,
    swapaxes,
)

Shape = tuple[int, ...]

# ---- joining and cutting --------------------------------------------------------------------------------------------


@composed(np.atleast_1d)
def atleast_1d(*arrays: Any) -> Any:
    """Arrays with at least one dimension."""
    return _each(arrays, lambda x: x if shape_of(x) else reshape(x, (1,)))


@composed(np.atleast_2d)
def atleast_2d(*arrays: Any) -> Any:
    """Arrays with at least two dimensions; a vector becomes a row."""
    return _each(arrays, lambda x: x if len(shape_of(x)) > 1 else reshape(x, (1, -1)))


@composed(np.atleast_3d)
def atleast_3d(*arrays: Any) -> Any:
    """Arrays with at least three dimensions."""
    return _each(
        arrays,
        lambda x: (
            x
            if len(shape_of(x)) > 2
            else reshape(x, (*((1,) if len(shape_of(x)) < 2 else ()), *(shape_of(x) or (1,)), 1))
        ),
    )


def _each(arrays: tuple[Any, ...], function: Any) -> Any:
    made = tuple(map(function, arrays))
    return made[0] if len(made) == 1 else made


@composed(np.hstack)
def hstack(arrays: Any) -> Any:
    """Arrays side by side: along the second axis, or the only one."""
    parts = [atleast_1d(x) for x in arrays]
    return concatenate(parts, int(len(shape_of(parts[0])) > 1))


@composed(np.vstack)
def vstack(arrays: Any) -> Any:
    """Arrays one below the other; vectors are rows."""
    return concatenate([atleast_2d(x) for x in arrays], 0)


@composed(np.dstack)
def dstack(arrays: Any) -> Any:
    """Arrays one behind the other, along the third axis."""
    return concatenate([atleast_3d(x) for x in arrays], 2)


@composed(np.column_stack)
def column_stack(arrays: Any) -> Any:
    """Arrays side by side; vectors are columns."""
    return concatenate([x if len(shape_of(x)) > 1 else reshape(x, (-1, 1)) for x in arrays], 1)


@composed(np.array_split)
def array_split(x: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    """`x` cut along an axis, before given indices or into a number of parts whose lengths differ by one at most."""
    axis = axes_of(len(shape_of(x)), axis)[0]
    n, cuts = shape_of(x)[axis], indices_or_sections
    if isinstance(cuts, int | np.integer):
        if cuts < 1:
            raise ValueError(f"array_split: got {cuts} sections, expected at least 1")
        cuts = [k * (n // cuts) + min(k, n % cuts) for k in range(1, cuts)]
    bounds = [0, *map(int, cuts), None]
    before = (slice(None),) * axis
    return [getitem(x, (*before, slice(a, b))) for a, b in itertools.pairwise(bounds)]


@composed(np.split)
def split(x: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    """`x` cut along an axis, before given indices or into a number of equal parts.

    Raises:
        ValueError: the length is no multiple of the number of parts.
    """
    if isinstance(indices_or_sections, int | np.integer):
        n = shape_of(x)[axes_of(len(shape_of(x)), axis)[0]]
        if n % indices_or_sections:
            raise ValueError(f"split: got {indices_or_sections} sections of an axis of length {n}; use array_split")
    return array_split(x, indices_or_sections, axis)


@composed(np.hsplit)
def hsplit(x: Any, indices_or_sections: Any) -> Any:
    """`split` along the second axis, or the only one."""
    return split(x, indices_or_sections, int(len(shape_of(x)) > 1))


@composed(np.vsplit)
def vsplit(x: Any, indices_or_sections: Any) -> Any:
    """`split` along the first axis."""
    return split(x, indices_or_sections, 0)


@composed(np.unstack)
def unstack(x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
    """The parts of `x` along an axis, which they no longer have."""
    axis = axes_of(len(shape_of(x)), axis)[0]
    before = (slice(None),) * axis
    return tuple(getitem(x, (*before, k)) for k in range(shape_of(x)[axis]))


@composed(np.broadcast_arrays)
def broadcast_arrays(*arrays: Any) -> tuple[Any, ...]:
    """Arrays repeated to the shape that they have together."""
    shape = np.broadcast_shapes(*map(shape_of, arrays))
    return tuple(broadcast_to(x, shape) for x in arrays)


@composed(np.meshgrid)
def meshgrid(*arrays: Any, indexing: str = "xy") -> tuple[Any, ...]:
    """The coordinates of a grid: each vector along an axis of its own, repeated along those of the others."""
    n = len(arrays)
    lined = [reshape(x, (*(1,) * k, -1, *(1,) * (n - 1 - k))) for k, x in enumerate(arrays)]
    made = broadcast_arrays(*lined)
    return tuple(swapaxes(x, 0, 1) for x in made) if indexing == "xy" and n > 1 else made


# ---- turning --------------------------------------------------------------------------------------------------------


@composed(np.fliplr)
def fliplr(x: Any) -> Any:
    """`x` with its second axis backwards."""
    return flip(x, 1)


@composed(np.flipud)
def flipud(x: Any) -> Any:
    """`x` with its first axis backwards."""
    return flip(x, 0)


@composed(np.rot90)
def rot90(x: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    """`x` turned by quarters in the plane of two axes."""
    first, second = (axes_of(len(shape_of(x)), axis)[0] for axis in axes)
    if first == second:
        raise ValueError(f"rot90: axes: got {axes}, expected two of an array of {len(shape_of(x))} dimensions")
    if k % 4 == 0:
        return x
    if k % 4 == 2:
        return flip(x, axes)
    return swapaxes(flip(x, second), first, second) if k % 4 == 1 else flip(swapaxes(x, first, second), second)


@linear(np.roll)
def roll(bar: Any, shape: Shape, shift: Any, axis: Any = None) -> Any:
    """`x` moved along axes; what leaves at one end comes back at the other."""
    return roll(bar, tuple(-s for s in shift) if isinstance(shift, tuple | list) else -shift, axis)


@roll.lanes
def _(x: Any, shift: Any, axis: Any) -> Any:
    if axis is None:
        return reshape(roll(reshape(x, (shape_of(x)[0], -1)), shift, 1), shape_of(x))
    axes = tuple(k + 1 for k in axes_of(len(shape_of(x)) - 1, axis))
    return roll(x, shift, axes if isinstance(axis, tuple | list) else axes[0])


# ---- repeating ------------------------------------------------------------------------------------------------------


@composed(np.tile)
def tile(x: Any, reps: Any) -> Any:
    """`x` repeated as a whole along axes."""
    reps = tuple(reps) if isinstance(reps, tuple | list | np.ndarray) else (reps,)
    ndim = max(len(reps), len(shape_of(x)))
    reps = (*(1,) * (ndim - len(reps)), *map(int, reps))
    shape = (*(1,) * (ndim - len(shape_of(x))), *shape_of(x))
    spread = broadcast_to(
        reshape(x, tuple(n for k in shape for n in (1, k))),
        tuple(n for r, k in zip(reps, shape, strict=True) for n in (r, k)),
    )
    return reshape(spread, tuple(r * k for r, k in zip(reps, shape, strict=True)))


@composed(np.repeat)
def repeat(x: Any, repeats: Any, axis: Any = None) -> Any:
    """Each element of `x` repeated, along an axis or in one dimension."""
    if axis is None:
        x, axis = ravel(x), 0
    axis = axes_of(len(shape_of(x)), axis)[0]
    if np.ndim(repeats):
        return take(x, np.repeat(np.arange(shape_of(x)[axis]), repeats), axis)
    shape, n = shape_of(x), int(repeats)
    spread = broadcast_to(expand_dims(x, axis + 1), (*shape[: axis + 1], n, *shape[axis + 1 :]))
    return reshape(spread, (*shape[:axis], shape[axis] * n, *shape[axis + 1 :]))


_BY_INDEX = ("edge", "reflect", "symmetric", "wrap")


@composed(np.pad)
def pad(x: Any, pad_width: Any, mode: str = "constant", *, constant_values: Any = 0.0) -> Any:
    """`x` with margins: constant, or filled from `x` (edge, reflect, symmetric, wrap).

    Raises:
        NotImplementedError: the margins are of another kind.
    """
    shape = shape_of(x)
    if not shape:
        return x
    widths = np.asarray(
        [pad_width.get(k, pad_width.get(k - len(shape), (0, 0))) for k in range(len(shape))]
        if isinstance(pad_width, dict)
        else pad_width
    )
    widths = np.broadcast_to(widths, (len(shape), 2))
    if mode == "constant":
        to = tuple(int(a + n + b) for n, (a, b) in zip(shape, widths, strict=True))
        inside = tuple(slice(int(a), int(a + n)) for n, (a, b) in zip(shape, widths, strict=True))
        margins = np.pad(np.zeros(shape, dtype_of(x)), widths, constant_values=constant_values)
        return scatter(x, to, inside) + margins if margins.any() else scatter(x, to, inside)
    if mode not in _BY_INDEX:
        raise NotImplementedError(f"pad: mode: got {mode!r}, expected 'constant' or one of {_BY_INDEX}")
    for axis, (a, b) in enumerate(widths):
        if a or b:
            x = take(x, np.pad(np.arange(shape[axis]), (a, b), mode=mode), axis)  # type: ignore[call-overload]
    return x


# ---- triangles and diagonals ----------------------------------------------------------------------------------------


@linear(np.tril)
def tril(bar: Any, shape: Shape, k: int = 0) -> Any:
    """Matrices with zeros above a diagonal."""
    return unbroadcast(tril(bar, k), shape_of(bar), shape)


@linear(np.triu)
def triu(bar: Any, shape: Shape, k: int = 0) -> Any:
    """Matrices with zeros below a diagonal."""
    return unbroadcast(triu(bar, k), shape_of(bar), shape)


@tril.lanes
def _(x: Any, k: int) -> Any:
    return tril(x, k) if len(shape_of(x)) > 2 else None


@triu.lanes
def _(x: Any, k: int) -> Any:
    return triu(x, k) if len(shape_of(x)) > 2 else None


@composed(np.diag)
def diag(x: Any, k: int = 0) -> Any:
    """A matrix with the vector `x` on a diagonal; of a matrix, its diagonal.

    Raises:
        ValueError: `x` is neither a vector nor a matrix.
    """
    shape = shape_of(x)
    if len(shape) == 2:
        return diagonal(x, k)
    if len(shape) != 1:
        raise ValueError(f"diag: x: got shape {shape}, expected a vector or a matrix")
    n, at = shape[0] + abs(k), np.arange(shape[0])
    return scatter(x, (n, n), (at - min(k, 0), at + max(k, 0)))
