"""The transforms: signatures, containers, errors, nesting."""

import itertools
import math
from typing import NamedTuple

import mpmath
import numpy as np
import pytest
from mpmath import mp

import ad


class Point(NamedTuple):
    x: float
    y: float


JACOBIANS = pytest.mark.parametrize("jac", [ad.jacfwd, ad.jacrev], ids=["forward", "reverse"])


def paraboloid(x, y):
    return x * x * y + y


# ---- values, shapes -------------------------------------------------------------------------------------------------


def test_jvp():
    assert ad.jvp(paraboloid, (3.0, 2.0), (1.0, 10.0)) == (20.0, 12.0 + 100.0)
    assert ad.jvp(paraboloid, [3.0, 2.0], [1.0, 0.0]) == (20.0, 12.0)


def test_vjp():
    value, pullback = ad.vjp(paraboloid, 3.0, 2.0)
    assert value == 20.0
    assert pullback(1.0) == (12.0, 10.0)


def test_a_pullback_can_be_called_again():
    value, pullback = ad.vjp(lambda x, y: [x * y, x + y, y], 3.0, 2.0)
    assert value == [6.0, 5.0, 2.0]
    first = pullback([1.0, 0.0, 0.0])
    assert first == (2.0, 3.0)
    assert pullback([0.0, 1.0, 0.0]) == (1.0, 1.0)
    assert pullback([0.0, 0.0, 5.0]) == (0.0, 5.0)
    assert pullback([1.0, 1.0, 5.0]) == (3.0, 9.0)
    assert pullback([1.0, 0.0, 0.0]) == first


def test_grad_and_value_and_grad():
    assert ad.grad(paraboloid)(3.0, 2.0) == 12.0
    assert ad.grad(paraboloid, argnums=1)(3.0, 2.0) == 10.0
    assert ad.grad(paraboloid, argnums=-1)(3.0, 2.0) == 10.0
    assert ad.grad(paraboloid, argnums=(1, 0))(3.0, 2.0) == (10.0, 12.0)
    assert ad.grad(paraboloid, (0,))(3.0, 2.0) == (12.0,)
    assert ad.value_and_grad(paraboloid)(3.0, 2.0) == (20.0, 12.0)
    assert ad.value_and_grad(paraboloid, argnums=(0, 1))(3.0, 2.0) == (20.0, (12.0, 10.0))


@JACOBIANS
def test_jacobian_of_one_number(jac):
    assert jac(ad.square)(3.0) == 6.0
    assert jac(lambda x: [x, x * x, 7.0])(3.0) == [1.0, 6.0, 0.0]
    assert jac(lambda x: (x, [x * x]))(3.0) == (1.0, [6.0])


@JACOBIANS
def test_jacobian_of_lists(jac):
    f = lambda v: [v[0] * v[1], v[0] + 2 * v[1], v[1] * v[1]]  # noqa: E731
    assert jac(f)([3.0, 5.0]) == [[5.0, 3.0], [1.0, 2.0], [0.0, 10.0]]


@JACOBIANS
def test_jacobian_of_several_arguments(jac):
    assert jac(paraboloid, argnums=(0, 1))(3.0, 2.0) == (12.0, 10.0)
    assert jac(lambda x, y: [x, x * y], argnums=(1, 0))(3.0, 2.0) == [(0.0, 1.0), (3.0, 2.0)]
    assert jac(lambda x, y: [x, x * y], argnums=-1)(3.0, 2.0) == [0.0, 3.0]


def test_jacobian_by_name_of_the_mode():
    f = lambda v: [v[0] * v[1], v[0]]  # noqa: E731
    with ad.count() as forward:
        assert ad.jacobian(f, mode="forward")([3.0, 5.0]) == [[5.0, 3.0], [1.0, 0.0]]
    with ad.count() as reverse:
        assert ad.jacobian(f)([3.0, 5.0]) == ad.jacobian(f, 0, mode="reverse")([3.0, 5.0])
    assert (forward.forward_sweeps, forward.reverse_sweeps) == (2, 0)
    assert (reverse.forward_sweeps, reverse.reverse_sweeps) == (0, 4)


def test_hessian_and_hvp():
    f = lambda v: v[0] * v[0] * v[1] + ad.exp(v[1])  # noqa: E731
    x, y, e = 3.0, 2.0, math.exp(2.0)
    assert ad.hessian(f)([x, y]) == [[2 * y, 2 * x], [2 * x, e]]
    assert ad.hvp(f, ([x, y],), ([1.0, 0.0],)) == [2 * y, 2 * x]
    assert ad.hvp(f, ([x, y],), ([0.5, 2.0],)) == [y + 4 * x, x + 2 * e]
    assert ad.hessian(paraboloid, argnums=(0, 1))(3.0, 2.0) == ((4.0, 6.0), (6.0, 0.0))
    assert ad.hessian(paraboloid, argnums=1)(3.0, 2.0) == 0.0


@pytest.mark.parametrize("gradient", [ad.grad, ad.jacrev, ad.jacfwd])
def test_containers_keep_their_shape_and_type(gradient):
    tree = [1.0, (2.0, [3.0, Point(4.0, 5.0)]), [], ()]

    def f(t):
        assert type(t[1][1][1]) is Point
        return t[0] * 10 + t[1][0] * 20 + t[1][1][0] * 30 + t[1][1][1].x * 40 + t[1][1][1].y * 50

    got = gradient(f)(tree)
    assert got == [10.0, (20.0, [30.0, Point(40.0, 50.0)]), [], ()]
    assert type(got[1][1][1]) is Point


def test_containers_as_outputs():
    f = lambda x: Point(x, [x * x, ()])  # noqa: E731
    value, tangent = ad.jvp(f, (3.0,), (1.0,))
    assert (value, tangent) == (Point(3.0, [9.0, ()]), Point(1.0, [6.0, ()]))
    assert type(tangent) is Point
    value, pullback = ad.vjp(f, 3.0)
    assert type(value) is Point
    assert pullback(Point(1.0, [10.0, ()])) == (61.0,)
    for jac in (ad.jacfwd, ad.jacrev):
        assert jac(f)(3.0) == Point(1.0, [6.0, ()])


def test_arguments_are_passed_on_as_they_are():
    seen = []

    def f(x, data, *rest, scale, name="f"):
        seen.append((data, rest, name))
        return x * scale

    data = {"any": object()}
    for transform in (ad.grad, ad.jacfwd, ad.jacrev):
        assert transform(f)(3.0, data, "rest", scale=2, name="g") == 2.0
    assert ad.value_and_grad(f)(3.0, data, "rest", scale=2.5, name="g") == (7.5, 2.5)
    assert seen == [(data, ("rest",), "g")] * 4


def test_the_inputs_are_not_changed():
    point = [1.0, [2.0, 3.0]]
    ad.grad(lambda v: v[0] * v[1][0] * v[1][1])(point)
    ad.jacfwd(lambda v: v[0] * v[1][0] * v[1][1])(point)
    assert point == [1.0, [2.0, 3.0]]


def test_a_function_may_change_its_list():
    def f(v):
        v[0] = v[0] * v[1]
        v.append(v[0] + 1)
        return v[-1]

    for gradient in (ad.grad, ad.jacfwd, ad.jacrev):
        assert gradient(f)([3.0, 2.0]) == [2.0, 3.0]


# ---- constants, nothing ---------------------------------------------------------------------------------------------


def test_constant_outputs():
    assert ad.jvp(lambda x: 5, (1.0,), (1.0,)) == (5.0, 0.0)
    assert ad.vjp(lambda x: [5, x], 1.0)[1]([3.0, 0.0]) == (0.0,)
    assert ad.grad(lambda x: 5)([1.0, 2.0]) == [0.0, 0.0]
    assert ad.value_and_grad(lambda x: 5)([1.0, 2.0]) == (5.0, [0.0, 0.0])
    for jac in (ad.jacfwd, ad.jacrev):
        assert jac(lambda x: [5, 6.0])([1.0, 2.0]) == [[0.0, 0.0], [0.0, 0.0]]


def test_the_input_itself_as_output():
    assert ad.jvp(lambda x: x, ([1.0, 2.0],), ([3.0, 4.0],)) == ([1.0, 2.0], [3.0, 4.0])
    assert ad.grad(lambda x: x)(1.0) == 1.0
    for jac in (ad.jacfwd, ad.jacrev):
        assert jac(lambda v: v)([1.0, 2.0]) == [[1.0, 0.0], [0.0, 1.0]]
        assert jac(lambda v: [v[0], v[0]])([1.0, 2.0]) == [[1.0, 0.0], [1.0, 0.0]]


@pytest.mark.parametrize("empty", [[], (), [[], ()]])
def test_no_inputs(empty):
    assert ad.grad(lambda v: 3.0)(empty) == empty
    assert ad.jvp(lambda v: 3.0, (empty,), (empty,)) == (3.0, 0.0)
    assert ad.vjp(lambda v: 3.0, empty)[1](1.0) == (empty,)
    for jac in (ad.jacfwd, ad.jacrev):
        assert jac(lambda v: [1.0, 2.0])(empty) == [empty, empty]
    assert ad.jvp(lambda: 3.0, (), ()) == (3.0, 0.0)
    assert ad.vjp(lambda: 3.0)[1](1.0) == ()


@JACOBIANS
def test_no_outputs(jac):
    assert jac(lambda v: [])([1.0, 2.0]) == []
    assert jac(lambda v: ((), []))([1.0, 2.0]) == ((), [])


# ---- nesting --------------------------------------------------------------------------------------------------------


def forward(f):
    return lambda x: ad.jvp(f, (x,), (1.0,))[1]


def by_columns(f):
    return ad.jacfwd(f)


def reverse(f):
    return ad.grad(f)


def by_pullback(f):
    return lambda x: ad.vjp(f, x)[1](1.0)[0]


CURVE = lambda xp, x: xp.sin(x * x) / (1 + xp.exp(-x)) + xp.sqrt(x) * x**3  # noqa: E731


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_derivatives_of_every_order_in_every_mixture(order):
    x = 0.7
    with mp.workdps(50):
        exact = float(mpmath.diff(lambda x: CURVE(mp, x), mp.mpf(x), order))
    for mixture in itertools.product((forward, reverse), repeat=order):
        f = lambda x: CURVE(ad, x)  # noqa: E731
        for d in mixture:
            f = d(f)
        assert f(x) == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize("mixture", list(itertools.product((forward, by_columns, reverse, by_pullback), repeat=3)))
def test_every_transform_nests_in_every_other(mixture):
    f = lambda x: ad.exp(2 * x) * x  # noqa: E731
    for d in mixture:
        f = d(f)
    assert f(0.5) == pytest.approx((8 * 0.5 + 12) * math.exp(1.0), rel=1e-14)


@pytest.mark.parametrize(("inner", "outer"), list(itertools.product([ad.jacfwd, ad.jacrev], repeat=2)))
def test_second_derivatives_are_symmetric_in_every_mixture(inner, outer):
    f = lambda v: ad.sin(v[0] * v[1]) * ad.exp(v[2]) / v[1]  # noqa: E731
    h = outer(inner(f))([0.3, 1.2, -0.4])
    assert h == [pytest.approx([h[j][k] for j in range(3)], rel=1e-13) for k in range(3)]
    assert h == [pytest.approx(row, rel=1e-13) for row in ad.hessian(f)([0.3, 1.2, -0.4])]


def test_comparisons_hold_at_every_level():
    def f(x):
        assert x > 1
        assert 1.0 < x <= 1.5
        assert x >= 1.5
        assert not x > 1.5
        assert not x < 1.5
        assert x == 1.5
        assert x != 2
        assert x
        return x * x if x >= 1.5 else x

    for d, dd in itertools.product((forward, reverse), repeat=2):
        assert d(dd(f))(1.5) == 2.0


def test_branches_and_loops_follow_the_primal():
    def power(x, n):
        out = 1.0
        while n > 0:
            out, n = out * x, n - 1
        return out

    for d in (forward, reverse):
        assert d(lambda x: power(x, 4))(2.0) == 32.0
        assert d(lambda x: max(x, 3 * x, 5))(2.0) == 3.0
        assert d(lambda x: sum([x, x * x, 1]))(2.0) == 5.0
        assert d(lambda x: abs(-x) + +x)(2.0) == 2.0


# ---- levels ---------------------------------------------------------------------------------------------------------

MIXTURES = pytest.mark.parametrize(("d", "dd"), list(itertools.product([forward, reverse], repeat=2)))


@MIXTURES
def test_a_closure_over_the_outer_variable(d, dd):
    # x * d/dy (x y^2) at y = x is 2 x^3, so 6 x^2.
    assert d(lambda x: x * dd(lambda y: x * y * y)(x))(3.0) == 54.0
    # The inner derivative holds the outer one fixed.
    assert d(lambda x: x * dd(lambda y: x * x)(x))(3.0) == 0.0


@MIXTURES
def test_a_value_that_leaks_out_of_an_inner_derivative_is_refused(d, dd):
    def f(x):
        leaked = []
        dd(lambda y: (leaked.append(y), y * x)[1])(3.0)
        return x * leaked[0]

    with pytest.raises(
        ValueError, match=r"^mul: got a (Dual|Var) left over from a derivative that has ended, expected a number or a"
    ):
        d(f)(2.0)


@MIXTURES
@pytest.mark.parametrize("use", [lambda x, old: x * old, lambda x, old: old, lambda x, old: x + 2.0 * old])
def test_a_value_that_leaks_into_a_later_derivative_is_refused(d, dd, use):
    leaked = []
    assert dd(lambda y: (leaked.append(y), y * y)[1])(3.0) == 6.0
    with pytest.raises(ValueError, match="left over from a derivative that has ended"):
        d(lambda x: use(x, leaked[0]))(2.0)
    with pytest.raises(ValueError, match="left over from a derivative that has ended"):
        d(lambda x: x)(leaked[0])


def test_handmade_duals_pass_through_a_derivative():
    # d/dx (x^3) = 3 x^2, and its derivative in turn along the handmade tangent.
    for d in (forward, reverse):
        out = d(lambda x: x * x * x)(ad.Dual(2.0, 1.0))
        assert (out.primal, out.tangent) == (12.0, 12.0)


def test_a_tape_inside_a_derivative():
    def f(x):
        tape = ad.Tape()
        y = tape.input(x)
        z = ad.sin(y) * x
        tape.sweep(z)
        return y.adjoint  # cos(x) x

    for d in (forward, reverse):
        assert d(f)(0.5) == pytest.approx(math.cos(0.5) - 0.5 * math.sin(0.5), rel=1e-15)


def test_numbers_of_numpy_become_those_of_python_before_the_function_is_called():
    seen = []

    def f(x):
        seen.extend(type(getattr(each, "primal", each)) for each in x)
        return x[0] * x[1]

    for derivative in (ad.grad(f), ad.jacfwd(f)):
        assert derivative([np.float64(3.0), 2.0]) == [2.0, 3.0]
    assert set(seen) == {float}
