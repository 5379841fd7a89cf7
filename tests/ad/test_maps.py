"""Every function on whole arrays that is declared, against JAX and by the adjoint identity, at orders one and two.

`SAMPLES` has, for each, functions of a namespace and arrays with the arrays' shapes; a map without samples fails.
"""

import functools
import operator

import jax
import numpy as np
import pytest

import ad
from ad.active import FUNCTIONS
from ad.arrays import MAPS

jax.config.update("jax_enable_x64", True)
jnp = jax.numpy

ROWS = np.array([2, 0, 2, 1])
MASK = np.array([[True, False, True], [False, False, True]])
CONSTANT = np.array([[1.0, 2.0, 3.0]])


def scatter(xp, x):
    return ad.scatter(x, (4, 3), ROWS) if xp is not jnp else jnp.zeros((4, 3)).at[ROWS].add(x)


SAMPLES = {
    "sum": [
        (lambda xp, x: xp.sum(x), (3, 4)),
        (lambda xp, x: xp.sum(x, axis=0), (3, 4)),
        (lambda xp, x: xp.sum(x, axis=(0, -1), keepdims=True), (3, 4, 2)),
        (lambda xp, x: xp.sum(x, -1), (3, 0)),
        (lambda xp, x: x.sum(axis=1, keepdims=True), (1, 1)),
        (lambda xp, x: xp.sum(x), ()),
        (lambda xp, x: xp.sum(x, axis=()), (2, 3)),
    ],
    "mean": [
        (lambda xp, x: xp.mean(x), (3, 4)),
        (lambda xp, x: x.mean(axis=(0, 2)), (3, 4, 2)),
        (lambda xp, x: xp.mean(x, 1, keepdims=True), (3, 4)),
    ],
    "reshape": [
        (lambda xp, x: xp.reshape(x, (4, -1)), (3, 4)),
        (lambda xp, x: x.reshape(2, 6), (3, 4)),
        (lambda xp, x: x.reshape(-1), ()),
    ],
    "ravel": [(lambda xp, x: xp.ravel(x), (3, 4)), (lambda xp, x: x.flatten(), (3, 4))],
    "squeeze": [(lambda xp, x: xp.squeeze(x), (1, 3, 1)), (lambda xp, x: x.squeeze(axis=0), (1, 3, 1))],
    "expand_dims": [(lambda xp, x: xp.expand_dims(x, 1), (3, 4)), (lambda xp, x: xp.expand_dims(x, (0, -1)), (3,))],
    "transpose": [
        (lambda xp, x: xp.transpose(x), (3, 4, 2)),
        (lambda xp, x: x.T, (3, 4)),
        (lambda xp, x: x.mT, (3, 4, 2)),
        (lambda xp, x: x.transpose(1, -1, 0), (3, 4, 2)),
    ],
    "swapaxes": [(lambda xp, x: xp.swapaxes(x, 0, -1), (3, 4, 2)), (lambda xp, x: x.swapaxes(1, 0), (3, 4))],
    "broadcast_to": [
        (lambda xp, x: xp.broadcast_to(x, (2, 3, 4)), (3, 1)),
        (lambda xp, x: xp.broadcast_to(x, (2, 2)), ()),
        (lambda xp, x: xp.broadcast_to(x, (0, 3)), (1, 3)),
    ],
    "concatenate": [
        (lambda xp, x, y: xp.concatenate([x, y]), (3, 4), (1, 4)),
        (lambda xp, x, y: xp.concatenate((x, y, x), axis=-1), (2, 3), (2, 0)),
        (lambda xp, x, y: xp.concatenate([x, CONSTANT, y], axis=0), (2, 3), (1, 3)),
        (lambda xp, x, y: xp.concatenate((x, y), axis=None), (2, 3), (4,)),
    ],
    "stack": [
        (lambda xp, x, y: xp.stack([x, y], axis=1), (3, 4), (3, 4)),
        (lambda xp, x, y: xp.stack([x[0], 2.0, y]), (2,), ()),
    ],
    "where": [
        (lambda xp, x, y: xp.where(x > y, x, y), (3, 4), (4,)),
        (lambda xp, x: xp.where(MASK, x, 0.5), (2, 3)),
        (lambda xp, x: xp.where(MASK, CONSTANT, x), ()),
        (lambda xp, x, y: xp.where(True, x, y), (3,), (2, 1)),
    ],
    "choose": [(lambda xp, x, y: ad.choose((x, y), MASK) if xp is not jnp else xp.where(MASK, x, y), (3,), (2, 1))],
    "getitem": [
        (lambda xp, x: x[1:, ::-2], (3, 4)),
        (lambda xp, x: x[0], (3,)),
        (lambda xp, x: x[..., None, -1], (3, 4)),
        (lambda xp, x: x[ROWS], (3, 4)),
        (lambda xp, x: x[ROWS, ROWS[:, None]], (3, 4)),
        (lambda xp, x: x[0, :, ROWS], (2, 3, 3)),
        (lambda xp, x: x[MASK], (2, 3)),
        (lambda xp, x: x[MASK[0]], (3, 2)),
        (lambda xp, x: x[()], ()),
        (lambda xp, x: sum(row * row for row in x), (3, 2)),
    ],
    "scatter": [(scatter, (4, 3))],
    "matmul": [
        (lambda xp, x, y: x @ y, m, n)
        for m, n in [
            *(((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 4)), ((4, 2, 3), (3,)), ((3,), (4, 3, 2))),
            *(((4, 2, 3), (3, 2)), ((1, 2, 3), (5, 3, 2)), ((4, 1, 2, 3), (5, 3, 2)), ((2, 0), (0, 3))),
        ]
    ]
    + [(lambda xp, x: CONSTANT @ x, (3, 2)), (lambda xp, x: xp.matmul(x, CONSTANT.T), (2, 3))],
}


def regular(xp, x):
    return xp.sin(x) * 0.2 + np.eye(3)


SAMPLES |= {
    "solve": [
        (lambda xp, a, b: xp.linalg.solve(regular(xp, a), b), (3, 3), (3,)),
        (lambda xp, a, b: xp.linalg.solve(regular(xp, a), b), (2, 3, 3), (2, 3, 2)),
        (lambda xp, b: xp.linalg.solve(np.eye(3) + 0.1, b), (3, 2)),
        (lambda xp, a: xp.linalg.solve(regular(xp, a), np.ones((3, 1))), (3, 3)),
    ],
    "inv": [
        (lambda xp, a: xp.linalg.inv(regular(xp, a)), (3, 3)),
        (lambda xp, a: xp.linalg.inv(regular(xp, a)), (2, 3, 3)),
    ],
}

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
    close(out, theirs(*xs))
    jacobian = jax.jacfwd(theirs, argnums)(*xs)
    close(tangent, sum(np.tensordot(j, t, np.ndim(t)) for j, t in zip(jacobian, ts, strict=True)))
    ct = np.asarray(rng.normal(size=np.shape(out)))
    close(ad.vjp(ours, *xs)[1](ct), [np.tensordot(ct, j, np.ndim(ct)) for j in jacobian])
    for mine in (ad.jacfwd, ad.jacrev):
        close(mine(ours, argnums)(*xs), jacobian)

    def scalar(f, xp):
        return lambda *a: xp.sum(ct * xp.sin(f(*(x * x for x in a))))

    mine, other = scalar(ours, np), scalar(theirs, jnp)
    expected = jax.jvp(jax.grad(other, argnums), tuple(xs), tuple(ts))[1]
    close(ad.jvp(ad.grad(mine, argnums), xs, ts)[1], expected)
    close(ad.vjp(ad.grad(mine, argnums), *xs)[1](tuple(ts)), expected)
    close(ad.grad(lambda *a: ad.jvp(mine, a, ts)[1], argnums)(*xs), expected)
    dots = ad.jvp(lambda *a: ad.jvp(mine, a, ts)[1], xs, ts)[1]
    close(dots, sum(np.sum(np.asarray(h) * t) for h, t in zip(expected, ts, strict=True)))


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
