"""Random graphs: both modes against each other and against high precision."""

import functools

import mpmath
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mpmath import mp

import ad

UNARY = ["sin", "cos", "tanh", "atan", "sigmoid", "softplus", "erf", "asinh", "square", "expm1"]
BINARY = ["add", "sub", "mul", "hypot", "logaddexp", "atan2", "div"]


def expressions():
    """Random graphs as straight-line programs: each step names an op and the earlier values it takes."""
    unary = st.tuples(st.sampled_from(UNARY), st.integers(0, 30))
    binary = st.tuples(st.sampled_from(BINARY), st.integers(0, 30), st.integers(0, 30))
    return st.lists(st.one_of(unary, binary), min_size=1, max_size=12)


def run(program, xp, inputs):
    values = list(inputs)
    for name, *operands in program:
        args = [values[k % len(values)] for k in operands]
        if name in ("atan2", "div", "hypot"):  # kept away from the pole and the kink
            args[1] = args[1] * args[1] + 0.5
        values.append(getattr(xp, name)(*args))
    return values[-1]


def sum_of_magnitudes(f, point):
    """For each input, the sum over paths of the magnitudes of the products: what rounding is relative to."""
    tape = ad.Tape()
    inputs = [tape.input(x) for x in point]
    weight = {id(f(inputs)): 1.0}
    for node in reversed(tape.nodes):
        for operand, partial in ((node.x, node.dx), (node.y, node.dy)):
            if partial is not None:
                weight[id(operand)] = weight.get(id(operand), 0.0) + weight.get(id(node), 0.0) * abs(partial)
    return [weight.get(id(x), 0.0) for x in inputs]


class HighPrecision:
    """The ops of the random graphs, in mpmath."""

    sin, cos, tanh, atan, erf, asinh, expm1 = mp.sin, mp.cos, mp.tanh, mp.atan, mp.erf, mp.asinh, mp.expm1
    atan2, hypot = mp.atan2, mp.hypot
    sigmoid = staticmethod(lambda x: 1 / (1 + mp.exp(-x)))
    softplus = staticmethod(lambda x: mp.log1p(mp.exp(x)))
    square = staticmethod(lambda x: x * x)
    add = staticmethod(lambda x, y: x + y)
    sub = staticmethod(lambda x, y: x - y)
    mul = staticmethod(lambda x, y: x * y)
    div = staticmethod(lambda x, y: x / y)
    logaddexp = staticmethod(lambda x, y: mp.log(mp.exp(x) + mp.exp(y)))


@settings(max_examples=200, deadline=None, derandomize=True)
@given(program=expressions(), point=st.lists(st.floats(-1.5, 1.5), min_size=3, max_size=3))
def test_both_modes_and_high_precision_agree_on_random_graphs(program, point):
    f = functools.partial(run, program, ad)
    magnitudes = sum_of_magnitudes(f, point)
    assume(max(magnitudes) < 1e3)
    pushed, pulled = ad.jacfwd(f)(point), ad.jacrev(f)(point)
    for k, (a, b, magnitude) in enumerate(zip(pushed, pulled, magnitudes, strict=True)):
        assert abs(a - b) <= 1e-14 * magnitude
        with mp.workdps(40):
            exact = mpmath.diff(lambda *x: run(program, HighPrecision, x), point, tuple(int(j == k) for j in range(3)))
        assert abs(a - float(exact)) <= 1e-9 * max(magnitude, 1.0)
