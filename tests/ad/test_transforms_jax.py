"""The transforms on arrays against JAX: values, structures, shapes and types of numbers, in trees of every kind."""

import dataclasses
import functools
from typing import NamedTuple

import jax
import numpy as np
import pytest

import ad

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_disable_most_optimizations", True)  # what is compiled is run once
jnp = jax.numpy


class Layer(NamedTuple):
    w: object
    b: object


@jax.tree_util.register_dataclass
@dataclasses.dataclass
class Model:
    first: object
    scale: object


def point(dtype, sizes=(2, 3)):
    """Two arguments, trees of arrays."""
    rng = np.random.default_rng(5)
    m, n = sizes
    a, b, c, d = (rng.uniform(0.2, 0.9, s).astype(dtype) for s in ((m, n), (m,), (n,), (1,)))
    return {"model": Model(Layer(a, [b, (c,)]), d[0:1].reshape(())), "other": [d]}, (b * 2, {"unused": c})


def outputs(xp, p, q):
    """A tree of outputs: matrices, vectors, what has no dimensions, and what depends on one argument alone."""
    layer, scale = p["model"].first, p["model"].scale
    y = xp.tanh(layer.w @ layer.b[1][0] + layer.b[0]) * scale
    return {"y": y, "pair": (xp.sum(y * q[0]), [layer.w.T * 2.0]), "power": xp.sum(q[0] ** 2), "other": p["other"][0]}


def loss(xp, p, q):
    """One number."""
    out = outputs(xp, p, q)
    return out["pair"][0] ** 2 + xp.sum(xp.sin(out["y"])) + out["power"] * xp.sum(out["other"])


def pair(f):
    """A function with something besides its output."""
    return lambda *args: (f(*args), {"first": args[0], "name": 3.0})


def same(got, expected):
    """As JAX has it, dataclasses and named tuples included."""
    ours, theirs = (jax.tree.flatten(tree) for tree in (got, expected))
    assert ours[1] == theirs[1]
    for g, e in zip(ours[0], theirs[0], strict=True):
        e = np.asarray(e)
        assert np.shape(g) == e.shape
        assert np.asarray(g).dtype == e.dtype
        tight = e.dtype == np.float64
        np.testing.assert_allclose(g, e, rtol=1e-11 if tight else 2e-4, atol=1e-12 if tight else 2e-5)


FUNCTIONS = {"outputs": outputs, "loss": loss}
ARGNUMS = (0, 1, -1, (0,), (1, 0))
CASES = pytest.mark.parametrize(
    ("dtype", "sizes"), [(np.float64, (2, 3)), (np.float32, (2, 3)), (np.float64, (0, 2)), (np.float32, (2, 0))]
)


@functools.cache
def by_jax(dtype, sizes):
    """All that JAX says of one case, by names and as text the argnums; compiled as one."""

    def everything(*args):
        found = {}
        for name, f in FUNCTIONS.items():
            g = functools.partial(f, jnp)
            out, pull, aux = jax.vjp(pair(g), *args, has_aux=True)
            found[f"jvp {name}"] = jax.jvp(pair(g), args, args, has_aux=True)
            found[f"vjp {name}"] = out, pull(out), aux
        for argnums in ARGNUMS:
            found[f"gradient {argnums}"] = jax.value_and_grad(pair(g), argnums, has_aux=True)(*args)
        f = functools.partial(outputs, jnp)
        for argnums in ARGNUMS[::2]:
            found[f"forward {argnums}"] = jax.jacfwd(f, argnums)(*args)
            found[f"reverse {argnums}"] = jax.jacrev(f, argnums)(*args)
        found["hvp"] = jax.jvp(jax.grad(g), args, args)[1]
        found["hessian"] = jax.hessian(g, 1)(*args)
        return found

    return jax.jit(everything)(*point(dtype, sizes))


@CASES
@pytest.mark.parametrize("argnums", ARGNUMS)
def test_gradients(dtype, sizes, argnums):
    f, args = functools.partial(loss, np), point(dtype, sizes)
    (value, aux), gradient = expected = by_jax(dtype, sizes)[f"gradient {argnums}"]
    same(ad.grad(f, argnums)(*args), gradient)
    same(ad.value_and_grad(f, argnums)(*args), (value, gradient))
    same(ad.grad(pair(f), argnums, has_aux=True)(*args), (gradient, aux))
    same(ad.value_and_grad(pair(f), argnums, has_aux=True)(*args), expected)


@CASES
@pytest.mark.parametrize("name", FUNCTIONS)
def test_products(dtype, sizes, name):
    f, args = functools.partial(FUNCTIONS[name], np), point(dtype, sizes)
    value, tangent, aux = by_jax(dtype, sizes)[f"jvp {name}"]
    same(ad.jvp(f, args, args), (value, tangent))
    same(ad.jvp(pair(f), args, args, has_aux=True), (value, tangent, aux))
    for out, f_jvp, *beside in (ad.linearize(f, *args), ad.linearize(pair(f), *args, has_aux=True)):
        same([out, f_jvp(*args), *beside], [value, tangent, aux][: 2 + len(beside)])
    value, pulled, aux = by_jax(dtype, sizes)[f"vjp {name}"]
    for out, pull, *beside in (ad.vjp(f, *args), ad.vjp(pair(f), *args, has_aux=True)):
        same([out, pull(out), *beside], [value, pulled, aux][: 2 + len(beside)])


@CASES
@pytest.mark.parametrize("argnums", ARGNUMS[::2])
def test_jacobians(dtype, sizes, argnums):
    f, args = functools.partial(outputs, np), point(dtype, sizes)
    forward, reverse = (by_jax(dtype, sizes)[f"{mode} {argnums}"] for mode in ("forward", "reverse"))
    for lanes in (1, 2, None):
        same(ad.jacfwd(f, argnums, lanes=lanes)(*args), forward)
    same(ad.jacrev(f, argnums)(*args), reverse)
    for mode, expected in (("forward", forward), ("reverse", reverse), ("auto", forward)):
        same(ad.jacobian(f, argnums, mode=mode)(*args), expected)
        jacobian, beside = ad.jacobian(pair(f), argnums, mode=mode, has_aux=True)(*args)
        same(jacobian, expected)
        same(beside["first"], args[0])


@CASES
def test_second_derivatives(dtype, sizes):
    f, args, expected = functools.partial(loss, np), point(dtype, sizes), by_jax(dtype, sizes)
    same(ad.hvp(f, args, args), expected["hvp"])
    same(ad.hvp(pair(f), args, args, has_aux=True)[0], expected["hvp"])
    same(ad.hessian(f, 1)(*args), expected["hessian"])
    same(ad.hessian(pair(f), 1, has_aux=True)(*args)[0], expected["hessian"])
