"""The determinant of a matrix, by cofactors on numbers and by elimination on arrays: the same function, at two costs.

    cofactors     det(A) = sum over j of  (-1)**j A[0, j] det(A without row 0 and column j), each minor computed once
    determinant   det(A) = product over k of  the pivots of Gaussian elimination, A <- A - column row / pivot

N = n**2 inputs, the entries row by row, 1 output; the size is n.  Elimination takes n steps of one array op or two,
cofactors take about n 2**n ops (expanded without memory, n!).  The gradient is det(A) inv(A)' (Jacobi 1841); the two
forms stand in the examples of ADOL-C (Griewank, Juedes and Utke 1996).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.functions.problem import Family, Floats, Problem, one_row

LARGEST = 10
"""The largest matrix of which the minors are expanded."""


def by_cofactors(_: Any, x: Sequence[Any]) -> Any:
    """Expansion along the rows from the last one up; minors are known by their columns."""
    n = math.isqrt(len(x))
    minors: dict[tuple[int, ...], Any] = {(j,): x[(n - 1) * n + j] for j in range(n)}
    for order in range(2, n + 1):
        row = (n - order) * n
        larger: dict[tuple[int, ...], Any] = {}
        for columns in itertools.combinations(range(n), order):
            total = x[row + columns[0]] * minors[columns[1:]]
            for place in range(1, order):
                term = x[row + columns[place]] * minors[columns[:place] + columns[place + 1 :]]
                total = total - term if place % 2 else total + term
            larger[columns] = total
        minors = larger
    return minors[tuple(range(n))]


def by_elimination(xp: Any, x: Any) -> Any:
    """Gaussian elimination; the matrix is dominated by its diagonal, so no rows are exchanged."""
    n = math.isqrt(x.shape[0])
    a = xp.reshape(x, (n, n))
    det = a[0, 0]
    for _ in range(n - 1):
        a = a[1:, 1:] - a[1:, :1] * (a[:1, 1:] / a[0, 0])
        det = det * a[0, 0]
    return det


def _matrix(n: int) -> Floats:
    """A matrix with a determinant of order one."""
    random = np.random.default_rng(n)
    return np.eye(n) + 0.4 / n * random.uniform(-1.0, 1.0, (n, n))


def _jacobian(a: Floats) -> Floats:
    """Closed form: det(A) inv(A)', from LAPACK."""
    return one_row(np.linalg.det(a) * np.linalg.inv(a).T)


def cofactors(n: int) -> Problem:
    """The expansion of a matrix of n by n.

    Ops: a minor of order k takes k multiplications and k - 1 additions.  Depth: k ops more for each order.
    """
    a = _matrix(n)
    ops = sum(math.comb(n, k) * (2 * k - 1) for k in range(2, n + 1))
    depth = n * (n + 1) // 2 - 1
    x = a.ravel().tolist()
    return Problem("cofactors", n, by_cofactors, x, n * n, 1, lambda: _jacobian(a), ops=ops, depth=depth, paths=1)


def elimination(n: int) -> Problem:
    """The elimination of a matrix of n by n."""
    a = _matrix(n)
    return Problem("determinant", n, by_elimination, a.ravel(), n * n, 1, lambda: _jacobian(a))


FAMILIES = (
    Family("cofactors", cofactors, snap=lambda n: min(max(n, 2), LARGEST), sizes=(3, 6), growing=(2, 3, 4, 6, 8, 10)),
    Family("determinant", elimination, sizes=(4, 8), growing=(2, 4, 8, 16, 32)),
)
