"""The synthetic graphs: counts against a tracer, gradients against complex steps and 50-digit differences.

Nothing here imports `ad`: what the benchmark takes for granted must not come from what it measures.
"""

import cmath
import math
import re
from types import SimpleNamespace

import mpmath
import numpy as np
import pytest
from benchmarks.functions.graphs import FAMILIES, family

from benchmarks.functions.folds import broadcast, fixed_work
from benchmarks.functions.networks import dense, lattice, layered

# Every registered family, and instances of the factories with other parameters.
GRAPHS = {
    **FAMILIES,
    "fixed_work of 5 steps": fixed_work(5),
    "lattice of 1": lattice(edges=1),
    "lattice of 4": lattice(edges=4),
    "layered 16 wide": layered(width=16, depth=2, mix=(("sin", "sub"), ("cos", "mul"), ("cos", "mul")), seed=3),
    "layered 6 deep, two kinds": layered(depth=6, mix=(("cos", "add"), ("tanh", "mul"))),
    "dense, another seed": dense(seed=7),
}
each_graph = pytest.mark.parametrize("graph", GRAPHS.values(), ids=GRAPHS.keys())


def sizes(graph, *wanted):
    """The sizes nearest to the wanted ones, each with the graph of that size."""
    return [(n, graph.at(n)) for n in sorted({graph.nearest_size(n) for n in wanted})]


def as_list(out):
    return out if isinstance(out, list) else [out]


def error(gradient, reference):
    """The norm that `Graph` documents; NaN stays NaN, and so fails every comparison."""
    gradient, reference = np.asarray(gradient), np.asarray(reference)
    return np.max(np.abs(gradient - reference)) / np.max(np.abs(reference))


# ---------------------------------------------------------------------------------------------------------------------
# A tracer: it counts ops as they happen, and carries the depth and the paths from the first input.


class Traced:
    def __init__(self, ops, depth, paths):
        self.ops, self.depth, self.paths = ops, depth, paths

    def _op(self, *operands):
        active = [v for v in operands if isinstance(v, Traced)]
        self.ops[0] += 1
        return Traced(self.ops, 1 + max(v.depth for v in active), sum(v.paths for v in active))

    def _binary(self, other):
        return self._op(self, other)

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __pow__ = _binary


class TracedNamespace:
    def __getattr__(self, name):
        return lambda *operands: next(v for v in operands if isinstance(v, Traced))._op(*operands)


@each_graph
def test_shape_is_exact(graph):
    for n, member in sizes(graph, *range(1, 18), 31, 64, 100, 257):
        ops = [0]
        x = [Traced(ops, 0, int(i == 0)) for i in range(graph.n_inputs(n))]
        out = as_list(member.f(TracedNamespace(), x))
        assert len(out) == graph.n_outputs(n)
        assert ops[0] == graph.n_ops(n)
        assert max(v.depth for v in out) == graph.depth(n)
        assert sum(v.paths for v in out) == graph.n_paths(n)
        assert member.shape(n) == graph.shape(n)


def test_what_each_family_isolates():
    ops, depth = (lambda name, n: family(name).n_ops(n)), (lambda name, n: family(name).depth(n))
    assert (ops("chain", 1_000_000), depth("chain", 1_000_000)) == (4_000_000, 3_000_000)
    assert (ops("tree", 1_000_000), depth("tree", 1_000_000)) == (999_999, 20)
    assert {ops("fixed_work", n) for n in (1, 2, 3, 1000, 8192)} == {2**15}
    assert depth("layered", 1024) - depth("layered", 512) == 1
    assert family("lattice").n_paths(7) == 9
    assert family("lattice").n_paths(1 + 3 * 100) == 3**100
    assert family("broadcast").n_inputs(1000) == 1


def test_layered_mix_is_dealt_in_equal_shares():
    def counted(name):
        def count(value):
            used[name] = used.get(name, 0) + 1
            return getattr(math, name)(value)

        return count

    used = {}
    layered(depth=3, mix=(("sin", "add"), ("cos", "mul"), ("tanh", "sub"), ("sin", "add"))).f(
        SimpleNamespace(sin=counted("sin"), cos=counted("cos"), tanh=counted("tanh")), [0.5] * 40
    )
    assert used == {"sin": 60, "cos": 30, "tanh": 30}


def test_layered_wiring_follows_the_seed():
    x = FAMILIES["layered"].inputs(64)
    values = [layered(seed=seed).f(math, x) for seed in (0, 0, 1)]
    assert values[0] == values[1] == FAMILIES["layered"].f(math, x) != values[2]


# ---------------------------------------------------------------------------------------------------------------------
# Gradients


@each_graph
def test_gradient_agrees_with_50_digit_differences(graph):
    if graph.name == "fixed_work":
        graph = fixed_work(50)  # 8192 steps of 50 digits take their time; complex steps check those
    with mpmath.workdps(50):
        step = mpmath.mpf(10) ** -16
        for n, member in sizes(graph, 1, 2, 3, 7, 12):
            x = member.inputs(n)
            partials = []
            for i in range(len(x)):
                above, below = [mpmath.mpf(v) for v in x], [mpmath.mpf(v) for v in x]
                above[i] += step
                below[i] -= step
                ends = (as_list(member.f(mpmath.mp, ends)) for ends in (above, below))
                partials += [float((a - b) / (2 * step)) for a, b in zip(*ends, strict=True)]
            assert len(member.gradient(x)) == len(partials)
            assert error(member.gradient(x), partials) < 1e-14


HOLOMORPHIC = SimpleNamespace(
    sin=cmath.sin, cos=cmath.cos, tanh=cmath.tanh, hypot=lambda a, b: cmath.sqrt(a * a + b * b)
)


def complex_step(member, x, direction):
    """The derivative along a direction, to rounding: f(x + i h v) / h has no difference in it that could cancel."""
    h = 1e-150
    ray = [complex(a, h * b) for a, b in zip(x, direction, strict=True)]
    return [v.imag / h for v in as_list(member.f(HOLOMORPHIC, ray))]


@each_graph
def test_gradient_agrees_with_complex_steps(graph):
    for n, member in sizes(graph, 5, 24):
        x = member.inputs(n)
        rows = [complex_step(member, x, np.eye(len(x))[i]) for i in range(len(x))]
        assert error(member.gradient(x), np.ravel(rows)) < 1e-13


@each_graph
def test_a_large_gradient_is_right_and_well_scaled(graph):
    ((n, member),) = sizes(graph, 50_000)
    x = member.inputs(n)
    gradient = np.array(member.gradient(x))
    direction = np.random.default_rng(0).choice([-1.0, 1.0], len(x))
    along = complex_step(member, x, direction)
    expected = gradient * direction if len(along) > 1 else np.sum(gradient * direction)
    assert np.max(np.abs(along - expected)) < 1e-11 * np.sum(np.abs(gradient))
    assert np.all(np.isfinite(gradient))
    assert np.median(np.abs(gradient)) > 1e-3 * np.max(np.abs(gradient))
    assert 1e-6 < np.max(np.abs(gradient)) < 1e6


@pytest.mark.parametrize("name", ["chain", "product", "lattice"])
def test_a_million_inputs_neither_overflow_nor_fade(name):
    graph = family(name)
    n = graph.nearest_size(1_000_000)
    x = graph.inputs(n)
    gradient = np.abs(graph.gradient(x))
    assert 0.1 < abs(graph.f(math, x)) < 10.0
    assert 0.01 < np.min(gradient) < np.max(gradient) < 100.0


def test_a_long_chain_is_well_conditioned():
    x = FAMILIES["chain"].inputs(5_000)
    with mpmath.workdps(30):
        exact = mpmath.mpf(0)
        # the partial in x[0] depends on every later step: replay it with 30 digits
        acc, tangent = mpmath.mpf(x[0]), mpmath.mpf(1)
        for i, xi in enumerate(x):
            tangent = mpmath.cos(acc) * tangent * xi + (mpmath.sin(acc) + 2 * xi if i == 0 else 0)
            acc = mpmath.sin(acc) * xi + mpmath.mpf(xi) * xi
        exact = float(tangent)
    assert FAMILIES["chain"].gradient(x)[0] == pytest.approx(exact, rel=1e-12)


@each_graph
def test_inputs_are_the_same_on_every_call(graph):
    for n, member in sizes(graph, 1, 10, 300):
        assert member.inputs(n) == graph.inputs(n)
        assert len(graph.inputs(n)) == graph.n_inputs(n)
        assert {type(v) for v in (*graph.inputs(n), *member.gradient(graph.inputs(n)))} == {float}


# ---------------------------------------------------------------------------------------------------------------------
# Sizes and names


@each_graph
@pytest.mark.parametrize("n", [0, -3, 2.5, "8", None, True])
def test_a_size_that_is_not_a_positive_integer(graph, n):
    ask = [graph.nearest_size, graph.valid_size, graph.at, graph.inputs, graph.n_ops, graph.depth, graph.n_paths]
    for method in [*ask, graph.n_inputs, graph.n_outputs]:
        with pytest.raises(ValueError, match=f"^n: got {n!r}, expected a positive integer$"):
            method(n)


@each_graph
def test_nearest_size_is_valid_and_nearest(graph):
    valid = [n for n in range(1, 120) if graph.valid_size(n)]
    for n in range(1, 80):
        nearest = graph.nearest_size(n)
        assert nearest in valid
        assert abs(nearest - n) == min(abs(v - n) for v in valid)
    assert graph.nearest_size(np.int64(valid[0])) == valid[0]


@pytest.mark.parametrize(
    ("name", "n", "nearest"), [("tree", 1, 2), ("product", 1, 2), ("lattice", 8, 7), ("dense", 8, 7)]
)
def test_a_size_the_family_cannot_have(name, n, nearest):
    assert not family(name).valid_size(n)
    with pytest.raises(
        ValueError, match=f"^n: got {n}, expected a size that '{name}' can have; the nearest is {nearest}$"
    ):
        family(name).inputs(n)


def test_sizes_of_the_factories():
    assert [n for n in range(1, 60) if family("dense").valid_size(n)] == [7, 15, 25, 37, 51]
    assert family("dense").nearest_size(1_000_000) == 998**2 + 5 * 998 + 1
    assert [n for n in range(1, 12) if family("lattice").valid_size(n)] == [4, 7, 10]
    assert family("fixed_work").nearest_size(10**6) == 2**13
    assert layered(width=16).nearest_size(17) == 16
    assert broadcast(5).nearest_size(2) == 5


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layered(width=0), "width: got 0, expected a positive integer or None"),
        (lambda: layered(depth=0), "depth: got 0, expected a positive integer"),
        (lambda: layered(mix=()), "mix: got (), expected pairs"),
        (lambda: layered(mix=(("sin", "div"),)), "mix: got (('sin', 'div'),), expected pairs"),
        (lambda: lattice(edges=0), "edges: got 0, expected a positive integer"),
        (lambda: fixed_work(0), "steps: got 0, expected a positive integer"),
        (lambda: family("chian"), "graph: got 'chian', expected one of chain, tree, product, layered, hub, fixed_work"),
        (lambda: FAMILIES["broadcast"].f(math, [0.7]), "broadcast: one input does not tell the number of outputs"),
    ],
)
def test_mistakes_are_named(make, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}") as raised:
        make()
    assert "\n" not in str(raised.value)
