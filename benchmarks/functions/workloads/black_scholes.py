"""The values of books of options after Black and Scholes, and all their first Greeks.

Each of m books holds an option on each of n assets: quantity q, strike K, maturity T, and z = 1 for a call, -1 for a
put.  With the spots S and volatilities s of the assets and one interest rate r, a book is worth

    sum over its options of q z (S P(z d1) - K exp(-r T) P(z d2)),
    d1 = (log(S / K) + (r + s**2 / 2) T) / (s sqrt(T)),    d2 = d1 - s sqrt(T),

where P is the normal distribution function (F. Black and M. Scholes, J. Polit. Econ. 81, 1973), in W. Hart's rational
approximation of double precision (algorithm 5666, as in G. West, "Better approximations to cumulative normal
functions", 2005).

2n + 1 inputs (S, s, r), m outputs; the size is (n, m).  A risk report for few assets and many books has many outputs;
the sensitivities of few books to a whole market have many inputs.  The sizes measured hold the number of options: the
same work, cut one way and the other.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import ndtr

from benchmarks.functions.problem import Family, Floats, Problem

ABOVE = (
    *(3.52624965998911e-02, 0.700383064443688, 6.37396220353165, 33.912866078383),
    *(112.079291497871, 221.213596169931, 220.206867912376),
)
BELOW = (
    *(8.83883476483184e-02, 1.75566716318264, 16.064177579207, 86.7807322029461),
    *(296.564248779674, 637.333633378831, 793.826512519948, 440.413735824752),
)


def normal(xp: Any, d: Any) -> Any:
    """The normal distribution function, for arguments between -7 and 7."""
    x = xp.abs(d)
    above, below = ABOVE[0] * x + ABOVE[1], BELOW[0] * x + BELOW[1]
    for coefficient in ABOVE[2:]:
        above = above * x + coefficient
    for coefficient in BELOW[2:]:
        below = below * x + coefficient
    tail = xp.exp(-0.5 * xp.square(d)) * above / below
    return xp.where(d > 0.0, 1.0 - tail, tail)


def f(xp: Any, x: Any, quantity: Any, strike: Any, maturity: Any, sign: Any) -> Any:
    """The values of the books, shape (m,), from options of shape (m, n)."""
    n = quantity.shape[1]
    spot, volatility, rate = x[:n], x[n : 2 * n], x[2 * n]
    deviation = volatility * xp.sqrt(maturity)
    d1 = (xp.log(spot / strike) + rate * maturity) / deviation + 0.5 * deviation
    d2 = d1 - deviation
    later = strike * xp.exp(-rate * maturity)
    return xp.sum(quantity * sign * (spot * normal(xp, sign * d1) - later * normal(xp, sign * d2)), axis=1)


def greeks(x: Floats, quantity: Floats, strike: Floats, maturity: Floats, sign: Floats) -> Floats:
    """Closed form: delta, vega and rho, shape (m, 2n + 1)."""
    n = quantity.shape[1]
    spot, volatility, rate = x[:n], x[n : 2 * n], x[2 * n]
    deviation = volatility * np.sqrt(maturity)
    d1 = (np.log(spot / strike) + rate * maturity) / deviation + 0.5 * deviation
    delta = quantity * sign * ndtr(sign * d1)
    vega = quantity * spot * np.sqrt(maturity) * np.exp(-0.5 * d1**2) / np.sqrt(2.0 * np.pi)
    rho = quantity * sign * strike * maturity * np.exp(-rate * maturity) * ndtr(sign * (d1 - deviation))
    return np.hstack([delta, vega, rho.sum(axis=1, keepdims=True)])


def at(size: tuple[int, int]) -> Problem:
    """The problem of n assets and m books."""
    n, m = size
    random = np.random.default_rng((1973, n, m))
    spot, volatility = random.uniform(0.8, 1.2, n), random.uniform(0.15, 0.45, n)
    quantity, strike = random.uniform(0.5, 2.0, (m, n)), random.uniform(0.8, 1.2, (m, n))
    maturity, sign = random.uniform(0.5, 2.0, (m, n)), np.where(random.random((m, n)) < 0.5, 1.0, -1.0)
    x, data = np.concatenate([spot, volatility, [0.03]]), (quantity, strike, maturity, sign)
    return Problem("black_scholes", size, f, x, 2 * n + 1, m, lambda: greeks(x, *data), data=data)


OPTIONS = 256
FAMILY = Family(
    "black_scholes",
    at,
    sizes=((1, 16), (16, 1)),
    growing=tuple((2**k, OPTIONS // 2**k) for k in range(0, OPTIONS.bit_length(), 2)),
    axes=2,
)
