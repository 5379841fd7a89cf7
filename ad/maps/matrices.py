"""Functions of square matrices, and of stacks of such: solving, inverses, determinants, factors."""

from __future__ import annotations

from typing import Any

import numpy as np

from ad.active import primal_of
from ad.arrays import dtype_of, shape_of, unbroadcast
from ad.differential import differential
from ad.linear import composed
from ad.maps.arranging import tril
from ad.maps.products import matmul, trace
from ad.maps.reductions import sum
from ad.maps.structure import broadcast_to, expand_dims, swapaxes

_SlogdetResult: Any = type(np.linalg.slogdet(np.eye(1)))


def eye(x: Any, axis: int = -1) -> Any:
    """The identity of the length of an axis of `x`, in its type of numbers."""
    return np.eye(shape_of(x)[axis], dtype=dtype_of(x))


@differential(np.linalg.solve, operands="a, b")
def solve(out: Any, xs: list[Any], ts: list[Any]) -> Any:
    """The `x` with `a @ x = b`."""
    if len(shape_of(xs[1])) == 1:
        return _solve_vectors(xs[0], _residual(ts, out, _times))
    return solve(xs[0], _residual(ts, out, matmul))


def _residual(ts: list[Any], out: Any, product: Any) -> Any:
    """The tangent of `b`, less that of `a` times `out`; one of the two may be None."""
    (da, db) = ts
    if da is None:
        return db
    return -product(da, out) if db is None else db - product(da, out)


def _solve_vectors(a: Any, b: Any) -> Any:
    """Solutions for vectors along the last axis of `b`, of which there may be a stack."""
    return solve(a, b) if len(shape_of(b)) == 1 else solve(a, b[..., None])[..., 0]


def _times(x: Any, vectors: Any) -> Any:
    return matmul(x, vectors[..., None])[..., 0]


@solve.pull
def _(bar: Any, out: Any, xs: list[Any]) -> list[Any]:
    a, b = xs
    turned = swapaxes(a, -1, -2)
    back = _solve_vectors(turned, bar) if len(shape_of(b)) == 1 else solve(turned, bar)
    outer = back[..., :, None] * out[..., None, :] if len(shape_of(b)) == 1 else matmul(back, swapaxes(out, -1, -2))
    return [unbroadcast(x, shape_of(x), shape_of(y)) for x, y in ((-outer, a), (back, b))]


@solve.lanes
def _(out: Any, xs: list[Any], ts: list[Any]) -> Any:
    m, n = len(shape_of(xs[0])), len(shape_of(xs[1]))
    if (m, n) == (2, 1):
        return _solve_vectors(xs[0], _residual(ts, out, _times))
    return solve(xs[0], _residual(ts, out, matmul)) if m == n else None  # else lanes would not stand before both


@differential(np.linalg.inv, stacked=True)
def inv(out: Any, xs: list[Any], ts: list[Any]) -> Any:
    """The inverse."""
    return -matmul(matmul(out, ts[0]), out)


@inv.pull
def _(bar: Any, out: Any, xs: list[Any]) -> list[Any]:
    back = swapaxes(out, -1, -2)
    return [-matmul(matmul(back, bar), back)]


@differential(np.linalg.pinv, stacked=True)
def pinv(out: Any, xs: list[Any], ts: list[Any]) -> Any:
    """The pseudo-inverse, where the rank is constant (Golub and Pereyra, SIAM J. Numer. Anal. 10, 1973, eq. 4.12)."""
    (a,), (t,), p = xs, ts, out
    back, p_back = swapaxes(t, -1, -2), swapaxes(p, -1, -2)
    first = matmul(matmul(p, t), p)
    second = matmul(matmul(p, p_back), matmul(back, eye(a, -2) - matmul(a, p)))
    return second - first + matmul(eye(a) - matmul(p, a), matmul(back, matmul(p_back, p)))


@composed(np.linalg.matrix_power)
def matrix_power(x: Any, n: int) -> Any:
    """The product of `n` times `x`; of its inverse where `n` is negative."""
    if n < 0:
        x, n = inv(x), -n
    found = None
    while n:
        if n & 1:
            found = x if found is None else matmul(found, x)
        n >>= 1
        x = matmul(x, x) if n else x
    return broadcast_to(eye(x), shape_of(x)) if found is None else found


# ---- determinants ---------------------------------------------------------------------------------------------------


@differential(np.linalg.det, stacked=True)
def det(out: Any, xs: list[Any], ts: list[Any]) -> Any:
    """The determinant; its derivative is the adjugate, which is right at singular matrices as well."""
    return sum(swapaxes(adjugate(xs[0]), -1, -2) * ts[0], (-2, -1))


@det.pull
def _(bar: Any, out: Any, xs: list[Any]) -> list[Any]:
    return [expand_dims(bar, (-2, -1)) * swapaxes(adjugate(xs[0]), -1, -2)]


def _inverse(x: Any) -> Any:
    """The inverses of plain matrices, or None where one of them is singular, or nearly so."""
    try:
        inverse = np.linalg.inv(x)
    except np.linalg.LinAlgError:
        return None
    condition = np.abs(x).sum(-1).max(-1, initial=0) * np.abs(inverse).sum(-1).max(-1, initial=0)
    return inverse if np.all(condition < 0.01 / np.sqrt(np.finfo(inverse.dtype).eps)) else None


def _adjugate(x: Any) -> Any:
    inverse = _inverse(x)
    if inverse is not None:
        return np.linalg.det(x)[..., None, None] * inverse
    known = np.isfinite(x).all((-2, -1), keepdims=True)
    if not known.all():
        return np.where(known, _adjugate(np.where(known, x, 0.0)), np.nan)
    left, values, right = np.linalg.svd(x)
    others = [np.prod(np.delete(values, k, -1), -1) for k in range(x.shape[-1])]
    sign = np.linalg.det(left) * np.linalg.det(right)
    middle = np.stack(others, -1)[..., None, :] * sign[..., None, None]
    return np.matmul(np.swapaxes(right, -1, -2) * middle, np.swapaxes(left, -1, -2))


@differential(_adjugate, stacked=True)
def adjugate(out: Any, xs: list[Any], ts: list[Any]) -> Any:
    """The matrix of cofactors, transposed: `det(x) * inv(x)`, also where there is no inverse.

    Its derivative at a (nearly) singular matrix is that of a polynomial, by the recursion of Faddeev and LeVerrier,
    which loses digits where matrices are large.
    """
    (x,), (t,), one = xs, ts, eye(xs[0])
    if _inverse(primal_of(x)) is not None:
        slope = sum(swapaxes(out, -1, -2) * t, (-2, -1), keepdims=True)
        return matmul(slope * one - matmul(out, t), inv(x))
    m, dm = broadcast_to(one, shape_of(x)), 0.0 * t
    for k in range(1, len(one)):
        xm, dxm = matmul(x, m), matmul(t, m) + matmul(x, dm)
        c, dc = (trace(p, 0, -2, -1)[..., None, None] / -k for p in (xm, dxm))
        m, dm = xm + c * one, dxm + dc * one
    return dm if len(one) % 2 else -dm


@differential(lambda x: np.linalg.slogdet(x)[1], stacked=True)
def logabsdet(out: Any, xs: list[Any], ts: list[Any]) -> Any:
    """The logarithm of the determinant's absolute value; a singular matrix raises LinAlgError when differentiated."""
    return sum(swapaxes(inv(xs[0]), -1, -2) * ts[0], (-2, -1))


@logabsdet.pull
def _(bar: Any, out: Any, xs: list[Any]) -> list[Any]:
    return [expand_dims(bar, (-2, -1)) * swapaxes(inv(xs[0]), -1, -2)]


@composed(np.linalg.slogdet)
def slogdet(x: Any) -> Any:
    """The determinant's sign, a constant, and the logarithm of its absolute value."""
    return _SlogdetResult(np.linalg.slogdet(primal_of(x))[0], logabsdet(x))


# ---- factors --------------------------------------------------------------------------------------------------------


@differential(np.linalg.cholesky, stacked=True)
def cholesky(out: Any, xs: list[Any], ts: list[Any], *, upper: bool = False) -> Any:
    """The triangular factor of a symmetric matrix; the derivative is that of its symmetric part, as in JAX.

    The rule is that of Murray, arXiv:1602.07527, eq. 8.
    """
    lower = swapaxes(out, -1, -2) if upper else out
    symmetric = (ts[0] + swapaxes(ts[0], -1, -2)) / 2
    inner = solve(lower, swapaxes(solve(lower, symmetric), -1, -2))
    tangent = matmul(lower, tril(inner) * (1 - eye(lower) / 2))
    return swapaxes(tangent, -1, -2) if upper else tangent
