"""Random programs on arrays, against JAX in reverse mode, and both modes and their mixtures against one another.

    python -m tests.ad.test_array_programs 10000

runs as many as one likes; a few are part of the suite.
"""

import sys

import jax
import numpy as np
import pytest

import ad

jax.config.update("jax_enable_x64", True)
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
]
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
        kind = rng.integers(6)
        if kind < 2:
            f, operands = UNARY[rng.integers(len(UNARY))], (i,)
        elif kind < 4:
            f, operands = BINARY[rng.integers(len(BINARY))], (i, j)
        elif kind == 4:
            index = INDICES[rng.integers(len(INDICES))]
            f, operands = (lambda xp, x, index=index: x[index]), (i,)
        else:
            axis, keep = [(None, False), (0, False), (-1, True)][rng.integers(3)]
            reductions = [lambda xp, x, a=axis, k=keep: xp.sum(x, axis=a, keepdims=k), lambda xp, x: x.T]
            reductions.append(lambda xp, x: x.reshape(-1))
            f, operands = reductions[rng.integers(3)], (i,)
        try:
            value = f(np, *(values[k] for k in operands))
        except (ValueError, IndexError):
            continue
        if kind == 5 and np.ndim(values[i]) == 0:
            continue  # NumPy reduces an axis that is not there
        if np.ndim(value) < 5 and np.size(value) < 500:
            steps.append((f, operands))
            values.append(np.asarray(value))
    weights = [rng.normal(size=v.shape) for v in values]

    def run(xp, *arrays):
        found = list(arrays)
        for f, operands in steps:
            found.append(f(xp, *(found[k] for k in operands)))
        return sum(xp.sum(w * v) for w, v in list(zip(weights, found, strict=True))[-3:])

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


@pytest.mark.parametrize("first", range(0, 80, 20))
def test_random_programs_agree_with_jax_and_the_modes_with_one_another(first):
    for seed in range(first, first + 20):
        check(seed)


if __name__ == "__main__":
    for number in range(int(sys.argv[1])):
        check(1000 + number)
    print(f"{sys.argv[1]} programs without a difference")
