"""Eigenvalues and singular values, and what is written in them.

Where a value is read from one triangle (`eigh`, `cholesky`), the derivative is that of the symmetric part of `x`, as
JAX documents it: cotangents are symmetric, and a tangent counts by its symmetric part.  An eigenvector has no
derivative where its eigenvalue is repeated: infinite or NaN comes out.  The first derivatives of eigenvalues are finite
everywhere; where some are equal, that of each of them is one of many, and that of their sum is right.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ad.active import Active, functions, primal_of
from ad.arrays import axes_of, shape_of
from ad.differential import differential
from ad.linear import composed
from ad.maps.matrices import eye
from ad.maps.products import matmul
from ad.maps.reductions import length, max, min, sum
from ad.maps.structure import diagonal, expand_dims, moveaxis, swapaxes, where

_EighResult = type(np.linalg.eigh(np.eye(1)))


def symmetric(x: Any) -> Any:
    """The symmetric part of matrices."""
    return (x + swapaxes(x, -1, -2)) / 2


def _gaps(values: Any) -> Any:
    """In row i and column j, 1 / (value j - value i); 0 on the diagonal."""
    one = eye(values)
    return (1 - one) / (values[..., None, :] - values[..., :, None] + one)


def _transformed(x: Any, vectors: Any, other: Any) -> Any:
    return matmul(swapaxes(vectors, -1, -2), matmul(x, other))


@differential(np.linalg.eigvalsh, stacked=True)
def eigvalsh(out: Any, xs: list[Any], ts: list[Any], uplo: str = "L") -> Any:
    """The eigenvalues of symmetric matrices, in ascending order."""
    vectors = eigenvectors(xs[0], uplo)
    return diagonal(_transformed(ts[0], vectors, vectors), 0, -2, -1)  # whose other part has a diagonal of 0


@differential(lambda x, uplo="L": np.linalg.eigh(x, uplo)[1], stacked=True)
def eigenvectors(out: Any, xs: list[Any], ts: list[Any], uplo: str = "L") -> Any:
    """The eigenvectors of symmetric matrices, as columns."""
    return matmul(out, _gaps(eigvalsh(xs[0], uplo)) * _transformed(symmetric(ts[0]), out, out))


@composed(np.linalg.eigh)
def eigh(x: Any, UPLO: str = "L") -> Any:  # noqa: N803
    """The eigenvalues and eigenvectors of symmetric matrices: two maps, so that those do not suffer from these."""
    if not isinstance(x, Active):
        return np.linalg.eigh(x, UPLO)  # type: ignore[call-overload]
    return _EighResult(eigvalsh(x, UPLO), eigenvectors(x, UPLO))


def _wide(x: Any, as_of: Any) -> Any:
    """`x`, transposed where matrices `as_of` are taller than wide."""
    return swapaxes(x, -1, -2) if shape_of(as_of)[-2] > shape_of(as_of)[-1] else x


@differential(np.linalg.svdvals, stacked=True)
def svdvals(out: Any, xs: list[Any], ts: list[Any]) -> Any:
    """The singular values of matrices, in descending order; where one is 0, so is its slope, as that of `abs`."""
    x, t = _wide(xs[0], xs[0]), _wide(ts[0], xs[0])
    if isinstance(x, Active):
        left = left_vectors(x)
        right = matmul(swapaxes(x, -1, -2), left) / where(primal_of(out) == 0, 1.0, out)[..., None, :]
    else:
        left, _, rows = np.linalg.svd(x, full_matrices=False)
        right = np.swapaxes(rows, -1, -2)
    return where(primal_of(out) == 0, 0.0, diagonal(_transformed(t, left, right), 0, -2, -1))


@differential(lambda x: np.linalg.svd(x, full_matrices=False)[0], stacked=True)
def left_vectors(out: Any, xs: list[Any], ts: list[Any]) -> Any:
    """The left singular vectors of matrices that are not taller than wide: eigenvectors of `x @ x.T`."""
    (x,), (t,), values = xs, ts, svdvals(xs[0])
    gram = matmul(t, swapaxes(x, -1, -2))
    return matmul(out, _gaps(values * values) * _transformed(gram + swapaxes(gram, -1, -2), out, out))


@composed(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """The norm of vectors or matrices; where it is 0, so is its slope.

    Args:
        x: an array.
        ord: for vectors (one axis) any number; for matrices (two axes) 1, -1, 2, -2, infinity, minus infinity, `"fro"`
            or `"nuc"`; None for the root of the sum of squares.
        axis: one axis or two; None for a vector or a matrix, or, with `ord` None, for all elements.
        keepdims: whether the axes stay, of length one.

    Raises:
        ValueError: `ord` is none of these, or `axis` does not fit.
    """
    ndim = len(shape_of(x))
    axes = tuple(range(ndim)) if axis is None else tuple(axis) if isinstance(axis, tuple | list) else (axis,)
    if ord is None or (len(axes) == 2 and ord == "fro") or (len(axes) == 1 and ord == 2):
        return length(x, axes, keepdims=keepdims)
    if len(axes) == 1:
        return _vector_norm(x, ord, axes, keepdims)
    if len(axes) != 2:
        raise ValueError(f"norm: got {len(axes)} axes and ord={ord!r}, expected one axis or two, or ord=None")
    return _matrix_norm(x, ord, axes, keepdims)


def _vector_norm(x: Any, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    sizes = functions["abs"](x)
    if ord in (np.inf, -np.inf):
        return (max if ord > 0 else min)(sizes, axes, keepdims=keepdims)
    if isinstance(ord, str):
        raise ValueError(f"norm: ord: got {ord!r}, expected a number for vectors")
    if ord == 0:
        return sum((primal_of(x) != 0).astype(float), axes, keepdims=keepdims)
    if ord == 1:
        return sum(sizes, axes, keepdims=keepdims)
    total = sum(sizes**ord, axes, keepdims=keepdims)
    zero = primal_of(total) == 0
    return where(zero, 0.0, where(zero, 1.0, total) ** (1.0 / ord))


def _matrix_norm(x: Any, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    matrices = moveaxis(x, axes, (-2, -1))
    if ord in (1, -1, np.inf, -np.inf):
        sums = sum(functions["abs"](matrices), -2 if abs(ord) == 1 else -1)
        found = (max if ord > 0 else min)(sums, -1)
    elif ord in (2, -2, "nuc"):
        values = svdvals(matrices)
        found = sum(values, -1) if ord == "nuc" else (max if ord > 0 else min)(values, -1)
        found = where(primal_of(found) == 0, 0.0, found)
    else:
        raise ValueError(f"norm: ord: got {ord!r}, expected 1, -1, 2, -2, inf, -inf, 'fro' or 'nuc' for matrices")
    return expand_dims(found, axes_of(len(shape_of(x)), axes)) if keepdims else found
