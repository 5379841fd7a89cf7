"""The engine `autograd`: HIPS/autograd, a peer; scalars are taken from one array by indexing."""

from __future__ import annotations

import importlib
from typing import Any

from benchmarks.engines.base import Engine, Includes, Reach, Written, of_vectors
from benchmarks.functions.problem import Problem
from benchmarks.options import DTYPES


class Autograd(Engine):
    """HIPS/autograd's `make_jvp` and `make_vjp`; nothing is recorded ahead."""

    name = package = "autograd"
    styles = ("scalars", "arrays")
    dtypes = DTYPES
    reach = Reach(single_ops=2**12, gradient_ops=2**16)
    includes = Includes(primal="plain Python or NumPy", reverse="recording included")
    written = Written(
        "[autograd.make_jvp(f)(x)(e)[1] for e in np.eye(len(x))]",
        "autograd.jacobian(f)(x)",
        "autograd.grad(f)(x)",
        "autograd.numpy",
    )
    allocates_in_python = True

    @classmethod
    def load(cls) -> None:
        """Import HIPS/autograd."""
        importlib.import_module("autograd.numpy")
        importlib.import_module("autograd.differential_operators")

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.np = importlib.import_module("autograd.numpy")
        self.core = importlib.import_module("autograd.differential_operators")
        self.x = self.np.array(problem.x)
        self.f = of_vectors(problem, self.np, self.np.asarray)

    def push(self, tangent: Any) -> Any:
        """One forward sweep."""
        return self.core.make_jvp(self.f)(self.x)(self.np.array(tangent))[1]

    def pull(self, cotangent: Any) -> Any:
        """One recording and one sweep."""
        return self.core.make_vjp(self.f)(self.x)[0](self.np.array(cotangent))
