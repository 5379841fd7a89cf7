"""Clustering by k-means (Lloyd 1957, 1982): the objective, and the gradient whose Jacobian is Newton's Hessian.

    kmeans          f(c) = sum over the points i of  min over the centres k of  |p[i] - c[k]|**2
    kmeans_newton   g(c) = its gradient by hand: 2 (c[k] - p[i]), summed over the points i whose nearest centre is k

The inputs are the N = 4 K coordinates of K centres in 4 dimensions; there are 1,000 points, and the size is K.
`kmeans` has 1 output, `kmeans_newton` N.  The Hessian is diagonal, twice the points of a cluster, so one forward sweep
of g along ones is all of it; and the step of Newton's method, c - g / diagonal, is Lloyd's: to the mean of the
cluster.  Differentiated in this way in (Schenck, Ronning, Henriksen, Oancea 2022), "AD for an array language with
nested parallelism".
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.functions.problem import Family, Floats, Problem, one_row

POINTS = 1000
DIMENSIONS = 4


def cost(xp: Any, x: Any, points: Any) -> Any:
    """The squared distances to the nearest centres, summed."""
    return xp.sum(xp.min(_squares(xp, x, points), axis=1))


def gradient(xp: Any, x: Any, points: Any) -> Any:
    """The gradient of `cost`."""
    squares = _squares(xp, x, points)
    mine = squares <= xp.min(squares, axis=1, keepdims=True)
    away = xp.reshape(x, (1, -1, DIMENSIONS)) - points[:, None, :]
    return 2.0 * xp.reshape(xp.sum(xp.where(mine[:, :, None], away, 0.0), axis=0), (-1,))


def _squares(xp: Any, x: Any, points: Any) -> Any:
    """Squared distances, shape (points, K)."""
    return xp.sum((points[:, None, :] - xp.reshape(x, (1, -1, DIMENSIONS))) ** 2, axis=2)


def _data(k: int) -> tuple[Floats, Floats]:
    """Points about `k` places, and centres that are near them."""
    random = np.random.default_rng(k)
    places = random.normal(size=(k, DIMENSIONS))
    points = places[np.arange(POINTS) % k] + 0.2 * random.normal(size=(POINTS, DIMENSIONS))
    return points, (places + 0.05 * random.normal(size=places.shape)).ravel()


def clusters(points: Floats, x: Floats) -> Floats:
    """Which points belong to which centre: 1 or 0, shape (points, K)."""
    centres = x.reshape(-1, DIMENSIONS)
    nearest = np.argmin(np.linalg.norm(points[:, np.newaxis] - centres, axis=2), axis=1)
    mine: Floats = np.eye(len(centres))[nearest]
    return mine


def objective(k: int) -> Problem:
    """The objective of `k` centres."""
    points, x = _data(k)

    def jacobian() -> Floats:
        """Closed form: each centre is pulled by twice the distance to the points of its cluster."""
        mine = clusters(points, x)
        pulls = mine.sum(axis=0)[:, np.newaxis] * x.reshape(-1, DIMENSIONS) - mine.T @ points
        return one_row(2.0 * pulls)

    return Problem("kmeans", k, cost, x, len(x), 1, jacobian, data=(points,))


def newton(k: int) -> Problem:
    """The gradient of `k` centres."""
    points, x = _data(k)

    def jacobian() -> Floats:
        """Closed form: twice the points of each cluster, on the diagonal."""
        return np.diag(np.repeat(2.0 * clusters(points, x).sum(axis=0), DIMENSIONS))

    return Problem("kmeans_newton", k, gradient, x, len(x), len(x), jacobian, data=(points,))


FAMILIES = (
    Family("kmeans", objective, snap=lambda k: min(k, POINTS), sizes=(5,), growing=(2, 5, 10, 20, 50)),
    Family("kmeans_newton", newton, snap=lambda k: min(k, POINTS), sizes=(5,), growing=(2, 5, 10, 20)),
)
