"""The generated sweeps: every op with every set of active operands, in all sweeps, and sine and cosine themselves."""

import dataclasses
import itertools
import math
import random

import mpmath
import numpy as np
import pytest
from mpmath import mp
from test_ops import exact, points, unit

import ad
from ad.compiled import kernels, opcodes, sincos
from ad.compiled.opcodes import CASES
from ad.expressions import Expression

LN10 = Expression("LN10")
EVERY_CASE = pytest.mark.parametrize("case", CASES.values(), ids=lambda case: f"{case.row.name}-{case.active}")


def active_function(case, point):
    """An op as a function of its active operands alone, and those operands."""
    op = getattr(ad, case.row.name)
    if case.active == "xx":
        return lambda v: op(v[0], v[0]), point[:1]
    if len(point) == 1:
        return lambda v: op(v[0]), point
    if case.active == "xy":
        return lambda v: op(v[0], v[1]), point
    return (
        (lambda v: op(v[0], point[1]), point[:1]) if case.active == "x" else (lambda v: op(point[0], v[0]), point[1:])
    )


def exact_gradient(case, point):
    """The derivatives in the active operands, from 50 digits."""
    name, n = case.row.name, len(point)
    both = [exact(name, point, unit(k, n)) for k in range(n)]
    return [sum(both)] if case.active == "xx" else both if case.active == "xy" else [both["xy".index(case.active)]]


@EVERY_CASE
def test_every_case_against_50_digits_and_against_eager(case):
    kinks = case.row.name in ("maximum", "minimum") and case.active == "xx"
    for point in points(case.row):
        at = (point[0], point[0]) if case.active == "xx" else point
        f, x = active_function(case, at)
        program = ad.compile(f, x)
        value, gradient = program.vjp(x)
        want = [1.0] if kinks else exact_gradient(case, at)
        eager_value, eager_gradient = ad.value_and_grad(f)(list(x))
        assert abs(value - exact(case.row.name, at, (0,) * len(at))) <= case.row.tolerance * abs(value) + 1e-30
        assert value == program(x)
        assert value == pytest.approx(eager_value, rel=1e-15, abs=1e-300)
        scale = np.abs(want) + (sum(map(abs, both_partials(case, at))) if case.active == "xx" else 0.0)
        assert np.all(np.abs(gradient - want) <= case.row.tolerance * scale + 1e-30)
        assert np.all(np.abs(gradient - eager_gradient) <= 1e-14 * scale)
        for lanes in (1, 2):
            assert np.array_equal(program.gradient(x, "forward", lanes=lanes), gradient)
        assert program.jvp(x, [2.0] * len(x)) == (value, pytest.approx(2.0 * sum(gradient), rel=1e-15, abs=1e-300))


def both_partials(case, point):
    return [abs(d) for d in ad.grad(lambda v: getattr(ad, case.row.name)(*v))(list(point))]


def test_every_row_has_a_case_for_every_set_of_active_operands():
    for row in ad.OPS.values():
        if row.name != "where":
            active = {case.active for case in CASES.values() if case.row is row}
            assert active == ({"x"} if len(row.params) == 1 else {"x", "y", "xy", "xx"})
    for kind, last in opcodes.kinds().items():
        codes = [code for code, case in CASES.items() if case.kind == kind]
        assert codes == list(range(last - len(codes) + 1, last + 1))


@EVERY_CASE
def test_formulas_come_from_the_row(case):
    for k, name in enumerate(["value", "partials"]):
        row = dataclasses.replace(case.row, **{name: LN10 if name == "value" else (LN10,) * len(case.row.partials)})
        changed = dataclasses.replace(case, row=row, partials=(LN10,) * len(case.partials) if k else case.partials)
        for lines in (kernels._values_case, kernels._forward_case, kernels._record_case):
            if k and (lines is kernels._values_case or "p" not in changed.kind):
                continue
            assert any("LN10" in line for line in lines(0, changed))


# ---- sine and cosine ------------------------------------------------------------------------------------------------


def hard_arguments():
    rng = random.Random(1)
    quarters = [k * math.pi / 2 for k in range(-650, 651, 7)] + [k * math.pi / 4 for k in range(1, 60)]
    near = [math.nextafter(q, side) for q in quarters for side in (-math.inf, math.inf)]
    spread = [rng.uniform(-r, r) for r in (1e-8, 0.8, 4.0, 100.0, sincos.LIMIT) for _ in range(200)]
    rounded = [  # where the remainder is coarser than the result
        k * math.pi / 2 + rng.uniform(low, high)
        for k in range(-650, 651, 13)
        for low, high in ((0.25, 0.2527), (0.5, 0.5236), (-0.5236, -0.5))
    ]
    edges = [sincos.LIMIT, -sincos.LIMIT, math.nextafter(sincos.LIMIT, 0.0), 1e5, 1e22, 5e-324, 1e-300]
    return quarters + near + spread + rounded + edges


def test_sine_and_cosine_are_within_one_unit_in_the_last_place():
    x = np.array(hard_arguments())
    program = ad.compile(lambda v: [f(a) for a in v for f in (ad.sin, ad.cos)], x)
    got = program(x).reshape(-1, 2)
    with mp.workprec(1200):
        for a, row in zip(x.tolist(), got.tolist(), strict=True):
            for f, value in zip((mpmath.sin, mpmath.cos), row, strict=True):
                want = f(mp.mpf(a))
                assert abs(value - want) < math.ulp(float(want)), a


def test_sine_and_cosine_where_there_is_nothing_to_reduce():
    program = ad.compile(lambda v: [ad.sin(v[0]), ad.cos(v[0])], 1)
    assert math.copysign(1.0, program([-0.0])[0]) == -1.0
    assert program([0.0]).tolist() == [0.0, 1.0]
    for x in (math.inf, -math.inf, math.nan):
        assert np.all(np.isnan(program([x])))


# ---- zero and infinity ----------------------------------------------------------------------------------------------

SINGULAR = [
    (ad.sqrt, 0.0), (ad.cbrt, 0.0), (ad.log, 0.0), (ad.log2, 0.0), (ad.log10, 0.0), (ad.log1p, -1.0), (ad.asin, 1.0),
    (ad.acos, -1.0), (ad.acosh, 1.0), (ad.atanh, 1.0), (ad.reciprocal, 0.0), (lambda x: x**0.5, 0.0),
    (lambda x: 1.0 / x, 0.0), (lambda x: x / 0.0, 1.0),
]  # fmt: skip


@pytest.mark.parametrize(("f", "x"), SINGULAR)
def test_a_zero_tangent_or_adjoint_contributes_zero_where_the_partial_is_infinite(f, x):
    program = ad.compile(lambda v: [f(v[0]) + v[1], v[1]], [x, 1.0])
    point = [x, 1.0]
    assert program.jvp(point, [0.0, 1.0])[1].tolist() == [1.0, 1.0]
    assert program.jvps(point, [[0.0, 1.0], [0.0, 2.0]])[:, 0].tolist() == [1.0, 2.0]
    assert program.vjp(point, [0.0, 1.0])[1].tolist() == [0.0, 1.0]
    slope = ad.jacrev(lambda v: f(v[0]))([x])[0]
    for got in (
        program.jacobian(point),
        program.jacobian(point, "forward"),
        program.jacobian(point, "forward", lanes=1),
    ):
        assert got[0].tolist() == pytest.approx([slope, 1.0], nan_ok=True)


HARD = [
    (lambda v: v[0] ** 0, 0.0, 0.0), (lambda v: v[0] ** 2, 0.0, 0.0), (lambda v: v[0] ** 1.0, 0.0, 1.0),
    (lambda v: v[0] ** 0.5, 0.0, math.inf), (lambda v: 0.0 ** v[0], 2.0, 0.0), (lambda v: abs(v[0]), 0.0, 0.0),
    (lambda v: ad.maximum(v[0], 1.0), 1.0, 0.5), (lambda v: ad.minimum(v[0], 1.0), 1.0, 0.5),
    (lambda v: ad.maximum(v[0], v[0]), 1.0, 1.0), (lambda v: ad.relu(v[0]), 0.0, 0.0),
    (lambda v: ad.tanh(v[0]), 20.0, 1.6993417021166355e-17), (lambda v: ad.sigmoid(v[0]), 40.0, 4.248354255291589e-18),
    (lambda v: ad.tanh(v[0]), 800.0, 0.0), (lambda v: ad.sigmoid(v[0]), -800.0, 0.0),
    (lambda v: ad.softplus(v[0]), 800.0, 1.0), (lambda v: ad.softplus(v[0]), -800.0, 0.0),
    (lambda v: ad.where(v[0] < 1, v[0], ad.sqrt(v[0])), 0.0, 1.0), (lambda v: ad.hypot(v[0], 0.0), 0.0, 0.0),
    (lambda v: ad.logaddexp(v[0], -math.inf), 3.0, 1.0),
    (lambda v: ad.logaddexp(v[0], v[0]), -math.inf, 1.0),
]  # fmt: skip


@pytest.mark.parametrize(("f", "x", "slope"), HARD)
def test_hard_places(f, x, slope):
    program = ad.compile(f, [x])
    assert not math.isnan(program([x]))
    for mode, lanes in (("reverse", None), ("forward", 1), ("forward", 2)):
        assert program.gradient([x], mode, lanes=lanes) == pytest.approx(slope, rel=1e-13, abs=0.0)


def test_a_node_used_often():
    program = ad.compile(lambda v: (lambda b: b + b)(v[0] + v[0]), [1.5])
    assert program.gradient([1.5]).tolist() == program.gradient([1.5], "forward").tolist() == [4.0]


def test_wide_and_narrow_instructions_agree():
    n = 66_000  # values that are alive at the same time, more than 16 bits can name
    x = np.linspace(0.1, 2.0, n)

    def f(v):
        values = [a * a for a in v]
        return [sum(itertools.islice(reversed(values), n), 0.0), values[0]]

    program = ad.compile(f, x)
    assert program.n_slots > 1 << 16
    assert program(x) == pytest.approx([np.sum(x * x), x[0] ** 2], rel=1e-12)
    tangent = np.cos(np.arange(n))
    assert program.jvp(x, tangent)[1][0] == pytest.approx(np.sum(2 * x * tangent), rel=1e-12)
    gradient = program.vjp(x, [1.0, 1.0])[1]
    assert np.allclose(gradient, 2 * x * np.where(np.arange(n) == 0, 2, 1), rtol=1e-15, atol=0)
    assert np.array_equal(program.forward_block(x, n - 3, n)[0], gradient[-3:])
