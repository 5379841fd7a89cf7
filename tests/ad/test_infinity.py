"""Infinite partials: one rule in every executor, checked against a list of all paths (`path_rule`)."""

import itertools
import math
import random

import numpy as np
import path_rule
import pytest
from path_rule import SPECIAL, random_graph, same

import ad

INF, NAN = math.inf, math.nan


def eager(f, x):
    yield "eager forward", ad.jacfwd(f)(x)
    yield "eager reverse", ad.jacrev(f)(x)


def compiled(f, x):
    program = ad.compile(f, x)
    yield "compiled reverse", program.jacobian(x).tolist()
    for lanes in (1, 2, None):
        yield f"compiled forward, lanes={lanes}", program.jacobian(x, "forward", lanes=lanes).tolist()


def assert_rule(f, x, what=None):
    """Every executor gives the Jacobian that the paths say."""
    want = path_rule.jacobian(f, x)
    for name, got in itertools.chain(eager(f, x), compiled(f, x)):
        rows = got if isinstance(got[0], list) else [got]
        for row, expected in zip(rows, want, strict=True):
            assert all(map(same, row, expected)), f"{name} at {x}: {row}, expected {expected}; {what}"
    return want


CASES = [
    (lambda v: ad.sqrt(v[0] * v[0] + v[1] * v[1]), [0.0, 0.0], [NAN, NAN]),
    (lambda v: ad.sqrt(v[0] * 0.0) + v[0], [1.0], [NAN]),
    (lambda v: ad.sqrt(v[0]) ** 2, [0.0], [NAN]),
    (lambda v: ad.relu(v[0]) * INF, [-1.0], [NAN]),
    (lambda v: ad.sqrt(v[0]) + v[1], [0.0, 1.0], [INF, 1.0]),
    (lambda v: (v[0] * v[0]) * v[1], [1e200, 2.0], [4e200, INF]),
    (lambda v: ad.atan(1.0 / v[0]), [1e-200], [NAN]),
    (lambda v: ad.cbrt(v[0] ** 3), [0.0], [NAN]),
    (lambda v: ad.sqrt(v[0]) - ad.sqrt(v[0]), [0.0], [NAN]),
    (lambda v: ad.sqrt(v[0]) + ad.sqrt(v[0]), [0.0], [INF]),
    (lambda v: -ad.sqrt(v[0]), [0.0], [-INF]),
    (lambda v: ad.sign(v[0]) * INF + v[1], [1.0, 1.0], [0.0, 1.0]),
    (lambda v: v[0] * NAN + v[1], [1.0, 1.0], [NAN, 1.0]),
    (lambda v: (v[0] - v[0]) * INF, [1.0], [NAN]),
]


@pytest.mark.parametrize(("f", "x", "want"), CASES)
def test_named_cases(f, x, want):
    assert assert_rule(f, x)[0] == pytest.approx(want, nan_ok=True)


@pytest.mark.parametrize("row", [row for row in ad.OPS.values() if row.name != "where"], ids=lambda row: row.name)
def test_every_op_on_a_grid_of_special_values(row):
    op = getattr(ad, row.name)
    grid = (*SPECIAL, NAN, 1e200, -1e200, 5e-324)
    if len(row.operands) == 1:
        shapes = [lambda v: op(v[0]), lambda v: op(v[0]) * 0.0, lambda v: op(v[0] * v[0]), lambda v: ad.sqrt(op(v[0]))]
        points = [[a] for a in grid]
    else:
        shapes = [lambda v: op(v[0], v[1]), lambda v: op(v[0], v[0]) * v[1], lambda v: ad.sqrt(op(v[0], v[1])) * v[0]]
        points = [list(pair) for pair in itertools.product(grid, repeat=2)]
    for f, x in itertools.product(shapes, points):
        assert_rule(f, x, row.name)


@pytest.mark.parametrize("seed", range(20))
def test_random_graphs_of_special_values(seed):
    rng = random.Random(seed)
    verdicts = []
    for _ in range(100):
        n = rng.choice([2, 3])
        f, steps = random_graph(rng, n, rng.choice([1, 1, 3]))
        for row in assert_rule(f, [rng.choice(SPECIAL) for _ in range(n)], steps):
            verdicts += row
    kinds = {"nan" if d != d else "infinite" if math.isinf(d) else "finite" for d in verdicts if d is not None}
    assert kinds == {"nan", "infinite", "finite"}


@pytest.mark.parametrize("seed", range(5))
def test_second_derivatives_of_random_graphs(seed):
    rng = random.Random(seed)
    for _ in range(60):
        n = rng.choice([1, 2])
        f, steps = random_graph(rng, n)
        x = [rng.choice(SPECIAL) for _ in range(n)]
        for inner in (ad.jacfwd, ad.jacrev):
            assert_rule(inner(f), x, steps)


def at_order_two(f, x):
    """The second derivatives of `f`, one line of numbers for each executor."""
    for inner in (ad.jacfwd, ad.jacrev):
        program = ad.compile(inner(f), x)
        for outer in (ad.jacfwd, ad.jacrev):
            yield f"{outer.__name__} of {inner.__name__}", np.ravel(outer(inner(f))(x))
        for mode in ("forward", "reverse"):
            yield f"compiled {mode} of {inner.__name__}", np.ravel(program.jacobian(x, mode))


def assert_agreement(ways, what):
    """All executors give the same numbers, up to rounding; the first one's are returned."""
    (first, want), *others = [(name, np.ravel(got)) for name, got in ways]
    for name, got in others:
        np.testing.assert_allclose(got, want, 1e-9, 1e-11, err_msg=f"{name} against {first}; {what}")
    return want


@pytest.mark.parametrize("seed", range(4))
def test_random_graphs_of_all_ops_agree_at_orders_one_and_two_in_every_executor(seed):
    rng = random.Random(seed)
    rows = [row for row in ad.OPS.values() if row.name != "where"]
    unary, binary = ([row.name for row in rows if len(row.operands) == k] for k in (1, 2))
    found = []
    for _ in range(150):
        n = rng.choice([1, 2, 2])
        f, steps = random_graph(rng, n, unary=unary, binary=binary, n_steps=(2, 4))
        x = [rng.choice(SPECIAL) for _ in range(n)]
        assert_agreement(itertools.chain(eager(f, x), compiled(f, x)), (steps, x))
        found += assert_agreement(at_order_two(f, x), (steps, x)).tolist()
    assert {"nan" if d != d else "infinite" if math.isinf(d) else "finite" for d in found} == {
        "nan",
        "infinite",
        "finite",
    }


def minus_half_of_itself(v):
    y = v[0] ** 1.5
    return y - 0.5 * y


SECOND_ORDER = [
    (lambda v: v[0] ** 1.5, [0.0], [INF]),
    (lambda v: ad.sqrt(v[0]), [0.0], [-INF]),
    (minus_half_of_itself, [0.0], [NAN]),  # infinite paths of both signs, which one sweep has summed before the other
    (lambda v: (v[0] - 0.5 * v[0]) ** 1.5, [0.0], [NAN]),
    (lambda v: ad.log10(v[1] ** v[0]), [0.0, 0.0], [NAN, NAN, NAN, 0.0]),
    (lambda v: ad.exp(v[0] ** v[1]), [0.0, 0.0], [0.0, NAN, NAN, INF]),
    (lambda v: ad.maximum(v[0], v[1] ** 1.5), [1.0, 0.0], [0.0, 0.0, 0.0, NAN]),  # as with sqrt at order one
    (lambda v: ad.relu(ad.log10(ad.cbrt(v[0]))), [-INF], [NAN]),
]


@pytest.mark.parametrize(("f", "x", "want"), SECOND_ORDER)
def test_second_derivatives_at_named_places(f, x, want):
    np.testing.assert_array_equal(assert_agreement(at_order_two(f, x), x), want)


def test_an_infinity_inside_a_pullback_that_is_kept():
    _, pullback = ad.vjp(ad.grad(minus_half_of_itself), [0.0])
    assert [pullback(seed)[0] for seed in ([1.0], [0.0])] == [[pytest.approx(NAN, nan_ok=True)], [0.0]]


def test_a_derivative_of_a_derivative_that_is_made_again_counts_as_one_sweep():
    with ad.count() as counts:
        ad.jacrev(ad.grad(minus_half_of_itself))([0.0])
    assert counts.reverse_sweeps == 3  # one of the outer, and one of the inner in each of its two recordings


def test_an_overflow_of_the_value_is_beyond_the_rule_and_ops_that_do_not_overflow_are_right():
    def root(x):
        return ad.sqrt(x * x)

    assert (root(1e200), ad.grad(root)(1e200), ad.jacfwd(root)(1e200)) == (INF, 0.0, 0.0)
    assert ad.grad(root)(1.7e308) == 0.0
    assert math.isnan(ad.jacfwd(root)(1.7e308))
    assert ad.grad(lambda x: ad.hypot(x, 0.0))(1.7e308) == 1.0
    for jacobian in (ad.jacfwd, ad.jacrev):
        assert jacobian(np.linalg.norm)(np.array([1.7e308])).tolist() == [1.0]


def test_overflow_of_finite_partials_is_beyond_the_rule():
    def f(x):
        return ad.atan(x * x)

    assert ad.grad(f)(1e308) == 0.0
    assert math.isnan(ad.jacfwd(f)(1e308))  # here 1e308 and 1e308 have been added before they meet the zero


@pytest.mark.parametrize("seed", range(5))
def test_seeds_and_cotangents_of_random_graphs(seed):
    rng = random.Random(seed)
    for _ in range(100):
        f, steps = random_graph(rng, 3, 3)
        x, tangent, cotangent = ([rng.choice((*SPECIAL, NAN)) for _ in range(3)] for _ in range(3))
        program = ad.compile(f, x)
        pushed = path_rule.jvp(f, x, tangent)
        both = np.array([tangent, tangent[::-1]])
        for got in (
            ad.jvp(f, (x,), (tangent,))[1],
            program.jvp(x, tangent)[1],
            program.jvps(x, both, lanes=1)[0],
            program.jvps(x, both, lanes=2)[0],
        ):
            assert all(map(same, got, pushed)), (steps, x, tangent, got, pushed)
        pulled = path_rule.vjp(f, x, cotangent)
        for got in (ad.vjp(f, x)[1](cotangent)[0], program.vjp(x, cotangent)[1]):
            assert all(map(same, got, pulled)), (steps, x, cotangent, got, pulled)


@pytest.mark.parametrize("x", [[1.0, 1.0], [0.0, 1.0]])
def test_sweeps_that_are_made_again_count_their_ops_again_in_every_executor(x):
    def f(v):
        return ad.sqrt(v[0]) + v[1] * v[1]

    def counted(run):
        with ad.count() as counts:
            run(x)
        return counts

    program = ad.compile(f, x)
    again = 0 if x[0] else program.n_ops
    reverse = counted(ad.grad(f))
    assert (reverse.sweeps, reverse.ops) == (1, 2 * program.n_ops + again)
    assert counted(program.gradient) == reverse
    forward = counted(ad.jacfwd(f))
    assert (forward.sweeps, forward.ops) == (2, 2 * (program.n_ops + again))
    for lanes in (1, 2):
        assert counted(lambda x, lanes=lanes: program.gradient(x, "forward", lanes=lanes)) == forward


def test_an_infinity_leaves_nothing_behind():
    program = ad.compile(lambda v: [ad.sqrt(v[0]) * v[1], v[1] / v[0]], 2)
    fine, bad = [1.0, 2.0], [0.0, 0.0]
    ways = (
        program.jacobian,
        lambda x: program.jacobian(x, "forward"),
        lambda x: program.vjp(x, [1.0, 1.0])[1],
        lambda x: program.jvp(x, [1.0, 1.0])[1],
    )
    before = [way(fine) for way in ways]
    for way in ways:
        assert not np.isfinite(way(bad)).all()
        assert all(np.array_equal(way(fine), want) for way, want in zip(ways, before, strict=True))
