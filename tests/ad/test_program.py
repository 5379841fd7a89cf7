"""Compiled programs: what they promise of values, derivatives, counts and memory."""

import cmath
import functools
import math
import random
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ad
from ad.compiled import program as program_module


def chain(v):
    acc = v[0]
    for x in v[1:]:
        acc = ad.sin(acc) * x + x * x
    return acc


def hub(v):
    total = functools.reduce(lambda a, b: a + b, v)
    return functools.reduce(lambda acc, x: acc + ad.sin(x * total), v, 0.0)


def inputs(n):
    return np.array([0.4 + (0.37 * i) % 1.1 for i in range(n)])


def everything(program, x):
    """The Jacobian of a program by all its ways, each of shape (M, N)."""
    shape = (program.n_outputs, program.n_inputs)
    yield program.jacobian(x).reshape(shape)
    for lanes in (1, 2, 3, 32, 1000, None):
        for threads in (1, 3):
            yield program.jacobian(x, "forward", lanes=lanes, threads=threads).reshape(shape)
    yield program.jvps(x, np.eye(program.n_inputs)).reshape(shape[::-1]).T
    yield program.jvps(x, np.eye(program.n_inputs), lanes=1).reshape(shape[::-1]).T
    yield np.array([program.jvp(x, row)[1] for row in np.eye(program.n_inputs)]).reshape(shape[::-1]).T
    if program.n_outputs == 1:
        yield program.vjp(x)[1][None]
    else:
        yield np.array([program.vjp(x, row)[1] for row in np.eye(program.n_outputs)])


# ---- against other engines ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("f", [chain, hub])
@pytest.mark.parametrize("n", [1, 2, 5, 40])
def test_all_ways_give_eager_s_answer(f, n):
    x = inputs(n)
    program = ad.compile(f, x)
    value, gradient = ad.value_and_grad(f)(x.tolist())
    assert program(x) == pytest.approx(value, rel=1e-14)
    for jacobian in everything(program, x):
        assert jacobian[0] == pytest.approx(gradient, rel=1e-13, abs=1e-13 * np.max(np.abs(gradient)))


UNARY = {
    "sin": cmath.sin, "cos": cmath.cos, "tanh": cmath.tanh, "atan": cmath.atan, "asinh": cmath.asinh,
    "square": lambda z: z * z, "neg": lambda z: -z, "exp": lambda z: cmath.exp(z),
    "sigmoid": lambda z: 1 / (1 + cmath.exp(-z)), "sqrt": cmath.sqrt, "log": cmath.log,
}  # fmt: skip
BINARY = {
    "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b, "pow": lambda a, b: cmath.exp(b * cmath.log(a)),
}  # fmt: skip


class Complex:
    """An engine that shares nothing with this project: a step of 1e-200 along the imaginary axis."""

    def __getattr__(self, name):
        return UNARY.get(name) or BINARY[name]


def run(steps, xp, v):
    """A random program: each step names an op, its operands by how far back they were computed, and maybe a number."""
    values = list(v)
    for name, i, j, number in steps:
        a, b = values[i % len(values)], values[-1 - j % len(values)] if number is None else number
        if name == "exp":
            a = xp.tanh(a)
        if name in ("sqrt", "log", "pow"):  # kept away from the branch cut and the pole
            a = a * a + 0.5
        if name == "div":
            b = b * b + 0.5
        if name == "pow":
            b = xp.tanh(b) if number is None else number
        if name in UNARY:
            values.append(getattr(xp, name)(a))
        elif number is not None and name in ("sub", "div") and i % 2:
            values.append(getattr(xp, name)(number, a * a + 0.5))  # the number on the left
        else:
            values.append(getattr(xp, name)(a, b))
        if number is None and len(values) % 4 == 0:
            values.append(xp.tanh(values[-1]))  # so that nothing overflows
    return values[-3:]


def agree(steps, point):
    f = functools.partial(run, steps, ad)
    program = ad.compile(f, point)
    eager_value, eager = np.array(f(point), float), np.array(ad.jacrev(f)(point))
    step = 1e-200
    rows = []
    for k in range(len(point)):
        z = [complex(a, step * (j == k)) for j, a in enumerate(point)]
        rows.append([complex(out).imag / step for out in run(steps, Complex(), z)])
    independent = np.array(rows).T
    value = program(point)
    scale = np.max(np.abs(eager)) + 1.0
    assert np.all(np.abs(value - eager_value) <= 1e-12 * (np.abs(eager_value) + scale))
    reverse = program.jacobian(point)
    for jacobian in (reverse, program.jacobian(point, "forward"), program.jacobian(point, "forward", lanes=1)):
        assert np.all(np.abs(jacobian - eager) <= 1e-12 * scale)
        assert np.all(np.abs(jacobian - independent) <= 1e-10 * scale)
    return program


NAMES = st.sampled_from(sorted(UNARY) + 2 * sorted(BINARY))
STEPS = st.tuples(NAMES, st.integers(0, 40), st.integers(0, 40), st.sampled_from([None, None, 1.5, -0.75, 2.0]))


@settings(max_examples=250, deadline=None, derandomize=True)
@given(steps=st.lists(STEPS, min_size=1, max_size=25), point=st.lists(st.floats(-1.5, 1.5), min_size=3, max_size=3))
def test_random_graphs(steps, point):
    agree(steps, point)


def test_thousands_of_random_graphs():
    rng = random.Random(5)
    names = sorted(UNARY) + 2 * sorted(BINARY)
    n_slots = set()
    for _ in range(3000):
        size = rng.choice([5, 20, 60])
        numbers = [None, None, None, 1.5, -0.75, 2.0]
        steps = [
            (rng.choice(names), rng.randrange(size), rng.randrange(size), rng.choice(numbers)) for _ in range(size)
        ]
        n_slots.add(agree(steps, [rng.uniform(-1.5, 1.5) for _ in range(rng.randint(3, 6))]).n_slots)
    assert len(n_slots) > 10


# ---- shapes ---------------------------------------------------------------------------------------------------------


def test_many_outputs_with_constants_inputs_repetitions_and_an_unused_input():
    program = ad.compile(lambda v: [v[0] * v[1], (7.0, v[0]), v[0] * v[1], [v[1]], ad.exp(v[0])], 3)
    x = [0.5, 2.0, 9.0]
    assert program(x) == pytest.approx([1.0, 7.0, 0.5, 1.0, 2.0, math.exp(0.5)], rel=1e-15)
    want = [[2, 0.5, 0], [0, 0, 0], [1, 0, 0], [2, 0.5, 0], [0, 1, 0], [math.exp(0.5), 0, 0]]
    for jacobian in everything(program, x):
        assert jacobian == pytest.approx(np.array(want), rel=1e-15)


@pytest.mark.parametrize(("f", "value", "row"), [(lambda v: v[1], 2.0, [0, 1]), (lambda v: 3.0, 3.0, [0, 0])])
def test_an_output_that_needs_no_op(f, value, row):
    program = ad.compile(f, 2)
    assert (program.n_ops, program([1.0, 2.0])) == (0, value)
    for jacobian in everything(program, [1.0, 2.0]):
        assert jacobian.tolist() == [row]


def test_no_inputs():
    program = ad.compile(lambda v: 2.0, [])
    assert program([]) == 2.0
    assert program.gradient([]).shape == program.gradient([], "forward").shape == (0,)


def test_one_input_and_many_outputs():
    program = ad.compile(lambda v: [ad.sin(k * v[0]) for k in range(1, 50)], 1)
    want = np.array([[k * math.cos(0.3 * k)] for k in range(1, 50)])
    for jacobian in everything(program, [0.3]):
        assert jacobian == pytest.approx(want, rel=1e-13)


def test_a_part_of_a_gradient():
    x = inputs(50)
    program = ad.compile(chain, x)
    whole = program.gradient(x, "forward", lanes=8)
    parts = [program.forward_block(x, a, a + 10, lanes=3) for a in range(0, 50, 10)]
    assert np.array_equal(np.concatenate(parts), whole)
    assert program.forward_block(x, 7, 7).shape == (0,)
    assert program.jvps(x, np.zeros((0, 50))).shape == (0,)


def test_results_are_float64_and_belong_to_the_caller():
    program = ad.compile(lambda v: [v[0] * v[1], v[0]], 2)
    first = program([2, 3])
    second = program(np.array([5, 7]))
    assert first.tolist() == [6.0, 2.0]
    assert second.tolist() == [35.0, 5.0]
    value, tangent = program.jvp([2.0, 3.0], [1.0, 0.0])
    program.jvp([9.0, 9.0], [9.0, 9.0])
    assert (value.tolist(), tangent.tolist()) == ([6.0, 2.0], [3.0, 1.0])
    assert {a.dtype for a in (first, value, tangent, program.jacobian([1, 2]))} == {np.dtype(float)}
    assert isinstance(ad.compile(chain, 3)([1, 2, 3]), float)


def test_arrays_of_any_layout():
    x = inputs(6)
    program = ad.compile(chain, x)
    want = program.gradient(x)
    read_only = x.copy()
    read_only.flags.writeable = False
    wide = np.repeat(x, 2)[::2]
    swapped = x.astype(">f8")
    for same in (x.tolist(), tuple(x), read_only, wide, swapped):
        assert np.array_equal(program.gradient(same), want)
        assert np.array_equal(program.gradient(same, "forward"), program.gradient(x, "forward"))
    tangents = np.asfortranarray(np.arange(12.0).reshape(2, 6))
    assert program.jvps(x, tangents) == pytest.approx(tangents @ want, rel=1e-13)


# ---- counts, slots and bytes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("lanes", [1, 4, None])
def test_sweeps_and_ops_are_counted(lanes):
    n = 10
    program = ad.compile(chain, n)
    x = inputs(n)
    assert program.n_ops == 4 * (n - 1)
    with ad.count() as counts:
        program.gradient(x, "forward", lanes=lanes, threads=2)
    assert (counts.forward_sweeps, counts.reverse_sweeps, counts.ops) == (n, 0, n * program.n_ops)
    with ad.count() as counts:
        program.gradient(x)
    assert (counts.forward_sweeps, counts.reverse_sweeps, counts.ops) == (0, 1, 2 * program.n_ops)
    with ad.count() as counts:
        program(x)
        program.jvp(x, x)
    assert (counts.sweeps, counts.ops) == (1, 2 * program.n_ops)
    assert (program.counts.sweeps, program.counts.ops) == (n + 2, (n + 4) * program.n_ops)


def test_counts_of_many_outputs():
    program = ad.compile(lambda v: [ad.sin(v[0]), v[0] * v[1], ad.exp(v[1])], 2)
    for mode, sweeps, ops in (("forward", 2, 2 * 3), ("reverse", 3, 3 + 3 * 3)):
        with ad.count() as counts:
            program.jacobian([1.0, 2.0], mode)
        assert (counts.sweeps, counts.ops) == (sweeps, ops)


def test_long_programs_run_in_few_slots():
    n = 3000
    assert ad.compile(chain, n).n_slots <= 4
    assert ad.compile(hub, n).n_slots <= 6  # the inputs are loaded a second time rather than kept
    assert ad.compile(lambda v: [ad.sin(x) for x in v], n).n_slots <= 3


def test_bytes_for_each_node():
    n = 3000
    program = ad.compile(chain, n)
    assert 10 * n < program.nbytes <= 26 * (program.n_inputs + program.n_ops)


def test_values_live_as_long_as_they_are_needed():
    def f(v):
        early = [ad.sin(x) for x in v]
        late = chain(v)
        for a in (*early, *reversed(early)):
            late = late * 0.5 + a
        return late + early[0] * early[-1]

    x = inputs(60)
    program = ad.compile(f, x)
    want = np.array(ad.grad(f)(x.tolist()))
    for jacobian in everything(program, x):
        assert jacobian[0] == pytest.approx(want, rel=1e-12, abs=1e-13)


def test_executions_leave_nothing_behind():
    x = inputs(30)
    program = ad.compile(chain, x)
    value, gradient, forward = program(x), program.gradient(x), program.gradient(x, "forward", lanes=1)
    for bad in (np.full(30, np.nan), np.full(30, np.inf), np.zeros(30), -x):
        program(bad), program.gradient(bad), program.jvp(bad, x), program.gradient(bad, "forward")
        program.vjp(x, np.nan)
        assert program(x) == value
        assert np.array_equal(program.gradient(x), gradient)
        assert np.array_equal(program.gradient(x, "forward", lanes=1), forward)


def test_several_threads_at_once():
    program = ad.compile(chain, 400)
    points = [inputs(400) * (1 + k / 100) for k in range(60)]
    want = [program.gradient(x) for x in points]
    with ThreadPoolExecutor(4) as pool:
        got = list(pool.map(program.gradient, points))
    assert all(np.array_equal(a, b) for a, b in zip(got, want, strict=True))
    assert program.counts.reverse_sweeps == 120


def test_the_default_lanes_fit_in_cache():
    few, many = ad.compile(chain, 10), ad.compile(lambda v: chain([ad.sin(x) for x in v]), 3000)
    assert few.lanes == 1024
    assert many.lanes == 32
    assert few.lanes * few.n_slots * 8 <= program_module.CACHE_BYTES


def test_what_overflows_while_it_is_recorded_raises_no_warning():
    program = ad.compile(lambda v: v[0] * np.exp(np.float64(1000.0)), [1.0])
    assert program([1.0]) == math.inf
