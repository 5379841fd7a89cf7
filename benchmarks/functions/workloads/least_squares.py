"""Least squares (Legendre 1805): a linear fit with one output, and the residuals of a fit of peaks with many.

    least_squares   f(x) = |A x - b|**2 / 2,  A of shape (4 N, N)
    residuals       r[i] = sum over k of h[k] exp(-((t[i] - c[k]) / w[k])**2) - y[i]

`least_squares` has N inputs and 1 output; its size is N. `residuals` has the N = 3 K heights, centres and widths of K
peaks as inputs, and as outputs the residuals at M = 50 K places; its size is K.  Its Jacobian is what the method of
Levenberg and Marquardt (1963) asks for in every step; peaks on a spectrum are the model of the data sets Gauss1 to
Gauss3 among NIST's reference problems.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.functions.problem import Family, Floats, Problem, one_row

ROWS = 4
PLACES = 50


def half_square(xp: Any, x: Any, a: Any, b: Any) -> Any:
    """Half of the squared distance."""
    off = a @ x - b
    return 0.5 * xp.sum(off * off)


def linear(n: int) -> Problem:
    """The linear fit of `n` coefficients."""
    random = np.random.default_rng(n)
    a = random.normal(size=(ROWS * n, n)) / np.sqrt(n)
    b, x = random.normal(size=ROWS * n), random.normal(size=n)

    def jacobian() -> Floats:
        """Closed form: A' (A x - b)."""
        return one_row(a.T @ (a @ x - b))

    return Problem("least_squares", n, half_square, x, n, 1, jacobian, data=(a, b))


def peaks(xp: Any, x: Any, t: Any, y: Any) -> Any:
    """The residuals."""
    height, centre, width = xp.reshape(x, (3, -1))
    away = (t[:, None] - centre) / width
    return xp.sum(height * xp.exp(-away * away), axis=1) - y


def spectrum(k: int) -> Problem:
    """The fit of `k` peaks to noisy measurements."""
    random = np.random.default_rng(k)
    centre = np.arange(k) + random.uniform(0.3, 0.7, k)
    x = np.concatenate([random.uniform(0.5, 1.5, k), centre, random.uniform(0.3, 0.6, k)])
    t, y = np.linspace(0.0, k, PLACES * k), random.normal(size=PLACES * k)

    def jacobian() -> Floats:
        """By hand: the partials in the heights, the centres and the widths."""
        height, centre, width = np.split(x, 3)
        away = (t[:, np.newaxis] - centre) / width
        bell = np.exp(-(away**2))
        slope = 2.0 * height * bell * away / width
        return np.hstack([bell, slope, slope * away])

    return Problem("residuals", k, peaks, x, 3 * k, PLACES * k, jacobian, data=(t, y))


FAMILIES = (
    Family("least_squares", linear, sizes=(16, 64), growing=(1, 4, 16, 64, 256, 1024)),
    Family("residuals", spectrum, sizes=(2,), growing=(1, 2, 4, 8, 16)),
)
