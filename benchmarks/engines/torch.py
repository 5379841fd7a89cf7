"""The engines `torch`, `torch-func` and `torch-compile`: PyTorch's tape, its function transforms, and its compiler.

Scalars are tensors without axes.  `torch` is what most people write: a tape recorded by `requires_grad`, and the dual
numbers of `torch.autograd.forward_ad`.  `torch-func` has the transforms of `torch.func`, which carry many seeds by
`vmap`.  `torch-compile` hands those to `torch.compile`, which needs a C++ compiler and seconds to minutes for each
problem and mode, so it is measured only where it is asked for by name.
"""

from __future__ import annotations

import importlib
import shutil
import warnings
from typing import Any

from benchmarks.engines.base import Engine, Includes, Reach, Written, of_vectors
from benchmarks.functions.problem import Problem
from benchmarks.options import DTYPES


class Torch(Engine):
    """PyTorch's tape and its dual numbers, nothing recorded ahead."""

    name = "torch"
    package = "torch"
    styles = ("scalars", "arrays")
    dtypes = DTYPES
    reach = Reach(single_ops=2**12, gradient_ops=2**15)
    includes = Includes(primal="plain tensors", reverse="recording included")
    written = Written(
        'torch.autograd.functional.jacobian(f, x, strategy="forward-mode", vectorize=True)',
        "torch.autograd.functional.jacobian(f, x)",
        "torch.autograd.grad(f(x), x)[0], after x.requires_grad_()",
        "torch",
    )

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.torch = torch = importlib.import_module("torch")
        self.dual = importlib.import_module("torch.autograd.forward_ad")
        xp = torch if problem.style == "scalars" else importlib.import_module("array_api_compat.torch")
        self.f = of_vectors(problem, xp, torch.as_tensor)
        self.x = self.seed(problem.x)

    @classmethod
    def load(cls) -> None:
        """Import PyTorch, on one thread and in double precision, and what its first forward sweep imports."""
        torch = importlib.import_module("torch")
        torch.set_num_threads(1)
        torch.set_default_dtype(torch.float64)  # of `torch.zeros` and the like, in functions that make arrays
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "`torch.jit", DeprecationWarning)  # by parts that it deprecates itself
            torch.func.jvp(torch.sin, (torch.ones(1),), (torch.ones(1),))

    def seed(self, values: Any) -> Any:
        """A vector."""
        return self.torch.as_tensor(values, dtype=getattr(self.torch, self.problem.dtype))

    def stack(self, seeds: Any) -> Any:
        """A matrix."""
        return self.torch.stack(seeds)

    def value(self) -> Any:
        """The function."""
        return self.f(self.x)

    def push(self, tangent: Any) -> Any:
        """One dual sweep."""
        with self.dual.dual_level():
            return self.dual.unpack_dual(self.f(self.dual.make_dual(self.x, tangent))).tangent

    def record(self) -> Any:
        """A recording, which any number of sweeps can share."""
        x = self.x.detach().requires_grad_()
        return self.f(x), x

    def pull(self, cotangent: Any, recording: Any = None) -> Any:
        """One sweep, of a recording of its own unless there is one."""
        return self.torch.autograd.grad(*(recording or self.record()), cotangent, retain_graph=recording is not None)[0]

    def jacobian(self, mode: str, lanes: int = 1) -> Any:
        """In reverse, all outputs are swept from one recording."""
        if mode == "forward" or lanes > 1:
            return super().jacobian(mode, lanes)
        recording = self.record()
        return [self.pull(seed, recording) for seed in self.units(self.problem.n_outputs)]


class TorchFunc(Torch):
    """PyTorch's `torch.func`: `jvp`, `vjp` and `vmap` over them, which is all that `jacfwd` and `jacrev` do."""

    name = "torch-func"
    lanes = 128
    lane_modes = ("forward", "reverse")
    reach = Reach(single_ops=2**11, gradient_ops=2**14)
    written = Written("torch.func.jacfwd(f)(x)", "torch.func.jacrev(f)(x)", "torch.func.grad(f)(x)", "torch")

    def along(self, tangent: Any) -> Any:
        """The derivative of the outputs along a tangent."""
        return self.torch.func.jvp(self.f, (self.x,), (tangent,))[1]

    def push(self, tangent: Any) -> Any:
        """One forward sweep."""
        return self.along(tangent)

    def record(self) -> Any:
        """The function that pulls a cotangent back, which any number of sweeps can share."""
        return self.torch.func.vjp(self.f, self.x)[1]

    def pull(self, cotangent: Any, recording: Any = None) -> Any:
        """One sweep, of a recording of its own unless there is one."""
        return (recording or self.record())(cotangent)[0]

    def pushes(self, tangents: Any) -> Any:
        """One forward pass for several tangents."""
        return self.torch.func.vmap(self.along)(tangents)

    def pulls(self, cotangents: Any) -> Any:
        """One recording, and one sweep for several cotangents."""
        return self.torch.func.vmap(self.record())(cotangents)[0]


class TorchCompile(TorchFunc):
    """PyTorch's compiler around the function and around each sweep; compiling is preparation."""

    name = "torch-compile"
    optional = True
    reach = Reach(single_ops=2**7, gradient_ops=2**14)
    includes = Includes(*3 * ("compiled before",))
    written = Written(
        "torch.compile(torch.func.jacfwd(f))(x)",
        "torch.compile(torch.func.jacrev(f))(x)",
        "torch.compile(torch.func.grad(f))(x)",
        "torch",
    )
    prepare = Engine.first_call
    jacobian = Engine.jacobian  # every sweep computes the function anew, since it is compiled together with it

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        func = self.torch.func

        def push(x: Any, tangent: Any) -> Any:
            return func.jvp(self.f, (x,), (tangent,))[1]

        def pull(x: Any, cotangent: Any) -> Any:
            return func.vjp(self.f, x)[1](cotangent)[0]

        every = (self.f, push, pull, func.vmap(push, (None, 0)), func.vmap(pull, (None, 0)))
        self.compiled = [self.torch.compile(each, dynamic=False) for each in every]

    @classmethod
    def missing(cls) -> str | None:
        """What to install where there is no PyTorch, or no compiler for it."""
        if reason := super().missing():
            return reason
        return None if shutil.which("c++") or shutil.which("g++") else "needs a C++ compiler: apt install g++"

    def value(self) -> Any:
        """The function."""
        return self.compiled[0](self.x)

    def push(self, tangent: Any) -> Any:
        """One forward sweep."""
        return self.compiled[1](self.x, tangent)

    def pull(self, cotangent: Any, recording: Any = None) -> Any:
        """One recording and one sweep."""
        return self.compiled[2](self.x, cotangent)

    def pushes(self, tangents: Any) -> Any:
        """One forward pass for several tangents."""
        return self.compiled[3](self.x, tangents)

    def pulls(self, cotangents: Any) -> Any:
        """One recording, and one sweep for several cotangents."""
        return self.compiled[4](self.x, cotangents)
