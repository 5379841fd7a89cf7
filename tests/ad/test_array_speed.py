"""What the fast road of arrays takes for granted: buffers that nobody else holds, and warnings that stay off."""

import math
import platform
import subprocess
import sys

import numpy as np
import pytest

import ad
from ad.active import BLAS_ALONE, finite

X = np.array([0.5, -1.0, 2.0])


def test_warnings_are_off_where_a_function_turns_them_on_again():
    def inner(x):
        return np.sum(np.sqrt(x))  # its slope at 0 is infinite

    def f(x):
        with np.errstate(all="raise"):
            return np.sum(x * x) + ad.grad(inner)(np.array([0.0, 4.0]))[1]

    assert ad.grad(f)(X).tolist() == (2 * X).tolist()
    assert ad.jvp(f, (X,), (X,))[1] == 2 * np.sum(X * X)
    with np.errstate(all="raise"), pytest.raises(FloatingPointError):
        np.sqrt(np.array([-1.0]))
    before = np.geterr()
    ad.grad(f)(X)
    assert np.geterr() == before


def of_all_kinds(x, y):
    """Adds, subtracts, multiplies, squares, scales, reads slices and broadcasts, with operands used more than once."""
    a = x + y
    b = a - x[::-1] * 2.0
    c = np.exp(a) * b * y + a**2 + (x[1:2] - 1.0) + np.sum(b) * np.exp(x)
    return np.sum(c * c) + np.sum(x[1:] * a[:-1]) + np.sum(a - b)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_what_the_user_gave_and_got_is_theirs(dtype):
    x, y = np.array([0.5, -1.0, 2.0], dtype), np.array([1.5, 0.25, -0.5], dtype)
    given = x.copy(), y.copy()
    gradient = ad.grad(of_all_kinds, (0, 1))
    first = [g.copy() for g in gradient(x, y)]
    second = gradient(x, y)
    second[0][:] = 0.0  # nobody else holds it
    assert np.array_equal(second[1], first[1])
    assert all(np.array_equal(a, b) for a, b in zip((x, y), given, strict=True))
    assert all(g.dtype == dtype for g in first)
    forward = ad.jacfwd(of_all_kinds, (0, 1))(x, y)
    tolerance = 1e-12 if dtype is np.float64 else 1e-4
    for g, other in zip(first, forward, strict=True):
        np.testing.assert_allclose(g, other, rtol=tolerance, atol=tolerance)
    step = 1e-200  # complex step: independent of the rules
    if dtype is np.float64:
        for k, unit in enumerate(np.eye(3)):
            assert of_all_kinds(x + 1j * step * unit, y).imag / step == pytest.approx(first[0][k], rel=1e-12)
            assert of_all_kinds(x, y + 1j * step * unit).imag / step == pytest.approx(first[1][k], rel=1e-12)


def test_operands_that_share_an_adjoint_do_not_share_its_memory():
    c = np.array([1.0, 2.0, 3.0])
    for f in (lambda x, y: np.sum((x + y) * c), lambda x, y: np.sum(c * (x - y)) + np.sum((x + y) ** 2 * x)):
        gx, gy = ad.grad(f, (0, 1))(X, 2.0 * X)
        kept = gy.copy()
        gx[:] = 7.0
        assert np.array_equal(gy, kept)
    _, pullback = ad.vjp(lambda x, y: (x + y, x), X, 2.0 * X)
    ones = np.ones(3)
    gx, gy = pullback((ones, ones))
    assert (gx.tolist(), gy.tolist(), ones.tolist()) == ([2.0] * 3, [1.0] * 3, [1.0] * 3)
    gx[:], gy[:] = 0.0, 0.0
    assert ones.tolist() == [1.0] * 3


def of_a_column_of_each(x, y):
    u, v = np.exp(x), np.sin(y)
    read = u[1:]
    return np.sum(np.sin(np.reshape(u, (3, 1)) + np.reshape(v, (3, 1)))) + np.sum(read * read)


def of_a_sum(x, y):
    u, v = np.exp(x), np.sin(y)
    read, squares = u[1:], v * v
    return np.sum(np.sin(u + v)) + np.sum(read * read) + np.sum(squares)


def of_rows_and_their_sum(x, y):
    m = np.exp(np.outer(x, y))
    first, second = m[0], m[1]
    return np.sum(np.sin(np.sum(m, axis=0))) + np.sum(first * first) + np.sum(second**3)


def of_a_row_and_columns(x, y):
    m = np.exp(np.outer(x, y))
    first = m[0]
    return np.sum(np.sin(np.sum(m.T, axis=0))) + np.sum(first * first)


def of_products_and_columns(x, y):
    m = np.exp(np.outer(x, y))
    products = m * m
    return np.sum(np.sin(np.sum(m, axis=0))) + np.sum(products)


def of_columns(x, y):
    m = np.outer(x, y)
    return np.sum(np.sin(np.sum(m**2, axis=0))) + np.sum(np.cos(np.sum(np.exp(m), axis=0)))


OF_SHARED = (
    *(of_a_sum, of_a_column_of_each, of_rows_and_their_sum, of_a_row_and_columns),
    *(of_products_and_columns, of_columns),
)


@pytest.mark.parametrize("f", OF_SHARED)
def test_an_adjoint_is_added_to_in_place_only_where_it_is_whole_and_its_own(f):
    """What is read first is pulled back last, into an adjoint that a sum has shared, turned or left in one row."""
    x, y, step = X / 3, np.array([0.75, 0.25, -0.5]), 1e-200
    found = ad.grad(f, (0, 1))(x, y)
    units = 1j * step * np.eye(3)
    expected = [f(x + unit, y).imag / step for unit in units], [f(x, y + unit).imag / step for unit in units]
    np.testing.assert_allclose(found, expected, rtol=1e-13)


def test_results_are_nobody_elses():
    value, pullback = ad.vjp(np.exp, X)
    expected = pullback(np.ones(3))[0].copy()
    value[:] = 0.0
    assert np.array_equal(pullback(np.ones(3))[0], expected)

    def f(x):
        y = np.exp(x)
        return y, y + 1.0, x

    _, (a, b, c) = ad.jvp(f, (X,), (np.ones(3),))
    a[:] = 0.0
    assert np.array_equal(b, np.exp(X))
    assert c.tolist() == [1.0, 1.0, 1.0]


def test_second_order_through_buffers_reused_in_place():
    def f(x):
        plain = np.sum(x[1:] * X[1:])  # its adjoints are plain, and pulled back after the active ones
        mixed = np.sin(x) * x - (x[1:2] * 3.0) ** 2 * x + x**3 + np.exp(x) * 2.0 * X
        return plain + np.sum(mixed) + np.sum(x * 2.0 * X)  # and the last ones before

    h = ad.hessian(f)(X)
    expected = np.diag(2 * np.cos(X) - X * np.sin(X) + 6 * X + 2 * X * np.exp(X))
    expected[1, :] += -18.0 * X[1]
    expected[:, 1] += -18.0 * X[1]
    expected[1, 1] += -18.0 * np.sum(X)
    np.testing.assert_allclose(h, expected, rtol=1e-13)
    np.testing.assert_allclose(ad.jacrev(ad.grad(f))(X), expected, rtol=1e-13)


def test_an_adjoint_that_is_a_value_is_not_added_to_in_place():
    def f(x, y):
        return np.sum(y * y * y) + np.sum(np.exp(x)) + np.sum(x * y)  # swept from the right

    y = np.array([1.0, 2.0, -3.0])
    gx, gy = ad.grad(f, (0, 1))(X, y)
    np.testing.assert_allclose(gx, np.exp(X) + y, rtol=1e-15)
    np.testing.assert_allclose(gy, 3 * y * y + X, rtol=1e-15)


@pytest.mark.parametrize("shape", [(3,), (BLAS_ALONE + 1,), (3, 5), (0,)])
def test_no_infinity_or_nan_is_overlooked_and_none_is_made_up(shape):
    x = np.full(shape, 1e308)  # whose squares and sum overflow
    assert ad.jvp(lambda x: x * 0.5, (x,), (x,))[1].tolist() == (x * 0.5).tolist()
    assert np.max(ad.jacfwd(lambda x: 1e200 * x[..., :2])(x / 1e308), initial=1e200) == 1e200
    with np.errstate(all="ignore"):
        assert finite(x)
        assert finite(-x)
        for bad in (math.inf, -math.inf, math.nan):
            if x.size:
                y = x.copy()
                y.flat[-1] = bad
                assert not finite(y)
                y.flat[0] = math.inf
                assert not finite(y)


FAULTS = """
import resource
import numpy as np
import ad

f = lambda x: np.sum(np.sin(x) * x + np.exp(-x * x))
x = np.linspace(-1.0, 1.0, 100_000)
for derive in (lambda: ad.grad(f)(x), lambda: ad.jvp(f, (x,), (x,))):
    for _ in range(3):
        derive()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        derive()
    print((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / 20)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc takes notice")
def test_memory_stays_with_the_process_between_two_derivatives():
    run = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True)
    reverse, forward = map(float, run.stdout.split())
    assert reverse < 50  # pages that were waited for in each; 945 and 1,694 where they are handed back in between
    assert forward < 50
