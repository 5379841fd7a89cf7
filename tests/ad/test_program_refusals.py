"""What compiled programs refuse: points where the function takes another way, and wrong arguments."""

import math

import pytest
from test_program import chain

import ad
from ad.compiled import FrozenError

# ---- frozen control flow --------------------------------------------------------------------------------------------


def test_control_flow_is_frozen_and_the_check_says_so():
    program = ad.compile(lambda v: ad.sin(v[0]) if v[0] > 0 else ad.cos(v[0]), [1.0])
    assert program([-1.0]) == math.sin(-1.0)
    program.check([2.0])
    with pytest.raises(FrozenError, match=r"x: at this point f uses cos where the program has sin"):
        program.check([-1.0])


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (
            lambda v: v[0] * v[1] if v[0] > 0 else v[0] * v[1] + 1,
            "f records 2 ops and 1 outputs, the program has 1 ops",
        ),
        (lambda v: v[0] * v[1] if v[0] > 0 else v[0] * v[0], "where the program has|on other operands"),
        (lambda v: v[0] - v[1] if v[0] > 0 else v[1] - v[0], "on other operands"),
        (lambda v: v[0] * (2.0 if v[0] > 0 else 3.0), "other constants"),
        (lambda v: [v[0] * 2.0, 1.0 if v[0] > 0 else 0.0], "other outputs"),
        (lambda v: [v[0], v[1]] if v[0] > 0 else [v[0], v[1], v[0]], "3 outputs"),
    ],
)
def test_the_check_finds_every_kind_of_difference(f, message):
    program = ad.compile(f, [1.0, 2.0])
    program.check([3.0, 1.0])
    with pytest.raises(FrozenError, match=message):
        program.check([-3.0, 1.0])


# ---- errors ---------------------------------------------------------------------------------------------------------

X = [1.0, 2.0, 3.0]
WRONG = [
    (lambda p: p([1.0, 2.0]), ValueError, r"x: got shape \(2,\), expected \(3,\)"),
    (lambda p: p([[1.0, 2.0, 3.0]]), ValueError, r"x: got shape \(1, 3\), expected \(3,\)"),
    (lambda p: p(["a", "b", "c"]), TypeError, "x: got <U1, expected real numbers"),
    (lambda p: p([1j, 2, 3]), TypeError, "x: got complex128, expected real numbers"),
    (lambda p: p([True, False, True]), TypeError, "x: got bool, expected real numbers"),
    (lambda p: p([[1.0], [2.0, 3.0]]), TypeError, "x: got lists of different lengths, expected real numbers"),
    (lambda p: p(None), TypeError, "x: got object, expected real numbers"),
    (lambda p: p.jvp(X, [1.0]), ValueError, r"tangent: got shape \(1,\), expected \(3,\)"),
    (lambda p: p.jvps(X, X), ValueError, r"tangents: got shape \(3,\), expected \(K, 3\)"),
    (lambda p: p.jvps(X, [X], lanes=0), ValueError, "lanes: got 0, expected a positive int"),
    (lambda p: p.jvps(X, [X], lanes=1.5), TypeError, "lanes: got float, expected a positive int"),
    (lambda p: p.jacobian(X, lanes=0), ValueError, "lanes: got 0, expected a positive int"),
    (lambda p: p.gradient(X, threads=-3), ValueError, "threads: got -3, expected a positive int"),
    (lambda p: p.jvps(X, [X], threads=-1), ValueError, "threads: got -1, expected a positive int"),
    (lambda p: p.vjp(X, [1.0, 2.0]), ValueError, r"cotangent: got shape \(2,\), expected a number"),
    (lambda p: p.gradient(X, "backward"), ValueError, "mode: got 'backward', expected 'forward' or 'reverse'"),
    (lambda p: p.forward_block(X, 2, 1), ValueError, "start, stop: got 2, 1, expected 0 <= start <= stop <= 3"),
    (lambda p: p.forward_block(X, 0, 4), ValueError, "start, stop: got 0, 4"),
    (lambda p: p.check([1.0]), ValueError, r"x: got shape \(1,\), expected \(3,\)"),
]


@pytest.mark.parametrize(("call", "error", "message"), WRONG)
def test_wrong_arguments_of_a_program(call, error, message):
    with pytest.raises(error, match=f"^{message}"):
        call(ad.compile(chain, 3))


@pytest.mark.parametrize(
    ("f", "x", "error", "message"),
    [
        (chain, -1, ValueError, "x: got -1, expected a list of numbers or their number, 0 or more"),
        (chain, True, TypeError, "x: got bool, expected real numbers"),
        (chain, [[1.0]], ValueError, r"x: got shape \(1, 1\), expected a list of numbers or their number"),
        (chain, "abc", TypeError, "x: got <U3, expected real numbers"),
        (lambda v: "abc", 1, TypeError, "output of f: got str, expected a real number"),
        (lambda v: None, 1, TypeError, "output of f: got NoneType, expected a real number"),
    ],
)
def test_wrong_arguments_of_compile(f, x, error, message):
    with pytest.raises(error, match=f"^{message}"):
        ad.compile(f, x)


def test_cotangents_and_gradients_of_many_outputs():
    program = ad.compile(lambda v: [v[0], v[1]], 2)
    with pytest.raises(TypeError, match="gradient: the function returns 2 numbers, expected one; use jacobian"):
        program.gradient([1.0, 2.0])
    for cotangent in (None, 1.0, [1.0]):
        with pytest.raises(ValueError, match=r"cotangent: got shape .*, expected shape \(2,\)"):
            program.vjp([1.0, 2.0], cotangent)


def test_values_of_an_enclosing_derivative_are_refused():
    message = "f: uses values of an enclosing derivative, expected a function of its inputs alone"
    with pytest.raises(TypeError, match=message):
        ad.grad(lambda y: ad.compile(lambda v: v[0] * y, [1.0])([1.0]))(2.0)
    with pytest.raises(TypeError, match=message):
        ad.grad(lambda y: ad.compile(lambda v: [v[0], y], [1.0])([1.0]))(2.0)
