"""Small random array programs over special values: each mode, at orders one and two, against the same on numbers."""

import math
import random

import numpy as np
import pytest
from path_rule import SPECIAL

import ad

SIZE = 3
ROWS = [row for row in ad.OPS.values() if row.name != "where"]


def total(terms):
    first, *rest = terms
    for term in rest:
        first = first + term
    return first


def dot(x, y):
    return total([a * b for a, b in zip(x, y, strict=True)])


STEPS = {  # on arrays, and on lists
    "matmul": (lambda x, y, m, places, chosen: np.array(m) @ x, lambda x, y, m, places, chosen: [dot(r, x) for r in m]),
    "dot": (lambda x, y, *_: np.stack([x @ y] * SIZE), lambda x, y, *_: [dot(x, y)] * SIZE),
    "sum": (lambda x, y, *_: np.stack([np.sum(x)] * SIZE), lambda x, y, *_: [total(x)] * SIZE),
    "cumsum": (lambda x, y, *_: np.cumsum(x), lambda x, y, *_: [total(x[: k + 1]) for k in range(SIZE)]),
    "take": (lambda x, y, m, places, chosen: x[places], lambda x, y, m, places, chosen: [x[k] for k in places]),
    "where": (
        lambda x, y, m, places, chosen: np.where(chosen, x, y),
        lambda x, y, m, places, chosen: [a if c else b for c, a, b in zip(chosen, x, y, strict=True)],
    ),
    "einsum": (lambda x, y, *_: np.einsum("i,j->j", x, y), lambda x, y, *_: [total([a * b for a in x]) for b in y]),
}


def random_program(rng):
    """A function of an array, the same on a list, and what it does."""

    def number():
        return rng.choice((*SPECIAL, math.nan)) if rng.random() < 0.5 else rng.uniform(-2, 2)

    steps = []
    for k in range(rng.randint(1, 3)):
        operands = [rng.randrange(1 + k), rng.randrange(1 + k)]
        name = rng.choice(list(STEPS)) if rng.random() < 0.4 else rng.choice(ROWS)
        parts = (
            [[number() for _ in range(SIZE)] for _ in range(SIZE)],
            [rng.randrange(SIZE) for _ in range(SIZE)],
            [rng.random() < 0.5 for _ in range(SIZE)],
        )
        steps.append((name, operands, parts, rng.random() < 0.3))

    def run(x, arrays):
        values = [x if arrays else list(x)]
        for name, (a, b), parts, constant in steps:
            if name in STEPS:
                values.append(STEPS[name][0 if arrays else 1](values[a], values[b], *parts))
                continue
            op = getattr(ad, name.name)
            second = parts[0][0] if constant else values[b]
            operands = [values[a], np.array(second) if arrays and constant else second][: len(name.operands)]
            values.append(op(*operands) if arrays else [op(*pair) for pair in zip(*operands, strict=True)])
        return values[-1]

    what = [(name if name in STEPS else name.name, *rest) for name, *rest in steps]
    return lambda x: run(x, True), lambda x: run(x, False), what


@pytest.mark.parametrize("seed", range(4))
def test_every_mode_agrees_with_the_road_of_numbers_at_orders_one_and_two(seed):
    rng = random.Random(seed)
    forward, reverse = ad.jacfwd, ad.jacrev
    for _ in range(25):
        f, on_lists, what = random_program(rng)
        x = [rng.choice((*SPECIAL, math.nan)) if rng.random() < 0.6 else rng.uniform(-2, 2) for _ in range(SIZE)]
        with np.errstate(all="ignore"):
            expected = reverse(on_lists)(x)
            for jacobian in (forward(f), forward(f, lanes=1), reverse(f)):
                np.testing.assert_allclose(jacobian(np.array(x)), expected, 1e-8, 1e-8, err_msg=f"{what} at {x}")
            expected = reverse(reverse(lambda x, g=on_lists: total(g(x))))(x)
            for outer in (forward, reverse):
                for inner in (forward, reverse):
                    got = outer(inner(lambda x, f=f: np.sum(f(x))))(np.array(x))
                    np.testing.assert_allclose(got, expected, 1e-8, 1e-8, err_msg=f"{what} at {x}")


NAN = math.nan


@pytest.mark.parametrize("jacobian", [ad.jacfwd, lambda f: ad.jacfwd(f, lanes=1), ad.jacrev])
def test_solutions_depend_on_what_is_infinite_or_nan_in_either_mode_alike(jacobian):
    got = jacobian(lambda x: np.linalg.solve(2 * np.eye(3), np.sqrt(x)))(np.array([1.0, 0.0, -1.0]))
    np.testing.assert_array_equal(got, [[0.25, NAN, NAN], [0.0, NAN, NAN], [0.0, NAN, NAN]])


@pytest.mark.parametrize("jacobian", [ad.jacfwd, lambda f: ad.jacfwd(f, lanes=1), ad.jacrev])
@pytest.mark.parametrize("f", [np.linalg.det, np.linalg.inv, lambda x: np.linalg.slogdet(x)[1], np.linalg.eigvalsh])
def test_a_matrix_with_a_nan_has_a_derivative_of_nan_and_leaves_its_neighbours_alone(f, jacobian):
    good = np.array([[2.0, 1.0], [1.0, 3.0]])
    got = jacobian(f)(np.array([[[1.0, 2.0], [NAN, 3.0]], good]))
    alone = jacobian(f)(good)
    assert np.isnan(got[0, ..., 0, :, :]).all()
    np.testing.assert_allclose(got[1, ..., 1, :, :], alone, 1e-13, 1e-15)
    assert not got[1, ..., 0, :, :].any()
    assert not got[0, ..., 1, :, :].any()


@pytest.mark.parametrize(
    "shapes", [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4)), ((5, 2, 3), (3, 4)), ((3,), (5, 3, 4))]
)
def test_a_product_spelled_out_is_the_product(shapes):
    x, y = (np.random.default_rng(k).normal(size=shape) for k, shape in enumerate(shapes))
    np.testing.assert_allclose(ad.matmul.map.spelled(x, y), x @ y, 1e-13)


def test_a_row_times_a_column_at_order_two():
    def f(x):
        return np.sqrt(x[0]) @ x[1]

    x = np.array([[0.0, 1.0], [1.0, 2.0]])
    inf = math.inf
    for outer in (ad.jacfwd, ad.jacrev):
        for inner in (ad.jacfwd, ad.jacrev):
            got = outer(inner(f))(x).reshape(4, 4)
            np.testing.assert_array_equal(got, [[-inf, 0, inf, 0], [0, -0.5, 0, 0.5], [inf, 0, 0, 0], [0, 0.5, 0, 0]])
