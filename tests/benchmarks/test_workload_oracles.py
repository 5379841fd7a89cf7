"""Second opinions on the workloads: complex steps, other libraries, published values, and what theory says of them."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.special import ndtr

import ad
from benchmarks.functions.catalogue import family
from benchmarks.functions.workloads import black_scholes, heston, lorenz96, ode, symmetry


@pytest.mark.parametrize("name", ["ode", "lorenz96", "lstm", "symmetry"])
def test_complex_steps_give_the_reference(name):
    one = family(name)
    for size in one.sizes:
        problem = one.at(size)
        steps = [problem.f(np, problem.x + 1e-30j * unit).imag / 1e-30 for unit in np.eye(problem.n_inputs)]
        jacobian = np.reshape(steps, (problem.n_inputs, problem.n_outputs)).T
        np.testing.assert_allclose(jacobian, problem.reference(), rtol=1e-9, atol=1e-13 * np.abs(jacobian).max())


def test_the_brusselators_move_as_scipy_says():
    problem = ode.at(6)
    start, exchange = problem.data
    exact = solve_ivp(
        lambda _, y: ode.rates(np, y.reshape(2, 6), problem.x, exchange).ravel(),
        (0.0, ode.STEPS * ode.H),
        start.ravel(),
        rtol=1e-10,
        atol=1e-12,
    )
    np.testing.assert_allclose(problem.f(np, problem.x), exact.y[:, -1], rtol=1e-4)
    resting = np.array([[1.0], [2.5]]) * np.ones(4)  # u = a, v = b / a is at rest
    np.testing.assert_allclose(ode.rates(np, resting, problem.x, ode.ring(4)), 0.0, atol=1e-15)


def test_the_checkpointed_gradient_of_a_forecast_is_that_of_the_adjoint_model():
    x, background, observations, ring = lorenz96.assimilation(12, observations=10)
    step, cost = lorenz96.in_steps(ad, observations, ring)
    n_steps = 10 * lorenz96.EVERY
    start = x, lorenz96.misfit(np, x, background, lorenz96.B)
    with ad.count() as counts:
        gradient = ad.checkpointed_value_and_grad(step, cost, n_steps=n_steps, snapshots=4)
        value, ((by_state, by_cost),) = gradient(start)
    by_state = by_state + by_cost * (x - background) / lorenz96.B**2
    np.testing.assert_allclose(value, lorenz96.f(np, x, background, observations, ring), rtol=1e-14)
    np.testing.assert_allclose(by_state, lorenz96.adjoint_model(x, background, observations, ring), rtol=1e-11)
    assert counts.advances == ad.optimal_advances(n_steps, 4)


def test_options_have_the_published_prices_and_keep_parity():
    """J. Hull, Options, Futures, and Other Derivatives (5th edition, 2003), example 12.6: 4.76 and 0.81."""
    x, one = np.array([42.0, 0.2, 0.1]), np.ones((2, 1))
    call, put = black_scholes.f(np, x, one, 40.0 * one, 0.5 * one, np.array([[1.0], [-1.0]]))
    assert (round(float(call), 2), round(float(put), 2)) == (4.76, 0.81)
    assert call - put == pytest.approx(42.0 - 40.0 * np.exp(-0.05), rel=1e-14)
    d = np.linspace(-7.0, 7.0, 1001)
    np.testing.assert_allclose(black_scholes.normal(np, d), ndtr(d), rtol=1e-13, atol=1e-15)


def test_second_greeks_come_from_the_same_function():
    """Gamma and volga in closed form, by forward over reverse and reverse over forward."""
    problem = black_scholes.at((1, 1))
    quantity, strike, maturity, _ = (float(each[0, 0]) for each in problem.data)
    spot, volatility, rate = problem.x
    deviation = volatility * np.sqrt(maturity)
    d1 = (np.log(spot / strike) + rate * maturity) / deviation + 0.5 * deviation
    density = np.exp(-0.5 * d1**2) / np.sqrt(2.0 * np.pi)
    gamma = quantity * density / (spot * deviation)
    volga = quantity * spot * density * np.sqrt(maturity) * d1 * (d1 - deviation) / volatility
    for outer, inner in ((ad.jacfwd, ad.grad), (ad.jacrev, ad.jacfwd)):
        hessian = outer(inner(lambda x: ad.sum(problem.f(ad, x))))(problem.x)
        assert [hessian[0, 0], hessian[1, 1]] == pytest.approx([gamma, volga], rel=1e-10)
        np.testing.assert_allclose(hessian, hessian.T, rtol=1e-10)


def test_heston_without_a_random_variance_is_black_and_scholes():
    paths, (spot, v, *_, rate) = 2**15, heston.PARAMETERS
    normals = np.random.default_rng(5).standard_normal((2, heston.STEPS, paths))
    x = np.array([spot, v, 1.0, v, 0.0, 0.0, rate])
    sampled = [heston.f(np, x, part) for part in np.split(normals, 32, axis=2)]
    one = np.ones((1, 1))
    (exact,) = black_scholes.f(
        np, np.array([spot, np.sqrt(v), rate]), one, heston.STRIKE * one, heston.MATURITY * one, one
    )
    assert abs(np.mean(sampled) - exact) < 3.0 * np.std(sampled) / np.sqrt(len(sampled))


def test_the_network_learns_what_the_paper_shows():
    """Figure 1 of the paper: to each hidden unit mirrored inputs lead with opposite weights, in the ratio 1 : 2 : 4."""
    w, change = symmetry.weights(symmetry.PAPER), 0.0
    for _ in range(1400):
        change = 0.9 * change - 0.1 * symmetry.backpropagation(w, symmetry.PATTERNS, symmetry.SYMMETRIC)
        w = w + change
    assert np.abs(symmetry.outputs(np, w, symmetry.PATTERNS) - symmetry.SYMMETRIC).max() < 0.1
    first = w[:12].reshape(6, 2)
    np.testing.assert_allclose(first, -first[::-1], rtol=0.02)
    np.testing.assert_allclose(
        np.sort(np.abs(first[:3]), axis=0)[1:] / np.sort(np.abs(first[:3]), axis=0)[:2], 2.0, rtol=0.02
    )
