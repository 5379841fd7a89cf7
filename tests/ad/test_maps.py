"""Every function on whole arrays that is declared, against JAX and by the adjoint identity, at orders one and two.

A map without samples in `tests/ad/map_samples.py` fails.
"""

import functools
import operator

import jax
import numpy as np
import pytest

import ad
from ad.active import FUNCTIONS
from ad.arrays import MAPS
from ad.maps.structure import choose
from tests.ad.map_samples import SAMPLES, scatter

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_disable_most_optimizations", True)  # what is compiled is run once
jnp = jax.numpy

NAMES = [(name, k) for name, samples in SAMPLES.items() for k in range(len(samples))]
EVERY = pytest.mark.parametrize(("name", "k"), NAMES, ids=[f"{name}-{k}" for name, k in NAMES])


def sample(name, k):
    """A function, its arguments, their tangents, and weights for its value."""
    f, *shapes = SAMPLES[name][k]
    rng = np.random.default_rng(3)
    xs, ts = ([np.asarray(rng.normal(size=s)) for s in shapes] for _ in range(2))
    return f, xs, ts, np.asarray(rng.normal(size=np.shape(f(np, *xs))))


def scalar(f, xp, weights):
    """A number that depends on all of the value, and twice on all of the arguments."""
    return lambda *a: xp.sum(weights * xp.sin(f(xp, *(x * x + x for x in a))))


@functools.cache
def by_jax(name):
    """For each sample the value, the gradient of `scalar`, and its Hessian times the tangents; compiled as one."""
    samples = [sample(name, k) for k in range(len(SAMPLES[name]))]

    def everything(points):
        found = []
        for (f, *_, weights), (xs, ts) in zip(samples, points, strict=True):
            gradient = jax.grad(scalar(f, jnp, weights), tuple(range(len(xs))))
            found.append((f(jnp, *xs), *jax.jvp(gradient, xs, ts)))
        return found

    return jax.jit(everything)([(tuple(xs), tuple(ts)) for _, xs, ts, _ in samples])


def close(got, expected):
    for g, e in zip(jax.tree.leaves(got), jax.tree.leaves(expected), strict=True):
        assert np.shape(g) == np.shape(e)
        np.testing.assert_allclose(g, e, rtol=1e-11, atol=1e-11)


WITHIN = {"adjugate", "eigenvectors", "left_vectors", "logabsdet"}
"""Maps that samples of others are written in."""


def test_every_map_has_samples():
    assert set(SAMPLES) | WITHIN == set(MAPS)


@EVERY
def test_every_map_agrees_with_jax_in_both_modes_at_orders_one_and_two(name, k):
    f, xs, ts, weights = sample(name, k)
    ours, argnums = functools.partial(f, np), tuple(range(len(xs)))
    out, tangent = ad.jvp(ours, xs, ts)
    pulled = ad.vjp(ours, *xs)[1](weights)
    close(np.sum(weights * tangent), sum(np.sum(g * t) for g, t in zip(pulled, ts, strict=True)))
    jacobian = ad.jacrev(ours, argnums)(*xs)
    close(ad.jacfwd(ours, argnums)(*xs), jacobian)
    close(ad.jacfwd(ours, argnums, lanes=1)(*xs), jacobian)

    mine, (expected, first, second) = scalar(f, np, weights), by_jax(name)[k]
    close(out, expected)
    close(ad.grad(mine, argnums)(*xs), first)
    close(ad.jvp(mine, xs, ts)[1], sum(np.sum(np.asarray(g) * t) for g, t in zip(first, ts, strict=True)))
    close(ad.jvp(ad.grad(mine, argnums), xs, ts)[1], second)
    close(ad.vjp(ad.grad(mine, argnums), *xs)[1](tuple(ts)), second)
    close(ad.grad(lambda *a: ad.jvp(mine, a, ts)[1], argnums)(*xs), second)
    dots = ad.jvp(lambda *a: ad.jvp(mine, a, ts)[1], xs, ts)[1]
    close(dots, sum(np.sum(np.asarray(h) * t) for h, t in zip(second, ts, strict=True)))


@EVERY
def test_every_map_is_the_same_on_plain_arrays_and_by_our_own_name(name, k):
    f, xs, *_ = sample(name, k)
    close(f(ad, *xs), f(np, *xs))
    close(ad.jvp(functools.partial(f, ad), xs, xs)[1], ad.jvp(functools.partial(f, np), xs, xs)[1])


@EVERY
def test_float32_stays_float32_through_every_map(name, k):
    f, xs, *_ = sample(name, k)
    if f is scatter or {"CONSTANT", "ZEROS", "spd", "regular"} & {*f.__code__.co_names}:
        return
    xs = [x.astype(np.float32)[...] for x in xs]
    out, tangent = ad.jvp(functools.partial(f, np), xs, xs)
    pulled = ad.vjp(functools.partial(f, np), *xs)[1](out)
    assert np.asarray(tangent).dtype == f(np, *xs).dtype
    assert all(np.asarray(x).dtype == np.float32 for x in pulled if np.shape(x))


def test_synonyms_lead_to_the_same_function():
    assert FUNCTIONS[np.sum] is MAPS["sum"] is ad.sum
    assert operator.getitem(np.ones(2), 0) == ad.getitem(np.ones(2), 0)


def test_a_choice_pulls_nothing_back_to_what_is_passive():
    bar, c = np.ones(3), np.array([True, False, True])
    for active in ([True, False], [False, True]):
        terms = choose.map.pull(bar, active, [None, None], [(3,), (3,)], (c,))
        assert [term is not None for term in terms] == active
