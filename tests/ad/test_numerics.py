"""The hard places: where derivatives have broken well-known systems, and what both modes answer here."""

import functools
import itertools
import math
import threading
import warnings

import pytest
from mpmath import mp

import ad

INF, NAN = math.inf, math.nan


def forward(f):
    """The derivative of a function of one number, by a forward sweep."""
    return lambda x: ad.jvp(f, (x,), (1.0,))[1]


MODES = pytest.mark.parametrize("d", [forward, ad.grad], ids=["forward", "reverse"])
MIXTURES = pytest.mark.parametrize(
    ("d", "dd"), list(itertools.product([forward, ad.grad], repeat=2)), ids=["ff", "fr", "rf", "rr"]
)


def same(got: float, want: float) -> bool:
    assert type(got) is float
    return got == want or (math.isnan(got) and math.isnan(want))


# ---- nested derivatives ---------------------------------------------------------------------------------------------


@MIXTURES
def test_perturbations_of_different_levels_are_not_confused(d, dd):
    assert d(lambda x: x * dd(lambda y: x + y)(1.0))(1.0) == 1.0
    assert d(lambda x: x * dd(lambda y: x * y)(1.0))(4.0) == 8.0
    assert d(lambda x: dd(lambda y: x * y)(x))(4.0) == 1.0


@MIXTURES
def test_a_zero_of_an_outer_derivative_is_not_a_plain_zero(d, dd):
    # Its value is zero, but its own derivative is not.
    assert d(lambda x: dd(lambda y: x * ad.sin(y))(0.5))(0.0) == math.cos(0.5)
    assert d(lambda x: dd(lambda y: ad.sin(y) * x)(0.5))(0.0) == math.cos(0.5)
    assert d(lambda x: dd(lambda y: ad.exp(x * y))(0.5))(0.0) == 1.0
    assert d(lambda x: ad.jvp(ad.exp, (0.5,), (x,))[1])(0.0) == math.exp(0.5)
    assert d(lambda x: ad.vjp(ad.exp, 0.5)[1](x)[0])(0.0) == math.exp(0.5)


# ---- powers ---------------------------------------------------------------------------------------------------------


@MODES
@pytest.mark.parametrize("n", [0, 1, 2, 3, 5])
@pytest.mark.parametrize("kind", [int, float])
def test_derivatives_of_an_integer_power_at_zero(d, n, kind):
    f = lambda x: x ** kind(n)  # noqa: E731
    for order in range(n + 3):
        assert same(f(0.0), math.factorial(n) if order == n else 0.0) if order else f(0.0) == float(n == 0)
        f = d(f)


@MODES
@pytest.mark.parametrize(("p", "slope"), [(2.5, 0.0), (1.5, 0.0), (1.0, 1.0), (0.5, INF), (0.0, 0.0), (-1.0, -INF)])
def test_slope_of_a_real_power_at_zero(d, p, slope):
    assert same(d(lambda x: x**p)(0.0), slope)
    assert same(d(lambda x: ad.pow(x, p))(0.0), slope)


@MODES
@pytest.mark.parametrize(("a", "b", "slope"), [(0.0, 2.0, 0.0), (0.0, 0.5, 0.0), (0.0, 0.0, -INF), (1.0, 0.0, 0.0)])
def test_slope_in_the_exponent(d, a, b, slope):
    assert same(d(lambda y: a**y)(b), slope)


def test_a_power_of_zero_with_both_operands_active():
    assert ad.jacfwd(lambda v: v[0] ** v[1])([0.0, 2.0]) == [0.0, 0.0]
    assert ad.jacrev(lambda v: v[0] ** v[1])([0.0, 2.0]) == [0.0, 0.0]


@MODES
def test_a_negative_base_with_a_passive_exponent(d):
    assert d(lambda x: x**2)(-3.0) == -6.0
    assert d(lambda x: x**3.0)(-3.0) == 27.0
    assert same(d(lambda x: x**0.5)(-3.0), NAN)


def test_a_negative_base_with_an_exponent_of_zero_tangent():
    assert ad.jvp(ad.pow, (-3.0, 2.0), (1.0, 0.0)) == (9.0, -6.0)


# ---- zero and infinity ----------------------------------------------------------------------------------------------


@MODES
def test_the_branch_not_taken_does_not_poison(d):
    assert d(lambda x: ad.where(x < 1, x, ad.sqrt(x)))(0.0) == 1.0
    assert d(lambda x: ad.where(x > 0, ad.log(x), x))(0.0) == 1.0
    assert d(lambda x: ad.where(x > 0, x / 0.0, 2 * x))(0.0) == 2.0


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (ad.sqrt, 0.0),
        (ad.cbrt, 0.0),
        (ad.log, 0.0),
        (ad.log2, 0.0),
        (ad.log10, 0.0),
        (ad.log1p, -1.0),
        (ad.reciprocal, 0.0),
        (ad.asin, 1.0),
        (ad.acos, -1.0),
        (ad.acosh, 1.0),
        (ad.atanh, 1.0),
        (lambda x: x**0.5, 0.0),
        (lambda x: 1.0 / x, 0.0),
        # slopes that overflow without an exception
        (ad.reciprocal, 1e-200),
        (lambda x: 1.0 / x, 1e-200),
        (ad.log, 5e-324),
    ],
)
def test_an_infinite_slope_times_a_tangent_of_zero_is_zero(f, x):
    # A tangent of zero ...
    assert same(ad.jvp(f, (x,), (0.0,))[1], 0.0)
    # ... an adjoint of zero ...
    assert same(ad.vjp(f, x)[1](0.0)[0], 0.0)
    # ... and neither.
    assert abs(ad.jvp(f, (x,), (1.0,))[1]) == abs(ad.grad(f)(x)) == INF


@MODES
@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x: ad.sqrt(x * 0.0), 1.0),
        (lambda x: ad.sqrt(x) * 0.0, 0.0),
        (lambda x: ad.sqrt(x * 0.0) + x, 1.0),
        (lambda x: ad.sqrt(x) ** 2, 0.0),
        (lambda x: ad.relu(x) * INF, -1.0),
        (lambda x: ad.atan(1.0 / x), 1e-200),  # -1
        (lambda x: ad.cbrt(x**3), 0.0),  # 1
        (lambda x: ad.sqrt(x) - ad.sqrt(x), 0.0),
        (lambda x: ad.sqrt(2.0 * x - x), 0.0),  # infinite, by paths of both signs
    ],
)
def test_a_zero_on_the_path_of_an_infinity_is_not_taken_for_an_answer(d, f, x):
    assert math.isnan(d(f)(x))


@MODES
def test_infinite_paths_of_one_sign_are_infinite(d):
    assert d(lambda x: ad.sqrt(x) * 3.0 + x)(0.0) == INF
    assert d(lambda x: -ad.sqrt(x) - 2.0 * ad.sqrt(x))(0.0) == -INF
    assert d(lambda x: ad.sqrt(x * 1e-200 * 1e-200))(0.0) == INF  # the product underflows, its sign does not


def test_both_modes_agree_at_infinity_in_several_inputs():
    def f(v):
        return ad.sqrt(v[0]) * v[1] + v[2]

    for mode in ("forward", "reverse"):
        assert ad.jacobian(f, mode=mode)([0.0, 0.0, 1.0]) == pytest.approx([math.nan, 0.0, 1.0], nan_ok=True)
        assert ad.jacobian(f, mode=mode)([0.0, 2.0, 1.0]) == [INF, 0.0, 1.0]
        # An infinite value, too, is no obstacle to a derivative that does not go through it.
        assert ad.jacobian(lambda v: ad.log(v[0]) * v[1] + v[2], mode=mode)([0.0, 2.0, 1.0]) == [INF, -INF, 1.0]


def test_adjoints_add_up_beside_an_infinity():
    for mode in ("forward", "reverse"):
        f = lambda v: ad.sqrt(v[0]) + v[1] * v[2] + 3.0 * v[1] + ad.sin(v[1])  # noqa: E731
        assert ad.jacobian(f, mode=mode)([0.0, 0.0, 5.0]) == [INF, 9.0, 0.0]


def test_one_value_used_twice_by_an_op_is_one_edge_with_the_sum_of_both_partials():
    """Of x**x at 0.3 one partial is positive and the other negative; only their sum meets the infinite slope."""
    for mode in ("forward", "reverse"):

        def f(v):
            x = 0.3 + ad.sqrt(v[0])
            return x**x

        assert ad.jacobian(f, mode=mode)([0.0]) == [-INF]


def test_a_partial_of_zero_outweighs_what_only_overflows():
    """Every partial is finite, so the derivative is 0, although what reverse mode multiplies it by is beyond 1e308."""
    for mode in ("forward", "reverse"):
        assert ad.jacobian(lambda v: v[0] * v[0] * 1e200 * 1e200, mode=mode)([0.0]) == [0.0]


def test_an_infinite_seed_times_a_partial_of_zero_is_nan_in_both_modes():
    square = lambda x: x * x  # noqa: E731
    assert math.isnan(ad.jvp(square, (0.0,), (INF,))[1])
    assert math.isnan(ad.vjp(square, 0.0)[1](INF)[0])


def test_cotangents_of_a_value_that_is_given_twice_are_both_followed():
    def twice(x):
        y = x * x
        return [y, y]

    for cotangent in ([INF, 1.0], [1.0, INF]):
        assert math.isnan(ad.vjp(twice, 0.0)[1](cotangent)[0])


def test_a_sweep_made_again_is_one_sweep_and_counts_its_ops_again():
    f = lambda x: ad.sin(ad.sqrt(x) * 2.0) + x  # noqa: E731
    counts = []
    for x in (0.0, 1.0):
        with ad.count() as seen:
            ad.jvp(f, (x,), (1.0,))
            ad.grad(f)(x)
        counts.append(seen)
    assert counts[1] == ad.Counts(forward_sweeps=1, reverse_sweeps=1, ops=4 + 8)
    assert counts[0] == ad.Counts(forward_sweeps=1, reverse_sweeps=1, ops=4 + 4 + 8 + 4)


# ---- kinks ----------------------------------------------------------------------------------------------------------


@MODES
def test_kinks(d):
    assert d(abs)(0.0) == 0.0
    assert d(ad.abs)(-0.0) == 0.0
    assert d(ad.relu)(0.0) == 0.0
    assert d(ad.sign)(0.0) == 0.0
    assert d(lambda x: ad.hypot(x, 0.0))(0.0) == 0.0


@pytest.mark.parametrize("f", [ad.maximum, ad.minimum])
def test_a_tie_goes_half_to_each_side(f):
    for mode in ("forward", "reverse"):
        assert ad.jacobian(lambda v: f(v[0], v[1]), mode=mode)([2.0, 2.0]) == [0.5, 0.5]
        assert ad.jacobian(lambda x: f(x, 2.0), mode=mode)(2.0) == 0.5
        assert ad.jacobian(lambda x: f(2.0, x), mode=mode)(2.0) == 0.5
        assert ad.jacobian(lambda x: f(x, x), mode=mode)(2.0) == 1.0


# ---- digits and range -----------------------------------------------------------------------------------------------


@MODES
def test_slopes_keep_their_digits_far_out(d):
    with mp.workdps(60):
        tanh_20 = float(1 / mp.cosh(20) ** 2)
        sigmoid_40 = float(mp.exp(-40) / (1 + mp.exp(-40)) ** 2)
    close = functools.partial(pytest.approx, rel=1e-14, abs=0.0)
    assert d(ad.tanh)(20.0) == close(tanh_20)
    assert d(ad.tanh)(-20.0) == close(tanh_20)
    assert d(ad.sigmoid)(40.0) == close(sigmoid_40)
    assert d(ad.sigmoid)(-40.0) == close(sigmoid_40)
    assert d(ad.softplus)(-40.0) == close(math.exp(-40))


@MODES
@pytest.mark.parametrize(
    ("f", "x", "value", "slope"),
    [
        (ad.tanh, 800.0, 1.0, 0.0),
        (ad.tanh, -800.0, -1.0, 0.0),
        (ad.sigmoid, -800.0, 0.0, 0.0),
        (ad.sigmoid, 800.0, 1.0, 0.0),
        (ad.softplus, 800.0, 800.0, 1.0),
        (ad.softplus, -800.0, 0.0, 0.0),
        (ad.exp, -800.0, 0.0, 0.0),
        (ad.exp, 800.0, INF, INF),
        (ad.erf, 800.0, 1.0, 0.0),
        (ad.atan, 1e200, math.pi / 2, 0.0),
        (ad.asinh, 1e200, math.asinh(1e200), 1e-200),
        (ad.sinh, 800.0, INF, INF),
        (ad.tanh, INF, 1.0, 0.0),
        (ad.sigmoid, -INF, 0.0, 0.0),
        (ad.softplus, INF, INF, 1.0),
        (ad.log, 0.0, -INF, INF),
        (ad.sin, INF, NAN, NAN),
        (ad.exp, NAN, NAN, NAN),
    ],
)
def test_far_out(d, f, x, value, slope):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert same(f(x), value)
        assert same(d(f)(x), slope)
        if math.isfinite(value) and math.isfinite(x):
            assert math.isfinite(d(d(f))(x))


@pytest.mark.parametrize(("x", "value", "share"), [(-INF, -INF, 0.5), (INF, INF, 0.5), (-800.0, None, 0.5)])
def test_logaddexp_of_equals(x, value, share):
    assert value is None or ad.logaddexp(x, x) == value
    for mode in ("forward", "reverse"):
        assert ad.jacobian(lambda v: ad.logaddexp(v[0], v[1]), mode=mode)([x, x]) == [share, share]


@pytest.mark.parametrize(("x", "y", "slopes"), [(-INF, 1.0, [0.0, 1.0]), (2.0, -INF, [1.0, 0.0])])
def test_logaddexp_with_an_impossible_term(x, y, slopes):
    assert ad.logaddexp(x, y) == max(x, y)
    for mode in ("forward", "reverse"):
        assert ad.jacobian(lambda v: ad.logaddexp(v[0], v[1]), mode=mode)([x, y]) == slopes


@pytest.mark.parametrize(
    ("call", "want"),
    [
        (lambda: ad.log(0.0), -INF),
        (lambda: ad.log(-1.0), NAN),
        (lambda: ad.sqrt(-1.0), NAN),
        (lambda: ad.exp(1000.0), INF),
        (lambda: ad.div(1.0, 0.0), INF),
        (lambda: ad.div(-1.0, 0.0), -INF),
        (lambda: ad.div(0.0, 0.0), NAN),
        (lambda: ad.reciprocal(-0.0), -INF),
        (lambda: ad.pow(0.0, -1.0), INF),
        (lambda: ad.pow(-2.0, 0.5), NAN),
        (lambda: ad.pow(10.0, 400.0), INF),
        (lambda: ad.atanh(1.0), INF),
        (lambda: ad.asin(2.0), NAN),
        (lambda: ad.cos(INF), NAN),
        (lambda: ad.maximum(NAN, 1.0), NAN),
        (lambda: ad.maximum(1.0, NAN), NAN),
        (lambda: ad.minimum(NAN, NAN), NAN),
        (lambda: ad.sign(-0.0), -0.0),
    ],
)
def test_floats_follow_ieee_754(call, want):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert same(call(), want)
        assert math.copysign(1.0, call()) == math.copysign(1.0, want) or math.isnan(want)


# ---- sharing, inputs, threads ---------------------------------------------------------------------------------------


@MODES
def test_a_node_used_often(d):
    def f(a):
        b = a + a
        return b + b

    assert d(f)(3.0) == 4.0


def test_an_unused_input_has_derivative_zero_in_its_shape():
    f = lambda x, y: x[0] * 2.0  # noqa: E731
    point = ([1.0, 2.0], (3.0, [4.0]))
    for jacobian in (ad.jacfwd, ad.jacrev, ad.grad):
        assert jacobian(f, argnums=(0, 1))(*point) == ([2.0, 0.0], (0.0, [0.0]))
        assert jacobian(lambda x: 7.0)([1.0, 2.0]) == [0.0, 0.0]


def test_threads_share_nothing():
    n_threads, errors, barrier = 4, [], threading.Barrier(4)

    def work(k):
        def f(v):
            acc = v[0]
            for _ in range(200):
                acc = ad.sin(acc) * v[1] + v[0] * (k + 1.0)
            return acc

        point = [0.1 * k + 0.3, 0.5]
        barrier.wait()
        try:
            for _ in range(5):
                reverse, fwd = ad.jacrev(f)(point), ad.jacfwd(f)(point)
                assert reverse == pytest.approx(fwd, rel=1e-12)
                assert reverse == ad.jacrev(f)(point)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(n_threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
