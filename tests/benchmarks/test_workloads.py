"""The workloads: what each must bring along, and the frame that carries their data and their sizes.

The Jacobian that each states is checked against one that neither it nor `ad` has made: complex steps, where NumPy can
take them through the function, or JAX.
"""

import functools
import inspect
import re
import sys

import mpmath
import numpy as np
import pytest
from scipy import optimize, special, stats

import ad
from benchmarks.cells import Cell, sweeps
from benchmarks.engines import engine
from benchmarks.functions import catalogue
from benchmarks.functions.problem import Family, Problem, text_of
from benchmarks.functions.workloads import gmm, kmeans
from benchmarks.measuring import memory
from benchmarks.measuring.gate import Gate
from benchmarks.measuring.prepared import bind, prepare
from benchmarks.options import Selection
from benchmarks.plan import plan

WORKLOADS = catalogue.families(["workloads"])
each_workload = pytest.mark.parametrize("one", WORKLOADS, ids=lambda one: one.name)


def small(one):
    """The two smallest sizes that a workload states."""
    stated = {*one.sizes, *one.growing}
    return [one.at(size) for size in sorted(stated, key=lambda size: (np.prod(size), size))[:2]]


def relative(got, expected):
    """The largest difference, relative to the largest entry; NaN stays NaN, and so fails every comparison."""
    return np.max(np.abs(np.asarray(got) - expected)) / np.max(np.abs(expected))


# ---- what a workload brings along -----------------------------------------------------------------------------------


def lacking(one):
    """What a workload lacks of what is asked of every one, as lines."""
    page = inspect.getdoc(sys.modules[one.make.__module__]) or ""
    first = one.at(one.sizes[0]) if one.sizes else None
    asked = {
        "a docstring with its formula": re.search(r"^ {4}\S.* = ", page, re.MULTILINE),
        "a docstring with its source (a year in brackets)": re.search(r"\([^()]*\b(1[6-9]|20)\d\d[^()]*\)", page),
        "sizes for the default run": one.sizes,
        "growing sizes, four at least": len(one.growing) >= 4,
        "a reference": first and first.reference,
        "the same data on every call": first and repeatable(one, one.sizes[0]),
    }
    return [what for what, found in asked.items() if not found]


def repeatable(one, size):
    a, b = one.at(size), one.at(size)
    return all(np.array_equal(p, q) for p, q in zip((a.x, *a.data), (b.x, *b.data), strict=True))


@each_workload
def test_a_workload_states_formula_source_sizes_and_reference(one):
    assert lacking(one) == []


def test_a_workload_without_them_is_told_what_it_lacks():
    bare = Family(
        "bare", lambda n: Problem("bare", n, lambda xp, x: xp.sum(x), np.random.default_rng().random(n), n, 1)
    )
    assert len(lacking(bare)) == 6 - ("=" in (sys.modules[__name__].__doc__ or ""))
    assert "a reference" in lacking(Family("bare", bare.make, sizes=(3,)))
    assert "the same data on every call" in lacking(Family("bare", bare.make, sizes=(3,)))


@each_workload
def test_sizes_are_the_familys_own(one):
    for size in (*one.sizes, *one.growing):
        assert one.nearest(size) == size
        assert text_of(one.nearest(size)) == text_of(size)


# ---- right ----------------------------------------------------------------------------------------------------------


@each_workload
def test_the_reference_is_right(one):
    """By JAX in float64, which neither this project nor the workload has a part in."""
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    problem = small(one)[-1]
    f = functools.partial(problem.on(jax.numpy.asarray), jax.numpy)
    value, jacobian = jax.jit(lambda x: (f(x), jax.jacrev(f)(x)))(problem.x)
    assert relative(np.ravel(problem.f(np, problem.x)), np.ravel(value)) < 1e-13
    assert problem.reference().shape == (problem.n_outputs, problem.n_inputs)
    assert relative(problem.reference(), np.reshape(jacobian, problem.reference().shape)) < 1e-11


@each_workload
def test_both_modes_agree_with_the_reference_and_are_counted(one):
    cells = [
        Cell(one.name, problem.size, "ad", mode, quantity, lanes)
        for problem in small(one)
        for mode, quantity, lanes in (
            ("forward", "jvp", 1),
            ("reverse", "vjp", 1),
            ("reverse", "gradient", 1),
            ("forward", "gradient", 1),
            ("forward", "gradient", 128),
        )
        if lanes == 1 or problem.n_inputs > 1
    ]
    gate = Gate()
    for cell in cells:
        prepared = prepare(cell, bind(cell, engine("ad")))
        assert gate.check(cell, prepared.run()) < 1e-10
        assert prepared.count().sweeps == sweeps(cell), cell


def test_the_valley_is_scipys():
    problem = catalogue.problem("rosenbrock", 16)
    assert problem.f(np, problem.x) == pytest.approx(optimize.rosen(problem.x), rel=1e-15)
    assert relative(problem.reference()[0], optimize.rosen_der(problem.x)) < 1e-14


def test_the_mixture_is_the_sum_of_scipys_densities():
    """With precision Q'Q, weights softmax(alpha) and the Wishart density of every precision, nothing left out."""
    for d, k in ((1, 2), (2, 5), (3, 2)):
        problem = catalogue.problem("gmm", (d, k))
        points = problem.data[0]
        alpha, mu = problem.x[:k], problem.x[k : k + k * d].reshape(k, d)
        rows = problem.x[k + k * d :].reshape(k, -1)
        density, prior = np.zeros(len(points)), 0.0
        for weight, mean, row in zip(special.softmax(alpha), mu, rows, strict=True):
            factor = np.diag(np.exp(row[:d]))
            factor[np.tril_indices(d, -1)] = row[d:]
            precision = factor.T @ factor
            density += weight * stats.multivariate_normal(mean, np.linalg.inv(precision)).pdf(points)
            prior += stats.wishart(d + gmm.SHAPE + 1, np.eye(d) / gmm.SCALE**2).logpdf(precision)
        assert problem.f(np, problem.x) == pytest.approx(np.log(density).sum() + prior, rel=1e-12)


def test_newtons_step_with_the_hessian_diagonal_is_lloyds():
    """One forward sweep over the reverse gradient, along ones, gives the diagonal; the step goes to the means."""
    objective, hand = catalogue.problem("kmeans", 5), catalogue.problem("kmeans_newton", 5)
    (points,) = objective.data
    gradient = ad.grad(lambda x: objective.f(ad, x))
    with ad.count() as counts:
        slope, diagonal = ad.jvp(gradient, (objective.x,), (np.ones(20),))
    assert (counts.forward_sweeps, counts.reverse_sweeps) == (1, 1)
    assert relative(slope, hand.f(np, hand.x)) < 1e-12
    assert relative(diagonal, np.diag(hand.reference())) < 1e-14
    mine = kmeans.clusters(points, objective.x)
    means = mine.T @ points / mine.sum(axis=0)[:, None]
    assert relative((objective.x - slope / diagonal).reshape(5, -1), means) < 1e-13


@pytest.mark.parametrize(("name", "n"), [("cofactors", 5), ("determinant", 8)])
def test_determinants_to_30_digits(name, n):
    problem = catalogue.problem(name, n)
    with mpmath.workdps(30):
        a = mpmath.matrix(np.reshape(problem.x, (n, n)).tolist())
        det, inverse = mpmath.det(a), mpmath.inverse(a)
        expected = [float(det * inverse[j, i]) for i in range(n) for j in range(n)]
    assert problem.f(np, problem.x) == pytest.approx(float(det), rel=1e-14)
    assert relative(problem.reference()[0], np.array(expected)) < 1e-14


def test_the_ops_of_cofactors_are_counted():
    for n in range(2, 7):
        problem = catalogue.problem("cofactors", n)
        tape = ad.Tape()
        problem.f(ad, tape.lift(problem.x))
        assert len(tape) == problem.ops


def complex_steps(problem):
    """The derivative without any difference: the imaginary part of f(x + i h) / h."""
    steps = problem.x + 1e-30j * np.eye(problem.n_inputs)
    return np.stack([np.ravel(problem.f(np, row)).imag / 1e-30 for row in steps], axis=1)


@pytest.mark.parametrize("name", ["rosenbrock", "least_squares", "residuals", "helmholtz", "determinant"])
def test_the_reference_agrees_with_complex_steps(name):
    for problem in small(catalogue.family(name)):
        assert relative(problem.reference(), complex_steps(problem)) < 1e-12


# ---- the frame ------------------------------------------------------------------------------------------------------


def weighted(xp, x, w, k):
    return xp.sum(w * x**2) * k


def mine(n):
    w = np.arange(1.0, n + 1)
    return Problem("mine", n, weighted, np.ones(n), n, 1, lambda: 4.0 * w[np.newaxis], data=(w, np.array(2.0)))


def test_data_follow_x_and_are_converted_once():
    problem, converted = mine(3), []

    def convert(array):
        converted.append(array)
        return array.tolist()

    assert problem.f(np, problem.x) == 12.0
    assert problem.f is problem.f
    f = problem.on(convert)
    with pytest.raises(TypeError):  # a list times a vector's square is no array
        f(np, 1.0)
    assert len(converted) == 2
    without = Problem("mine", 1, lambda xp, x: x, np.ones(1), 1, 1)
    assert without.on(convert) is without.f is without.function
    assert len(converted) == 2


@pytest.fixture
def catalogued(monkeypatch):
    family = Family("mine", mine, sizes=(3,), growing=(4, 8, 16))
    monkeypatch.setattr(catalogue, "FAMILIES", {**catalogue.FAMILIES})
    catalogue.add(family)
    yield family
    catalogue.problem.cache_clear()


@pytest.mark.parametrize(
    ("selection", "sizes"),
    [
        (Selection(), {3}),
        (Selection(families=("mine",)), {4, 8, 16}),
        (Selection(families=("workloads",)), {4, 8, 16}),
        (Selection(families=("mine",), sizes=(5,)), {5}),
    ],
)
def test_a_family_grows_where_it_is_asked_for_by_name(catalogued, selection, sizes):
    assert {cell.size for cell in plan(selection) if cell.graph == "mine"} == sizes
    loads = {load.cell.size for load in memory.plan(selection) if load.cell.graph == "mine"}
    assert loads == (sizes if selection.families else set())


def test_lanes_are_for_arrays_alone(catalogued):
    cells = plan(Selection(families=("mine", "chain"), engines=("ad",), sizes=(4,)))
    assert {(cell.graph, cell.lanes) for cell in cells if cell.mode == "forward"} == {
        ("mine", 1),
        ("mine", 128),
        ("chain", 1),
    }


def test_the_tape_of_arrays_is_measured(catalogued):
    held = engine("ad")(catalogued.at(16)).tape_bytes()
    larger = engine("ad")(catalogued.at(1016)).tape_bytes()
    assert 1000 * 8 < larger - held < 5 * 1000 * 8


@pytest.mark.parametrize(("lanes", "sweeps", "passes"), [(1, 3, 0), (2, 0, 2), (128, 0, 1)])
def test_the_textbooks_forward_mode_carries_one_tangent_a_pass(catalogued, lanes, sweeps, passes):
    with ad.count() as counts:
        engine("ad")(catalogued.at(3)).jacobian("forward", lanes)
    assert (counts.forward_sweeps, counts.lane_passes) == (sweeps, passes)
