"""Coupled Brusselators, integrated by Runge-Kutta 4: the last state as a function of the parameters.

The reaction of I. Prigogine and R. Lefever (J. Chem. Phys. 48, 1968) in k cells on a ring, which exchange both
substances with their neighbours, as in A. Turing, "The chemical basis of morphogenesis" (1952):

    du_i/dt = a - (b + 1) u_i + u_i**2 v_i + c (u_(i-1) - 2 u_i + u_(i+1))
    dv_i/dt =          b u_i  - u_i**2 v_i + d (v_(i-1) - 2 v_i + v_(i+1))

4 inputs (a, b, c, d); 2k outputs (u, then v), after `STEPS` steps of length `H` from a seeded state; the size is k.
Few inputs, many outputs: what fitting the parameters of a model to its trajectory asks for.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.functions.problem import Family, Floats, Problem

STEPS = 16
H = 0.05
PARAMETERS = (1.0, 2.5, 0.2, 0.4)


def rates(xp: Any, y: Any, x: Any, exchange: Any) -> Any:
    """The time derivative of a state of shape (2, k).

    The exchange is a product, as the method of lines has it, and not two of `roll`, whose gradient takes XLA (which
    JAX compiles with) many minutes to compile here.
    """
    u, v = y[0], y[1]
    a, b = x[0], x[1]
    reaction = u * u * v
    return xp.stack([a - (b + 1.0) * u + reaction, b * u - reaction]) + xp.reshape(x[2:], (2, 1)) * (y @ exchange)


def f(xp: Any, x: Any, start: Any, exchange: Any) -> Any:
    """The state after all steps, shape (2k,), from a first one, shape (2, k), and the matrix of exchange, (k, k)."""
    y = start
    for _ in range(STEPS):
        k1 = rates(xp, y, x, exchange)
        k2 = rates(xp, y + 0.5 * H * k1, x, exchange)
        k3 = rates(xp, y + 0.5 * H * k2, x, exchange)
        k4 = rates(xp, y + H * k3, x, exchange)
        y = y + H / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
    return xp.reshape(y, (-1,))


def ring(k: int) -> Floats:
    """The matrix of exchange: 1 for each neighbour on the ring, -2 for the cell itself."""
    one = np.eye(k)
    return np.roll(one, 1, axis=1) - 2.0 * one + np.roll(one, -1, axis=1)


def variation(y: Floats, s: Floats, x: Floats) -> tuple[Floats, Floats]:
    """By hand: the rates, and those of the sensitivities `s`, shape (2, k, 4): the variational equations."""
    (u, v), (a, b, c, d) = y, x
    exchange, exchanged = (np.roll(each, 1, axis=1) - 2.0 * each + np.roll(each, -1, axis=1) for each in (y, s))
    plain = np.array([a - (b + 1.0) * u + u * u * v + c * exchange[0], b * u - u * u * v + d * exchange[1]])
    reaction = (2.0 * u * v)[:, np.newaxis] * s[0] + (u * u)[:, np.newaxis] * s[1]
    moved = np.array([c * exchanged[0] - (b + 1.0) * s[0] + reaction, d * exchanged[1] + b * s[0] - reaction])
    zero, one = np.zeros_like(u), np.ones_like(u)
    return plain, moved + np.array(
        [np.stack([one, -u, exchange[0], zero], axis=1), np.stack([zero, u, zero, exchange[1]], axis=1)]
    )


def at(k: int) -> Problem:
    """The problem of k cells."""
    x = np.array(PARAMETERS)
    start = np.random.default_rng((1968, k)).uniform(0.5, 2.0, (2, k))
    exchange = ring(k)

    def jacobian() -> Floats:
        """By hand: the same steps, of the equations and their variation together."""
        y, s = start, np.zeros((2, k, 4))
        for _ in range(STEPS):
            k1, l1 = variation(y, s, x)
            k2, l2 = variation(y + 0.5 * H * k1, s + 0.5 * H * l1, x)
            k3, l3 = variation(y + 0.5 * H * k2, s + 0.5 * H * l2, x)
            k4, l4 = variation(y + H * k3, s + H * l3, x)
            y, s = y + H / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4), s + H / 6.0 * (l1 + 2.0 * l2 + 2.0 * l3 + l4)
        return s.reshape(2 * k, 4)

    return Problem("ode", k, f, x, 4, 2 * k, jacobian, data=(start, exchange))


FAMILY = Family("ode", at, snap=lambda k: max(k, 2), sizes=(2, 8), growing=(2, 8, 32, 128))
