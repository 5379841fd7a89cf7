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
from tests.ad.map_samples import SAMPLES, scatter

jax.config.update("jax_enable_x64", True)
jnp = jax.numpy

CASES = [(name, *sample) for name, samples in SAMPLES.items() for sample in samples]
NAMES = [f"{name}-{k}" for name, samples in SAMPLES.items() for k in range(len(samples))]


def close(got, expected):
    for g, e in zip(jax.tree.leaves(got), jax.tree.leaves(expected), strict=True):
        assert np.shape(g) == np.shape(e)
        np.testing.assert_allclose(g, e, rtol=1e-11, atol=1e-11)


def test_every_map_has_samples():
    assert set(SAMPLES) == set(MAPS)


@pytest.mark.parametrize(("name", "f", "shapes"), [(n, f, s) for n, f, *s in CASES], ids=NAMES)
def test_every_map_agrees_with_jax_in_both_modes_at_orders_one_and_two(name, f, shapes):
    rng = np.random.default_rng(3)
    xs = [np.asarray(rng.normal(size=s)) for s in shapes]
    ts = [np.asarray(rng.normal(size=s)) for s in shapes]
    ours, theirs = functools.partial(f, np), functools.partial(f, jnp)
    argnums = tuple(range(len(xs)))

    out, tangent = ad.jvp(ours, xs, ts)
    ct = np.asarray(rng.normal(size=np.shape(out)))
    pulled = ad.vjp(ours, *xs)[1](ct)
    close(np.sum(ct * tangent), sum(np.sum(g * t) for g, t in zip(pulled, ts, strict=True)))
    jacobian = ad.jacrev(ours, argnums)(*xs)
    close(ad.jacfwd(ours, argnums)(*xs), jacobian)
    close(ad.jacfwd(ours, argnums, lanes=1)(*xs), jacobian)

    def scalar(f, xp):
        return lambda *a: xp.sum(ct * xp.sin(f(*(x * x for x in a))))

    mine, other = scalar(ours, np), scalar(theirs, jnp)
    with jax.disable_jit():
        close(out, theirs(*xs))
        first, second = jax.jvp(jax.grad(other, argnums), tuple(xs), tuple(ts))
    close(ad.grad(mine, argnums)(*xs), first)
    close(ad.jvp(mine, xs, ts)[1], sum(np.sum(np.asarray(g) * t) for g, t in zip(first, ts, strict=True)))
    close(ad.jvp(ad.grad(mine, argnums), xs, ts)[1], second)
    close(ad.vjp(ad.grad(mine, argnums), *xs)[1](tuple(ts)), second)
    close(ad.grad(lambda *a: ad.jvp(mine, a, ts)[1], argnums)(*xs), second)
    dots = ad.jvp(lambda *a: ad.jvp(mine, a, ts)[1], xs, ts)[1]
    close(dots, sum(np.sum(np.asarray(h) * t) for h, t in zip(second, ts, strict=True)))


@pytest.mark.parametrize(("name", "f", "shapes"), [(n, f, s) for n, f, *s in CASES], ids=NAMES)
def test_every_map_is_the_same_on_plain_arrays_and_by_our_own_name(name, f, shapes):
    xs = [np.random.default_rng(3).normal(size=s) for s in shapes]
    close(f(ad, *xs), f(np, *xs))
    close(ad.jvp(functools.partial(f, ad), xs, xs)[1], ad.jvp(functools.partial(f, np), xs, xs)[1])


def test_float32_stays_float32_through_every_map():
    for name, f, *shapes in CASES:
        if f is scatter or "CONSTANT" in f.__code__.co_names:
            continue
        xs = [np.random.default_rng(3).normal(size=s).astype(np.float32)[...] for s in shapes]
        out, tangent = ad.jvp(functools.partial(f, np), xs, xs)
        pulled = ad.vjp(functools.partial(f, np), *xs)[1](out)
        assert np.asarray(tangent).dtype == f(np, *xs).dtype, name
        assert all(np.asarray(x).dtype == np.float32 for x in pulled if np.shape(x)), name


def test_synonyms_lead_to_the_same_function():
    assert FUNCTIONS[np.sum] is MAPS["sum"] is ad.sum
    assert operator.getitem(np.ones(2), 0) == ad.getitem(np.ones(2), 0)
