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

from benchmarks.functions import catalogue
from benchmarks.functions.catalogue import SYNTHETIC, families, family, problem
from benchmarks.functions.folds import fixed_work
from benchmarks.functions.networks import dense, lattice, layered
from benchmarks.functions.problem import Family

# Every synthetic family, and instances of the factories with other parameters.
FAMILIES = {
    **{one.name: one for one in SYNTHETIC},
    "fixed_work of 5 steps": fixed_work(5),
    "lattice of 1": lattice(edges=1),
    "lattice of 4": lattice(edges=4),
    "layered 16 wide": layered(width=16, depth=2, mix=(("sin", "sub"), ("cos", "mul"), ("cos", "mul")), seed=3),
    "layered 6 deep, two kinds": layered(depth=6, mix=(("cos", "add"), ("tanh", "mul"))),
    "dense, another seed": dense(seed=7),
}
each_family = pytest.mark.parametrize("one", FAMILIES.values(), ids=FAMILIES.keys())


def problems(one, *wanted):
    """The problems of the sizes nearest to the wanted ones; of a map, those of N by 3."""
    numbers = [(n, 3) for n in wanted] if one.axes == 2 else wanted
    return [one.at(size) for size in sorted({one.nearest(size) for size in numbers})]


def gradient(problem):
    return problem.reference().ravel()


def as_list(out):
    return out if isinstance(out, list) else [out]


def error(gradient, reference):
    """The norm that `Family` documents; NaN stays NaN, and so fails every comparison."""
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


@each_family
def test_shape_is_exact(one):
    for each in problems(one, *range(1, 18), 31, 64, 100, 257):
        ops = [0]
        x = [Traced(ops, 0, int(i == 0)) for i in range(each.n_inputs)]
        out = as_list(each.f(TracedNamespace(), x))
        assert len(out) == each.n_outputs
        assert len(each.x) == each.n_inputs
        assert ops[0] == each.ops
        assert max(v.depth for v in out) == each.depth
        assert sum(v.paths for v in out) == each.paths
        assert (each.family, each.style) == (one.name, "scalars")


def test_what_each_family_isolates():
    large = {name: problem(name, 1_000_000) for name in ("chain", "tree")}
    assert (large["chain"].ops, large["chain"].depth) == (4_000_000, 3_000_000)
    assert (large["tree"].ops, large["tree"].depth) == (999_999, 20)
    assert {problem("fixed_work", n).ops for n in (1, 2, 3, 1000, 8192)} == {2**15}
    assert problem("layered", 1024).depth - problem("layered", 512).depth == 1
    assert problem("lattice", 7).paths == 9
    assert problem("lattice", 1 + 3 * 100).paths == 3**100
    assert problem("broadcast", 1000).n_inputs == 1
    assert (problem("map", (2, 5)).n_inputs, problem("map", (2, 5)).n_outputs) == (2, 5)


def test_layered_mix_is_dealt_in_equal_shares():
    def counted(name):
        def count(value):
            used[name] = used.get(name, 0) + 1
            return getattr(math, name)(value)

        return count

    used = {}
    mixed = layered(depth=3, mix=(("sin", "add"), ("cos", "mul"), ("tanh", "sub"), ("sin", "add"))).at(40)
    mixed.f(SimpleNamespace(sin=counted("sin"), cos=counted("cos"), tanh=counted("tanh")), mixed.x)
    assert used == {"sin": 60, "cos": 30, "tanh": 30}


def test_layered_wiring_follows_the_seed():
    values = [layered(seed=seed).at(64).f(math, problem("layered", 64).x) for seed in (0, 0, 1)]
    assert values[0] == values[1] == problem("layered", 64).f(math, problem("layered", 64).x) != values[2]


# ---------------------------------------------------------------------------------------------------------------------
# Gradients


@each_family
def test_gradient_agrees_with_50_digit_differences(one):
    if one.name == "fixed_work":
        one = fixed_work(50)  # 8192 steps of 50 digits take their time; complex steps check those
    with mpmath.workdps(50):
        step = mpmath.mpf(10) ** -16
        for each in problems(one, 1, 2, 3, 7, 12):
            columns = []
            for i in range(each.n_inputs):
                above, below = [mpmath.mpf(v) for v in each.x], [mpmath.mpf(v) for v in each.x]
                above[i] += step
                below[i] -= step
                ends = (as_list(each.f(mpmath.mp, ends)) for ends in (above, below))
                columns.append([float((a - b) / (2 * step)) for a, b in zip(*ends, strict=True)])
            assert each.reference().shape == (each.n_outputs, each.n_inputs)
            assert error(each.reference(), np.transpose(columns)) < 1e-14


HOLOMORPHIC = SimpleNamespace(
    sin=cmath.sin, cos=cmath.cos, tanh=cmath.tanh, hypot=lambda a, b: cmath.sqrt(a * a + b * b)
)


def complex_step(problem, direction):
    """The derivative along a direction, to rounding: f(x + i h v) / h has no difference in it that could cancel."""
    h = 1e-150
    ray = [complex(a, h * b) for a, b in zip(problem.x, direction, strict=True)]
    return [v.imag / h for v in as_list(problem.f(HOLOMORPHIC, ray))]


@each_family
def test_gradient_agrees_with_complex_steps(one):
    for each in problems(one, 5, 24):
        columns = [complex_step(each, row) for row in np.eye(each.n_inputs)]
        assert error(each.reference(), np.transpose(columns)) < 1e-13


@each_family
def test_a_large_gradient_is_right_and_well_scaled(one):
    (each,) = problems(one, 50_000)
    jacobian = each.reference()
    direction = np.random.default_rng(0).choice([-1.0, 1.0], each.n_inputs)
    along = complex_step(each, direction)
    assert np.max(np.abs(along - jacobian @ direction)) < 1e-11 * np.sum(np.abs(jacobian))
    assert np.all(np.isfinite(jacobian))
    assert np.median(np.abs(jacobian)) > 1e-3 * np.max(np.abs(jacobian))
    assert 1e-6 < np.max(np.abs(jacobian)) < 1e6


@pytest.mark.parametrize("name", ["chain", "product", "lattice"])
def test_a_million_inputs_neither_overflow_nor_fade(name):
    (each,) = problems(family(name), 1_000_000)
    sizes = np.abs(gradient(each))
    assert 0.1 < abs(each.f(math, each.x)) < 10.0
    assert 0.01 < np.min(sizes) < np.max(sizes) < 100.0


def test_a_long_chain_is_well_conditioned():
    x = problem("chain", 5_000).x
    with mpmath.workdps(30):
        exact = mpmath.mpf(0)
        # the partial in x[0] depends on every later step: replay it with 30 digits
        acc, tangent = mpmath.mpf(x[0]), mpmath.mpf(1)
        for i, xi in enumerate(x):
            tangent = mpmath.cos(acc) * tangent * xi + (mpmath.sin(acc) + 2 * xi if i == 0 else 0)
            acc = mpmath.sin(acc) * xi + mpmath.mpf(xi) * xi
        exact = float(tangent)
    assert gradient(problem("chain", 5_000))[0] == pytest.approx(exact, rel=1e-12)


@each_family
def test_inputs_are_the_same_on_every_call(one):
    for each, again in zip(problems(one, 1, 10, 300), problems(one, 1, 10, 300), strict=True):
        assert each.x == again.x
        assert {type(v) for v in each.x} == {float}


# ---------------------------------------------------------------------------------------------------------------------
# Sizes and names


@each_family
@pytest.mark.parametrize("size", [0, -3, 2.5, "8", None, True, (), (1, 2, 3), (0, 1), (1, 2.5)])
def test_a_size_that_is_not_made_of_positive_integers(one, size):
    expected = "a positive integer" if one.axes == 1 else "a tuple of 2 positive integers"
    for method in (one.nearest, one.at):
        with pytest.raises(ValueError, match=re.escape(f"size: got {size!r}, expected {expected}")):
            method(size)


@pytest.mark.parametrize("one", [one for one in FAMILIES.values() if one.axes == 1], ids=lambda one: one.name)
def test_nearest_is_valid_and_nearest(one):
    valid = [n for n in range(1, 120) if one.nearest(n) == n]
    for n in range(1, 80):
        nearest = one.nearest(n)
        assert nearest in valid
        assert abs(nearest - n) == min(abs(v - n) for v in valid)
        assert one.at(nearest).size == nearest
    assert one.nearest(np.int64(valid[0])) == valid[0]


@pytest.mark.parametrize(
    ("name", "n", "nearest"), [("tree", 1, 2), ("product", 1, 2), ("lattice", 8, 7), ("dense", 8, 7)]
)
def test_a_size_the_family_cannot_have(name, n, nearest):
    message = f"^size: got {n}, expected a size that '{name}' can have; the nearest is {nearest}$"
    with pytest.raises(ValueError, match=message):
        family(name).at(n)


def test_sizes_of_the_factories():
    assert family("dense").sizes_from(range(1, 60)) == [7, 15, 25, 37, 51]
    assert family("dense").nearest(1_000_000) == 998**2 + 5 * 998 + 1
    assert family("lattice").sizes_from(range(1, 12)) == [4, 7, 10]
    assert family("fixed_work").nearest(10**6) == 2**13
    assert layered(width=16).nearest(17) == 16
    assert family("map").sizes_from([2, 4]) == [(2, 2), (2, 4), (4, 2), (4, 4)]


def test_the_catalogue_keeps_its_order_and_finds_workloads_by_one_name(monkeypatch):
    assert [one.name for one in families(["map", "chain", "tree"])] == ["chain", "tree", "map"]
    mine = Family("mine", family("chain").make)
    before = [one.name for one in families(["workloads"])]
    monkeypatch.setattr(catalogue, "FAMILIES", {**catalogue.FAMILIES})
    catalogue.add(mine)
    assert [one.name for one in families(["workloads"])] == [*before, "mine"]
    with pytest.raises(ValueError, match="the name 'mine' is taken"):
        catalogue.add(mine)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layered(width=0), "width: got 0, expected a positive integer or None"),
        (lambda: layered(depth=0), "depth: got 0, expected a positive integer"),
        (lambda: layered(mix=()), "mix: got (), expected pairs"),
        (lambda: layered(mix=(("sin", "div"),)), "mix: got (('sin', 'div'),), expected pairs"),
        (lambda: lattice(edges=0), "edges: got 0, expected a positive integer"),
        (lambda: fixed_work(0), "steps: got 0, expected a positive integer"),
        (lambda: family("chian"), "family: unknown 'chian'; did you mean 'chain'?"),
        (lambda: family("?"), "family: unknown '?'; expected one of chain, tree, product, layered, hub, fixed_work"),
    ],
)
def test_mistakes_are_named(make, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}") as raised:
        make()
    assert "\n" not in str(raised.value)
