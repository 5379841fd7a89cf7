"""A number that carries a derivative never loses it in silence: copies, pickles, threads, foreign numbers."""

import collections
import copy
import dataclasses
import functools
import math
import pickle
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import ad

MODES = pytest.mark.parametrize(
    "grad", [ad.grad, lambda f: lambda *x: ad.jvp(f, x, (1.0, *[0.0] * (len(x) - 1)))[1]], ids=["reverse", "forward"]
)


@dataclasses.dataclass
class State:
    x: float
    history: list


@MODES
@pytest.mark.parametrize(
    "copied",
    [
        copy.copy,
        copy.deepcopy,
        lambda x: copy.deepcopy([x, {"x": x}])[1]["x"],
        lambda x: dataclasses.astuple(State(x, [x]))[0],
        lambda x: dataclasses.asdict(State(x, [x]))["history"][0],
        lambda x: dataclasses.replace(State(x, [])).x,
    ],
)
def test_a_copy_keeps_its_derivative(grad, copied):
    assert grad(lambda x: copied(x) ** 2)(3.0) == 6.0
    assert grad(grad(lambda x: copied(x) ** 3))(2.0) == 12.0


def test_a_checkpointed_step_may_copy_its_state():
    step = lambda k, state: [2.0 * x for x in copy.deepcopy(state)]  # noqa: E731
    run = ad.checkpointed_value_and_grad(step, lambda state: state[0] * state[0], n_steps=5, snapshots=2)
    assert run([1.0]) == (1024.0, ([2048.0],))


@MODES
@pytest.mark.parametrize("send", [pickle.dumps, lambda x: pickle.dumps([x]), lambda x: pickle.dumps(x, protocol=0)])
def test_a_value_cannot_be_sent_to_another_process(grad, send):
    with pytest.raises(TypeError, match=r"^pickle: got a (Dual|Var), whose derivative cannot leave this process"):
        grad(lambda x: send(x) and x)(3.0)


@MODES
@pytest.mark.parametrize(
    "leak",
    [
        lambda x, old: x * old,
        lambda x, old: old * x,
        lambda x, old: ad.atan2(old, x),
        lambda x, old: old,
        lambda x, old: [x, old],
        lambda x, old: x + ad.sin(old) * 2.0,
    ],
)
def test_a_value_left_over_from_a_finished_derivative_is_refused(grad, leak):
    left_over = []

    def keep(x):
        left_over.append(x)
        return x

    ad.grad(keep)(2.0)
    ad.jvp(keep, (2.0,), (1.0,))
    ad.vjp(keep, 2.0)
    differentiate = ad.vjp if grad is ad.grad else lambda f, x: ad.jvp(f, (x,), (1.0,))
    for old in left_over:
        with pytest.raises(ValueError, match="left over from a derivative that has ended"):
            differentiate(lambda x, old=old: leak(x, old), 3.0)
        with pytest.raises(ValueError, match="left over from a derivative that has ended"):
            grad(lambda x: x)(old)


def test_one_pullback_may_be_called_from_several_threads():
    _, pullback = ad.vjp(lambda v: functools.reduce(lambda out, x: ad.sin(out) + x, v), [0.01 * k for k in range(3000)])
    cotangents = [1.0, -2.0, 3.0, -4.0]
    expected = [pullback(cotangent) for cotangent in cotangents]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(len(cotangents)) as threads:
            assert list(threads.map(pullback, cotangents)) == expected
    finally:
        sys.setswitchinterval(interval)


@MODES
@pytest.mark.parametrize(
    "foreign", [1 + 2j, np.complex128(1 + 2j), np.timedelta64(3, "s"), np.datetime64("2026-01-01"), "3"]
)
def test_what_is_not_a_real_number_is_refused(grad, foreign):
    for use in (lambda x: x * foreign, lambda x: foreign * x, lambda x: x - foreign):
        with pytest.raises(TypeError):
            grad(use)(3.0)
    with pytest.raises(TypeError, match=r"^atan2: y: got \w+, expected a real number"):
        grad(lambda x: ad.atan2(x, foreign))(3.0)
    with pytest.raises(TypeError, match="expected a real number"):
        grad(lambda x: x)(foreign)
    with pytest.raises(TypeError, match="expected a real number"):
        ad.sin(foreign)


@MODES
def test_real_numbers_of_other_types_are_numbers(grad):
    for two in (2, np.int8(2), np.float32(2.0), np.float64(2.0), np.longdouble(2)):
        assert grad(lambda x, two=two: x * two + two / x)(1.0) == 0.0


@MODES
def test_an_int_input_is_a_float(grad):
    slope = grad(lambda x: x * x / 2 + 3**x)(2)
    assert type(slope) is float
    assert slope == pytest.approx(2.0 + 9.0 * math.log(3.0), rel=1e-15)


@MODES
@pytest.mark.parametrize("f", [ad.maximum, ad.minimum])
def test_an_int_operand_that_is_chosen_is_a_float(grad, f):
    for chosen in (
        f(ad.Dual(2.5, 1.0), 2 if f is ad.minimum else 3),
        f(2 if f is ad.minimum else 3, ad.Dual(2.5, 1.0)),
    ):
        assert type(chosen.primal) is float
        assert chosen.tangent == 0.0
    slope = grad(lambda x: f(x, 2) * x)(2.0)
    assert (type(slope), slope) == (float, 3.0)


def test_an_int_tangent_is_a_float():
    out, tangent = ad.jvp(lambda x: x + 1, (2,), (3,))
    assert (type(out), type(tangent)) == (float, float)
    (cotangent,) = ad.vjp(lambda x: x + 1, 2)[1](3)
    assert type(cotangent) is float


@pytest.mark.parametrize("x", [2.0**60 + 1.0, 10**18 + 1])
@MODES
def test_no_integer_arithmetic(grad, x):
    assert grad(lambda v: (v + 1) * 1)(x) == 1.0


@MODES
def test_an_integer_beyond_floats_is_named(grad):
    with pytest.raises(OverflowError, match=r"^mul: got an int beyond the range of floats"):
        grad(lambda x: x * 10**400)(1.0)
    with pytest.raises(OverflowError, match=r"^add: got an int beyond the range of floats"):
        grad(lambda x: 10**400 + x)(1.0)


POINT = collections.namedtuple("POINT", "x y")


@pytest.mark.parametrize("check", [ad.check_jvp, ad.check_vjp, ad.check_adjoint, ad.check_derivatives])
def test_the_arguments_of_a_check_come_as_a_tuple(check):
    with pytest.raises(TypeError, match=r"^primals: got float, expected a tuple or list with one entry per argument"):
        check(ad.sin, 3.0)
    check(lambda p: p.x * p.y, (POINT(1.0, 2.0),))


def test_check_vjp_looks_at_every_single_input_of_a_few():
    """A wrong derivative that no direction of equal signs shows, in a function of 16 inputs."""

    def f(v):
        total = sum((x * x for x in v), 0.0)
        if isinstance(v[3], ad.Var):  # + h in input 3, - h in input 4, for every direction that moves both alike
            total = total + 1e-4 * (v[3] - v[3].primal) - 1e-4 * (v[4] - v[4].primal)
        return total

    with pytest.raises(ad.DerivativeError, match="component 3"):
        ad.check_vjp(f, ([1.0] * 16,))
