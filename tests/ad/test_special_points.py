"""Every row at the points where derivatives break: zero, ties, tiny and large arguments, at orders one to three.

A row is tried wherever its op is smooth, in every mixture of modes, eager and compiled, against mpmath.
"""

import functools
import itertools
import math

import pytest
from mpmath import mp
from test_ops import EVERY_ROW, independent, unit

import ad
from ad import ops

OPEN = {
    ops.REAL: lambda x: True,
    ops.NONZERO: lambda x: x != 0.0,
    ops.POSITIVE: lambda x: x > 0.0,
    ops.UNIT: lambda x: abs(x) < 1.0,
    ops.ABOVE_ONE: lambda x: x > 1.0,
    ops.ABOVE_MINUS_ONE: lambda x: x > -1.0,
}
"""Where an op of each sampling domain is smooth."""

GRID = (0.0, 1e-100, -1e-100, 1e-8, -1e-8, 0.5, -0.5, 1.0, -1.0, 1.5, 19.0, -20.0, 40.0, -40.0, 700.0, -720.0, 1e9)
PAIRS = (
    *((0.0, 0.0), (1.0, 1.0), (-2.0, -2.0), (40.0, 40.0), (-720.0, -720.0), (0.0, 1.0), (1.0, 0.0), (0.5, -0.5)),
    *((1e-8, 1.0), (1.0, 1e-8), (1e-8, 1e-8), (800.0, -800.0), (-3.0, 3.0), (1e-100, 1e-100), (2.0, -1e-8), (3.0, 2.0)),
)
KINKS = {
    "hypot": lambda x, y: (x, y) == (0.0, 0.0),
    "atan2": lambda x, y: (x, y) == (0.0, 0.0) or (x == 0.0 and y < 0.0),
    "maximum": lambda x, y: x == y,
    "minimum": lambda x, y: x == y,
}
"""Points of an op of two operands where it is not smooth although each operand is inside its domain."""


def points(row):
    domains = [row.domain[p] for p in row.operands]
    if row.name in KINKS:
        return [p for p in PAIRS if not KINKS[row.name](*p)]
    smooth = [OPEN.get(domain, lambda x: abs(x) < 1.5) for domain in domains]
    grid = [(x,) for x in GRID] if len(domains) == 1 else PAIRS
    return [p for p in grid if all(inside(x) for inside, x in zip(smooth, p, strict=True))]


STEP = 220
"""Decimal digits of the step of differences; far below the smallest of the points."""


@functools.cache
def exact(name, point, orders):
    """A derivative by central differences in 1,000 digits."""
    with mp.workdps(1000):
        f, h = independent(name), mp.mpf(10) ** -STEP
        total = mp.mpf(0)
        for steps in itertools.product(*(range(order + 1) for order in orders)):
            weight = math.prod((-1) ** s * math.comb(order, s) for s, order in zip(steps, orders, strict=True))
            at = (x + (mp.mpf(order) / 2 - s) * h for x, s, order in zip(point, steps, orders, strict=True))
            total += weight * f(*at)
        return float(total / h ** sum(orders))


def push(f, k):
    return lambda *v: ad.jvp(f, v, tuple(float(e) for e in unit(k, len(v))))[1]


def pull(f, k):
    return lambda *v: ad.vjp(f, *v)[1](1.0)[k]


def compiled(mode):
    def derivative(f, k):
        def at(*v):
            program = ad.compile(lambda u: f(*u), list(v))
            if mode == "forward":
                return float(program.jvp(v, [float(e) for e in unit(k, len(v))])[1])
            return float(program.gradient(v)[k])

        return at

    return derivative


def assert_derivative(got, row, point, orders, what):
    want = exact(row.name, point, orders)
    order = sum(orders)
    # A partial may be a difference of products of others, so these set the scale of its error, too.
    others = [o for o in itertools.product(range(order + 1), repeat=len(orders)) if 0 < sum(o) <= order]
    scale = max(abs(exact(row.name, point, o)) for o in others)
    message = f"{row.name}{point} in {orders}, {what}: {got!r}, expected {want!r}"
    if math.isinf(want) or scale > 1e290:
        assert not math.isfinite(got) or abs(got) > 1e280 or got == pytest.approx(want, rel=1e-9), message
    else:
        assert abs(got - want) <= 1e-12 * scale + 1e-290, message


@pytest.mark.parametrize("order", [1, 2, 3])
@EVERY_ROW
def test_every_row_at_special_points(row, order):
    f, n = getattr(ad, row.name), len(row.operands)
    for point in points(row):
        for ks in itertools.combinations_with_replacement(range(n), order):
            orders = tuple(ks.count(k) for k in range(n))
            for modes in itertools.product((push, pull), repeat=order):
                g = f
                for mode, k in zip(modes, ks, strict=True):
                    g = mode(g, k)
                assert_derivative(g(*point), row, point, orders, [mode.__name__ for mode in modes])


@pytest.mark.parametrize("mode", ["forward", "reverse"])
@EVERY_ROW
def test_compiled_derivatives_at_special_points(row, mode):
    f, n = getattr(ad, row.name), len(row.operands)
    for point in points(row):
        for k in range(n):
            assert_derivative(compiled(mode)(f, k)(*point), row, point, unit(k, n), f"compiled {mode}")
            for j, inner in itertools.product(range(n), (push, pull)):
                orders = tuple(a + b for a, b in zip(unit(j, n), unit(k, n), strict=True))
                got = compiled(mode)(inner(f, j), k)(*point)
                assert_derivative(got, row, point, orders, f"compiled {mode} over {inner.__name__}")


def test_the_hessian_is_symmetric_where_the_slope_in_the_exponent_begins():
    for y in (2.0, 1.0, 3.5):
        hessian = ad.hessian(lambda v: v[0] ** v[1])([0.0, y])
        assert hessian[0][1] == hessian[1][0]


@pytest.mark.parametrize("a", [0.0, 1.0, -3.0, 40.0, -745.0])
def test_the_hessian_of_logaddexp_at_a_tie(a):
    want = [[0.25, -0.25], [-0.25, 0.25]]
    for derivative in (ad.hessian, lambda f: ad.jacrev(ad.jacrev(f)), lambda f: ad.jacfwd(ad.jacfwd(f))):
        assert derivative(lambda v: ad.logaddexp(v[0], v[1]))([a, a]) == want
