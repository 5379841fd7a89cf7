"""The families that are one loop over their inputs: chain, tree, product, hub, fixed_work and broadcast.

Each isolates one property (depth, no depth, one op per input, reuse, constant work, many outputs).  The loops are what
is timed, so they hold arithmetic and nothing else.  The families whose layout is a parameter are in `networks`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import cycle, islice
from typing import Any

import numpy as np

from benchmarks.functions.problem import Family, Floats, Problem, around_one, one_output


def chain(xp: Any, x: Sequence[Any]) -> Any:
    """A nonlinear fold over N inputs, as deep as it is long.

    acc = x[0], then acc = sin(acc) * x[i] + x[i] * x[i] for i = 0 ... N-1.

    4N ops, depth 3N, 4 paths from x[0].
    """
    sin = xp.sin
    acc = x[0]
    for xi in x:
        acc = sin(acc) * xi + xi * xi
    return acc


def _chain_inputs(n: int) -> list[float]:
    """Inputs that keep a chain of any length from forgetting its beginning.

    Each step multiplies an adjoint by cos(acc) * x[i].  With random inputs the product of these factors fades (or
    explodes) exponentially, and a gradient of a million inputs is all zeros but for its last few hundred.  Here the odd
    inputs put acc back to 3.3 + sin(i) / 10, and the even ones set |product of the factors so far| to 1 + sin(i) / 10.
    Every partial then lies between 1 and 11.  The factors of a pair of steps are negative, so rounding errors
    alternate and do not add up.
    """
    inputs = []
    acc, gain = 0.4, 1.0
    for i in range(n):
        wobble = 0.1 * math.sin(i)
        if i == 0:
            xi = acc
        elif i % 2:  # the positive root of sin(acc) * xi + xi**2 = 3.3 + wobble
            xi = (math.sqrt(math.sin(acc) ** 2 + 4.0 * (3.3 + wobble)) - math.sin(acc)) / 2.0
        else:
            xi = (1.0 + wobble) / (gain * abs(math.cos(acc)))
        gain *= abs(math.cos(acc) * xi)
        acc = math.sin(acc) * xi + xi * xi
        inputs.append(xi)
    return inputs


def _chain_gradient(x: Sequence[float]) -> list[float]:
    """By hand: d out / d x[i] = (sin(acc_i) + 2 x[i]) * product over j > i of cos(acc_j) x[j]; x[0] also starts acc."""
    before = []
    acc = x[0]
    for xi in x:
        before.append(acc)
        acc = math.sin(acc) * xi + xi * xi
    gradient = [0.0] * len(x)
    after = 1.0
    for i in reversed(range(len(x))):
        gradient[i] = after * (math.sin(before[i]) + 2.0 * x[i])
        after *= math.cos(before[i]) * x[i]
    gradient[0] += after
    return gradient


def _chain(n: int) -> Problem:
    return one_output("chain", chain, _chain_inputs(n), _chain_gradient, ops=4 * n, depth=3 * n, paths=4)


CHAIN = Family("chain", _chain)


def tree(xp: Any, x: Sequence[Any]) -> Any:
    """A balanced reduction of N >= 2 inputs, as shallow as N inputs can be: the Euclidean norm, two by two.

    out = sqrt(x[0]**2 + ... + x[N-1]**2), from hypot(a, b) of neighbours, level by level; an odd one waits a level.

    N - 1 ops, depth ceil(log2(N)), 1 path from x[0].
    """
    return balanced(xp.hypot, x)


def _tree_gradient(x: Sequence[float]) -> list[float]:
    """Closed form: x[i] / out."""
    values = np.asarray(x)
    gradient: list[float] = (values / np.linalg.norm(values)).tolist()
    return gradient


def _tree(n: int) -> Problem:
    return one_output("tree", tree, around_one(n), _tree_gradient, ops=n - 1, depth=(n - 1).bit_length(), paths=1)


TREE = Family("tree", _tree, snap=lambda n: max(n, 2))


def product(xp: Any, x: Sequence[Any]) -> Any:
    """Speelpenning's product of N >= 2 inputs: one op per input.

    out = x[0] * x[1] * ... * x[N-1]  (Speelpenning 1980).

    N - 1 ops, depth N - 1, 1 path from x[0].
    """
    acc = x[0]
    for xi in x[1:]:
        acc = acc * xi
    return acc


def _product_inputs(n: int) -> list[float]:
    """exp(sin(i) / 2) for i = 1 ... N: sums of sin(i) are bounded, so products of neighbours lie between 1/9 and 9."""
    inputs: list[float] = np.exp(0.5 * np.sin(np.arange(1, n + 1))).tolist()
    return inputs


def _product_gradient(x: Sequence[float]) -> list[float]:
    """Closed form, for inputs that are not zero: out / x[i]."""
    gradient: list[float] = (math.prod(x) / np.asarray(x)).tolist()
    return gradient


def _product(n: int) -> Problem:
    return one_output("product", product, _product_inputs(n), _product_gradient, ops=n - 1, depth=n - 1, paths=1)


PRODUCT = Family("product", _product, snap=lambda n: max(n, 2))


def hub(xp: Any, x: Sequence[Any]) -> Any:
    """N inputs, each of which meets all others through one shared node, their mean: heavy reuse.

    m = (x[0] + ... + x[N-1]) / N,  out = sin(x[0] * m) + ... + sin(x[N-1] * m).

    4N - 1 ops (the division is a product with the constant 1/N), depth 2N + 1, N + 1 paths from x[0].
    """
    sin = xp.sin
    total = x[0]
    for xi in x[1:]:
        total = total + xi
    mean = total * (1.0 / len(x))
    out = sin(x[0] * mean)
    for xi in x[1:]:
        out = out + sin(xi * mean)
    return out


def _hub_gradient(x: Sequence[float]) -> list[float]:
    """Closed form: m cos(x[i] m), plus what goes through the hub, the mean of x[j] cos(x[j] m) over all j."""
    values = np.asarray(x)
    mean = values.mean()
    slope = np.cos(values * mean)
    gradient: list[float] = (mean * slope + np.mean(values * slope)).tolist()
    return gradient


def _hub(n: int) -> Problem:
    return one_output("hub", hub, around_one(n), _hub_gradient, ops=4 * n - 1, depth=2 * n + 1, paths=n + 1)


HUB = Family("hub", _hub)


def fixed_work(steps: int = 2**13) -> Family:
    """The same number of ops for every N: so a forward gradient costs N times a constant, a reverse one a constant.

    Compound growth over T = `steps` periods of length h = 1/T, where the N inputs take turns as the rate:
    acc = 1, then acc = acc * (1 + h * sin(x[t mod N])) for t = 0 ... T-1.

    4T ops (32,768 unless told otherwise), depth T + 3, ceil(T/N) paths from x[0]; N is at most T.
    """
    if steps < 1:
        raise ValueError(f"steps: got {steps!r}, expected a positive integer")
    h = 1.0 / steps

    def f(xp: Any, x: Sequence[Any]) -> Any:
        sin = xp.sin
        acc = 1.0
        for xi in islice(cycle(x), steps):
            acc = acc * (1.0 + h * sin(xi))
        return acc

    def gradient(x: Sequence[float]) -> list[float]:
        """Closed form: out * (how often x[i] had its turn) * h cos(x[i]) / (1 + h sin(x[i]))."""
        values = np.asarray(x)
        turns = (steps - 1 - np.arange(len(x))) // len(x) + 1
        growth = 1.0 + h * np.sin(values)
        partials: list[float] = (np.prod(growth**turns) * turns * h * np.cos(values) / growth).tolist()
        return partials

    def at(n: int) -> Problem:
        x, paths = around_one(n), -(-steps // n)
        return one_output("fixed_work", f, x, gradient, ops=4 * steps, depth=steps + 3, paths=paths)

    return Family("fixed_work", at, snap=lambda n: min(n, steps))


def broadcast(m: int) -> Problem:
    """The transposed kind, where forward mode wins: one input x, and M = `m` functions of it; M is the size.

    out[k] = x * sin(w[k] * x) with frequencies w[k] = 1 + k/M.  The whole Jacobian is one forward sweep or M reverse
    sweeps.

    3M ops, depth 3, 2M paths from x.
    """
    frequencies = [1.0 + k / m for k in range(m)]
    point = 0.7

    def f(xp: Any, x: Sequence[Any]) -> list[Any]:
        sin = xp.sin
        (only,) = x
        return [only * sin(w * only) for w in frequencies]

    def jacobian() -> Floats:
        """Closed form: sin(w[k] x) + x w[k] cos(w[k] x)."""
        angles = np.asarray(frequencies) * point
        return (np.sin(angles) + angles * np.cos(angles))[:, np.newaxis]

    return Problem("broadcast", m, f, [point], 1, m, jacobian, ops=3 * m, depth=3, paths=2 * m)


BROADCAST = Family("broadcast", broadcast)


def balanced(combine: Callable[[Any, Any], Any], values: Sequence[Any]) -> Any:
    """Combine values in pairs, then the results in pairs, down to one: len - 1 ops, ceil(log2(len)) deep."""
    level = list(values)
    while len(level) > 1:
        left_over = level[len(level) & ~1 :]
        level = [*map(combine, level[::2], level[1::2]), *left_over]
    return level[0]
