"""The log posterior of a Gaussian mixture, the best known workload of AD (Srajer, Kukelova and Fitzgibbon 2018).

    f(alpha, mu, q, l) = sum over the points i of  log(sum over k of  w[k] Normal(p[i]; mu[k], precision Q[k]' Q[k]))
                         + sum over k of  log Wishart(Q[k]' Q[k]; V = I / G**2, D + S + 1 degrees of freedom)

    w = softmax(alpha),    Q[k] lower triangular, with exp(q[k]) on its diagonal and l[k] below,    G = S = 1

N = K (1 + D + D (D + 1) / 2) inputs, 1 output, 1,000 points; a size is (D, K), as in ADBench.  The factors of the
densities that no input changes are left in.  ADBench's own code has the opposite sign on the prior; here, as in
GradBench's corrected specification of it, both are logarithms of densities, and S = 1, so that each of its terms
counts.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from benchmarks.functions.problem import Family, Floats, Problem, one_row

POINTS = 1000
SCALE = 1.0
SHAPE = 1.0


def f(xp: Any, x: Any, points: Any, place: Any, below: Any, diagonal: Any, constant: Any) -> Any:
    """The log posterior.

    Args:
        xp: a namespace.
        x: alpha, mu, then a row of q and l for each component, in one vector.
        points: shape (points, D).
        place: where in its row an entry of the transpose of Q is found, shape (D * D,).
        below: 1 for the entries of the transpose of Q that are in l, 0 elsewhere, shape (D, D).
        diagonal: the identity.
        constant: what no input changes.
    """
    d = points.shape[1]
    k = x.shape[0] // (1 + d + d * (d + 1) // 2)
    alpha, mu, rows = x[:k], xp.reshape(x[k : k + k * d], (k, 1, d)), xp.reshape(x[k + k * d :], (k, -1))
    q = rows[:, :d]
    transposed = below * xp.reshape(rows[:, place], (k, d, d)) + diagonal * xp.exp(q)[:, None, :]
    size = xp.sum(q, axis=1)
    away = xp.sum(((points - mu) @ transposed) ** 2, axis=2)
    fit = logsumexp(xp, (alpha + size)[:, None] - 0.5 * away)
    prior = SHAPE * xp.sum(size) - 0.5 * SCALE**2 * xp.sum(transposed * transposed)
    return xp.sum(fit) - points.shape[0] * logsumexp(xp, alpha) + prior + constant


def logsumexp(xp: Any, x: Any) -> Any:
    """The logarithm of the sum of exponentials over the first axis."""
    shift = xp.max(x, axis=0)
    return shift + xp.log(xp.sum(xp.exp(x - shift), axis=0))


def at(size: tuple[int, int]) -> Problem:
    """The problem of (D, K): K components in D dimensions."""
    d, k = size
    random = np.random.default_rng(size)
    lower, upper = np.tril_indices(d, -1), d * (d - 1) // 2
    points = random.normal(size=(POINTS, d))
    x = np.concatenate([random.normal(size=k), random.normal(size=k * d), 0.3 * random.normal(size=k * (d + upper))])
    place = np.zeros((d, d), dtype=np.int64)
    place[lower] = d + np.arange(upper)
    below = np.tril(np.ones((d, d)), -1).T
    data = (points, np.ascontiguousarray(place.T).ravel(), below, np.eye(d), np.array(_constant(d, k)))

    def jacobian() -> Floats:
        """By hand, from the share of each component in each point, shape (K, points)."""
        alpha, mu, rows = x[:k], x[k : k + k * d].reshape(k, d), x[k + k * d :].reshape(k, -1)
        factor = np.zeros((k, d, d))
        factor[:, *lower] = rows[:, d:]
        factor[:, range(d), range(d)] = np.exp(rows[:, :d])
        centred = points - mu[:, np.newaxis]
        stretched = np.einsum("kij,knj->kni", factor, centred)
        terms = (alpha + rows[:, :d].sum(axis=1))[:, np.newaxis] - 0.5 * np.square(stretched).sum(axis=2)
        share = np.exp(terms - terms.max(axis=0))
        share /= share.sum(axis=0)
        weight = np.exp(alpha - alpha.max())
        in_alpha = share.sum(axis=1) - POINTS * weight / weight.sum()
        in_mu = np.einsum("kn,kni,kij->kj", share, stretched, factor)
        in_factor = -np.einsum("kn,kni,knj->kij", share, stretched, centred) - SCALE**2 * factor
        in_q = np.diagonal(in_factor * factor, axis1=1, axis2=2) + (share.sum(axis=1) + SHAPE)[:, np.newaxis]
        in_rows = np.hstack([in_q, in_factor[:, *lower]])
        return one_row(np.concatenate([in_alpha, in_mu.ravel(), in_rows.ravel()]))

    return Problem("gmm", size, f, x, len(x), 1, jacobian, data=data)


def _constant(d: int, k: int) -> float:
    """The factors of the densities that no input changes."""
    freedom = d + SHAPE + 1.0
    gamma = 0.25 * d * (d - 1) * math.log(math.pi) + sum(math.lgamma(0.5 * (freedom - j)) for j in range(d))
    wishart = freedom * d * (math.log(SCALE) - 0.5 * math.log(2.0)) - gamma
    return k * wishart - 0.5 * POINTS * d * math.log(2.0 * math.pi)


FAMILY = Family("gmm", at, axes=2, sizes=((2, 5),), growing=((2, 5), (2, 20), (5, 10), (10, 10), (10, 20)))
