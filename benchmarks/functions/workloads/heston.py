"""The price of a call by Monte Carlo, in S. Heston's model (Rev. Financ. Stud. 6, 1993), from its parameters.

Log price and variance of each path, with correlated normals, by Euler's scheme; the variance is kept above a floor, so
that its square root has a slope (a variant of the truncations in R. Lord, R. Koekkoek and D. van Dijk, Quant. Finance
10, 2010):

    log S += (r - v / 2) h + sqrt(v h) z
    v     += kappa (theta - v) h + xi sqrt(v h) (rho z + sqrt(1 - rho**2) w),    v = max(v, FLOOR)
    price  = exp(-r T) mean over the paths of max(S - K, 0)

7 inputs (S, v, kappa, theta, xi, rho, r), 1 output; the size is the number of paths, whose normals are seeded.
Few inputs, one output, and work that grows: theory's ratio of the modes is 7 at every size.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.functions.problem import Family, Floats, Problem

STEPS = 16
MATURITY = 1.0
H = MATURITY / STEPS
STRIKE = 1.0
FLOOR = 1e-4
PARAMETERS = (1.0, 0.04, 1.5, 0.05, 0.3, -0.6, 0.02)


def f(xp: Any, x: Any, normals: Any) -> Any:
    """The price, from normals of shape (2, STEPS, paths)."""
    spot, v, kappa, theta, xi, rho, r = (x[k] for k in range(7))
    across = xp.sqrt(1.0 - rho * rho)
    log_price = xp.log(spot)
    for k in range(STEPS):
        z, w = normals[0, k], normals[1, k]
        spread = xp.sqrt(H * v)
        log_price = log_price + (r - 0.5 * v) * H + spread * z
        v = xp.maximum(v + kappa * (theta - v) * H + xi * spread * (rho * z + across * w), FLOOR)
    return xp.exp(-r * MATURITY) * xp.mean(xp.maximum(xp.exp(log_price) - STRIKE, 0.0))


def pathwise(x: Floats, normals: Floats) -> Floats:
    """By hand: the pathwise derivative, all seven tangents carried along the paths; shape (7,)."""
    spot, variance, kappa, theta, xi, rho, r = x
    paths = normals.shape[2]
    across = np.sqrt(1.0 - rho**2)
    unit = np.eye(7)[:, :, np.newaxis]
    v, log_price = np.full(paths, variance), np.full(paths, np.log(spot))
    dv, d_log = unit[1] * np.ones(paths), unit[0] / spot * np.ones(paths)
    for z, w in zip(*normals, strict=True):
        spread = np.sqrt(H * v)
        d_spread = H * dv / (2.0 * spread)
        shock = rho * z + across * w
        d_log = d_log + (unit[6] - 0.5 * dv) * H + d_spread * z
        log_price = log_price + (r - 0.5 * v) * H + spread * z
        drift = unit[2] * (theta - v) + kappa * (unit[3] - dv)
        dv = dv + H * drift + (unit[4] * spread + xi * d_spread) * shock
        dv = dv + xi * spread * unit[5] * (z - rho / across * w)
        v = v + kappa * (theta - v) * H + xi * spread * shock
        dv, v = np.where(v > FLOOR, dv, 0.0), np.maximum(v, FLOOR)
    price = np.exp(log_price)
    discount = np.exp(-r * MATURITY)
    gradient: Floats = discount * np.mean(np.where(price > STRIKE, price * d_log, 0.0), axis=1)
    gradient[6] -= MATURITY * discount * np.mean(np.maximum(price - STRIKE, 0.0))
    return gradient


def at(paths: int) -> Problem:
    """The problem of so many paths."""
    x = np.array(PARAMETERS)
    normals = np.random.default_rng((1993, paths)).standard_normal((2, STEPS, paths))
    return Problem("heston", paths, f, x, 7, 1, lambda: pathwise(x, normals)[np.newaxis], data=(normals,))


FAMILY = Family("heston", at, sizes=(16, 256), growing=(16, 256, 4096, 32768))
