"""Random programs on arrays, against JAX in reverse mode, and both modes and their mixtures against one another.

    python -m tests.ad.test_array_programs 10000

runs as many as one likes (`FIRST LAST` for a range of seeds); the suite runs 24, or AD_ARRAY_PROGRAMS of them.
"""

import functools
import operator
import os
import sys

import jax
import numpy as np
import pytest

import ad

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_disable_most_optimizations", True)  # much is compiled, and run a few times
jnp = jax.numpy

UNARY = [
    lambda xp, x: xp.sin(x),
    lambda xp, x: xp.tanh(x),
    lambda xp, x: xp.exp(-x * x),
    lambda xp, x: 0.3 * xp.square(x),
    lambda xp, x: xp.abs(x),
    lambda xp, x: xp.sqrt(x * x + 1),
    lambda xp, x: xp.log1p(x * x),
    lambda xp, x: -x,
    lambda xp, x: 1 / (2 + x * x),
    lambda xp, x: xp.clip(x, -0.7, 0.9),
    lambda xp, x: xp.ravel(x)[None],
    lambda xp, x: xp.flip(x),
    lambda xp, x: xp.roll(x, 1),
    lambda xp, x: xp.repeat(x, 2),
    lambda xp, x: xp.tile(x, (2, 1)),
    lambda xp, x: xp.pad(x, 1),
    lambda xp, x: xp.atleast_2d(x),
    lambda xp, x: xp.expand_dims(x, -1),
    lambda xp, x: xp.matrix_transpose(x),
    lambda xp, x: xp.diagonal(x),
    lambda xp, x: xp.trace(x),
    lambda xp, x: xp.tril(x @ x.mT, 1),
    lambda xp, x: xp.moveaxis(x, 0, -1),
    lambda xp, x: xp.linalg.det(x @ x.mT / 4 + np.eye(x.shape[-2])),
    lambda xp, x: xp.linalg.inv(xp.sin(x @ x.mT) / 9 + np.eye(x.shape[-2])),
    lambda xp, x: xp.linalg.cholesky(x @ x.mT + np.eye(x.shape[-2])),
    lambda xp, x: xp.einsum("...ii->...i", x),
    lambda xp, x: xp.einsum("ij,ik,...->...jk", x, x, x),
    lambda xp, x: xp.array_split(x, 2)[0],
    lambda xp, x: jax.nn.relu(x) if xp is jnp else ad.relu(x),
    lambda xp, x: jax.scipy.special.erf(x) if xp is jnp else ad.erf(x),
    lambda xp, x: (x > 0.1) * x,  # constants of other types than the numbers
    lambda xp, x: np.arange(x.shape[-1]) * x,
    lambda xp, x: np.float32(0.7) * x - x / np.float32(1.3),
    lambda xp, x: x / np.linspace(1, 2, x.shape[-1], dtype=np.float32),
    lambda xp, x: np.int32(3) * (x + x),
]
REDUCTIONS = ("sum", "mean", "max", "min", "prod", "var", "std", "logsumexp", "norm")
ALONG = ("cumsum", "cumprod", "sort", "diff", "flip")


def reduced(xp, name, x, axis, keepdims):
    """A reduction by its name, which not every namespace has in the same place."""
    if name == "logsumexp":
        f = jax.scipy.special.logsumexp if xp is jnp else ad.logsumexp
    elif name == "norm":
        x, f = x + 5, xp.linalg.norm  # JAX has no derivative at 0
        axis = axis if axis is not None else tuple(range(x.ndim))[:2]
    else:
        x, f = (x + 0.01 * np.arange(x.size).reshape(x.shape) if name == "std" else x), getattr(xp, name)
    return f(x, axis=axis, keepdims=keepdims)


BINARY = [
    lambda xp, x, y: x + y,
    lambda xp, x, y: x - 2.5 * y,
    lambda xp, x, y: x * y,
    lambda xp, x, y: xp.maximum(x, y + 0.1),
    lambda xp, x, y: xp.where(x > y, x, 2 * y),
    lambda xp, x, y: xp.hypot(x + 3, y),
    lambda xp, x, y: xp.minimum(x, 0.3) + y,
    lambda xp, x, y: x @ y,
    lambda xp, x, y: xp.concatenate([x, y]),
    lambda xp, x, y: xp.stack([x, y], axis=-1),
    lambda xp, x, y: xp.outer(x, y),
    lambda xp, x, y: xp.dot(x, y),
    lambda xp, x, y: xp.inner(x, y),
    lambda xp, x, y: xp.tensordot(x, y, axes=1),
    lambda xp, x, y: xp.kron(x, y),
    lambda xp, x, y: xp.vstack([x, y]),
    lambda xp, x, y: xp.hstack([x, y]),
    lambda xp, x, y: xp.clip(x, None, y + 0.2),
    lambda xp, x, y: xp.einsum("...i,...i->...", x, y),
    lambda xp, x, y: xp.einsum("ij,jk", x, y),
    lambda xp, x, y: xp.linalg.solve(xp.sin(x @ x.mT) / 9 + np.eye(x.shape[-2]), y),
    lambda xp, x, y: xp.broadcast_arrays(x, y)[0],
    lambda xp, x, y: xp.vecdot(x, y),
]
INDICES = [
    slice(None, None, -1),
    0,
    np.array([0, -1, 0]),
    (Ellipsis, None),
    (Ellipsis, -1),
    np.array([[0], [-1]]),
    (0, np.array([-1, -1])),
    (slice(1, None), np.array([0])),
]
SHAPES = [(), (1,), (3,), (2, 3), (3, 2), (1, 3), (3, 1), (2, 2, 3)]


def program(seed):
    """A function of a namespace and arrays, and the arrays; steps that do not fit their operands are left out."""
    rng = np.random.default_rng(seed)
    xs = [np.asarray(rng.normal(size=SHAPES[k])) for k in rng.integers(len(SHAPES), size=rng.integers(1, 4))]
    steps, values = [], list(xs)
    while len(steps) < 6:
        i, j = rng.integers(len(values), size=2)
        kind = rng.integers(7)
        if kind < 2:
            f, operands = UNARY[rng.integers(len(UNARY))], (i,)
        elif kind < 4:
            f, operands = BINARY[rng.integers(len(BINARY))], (i, j)
        elif kind == 4:
            index = INDICES[rng.integers(len(INDICES))]
            f, operands = (lambda xp, x, index=index: x[index]), (i,)
        elif kind == 5:
            axis, keep = [(None, False), (0, False), (-1, True)][rng.integers(3)]
            name = REDUCTIONS[rng.integers(len(REDUCTIONS))]
            f, operands = (lambda xp, x, n=name, a=axis, k=keep: reduced(xp, n, x, a, k)), (i,)
        else:
            name, axis = ALONG[rng.integers(len(ALONG))], int(rng.integers(-1, 1))
            f, operands = (lambda xp, x, n=name, a=axis: getattr(xp, n)(x, axis=a)), (i,)
        try:
            value = f(np, *(values[k] for k in operands))
        except (ValueError, IndexError, np.linalg.LinAlgError):
            continue
        if kind >= 5 and np.ndim(values[i]) == 0:
            continue  # NumPy reduces an axis that is not there
        if kind == 5 and name == "std" and not np.all(value > 1e-6):
            continue  # JAX has no derivative at 0
        if np.ndim(value) < 5 and 0 < np.size(value) < 500 and np.max(np.abs(value)) < 1e3:
            steps.append((f, operands))
            values.append(np.asarray(value))
    weights = [None if rng.integers(2) else rng.normal(size=v.shape) for v in values]

    def run(xp, *arrays):
        found = list(arrays)
        for f, operands in steps:
            found.append(f(xp, *(found[k] for k in operands)))
        terms = [xp.sum(v) if w is None else xp.sum(w * v) for w, v in list(zip(weights, found, strict=True))[-3:]]
        return functools.reduce(operator.add, terms)

    return run, xs


def close(got, expected):
    for g, e in zip(got, expected, strict=True):
        assert np.shape(g) == np.shape(e)
        scale = np.max(np.abs(e), initial=1.0)
        np.testing.assert_allclose(g, e, rtol=1e-9, atol=1e-9 * scale)


def check(seed):
    """Compare everything for one program."""
    run, xs = program(seed)
    argnums = tuple(range(len(xs)))
    rng = np.random.default_rng(seed)
    ts = [np.asarray(rng.normal(size=x.shape)) for x in xs]

    def f(*arrays):
        return run(np, *arrays)

    with jax.disable_jit():
        expected = [np.asarray(g) for g in jax.grad(lambda *a: run(jnp, *a), argnums)(*xs)]
    close(ad.grad(f, argnums)(*xs), expected)
    close(ad.jacfwd(f, argnums)(*xs), expected)
    close([ad.jvp(f, xs, ts)[1]], [sum(np.sum(g * t) for g, t in zip(expected, ts, strict=True))])
    product = ad.jvp(ad.grad(f, argnums), xs, ts)[1]
    close(ad.vjp(ad.grad(f, argnums), *xs)[1](tuple(ts)), product)
    close(ad.grad(lambda *a: ad.jvp(f, a, ts)[1], argnums)(*xs), product)


@pytest.mark.parametrize("seed", range(int(os.environ.get("AD_ARRAY_PROGRAMS", "24"))))
def test_random_programs_agree_with_jax_and_the_modes_with_one_another(seed):
    check(seed)


if __name__ == "__main__":
    first, last = [1000, *map(int, sys.argv[1:])][-2:]
    for number in range(first, first + last if len(sys.argv) == 2 else last):
        try:
            check(number)
        except Exception:
            print(f"seed {number}", flush=True)
            raise
    print("without a difference: the programs of seeds", *sys.argv[1:])
