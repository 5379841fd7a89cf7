"""The families whose layout is a parameter: layered, lattice and dense.

Each is a factory that returns a `Family`; the catalogue has one instance of each.  The families that are one loop over
their inputs are in `folds`.
"""

from __future__ import annotations

import math
import operator
from array import array
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

from benchmarks.functions.folds import balanced
from benchmarks.functions.problem import Family, Floats, Problem, around_one, one_output

# What a node of a layered graph can be: unary(binary(a, b)).  With the derivatives, written here by hand and used by
# the reference gradient alone.
UNARY: dict[str, tuple[Callable[[Floats], Floats], Callable[[Floats], Floats]]] = {
    "sin": (np.sin, np.cos),
    "cos": (np.cos, lambda s: -np.sin(s)),
    "tanh": (np.tanh, lambda s: 1.0 / np.cosh(s) ** 2),
}
BINARY: dict[str, tuple[Callable[[Any, Any], Any], Callable[[Floats, Floats], tuple[Any, Any]]]] = {
    "add": (operator.add, lambda a, b: (1.0, 1.0)),
    "sub": (operator.sub, lambda a, b: (1.0, -1.0)),
    "mul": (operator.mul, lambda a, b: (b, a)),
}
DEFAULT_MIX = (("sin", "add"), ("cos", "mul"), ("tanh", "add"), ("sin", "mul"))


def layered(
    width: int | None = None,
    depth: int = 4,
    mix: tuple[tuple[str, str], ...] = DEFAULT_MIX,
    seed: int = 0,
) -> Family:
    """Layers of nodes wired at random: no order in memory to profit from, and every node used twice.

    Each of `depth` layers has W = `width` nodes (as many as inputs unless told).  A node is u(a ∘ b), where a and b are
    nodes of the layer below and the kinds (u, ∘) of `mix` take equal shares of each layer; repeat a kind to give it
    more.  The left operands of a layer are a random permutation of the layer below, and so are the right ones; the
    lowest layer deals its N <= W inputs out in turn.  The output is the sum of the last layer, added two by two.
    The wiring of size N is drawn from the seed sequence (`seed`, N).

    2 W depth + W - 1 ops (9N - 1 by default), depth 2 depth + ceil(log2(W)), ceil(W/N) * 2**depth paths from x[0].

    Args:
        width: nodes in a layer, at least the number of inputs; `None` for exactly the number of inputs.
        depth: layers of nodes.
        mix: kinds of nodes, as (name in `UNARY`, name in `BINARY`).
        seed: a non-negative integer.

    Raises:
        ValueError: `width` or `depth` is not positive, or `mix` is empty or has an unknown kind.
    """
    if width is not None and width < 1:
        raise ValueError(f"width: got {width!r}, expected a positive integer or None")
    if depth < 1:
        raise ValueError(f"depth: got {depth!r}, expected a positive integer")
    if not mix or any(unary not in UNARY or binary not in BINARY for unary, binary in mix):
        raise ValueError(f"mix: got {mix!r}, expected pairs of one of {[*UNARY]} and one of {[*BINARY]}")

    @cache  # drawn once for each size, so that a timed run only reads it
    def wiring(n: int) -> list[list[tuple[str, str, array[int], array[int]]]]:
        rng = np.random.default_rng((seed, n))
        size = width or n
        ends = [size * (k + 1) // len(mix) for k in range(len(mix))]
        layers = []
        below = n
        for _ in range(depth):
            left, right = (np.split(rng.permutation(size) % below, ends[:-1]) for _ in range(2))
            parts = zip(mix, left, right, strict=True)
            layers.append([(*kind, array("i", a.tolist()), array("i", b.tolist())) for kind, a, b in parts])
            below = size
        return layers

    def f(xp: Any, x: Sequence[Any]) -> Any:
        values = list(x)
        for layer in wiring(len(x)):
            take = values.__getitem__
            values = []
            for unary, binary, left, right in layer:
                values += map(getattr(xp, unary), map(BINARY[binary][0], map(take, left), map(take, right)))
        return balanced(operator.add, values)

    def gradient(x: Sequence[float]) -> list[float]:
        """By hand: layer by layer, with the derivatives of `UNARY` and `BINARY`, whole layers at a time."""
        values = [np.asarray(x, dtype=float)]
        for layer in wiring(len(x)):
            v = values[-1]
            values.append(np.concatenate([UNARY[u][0](BINARY[b][0](v[i], v[j])) for u, b, i, j in layer]))
        adjoint = np.ones(len(values.pop()))
        for layer in reversed(wiring(len(x))):
            v = values.pop()
            below = np.zeros(len(v))
            for unary, binary, left, right in layer:
                a, b = v[left], v[right]
                share, adjoint = adjoint[: len(a)] * UNARY[unary][1](BINARY[binary][0](a, b)), adjoint[len(a) :]
                for operand, partial in zip((left, right), BINARY[binary][1](a, b), strict=True):
                    below += np.bincount(operand, share * partial, minlength=len(v))
            adjoint = below
        partials: list[float] = adjoint.tolist()
        return partials

    def at(n: int) -> Problem:
        size = width or n
        ops, levels = 2 * size * depth + size - 1, 2 * depth + (size - 1).bit_length()
        paths = -(-size // n) * 2**depth
        return one_output("layered", f, around_one(n), gradient, ops=ops, depth=levels, paths=paths)

    return Family("layered", at, snap=lambda n: min(n, width or n))


def lattice(edges: int = 3) -> Family:
    """L stages of k = `edges` parallel edges, so k**L paths: what the naive sum over paths cannot survive.

    The first input X enters stage 1; the other k * L inputs are the derivatives of the edges.  A stage sends its value
    along k edges and adds up what arrives:  y = X, then y = w[l,1] * y + ... + w[l,k] * y for l = 1 ... L.
    So out = X * product over l of (w[l,1] + ... + w[l,k]): a sum of k**L products, factored into a product of L sums.

    N = 1 + k L inputs with L >= 1, L (2k - 1) ops, depth k L, k**L paths from X.  k = 3, N = 7 (L = 2) is the
    nine-path example.

    Raises:
        ValueError: `edges` is not positive.
    """
    if edges < 1:
        raise ValueError(f"edges: got {edges!r}, expected a positive integer")

    def f(xp: Any, x: Sequence[Any]) -> Any:
        y = x[0]
        for start in range(1, len(x), edges):
            arrived = x[start] * y
            for w in x[start + 1 : start + edges]:
                arrived = arrived + w * y
            y = arrived
        return y

    def inputs(n: int) -> list[float]:
        """Uneven edges whose sum over stage l is exp(sin(l) / 2), so that the product of the stages stays near 1."""
        shares = np.sqrt(np.arange(1.0, edges + 1.0))  # simple fractions would all round the same way, and add up
        shares /= shares.sum()
        sums = np.exp(0.5 * np.sin(np.arange((n - 1) // edges)))
        return [1.25, *np.outer(sums, shares).ravel().tolist()]

    def gradient(x: Sequence[float]) -> list[float]:
        """Closed form: the product of the stages' sums for X; out over its stage's sum for each edge."""
        sums = np.reshape(x[1:], (-1, edges)).sum(axis=1)
        through = math.prod(sums.tolist())
        return [through, *np.repeat(x[0] * through / sums, edges).tolist()]

    def at(n: int) -> Problem:
        stages = (n - 1) // edges
        ops, depth, paths = stages * (2 * edges - 1), stages * edges, edges**stages
        return one_output("lattice", f, inputs(n), gradient, ops=ops, depth=depth, paths=paths)

    return Family("lattice", at, snap=lambda n: 1 + edges * max(1, (2 * (n - 1) + edges) // (2 * edges)))


# Exclusive or, on which the 1986 network was shown: two features and a target.  The corners are at 0.8, since a
# multiplication by 1 is one that a clever engine leaves out.
SAMPLES = (((0.8, 0.8), -1.0), ((0.8, -0.8), 1.0), ((-0.8, 0.8), 1.0), ((-0.8, -0.8), -1.0))


def dense(seed: int = 0) -> Family:
    """A small multilayer perceptron and its loss, written out in scalars; its N weights are the inputs.

    Two features, two hidden layers of h tanh units, one linear output; the loss is the mean over the 4 `SAMPLES` of
    (output - target)**2.  The weights come unit by unit, the bias first: h rows of 3, h rows of 1 + h, one row of
    1 + h.  They are drawn from a normal distribution with `seed` and N, scaled by 1 / sqrt(length of the row).

    N = h**2 + 5 h + 1 for h = 1, 2, ...; 8 h**2 + 32 h + 12 ops, depth 2 h + 13, 8 h paths from x[0] (a bias).
    """

    def f(xp: Any, x: Sequence[Any]) -> Any:
        tanh = xp.tanh
        h = _hidden(len(x))
        first = [x[k : k + 3] for k in range(0, 3 * h, 3)]
        second = [x[k : k + 1 + h] for k in range(3 * h, len(x) - 1 - h, 1 + h)]
        last = x[len(x) - 1 - h :]
        losses = []
        for features, target in SAMPLES:
            one = [tanh(_unit(row, features)) for row in first]
            two = [tanh(_unit(row, one)) for row in second]
            error = _unit(last, two) - target
            losses.append(error * error)
        a, b, c, d = losses
        return (a + b + c + d) * 0.25

    def inputs(n: int) -> list[float]:
        h = _hidden(n)
        scale = np.repeat([3.0, 1.0 + h], [3 * h, (1 + h) ** 2]) ** -0.5
        weights: list[float] = (scale * np.random.default_rng((seed, n)).standard_normal(n)).tolist()
        return weights

    def gradient(x: Sequence[float]) -> list[float]:
        """By hand: backpropagation (Rumelhart, Hinton and Williams 1986) in matrices, a column of ones for biases."""
        h = _hidden(len(x))
        w1, w2, w3 = np.split(np.asarray(x, dtype=float), [3 * h, 3 * h + h * (1 + h)])
        w1, w2 = w1.reshape(h, 3), w2.reshape(h, 1 + h)
        ones = np.ones((len(SAMPLES), 1))
        v0 = np.hstack([ones, [features for features, _ in SAMPLES]])
        v1 = np.hstack([ones, np.tanh(v0 @ w1.T)])
        v2 = np.hstack([ones, np.tanh(v1 @ w2.T)])
        d3 = 2.0 / len(SAMPLES) * (v2 @ w3 - [target for _, target in SAMPLES])
        d2 = np.outer(d3, w3[1:]) * (1.0 - v2[:, 1:] ** 2)
        d1 = d2 @ w2[:, 1:] * (1.0 - v1[:, 1:] ** 2)
        partials: list[float] = np.concatenate([(d1.T @ v0).ravel(), (d2.T @ v1).ravel(), d3 @ v2]).tolist()
        return partials

    def at(n: int) -> Problem:
        h = _hidden(n)
        ops = 8 * h * h + 32 * h + 12
        return one_output("dense", f, inputs(n), gradient, ops=ops, depth=2 * h + 13, paths=8 * h)

    return Family("dense", at, snap=_nearest_dense)


def _unit(row: Sequence[Any], values: Sequence[Any]) -> Any:
    """A unit before its activation: bias + weight * value + weight * value + ..."""
    total = row[0]
    for w, v in zip(row[1:], values, strict=True):
        total = total + w * v
    return total


def _hidden(n: int) -> int:
    """The units in a hidden layer of the network with n = h**2 + 5 h + 1 weights (rounded down for another n)."""
    return (math.isqrt(21 + 4 * n) - 5) // 2


def _nearest_dense(n: int) -> int:
    h = max(1, _hidden(n))
    return min((h * h + 5 * h + 1 for h in (h, h + 1)), key=lambda size: abs(size - n))
