"""The engines `jax` and `jax-eager`: a peer, functions traced and compiled by XLA for each problem, and op by op.

The function's inputs are arguments of what is compiled, since XLA would compute ahead what depends on constants alone.
Both wait for the result.  Every reverse sweep computes the function anew.  Many lanes are `vmap` over the sweep, which
is all that `jacfwd` and `jacrev` do.  A function of scalars is traced op by op, and the time that XLA takes to compile
such a program grows faster than the number of its ops: hence the short reach.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.engines.base import Engine, Includes, Reach, Written, of_vectors
from benchmarks.functions.problem import Problem
from benchmarks.options import DTYPES


class JaxEager(Engine):
    """JAX without `jit`: every op is dispatched on its own."""

    name = "jax-eager"
    package = "jax"
    styles = ("scalars", "arrays")
    dtypes = DTYPES
    lanes = 128
    lane_modes = ("forward", "reverse")
    reach = Reach(single_ops=2**10, gradient_ops=2**12)
    includes = Includes(*3 * ("dispatched op by op",))

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.jax = jax = importlib.import_module("jax")
        self.np = importlib.import_module("jax.numpy")
        self.x = self.seed(problem.x)
        f = of_vectors(problem, self.np, self.np.asarray)

        def push(x: Any, tangent: Any) -> Any:
            return jax.jvp(f, (x,), (tangent,))[1]

        def pull(x: Any, cotangent: Any) -> Any:
            return jax.vjp(f, x)[1](cotangent)[0]

        self.f, self.push_of, self.pull_of = (self.transformed(each) for each in (f, push, pull))
        self.pushes_of, self.pulls_of = (self.transformed(jax.vmap(sweep, (None, 0))) for sweep in (push, pull))

    @classmethod
    def load(cls) -> None:
        """Import JAX, and start it on the processor, in double precision."""
        jax = importlib.import_module("jax")
        jax.config.update("jax_enable_x64", True)
        jax.config.update("jax_platforms", "cpu")
        jax.numpy.sin(1.0).block_until_ready()

    def transformed(self, f: Callable[..., Any]) -> Callable[..., Any]:
        """What is executed of a function; nothing is done to it here."""
        return f

    def seed(self, values: Any) -> Any:
        """A vector on the device."""
        return self.np.asarray(values, dtype=self.problem.dtype)

    def stack(self, seeds: Any) -> Any:
        """A matrix on the device."""
        return self.np.asarray(np.stack(seeds))

    def value(self) -> Any:
        """The function."""
        return self.f(self.x).block_until_ready()

    def push(self, tangent: Any) -> Any:
        """One forward sweep."""
        return self.push_of(self.x, tangent).block_until_ready()

    def pull(self, cotangent: Any) -> Any:
        """One reverse sweep."""
        return self.pull_of(self.x, cotangent).block_until_ready()

    def pushes(self, tangents: Any) -> Any:
        """One forward pass for several tangents."""
        return self.pushes_of(self.x, tangents).block_until_ready()

    def pulls(self, cotangents: Any) -> Any:
        """One reverse pass for several cotangents."""
        return self.pulls_of(self.x, cotangents).block_until_ready()


class Jax(JaxEager):
    """JAX with `jit` around the function and around each sweep; compiling is preparation."""

    name = "jax"
    reach = Reach(single_ops=2**8, gradient_ops=2**15)
    includes = Includes(*3 * ("compiled before",))
    written = Written("jax.jit(jax.jacfwd(f))(x)", "jax.jit(jax.jacrev(f))(x)", "jax.jit(jax.grad(f))(x)", "jax.numpy")
    prepare = Engine.first_call

    def transformed(self, f: Callable[..., Any]) -> Callable[..., Any]:
        """Compiled at the first call."""
        return self.jax.jit(f)  # type: ignore[no-any-return]
