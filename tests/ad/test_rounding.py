"""`ad.rounding_error` against what rounding really did, known from 60 digits; and where it says they were lost."""

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest

import ad
from ad.active import functions

EPS = 2.0**-52


def naive_root(a, b, c):
    return (-b + ad.sqrt(b * b - 4 * a * c)) / (2 * a)


def stable_root(a, b, c):
    return -2 * c / (b + ad.sqrt(b * b - 4 * a * c))


def root_in_digits(a, b, c):
    a, b, c = map(mpmath.mpf, (a, b, c))
    return (-b + mpmath.sqrt(b * b - 4 * a * c)) / (2 * a)


def one_pass(x):
    return np.sum(x * x) / len(x) - (np.sum(x) / len(x)) ** 2


def two_pass(x):
    d = x - np.sum(x) / len(x)
    return np.sum(d * d) / len(x)


def variance_in_digits(x):
    exact = [Fraction(float(v)) for v in x]
    mean = sum(exact) / len(exact)
    return sum((v - mean) ** 2 for v in exact) / len(exact)


def recurrence(y, steps):
    """Integrals of x^n / (x + 5) over [0, 1]: y_n = 1/n - 5 y_(n-1), which multiplies an error by -5 each time."""
    for n in range(1, steps + 1):
        y = 1 / n - 5 * y
    return y


def recurrence_in_digits(y, steps):
    y = mpmath.mpf(y)
    for n in range(1, steps + 1):
        y = mpmath.mpf(1 / n) - 5 * y
    return y


def python_one_pass(x):
    squares = total = 0.0
    for v in x:
        squares = squares + v * v
        total = total + v
    return squares / len(x) - (total / len(x)) * (total / len(x))


def coefficients(rng):
    return float(rng.uniform(0.5, 2)), float(10.0 ** rng.uniform(0.5, 7)), float(rng.uniform(0.1, 1))


def measurements(rng):
    return (10.0 ** rng.uniform(0, 5) + rng.normal(size=int(rng.integers(5, 200))),)


def on_a_list(f):
    return lambda rng: (f(rng)[0].tolist(),)


def begun(rng):
    return float(rng.uniform(0.1, 0.2)), int(rng.integers(1, 25))


CASES = {
    "the root of a quadratic": (naive_root, root_in_digits, coefficients),
    "the same, rewritten": (stable_root, root_in_digits, coefficients),
    "variance in one pass": (one_pass, variance_in_digits, measurements),
    "variance in one pass, on numbers": (python_one_pass, variance_in_digits, on_a_list(measurements)),
    "variance in two passes": (two_pass, variance_in_digits, measurements),
    "a recurrence": (recurrence, recurrence_in_digits, begun),
}


@pytest.mark.parametrize(("f", "in_digits", "sample"), CASES.values(), ids=CASES)
def test_the_estimate_is_above_the_error_and_not_far_above(f, in_digits, sample):
    rng = np.random.default_rng(3)
    errors, estimates = [], []
    for _ in range(30):
        x, *constants = sample(rng) if f is recurrence else (sample(rng),)
        args = x if isinstance(x, tuple) else (x,)
        report = ad.rounding_error(lambda *x: f(*x, *constants))(*args)  # noqa: B023  # called at once
        with mpmath.workdps(60):
            exact = in_digits(*args, *constants)
            exact = mpmath.mpf(exact.numerator) / exact.denominator if isinstance(exact, Fraction) else exact
            errors.append(float(abs(report.value - exact)))
        estimates.append(report.error)
    errors, estimates = np.array(errors), np.array(estimates)
    assert (errors <= estimates).all()
    assert (errors > 0).sum() > 10
    assert np.median(estimates[errors > 0] / errors[errors > 0]) < 100


def test_solving_with_an_ill_conditioned_matrix():
    n = 8
    hilbert = np.array([[1 / (i + j + 1) for j in range(n)] for i in range(n)])
    report = ad.rounding_error(lambda a, b: np.sum(np.linalg.solve(a, b)))(hilbert, np.ones(n))
    with mpmath.workdps(60):
        solved = mpmath.lu_solve(mpmath.matrix(hilbert.tolist()), mpmath.matrix([1.0] * n))
        error = float(abs(report.value - sum(solved)))
    assert error <= report.error <= 1e6 * error
    assert report.losses[0].op == "solve"
    assert report.digits < 12


def test_the_line_that_loses_the_digits_is_named():
    report = ad.rounding_error(naive_root)(1.0, 1e7, 1.0)
    first = report.losses[0]
    assert first.file == __file__
    assert first.source == "return (-b + ad.sqrt(b * b - 4 * a * c)) / (2 * a)"
    assert first.op == "sqrt"
    # Both operands of the sum are 1e7 and the sum is 2e-7: relative to it, an error in one of them is 5e13 as large.
    assert first.amplified == pytest.approx(5e13, rel=0.02)
    assert report.digits < 3
    assert ad.rounding_error(stable_root)(1.0, 1e7, 1.0).digits > 15


def test_ops_of_one_line_are_told_together():
    report = ad.rounding_error(lambda y: recurrence(y, 20))(0.18)
    by_op = {loss.op: loss for loss in report.losses}
    assert by_op["mul"].nodes == by_op["sub"].nodes == 20
    assert by_op["mul"].source == "y = 1 / n - 5 * y"
    # The first product's rounding is multiplied by -5 in the 19 steps that follow.
    values = [0.18]
    for n in range(1, 21):
        values.append(1 / n - 5 * values[-1])
    expected = math.fsum(EPS * abs(5 * v) * 5.0 ** (19 - k) for k, v in enumerate(values[:-1]))
    assert by_op["mul"].error == pytest.approx(expected, rel=1e-12)
    assert report.error == pytest.approx(math.fsum(loss.error for loss in report.losses))


def test_the_report_reads_well():
    said = str(ad.rounding_error(naive_root)(1.0, 1e7, 1.0)).splitlines()
    assert said[0].startswith("value -9.96515154838562")
    assert "digits can be relied on" in said[0]
    assert "sqrt, test_rounding.py:" in said[1]
    assert any("mul (4 times)" in line for line in said)
    assert said[-1].startswith("an error in the inputs is multiplied by up to 1")


@pytest.mark.parametrize("convert", [list, np.array], ids=["numbers", "arrays"])
def test_conditions_of_the_inputs(convert):
    report = ad.rounding_error(lambda x, p: x[0] ** 3 * x[1] * p)(convert([2.0, 5.0]), 7.0)
    np.testing.assert_allclose(report.conditions[0], [3.0, 1.0])
    assert type(report.conditions[0]) is type(convert([]))
    assert report.conditions[1] == pytest.approx(1.0)
    assert ad.rounding_error(lambda x: x - 1.0)(1.001).conditions == pytest.approx(1001)


def test_what_only_chooses_or_moves_loses_nothing():
    def f(x):
        y = np.concatenate([abs(-x), x[::-1]]).reshape(2, -1).T
        return np.maximum(y[0, 0], y[1, 1])

    assert ad.rounding_error(f)(np.array([1.5, 0.7, 0.1])).error == 0.0
    assert ad.rounding_error(lambda x: ad.relu(ad.maximum(x, 1.0)))(2.0) == ad.RoundingError(2.0, 0.0, (), 1.0)


def test_sums_of_arrays_count_what_is_added_not_the_sum():
    x = np.array([1e8, 1.0, -1e8])
    report = ad.rounding_error(np.sum)(x)
    assert report.error == pytest.approx(EPS * 2e8)
    report = ad.rounding_error(lambda x: x @ np.array([1.0, 1.0, 1.0]))(x)
    assert report.error == pytest.approx(EPS * 2e8)


def test_float32_has_its_own_eps():
    x = np.linspace(1, 2, 10)
    ratio = ad.rounding_error(two_pass)(x.astype(np.float32)).error / ad.rounding_error(two_pass)(x).error
    assert ratio == pytest.approx(2.0**29, rel=0.3)


def test_numbers_and_arrays_mixed_and_trees():
    def f(p):
        return np.sum(p["w"] * p["x"]) + p["x"] * 2

    report = ad.rounding_error(f)({"w": np.array([1.0, 2.0]), "x": 3.0})
    assert report.value == 15.0
    assert {loss.op for loss in report.losses} == {"mul", "sum", "add"}
    np.testing.assert_allclose(report.conditions["w"], [0.2, 0.4])


def test_derivatives_inside_the_function_are_traced_too():
    report = ad.rounding_error(lambda x: ad.grad(lambda y: ad.exp(y) * y)(x))(1.0)
    assert report.value == pytest.approx(2 * math.e)
    assert report.losses
    assert all(loss.file == __file__ for loss in report.losses)


def test_every_row_is_known():
    for name, row in ad.OPS.items():
        if name == "where":
            continue
        point = [1.5, 0.7][: len(row.operands)] if name != "atanh" else [0.5]
        point = [0.5] if name in ("asin", "acos") else point
        on_floats = ad.rounding_error(functions[name])(*point)
        on_arrays = ad.rounding_error(functions[name])(*map(np.asarray, point))
        assert on_floats.error == pytest.approx(on_arrays.error), name


def test_what_overflows_raises_no_warning():
    report = ad.rounding_error(lambda x: np.sum(np.exp(x) * 0.0))(np.array([1000.0]))
    assert math.isnan(report.value)
    assert report.error == math.inf


def test_infinite_slopes_and_zeros():
    assert ad.rounding_error(lambda x: ad.sqrt(x * x - 1.0))(1.0).error == math.inf
    assert ad.rounding_error(lambda x: ad.sqrt(x - 1.0))(1.0).error == math.inf  # whatever is rounded there is 0
    report = ad.rounding_error(lambda x, y: x * x - 2.25 + 0.0 * y)(1.5, 3.0)
    assert (report.value, report.error) == (0.0, EPS * 2.25)
    assert (report.relative, report.digits, report.conditions) == (math.inf, 0.0, (math.inf, 0.0))
    report = ad.rounding_error(lambda x: x - x)(1.0)
    assert (report.error, report.relative) == (0.0, 0.0)
    assert "16 digits" in str(report)
    assert ad.rounding_error(lambda x: 2.0)(1.0).error == 0.0


def test_sweeps_are_counted_and_ordinary_tapes_are_not_watched():
    with ad.count() as counts:
        ad.rounding_error(naive_root)(1.0, 3.0, 1.0)
    assert (counts.reverse_sweeps, counts.ops) == (1, 2 * 9)
    assert type(ad.Tape().nodes).append is list.append


def test_bad_input():
    with pytest.raises(TypeError, match=r"f: its output is a list of 2 numbers, expected a single number"):
        ad.rounding_error(lambda x: [x, x])(1.0)
    with pytest.raises(TypeError, match=r"arguments\[0\]: got str"):
        ad.rounding_error(lambda x: x)("1")
    with pytest.raises(TypeError, match="rounding_error: got values of a derivative in progress"):
        ad.grad(lambda x: ad.rounding_error(ad.exp)(x).error)(1.0)
