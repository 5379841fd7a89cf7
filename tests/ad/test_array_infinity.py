"""Arrays at hard places agree, element by element, with the road of numbers: infinite partials, zeros, NaN."""

import itertools
import math
import random

import numpy as np
import pytest

import ad

SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, math.inf, -math.inf, math.nan]
PROGRAMS = {
    "alone": lambda f, *v: f(*v),
    "times infinity": lambda f, *v: ad.sqrt(v[0]) * 0.0 + f(*v) * v[-1],
    "atan of reciprocal": lambda f, *v: ad.atan(1 / f(*v)),
    "difference": lambda f, *v: f(*v) - f(*v),
}


def same(got, expected):
    np.testing.assert_allclose(got, expected, rtol=1e-11, atol=1e-11)  # equal infinities and NaN in the same places


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("name", [name for name in ad.OPS if name != "where"])
def test_every_row_at_special_points_in_both_modes(name, program):
    def f(*v):
        return PROGRAMS[program](getattr(ad, name), *v)

    n = len(ad.OPS[name].params)
    points = list(itertools.product(SPECIAL, repeat=n))
    xs = [np.array(column) for column in zip(*points, strict=True)]
    expected = np.array([ad.grad(f, tuple(range(n)))(*point) for point in points]).T
    same(ad.vjp(f, *xs)[1](np.ones(len(points))), expected)
    for k in range(n):
        seeds = [np.full(len(points), float(k == j)) for j in range(n)]
        same(ad.jvp(f, xs, seeds)[1], expected[k])


UNARY = ["sqrt", "sin", "atan", "reciprocal", "log", "cbrt", "square", "abs", "exp"]


def on_lists(kind, u, w, matrix, chosen, places):
    """The programs below written for numbers, each sum in the order of its terms."""

    def total(terms):
        first, *rest = terms
        for term in rest:
            first = first + term
        return first

    return {
        "matmul": lambda x: [w(total([a * u(v) for a, v in zip(row, x, strict=True)])) for row in matrix],
        "take": lambda x: [w(u(x[i]) * x[j]) for i, j in zip(places, places[::-1], strict=True)],
        "sum": lambda x: [w(total([u(v) * a for a, v in zip(row, x, strict=True)])) for row in matrix],
        "where": lambda x: [w(u(v) if c else v) for c, v in zip(chosen, x, strict=True)] + [x[0] * x[1]],
        "dot": lambda x: [total([u(v) * w(v) for v in x]), total([w(v) * u(x[0]) for v in x])],
        "max": lambda x: [w(ad.maximum(u(x[0]), x[1])), w(ad.minimum(u(x[2]), x[1]))],
        "logsumexp": lambda x: [w(ad.logaddexp(u(x[0]), x[1]))],
        "length": lambda x: [w(ad.hypot(u(x[0]), x[1]))],
        "prod": lambda x: [w(u(x[0]) * u(x[1]) * u(x[2]))],
        "cumsum": lambda x: [w(total([u(v) for v in x[:k]])) for k in (1, 2, 3)],
        "einsum": lambda x: [w(total([a * u(v) for a, v in zip(row, x, strict=True)])) for row in matrix],
    }[kind]


def on_arrays(kind, u, w, matrix, chosen, places):
    return {
        "matmul": lambda x: w(np.array(matrix) @ u(x)),
        "take": lambda x: w(u(x)[places] * x[places[::-1]]),
        "sum": lambda x: w(np.sum(u(x) * np.array(matrix), axis=1)),
        "where": lambda x: np.concatenate([w(np.where(chosen, u(x), x)), x[:1] * x[1:2]]),
        "dot": lambda x: np.stack([u(x) @ w(x), np.sum(w(x) * u(x[0]))]),
        "max": lambda x: np.stack([w(np.max(np.stack([u(x[0]), x[1]]))), w(np.min(np.stack([u(x[2]), x[1]])))]),
        "logsumexp": lambda x: w(ad.logsumexp(np.stack([u(x[:1]), x[1:2]]), axis=0)),
        "length": lambda x: w(np.linalg.norm(np.stack([u(x[:1]), x[1:2]]), axis=0)),
        "prod": lambda x: w(np.prod(u(x), keepdims=True)),
        "cumsum": lambda x: w(np.cumsum(u(x))),
        "einsum": lambda x: w(np.einsum("ij,j->i", np.array(matrix), u(x))),
    }[kind]


KINDS = ["matmul", "take", "sum", "where", "dot", "max", "logsumexp", "length", "prod", "cumsum", "einsum"]


@pytest.mark.parametrize("kind", KINDS)
def test_maps_at_special_points_in_both_modes_and_with_lanes(kind):
    rng = random.Random(11)

    def number():
        return rng.choice(SPECIAL) if rng.random() < 0.4 else rng.uniform(-2, 2)

    for _ in range(40):
        x = [number() for _ in range(3)]
        u, w = (getattr(ad, rng.choice(UNARY)) for _ in range(2))
        parts = (u, w, [[number() for _ in x] for _ in range(2)])
        rest = ([rng.random() < 0.5 for _ in x], [rng.randrange(3) for _ in range(4)])
        with np.errstate(all="ignore"):
            expected = ad.jacrev(on_lists(kind, *parts, *rest))(x)
        f = on_arrays(kind, *parts, *rest)
        for jacobian in (ad.jacrev(f), ad.jacfwd(f), ad.jacfwd(f, lanes=1)):
            same(jacobian(np.array(x)), expected)


def test_the_branch_not_taken_does_not_poison_the_one_taken():
    x = np.array([0.0, 4.0])
    assert ad.grad(lambda x: np.sum(np.where(x < 1, x, np.sqrt(x))))(x).tolist() == [1.0, 0.25]
    assert ad.grad(lambda x: np.sum(np.sqrt(x)[1:]))(x).tolist() == [0.0, 0.25]
    assert ad.jvp(np.sqrt, (x,), (np.array([0.0, 1.0]),))[1].tolist() == [0.0, 0.25]
    assert ad.grad(lambda x: np.sum(np.sqrt(x)))(x).tolist() == [math.inf, 0.25]


def test_a_second_pass_is_counted():
    with ad.count() as counts:
        ad.grad(lambda x: np.sum(np.sqrt(x)))(np.zeros(5))
    assert (counts.reverse_sweeps, counts.ops, counts.elements) == (1, 2 + 2 * 2, 6 + 2 * 6)


@pytest.mark.parametrize("name", [name for name, row in ad.OPS.items() if len(row.params) == 1])
def test_second_derivatives_at_special_points(name):
    def f(x):
        return ad.square(getattr(ad, name)(x))

    x, ones = np.array(SPECIAL), np.ones(len(SPECIAL))
    for g in (getattr(ad, name), f):
        expected = [ad.jvp(ad.grad(g), (point,), (1.0,))[1] for point in SPECIAL]
        same(ad.jvp(ad.grad(lambda x, g=g: np.sum(g(x))), (x,), (ones,))[1], expected)
        same(ad.vjp(ad.grad(lambda x, g=g: np.sum(g(x))), x)[1](ones)[0], expected)


def test_a_hessian_where_a_first_derivative_is_infinite():
    same(ad.hessian(lambda x: np.sum(np.sqrt(x)))(np.array([0.0, 4.0])), [[-math.inf, 0.0], [0.0, -1 / 32]])
