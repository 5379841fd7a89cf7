"""The checks: they pass what is right and fail, loudly, what is wrong in each of several ways."""

import math

import pytest

import ad


def right(v, w):
    return [ad.sin(v[0]) * v[1] + ad.exp(v[1]) / w, ad.tanh(w) * v[0]]


POINT = ([1.2, 0.7], 2.0)


def with_partial(partial):
    """y = x**3 with a partial of one's own, in both modes."""

    def f(x):
        if not isinstance(x, ad.Dual | ad.Var):
            return x**3
        primal = x.primal
        return partial(primal) * (x - primal) + primal**3

    return f


@pytest.mark.parametrize("check", [ad.check_jvp, ad.check_vjp, ad.check_adjoint, ad.check_derivatives])
def test_right_derivatives_pass(check):
    check(right, POINT)
    check(with_partial(lambda p: 3 * p * p), (1.5,))


def test_many_inputs_and_higher_orders_pass():
    ad.check_vjp(lambda v: sum((ad.sin(x) * x for x in v), 0.0), ([0.1 * k for k in range(40)],))
    ad.check_derivatives(right, POINT, order=3)


@pytest.mark.parametrize("check", [ad.check_jvp, ad.check_vjp])
@pytest.mark.parametrize(
    ("partial", "message"),
    [
        (lambda p: 3.0001 * p * p, r"expected .* \(off by"),
        (lambda p: -3 * p * p, r"expected .* \(off by"),
        (lambda p: 0.0 * p, "is zero, expected"),
        (lambda _: math.nan, "is nan, expected"),
        (lambda _: math.inf, "is (inf|nan|-inf), expected"),
    ],
    ids=["slightly off", "wrong sign", "zero", "nan", "inf"],
)
def test_wrong_derivatives_fail(check, partial, message):
    with pytest.raises(ad.DerivativeError, match=message):
        check(with_partial(partial), (1.5,))


def test_one_wrong_input_among_many_fails():
    def f(v):
        total = v[7].primal if isinstance(v[7], ad.Var) else v[7]  # detached: its derivative is lost
        for k, x in enumerate(v):
            if k != 7:
                total = total + ad.sin(x)
        return total

    with pytest.raises(ad.DerivativeError, match="vjp: component"):
        ad.check_vjp(f, ([0.1 * k for k in range(30)],))


def test_few_inputs_are_checked_one_by_one():
    """The input whose partial is lost is named."""

    def f(v):
        return v[0] * v[1] + (v[2].primal if isinstance(v[2], ad.Var) else v[2])

    with pytest.raises(ad.DerivativeError, match="vjp: component 2 is zero, expected"):
        ad.check_vjp(f, ([1.0, 2.0, 3.0],))


def test_modes_that_disagree_fail_the_adjoint_identity():
    def f(x):
        return 2.0 * x if isinstance(x, ad.Dual) else 2.001 * x

    with pytest.raises(ad.DerivativeError, match=r"adjoint identity: .* they differ by"):
        ad.check_adjoint(f, (1.5,))


def test_nan_fails_the_adjoint_identity():
    with pytest.raises(ad.DerivativeError, match=r"adjoint identity: .*nan"):
        ad.check_adjoint(with_partial(lambda _: math.nan), (1.5,))


def test_a_wrong_second_derivative_is_found_at_order_two_only():
    def f(x):  # cubic, but every derivative after the first sees its slope as constant
        if isinstance(x, ad.Dual | ad.Var):
            p = x
            while isinstance(p, ad.Dual | ad.Var):
                p = p.primal
            return 3 * p * p * (x - p) + p**3
        return x**3

    ad.check_derivatives(f, (1.5,), order=1)
    with pytest.raises(ad.DerivativeError):
        ad.check_derivatives(f, (1.5,), order=2)


def test_a_kink_is_not_called_right():
    with pytest.raises(ad.DerivativeError):
        ad.check_jvp(ad.relu, (0.0,))


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match=r"tangents: got tuple\(list of 1 number,.*expected the shape of the primals"):
        ad.check_jvp(right, POINT, tangents=([1.0], 2.0))
    with pytest.raises(
        ValueError, match="cotangent: got a number, expected the shape of the output, list of 2 numbers"
    ):
        ad.check_vjp(right, POINT, cotangent=1.0)
    with pytest.raises(ValueError, match="order: got 0, expected a positive int"):
        ad.check_derivatives(right, POINT, order=0)
