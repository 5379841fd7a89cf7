"""4D-Var on Lorenz-96: how well a forecast fits background and observations, as a function of its first state.

The model of E. Lorenz, "Predictability: a problem partly solved" (1996), in n variables on a ring,

    dx_i/dt = (x_(i+1) - x_(i-2)) x_(i-1) - x_i + F,    F = 8,

by Runge-Kutta 4 in steps of 0.05 (six hours of weather); and the cost that variational assimilation minimises
(F.-X. Le Dimet and O. Talagrand, Tellus 38A, 1986), with observations y_k of all variables every `EVERY` steps:

    J(x_0) = |x_0 - b|**2 / (2 B**2) + sum over k of |x(t_k) - y_k|**2 / (2 R**2)

n inputs, 1 output; the size is n.  Background b and observations are a seeded truth with noise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.functions.problem import Family, Floats, Problem

FORCING = 8.0
H = 0.05
OBSERVATIONS = 5
EVERY = 4
B = 1.0
R = 0.5


def ring(n: int) -> NDArray[np.intp]:
    """The places of the next variable, of that before the previous one, and of the previous one, shape (3, n)."""
    places: NDArray[np.intp] = (np.arange(n) + np.array([[1], [-2], [-1]])) % n
    return places


def tendency(x: Any, ring: Any) -> Any:
    """The time derivative of a state of shape (n,).

    By places, taken at once, and not by `roll`, whose gradient takes XLA (which JAX compiles with) half an hour to
    compile here.
    """
    near = x[ring]
    return (near[0] - near[1]) * near[2] - x + FORCING


def step(x: Any, ring: Any) -> Any:
    """One step of Runge-Kutta 4."""
    k1 = tendency(x, ring)
    k2 = tendency(x + 0.5 * H * k1, ring)
    k3 = tendency(x + 0.5 * H * k2, ring)
    k4 = tendency(x + H * k3, ring)
    return x + H / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)


def misfit(xp: Any, x: Any, expected: Any, deviation: float) -> Any:
    """Half the sum of squares of what is off, in standard deviations."""
    return 0.5 / deviation**2 * xp.sum(xp.square(x - expected))


def in_steps(xp: Any, observations: Any, ring: Any) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The cost as a sequence of steps: what `ad.checkpointed_value_and_grad` takes.

    Returns:
        A step from one state and the cost so far to the next, and the cost of the last; a first state costs
        `misfit(xp, x, background, B)`.
    """

    def forward(k: int, state: Any) -> Any:
        x, cost = state
        x = step(x, ring)
        if (k + 1) % EVERY == 0:
            cost = cost + misfit(xp, x, observations[k // EVERY], R)
        return x, cost

    return forward, lambda state: state[1]


def f(xp: Any, x: Any, background: Any, observations: Any, ring: Any) -> Any:
    """The cost of a first state."""
    cost = misfit(xp, x, background, B)
    for k in range(observations.shape[0]):
        for _ in range(EVERY):
            x = step(x, ring)
        cost = cost + misfit(xp, x, observations[k], R)
    return cost


def transposed(x: Floats, adjoint: Floats) -> Floats:
    """By hand: the tendency's Jacobian at `x`, transposed, times an adjoint.

    The tendency of i has x[i-1] as partial in x[i+1], -x[i-1] in x[i-2], x[i+1] - x[i-2] in x[i-1], and -1 in x[i].
    """
    share, turned = adjoint * np.roll(x, 1), adjoint * (np.roll(x, -1) - np.roll(x, 2))
    return np.roll(share, 1) - np.roll(share, -2) + np.roll(turned, -1) - adjoint


def step_back(x: Floats, adjoint: Floats, ring: NDArray[np.intp]) -> Floats:
    """By hand: the adjoint before a step from state `x`, from the adjoint after it."""
    x2 = x + 0.5 * H * tendency(x, ring)
    x3 = x + 0.5 * H * tendency(x2, ring)
    x4 = x + H * tendency(x3, ring)
    g4 = transposed(x4, H / 6.0 * adjoint)
    g3 = transposed(x3, H / 3.0 * adjoint + H * g4)
    g2 = transposed(x2, H / 3.0 * adjoint + 0.5 * H * g3)
    g1 = transposed(x, H / 6.0 * adjoint + 0.5 * H * g2)
    back: Floats = adjoint + g1 + g2 + g3 + g4
    return back


def assimilation(n: int, observations: int = OBSERVATIONS) -> tuple[Floats, Floats, Floats, NDArray[np.intp]]:
    """A first guess, which the gradient is taken at, background and observations, all seeded, and the ring's places."""
    random, places = np.random.default_rng((1996, n)), ring(n)
    truth = FORCING + random.standard_normal(n)
    for _ in range(40):  # onto the attractor
        truth = step(truth, places)
    background = truth + B * random.standard_normal(n)
    guess = background + 0.5 * random.standard_normal(n)
    seen = []
    for _ in range(observations):
        for _ in range(EVERY):
            truth = step(truth, places)
        seen.append(truth + R * random.standard_normal(n))
    return guess, background, np.array(seen), places


def adjoint_model(x: Floats, background: Floats, observations: Floats, ring: NDArray[np.intp]) -> Floats:
    """By hand: the gradient by the discrete adjoint, all states kept."""
    states = [x]
    for _ in range(EVERY * len(observations)):
        states.append(step(states[-1], ring))
    adjoint = np.zeros_like(x)
    for k in reversed(range(len(states))):
        if k and k % EVERY == 0:
            adjoint = adjoint + (states[k] - observations[k // EVERY - 1]) / R**2
        adjoint = step_back(states[k - 1], adjoint, ring) if k else adjoint + (x - background) / B**2
    return adjoint


def at(n: int) -> Problem:
    """The problem of n variables."""
    x, background, observations, places = assimilation(n)

    def jacobian() -> Floats:
        """By hand."""
        return adjoint_model(x, background, observations, places)[np.newaxis]

    return Problem("lorenz96", n, f, x, n, 1, jacobian, data=(background, observations, places))


FAMILY = Family("lorenz96", at, snap=lambda n: max(n, 4), sizes=(8, 40), growing=(8, 40, 160, 640))
