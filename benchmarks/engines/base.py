"""What the harness knows of an engine: a class that is bound to one problem, and what the class states about itself.

An engine is a subclass of `Engine`, alone in its file.  It gives `value`, `push` (one forward sweep) and `pull` (one
reverse sweep) of the problem that it was made with, and overrides `jacobian` only where it has a way of its own.  The
quantities, the seeds, the notes, the counts and the refusals are derived from that by the harness.

It does no timing and no checking.  What is heavy to import is imported in `__init__`, not with the file.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

import ad
from benchmarks.functions.problem import Problem
from benchmarks.runs.environment import build

TOLERANCE = 1e-10
"""Largest relative difference allowed between a derivative in floats, exact but for rounding, and its reference."""


@dataclass(frozen=True)
class Reach:
    """How far the default plan goes with an engine; the time budget may stop earlier.

    Attributes:
        single_ops: primals and single sweeps up to this many ops.
        gradient_ops: gradients of many sweeps up to this many executed ops.
        far: families whose single sweeps go to this size, whatever their ops.
    """

    single_ops: int = 2**16
    gradient_ops: int = 2**19
    far: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Includes:
    """What the times of an engine include, in a few words for each mode; the sweeps are named by the harness."""

    primal: str = ""
    forward: str = ""
    reverse: str = ""


@dataclass(frozen=True)
class Counts:
    """What was counted in one execution.

    Attributes:
        sweeps: forward or reverse sweeps; None where the engine cannot know.
        ops: ops executed, recording included; None where the engine cannot know.
    """

    sweeps: int | None
    ops: int | None


class Engine:
    """One problem, bound to one engine.

    Making an instance is preparation, timed apart from everything else: convert the inputs, record, compile.  Results
    are numbers in any nesting that read row by row are what is said; a method returns when they are there, so an
    engine that computes in the background waits for them.

    Attributes:
        name: the name used in results and on the command line.
        package: the distribution to install, whose version is the engine's; empty for the project's own.
        install: what to type if it is missing.
        default: whether the default plan has it.
        styles: the styles of problems that it takes: `scalars`, `arrays`.
        modes: the modes that it has, of `forward` and `reverse`.
        lanes: tangents that it can carry together through one forward pass of a gradient.
        lane_styles: the styles of problems for which it can.
        reach: how far the default plan goes with it.
        tolerance: largest relative difference allowed between its derivatives and the reference.
        includes: what its times include.
        problem: what it is bound to.
    """

    name: ClassVar[str]
    package: ClassVar[str] = ""
    install: ClassVar[str] = ""
    default: ClassVar[bool] = False
    styles: ClassVar[tuple[str, ...]] = ("scalars",)
    modes: ClassVar[tuple[str, ...]] = ("forward", "reverse")
    lanes: ClassVar[int] = 1
    lane_styles: ClassVar[tuple[str, ...]] = ("scalars", "arrays")
    reach: ClassVar[Reach] = Reach()
    tolerance: ClassVar[float] = TOLERANCE
    includes: ClassVar[Includes] = Includes()

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self._plain = plain(problem)

    @classmethod
    def version(cls) -> str:
        """Its version, which without a package is the project's and its commit; empty if it is not installed."""
        try:
            return importlib.metadata.version(cls.package) if cls.package else build()
        except importlib.metadata.PackageNotFoundError:
            return ""

    @classmethod
    def missing(cls) -> str | None:
        """In one line what to install; None if nothing is missing."""
        if not cls.package or cls.version():
            return None
        return f"needs the package {cls.package}: {cls.install or f'pip install {cls.package}'}"

    @classmethod
    def carried(cls, problem: Problem) -> int:
        """The tangents that it can carry together through one forward pass of a gradient of this problem."""
        return cls.lanes if problem.style in cls.lane_styles else 1

    def prepare(self, mode: str) -> None:
        """What `primal`, `forward` or `reverse` needs once, untimed; a compiler that waits for a first call gets it."""

    def seed(self, values: Sequence[float]) -> Any:
        """A tangent or cotangent in the form that `push` and `pull` take; converted before anything is timed."""
        return np.asarray(values) if self.problem.style == "arrays" else list(values)

    def value(self) -> Any:
        """The M outputs: by default those of plain Python floats, or of plain NumPy arrays."""
        return self.problem.f(*self._plain)

    def push(self, tangent: Any) -> Any:
        """One forward sweep: from a tangent of the inputs, shape (N,), to that of the outputs, shape (M,)."""
        raise NotImplementedError(f"{self.name} has no forward mode")

    def pull(self, cotangent: Any) -> Any:
        """One reverse sweep: from a cotangent of the outputs, shape (M,), to the adjoint of the inputs, shape (N,)."""
        raise NotImplementedError(f"{self.name} has no reverse mode")

    def jacobian(self, mode: str, lanes: int = 1) -> Any:
        """All partials, shape (M, N): by default N forward sweeps or M reverse sweeps, one after another."""
        if mode == "forward":
            return np.array([self.push(seed) for seed in self.units(self.problem.n_inputs)], dtype=float).T
        return [self.pull(seed) for seed in self.units(self.problem.n_outputs)]

    def count(self, execute: Callable[[], Any]) -> Counts:
        """One execution, observed: by default its sweeps are the calls of `push` and `pull` on this instance."""
        calls = 0

        def counting(sweep: Callable[[Any], Any]) -> Callable[[Any], Any]:
            def counted(seed: Any) -> Any:
                nonlocal calls
                calls += 1
                return sweep(seed)

            return counted

        vars(self).update(push=counting(self.push), pull=counting(self.pull))  # in front of the class's methods
        try:
            execute()
        finally:
            del vars(self)["push"], vars(self)["pull"]
        return Counts(sweeps=calls, ops=None)

    def tape_bytes(self) -> int | None:
        """Record and sweep once in reverse; the bytes of the tape that this takes; None if that is unknown."""
        return None

    def units(self, size: int) -> Any:
        """The unit vectors of a space, shape (size,), one after another, as seeds."""
        for i in range(size):
            values = [0.0] * size
            values[i] = 1.0
            yield self.seed(values)


def plain(problem: Problem) -> tuple[Any, Any]:
    """What to call the problem's function with for its value alone: a namespace, and the inputs."""
    return (np if problem.style == "arrays" else ad.FLOATS), problem.x


def listed(outputs: Any) -> list[Any]:
    """The outputs of a function of scalars as a list, also where there is only one."""
    return outputs if isinstance(outputs, list) else [outputs]


def tangent(n: int) -> list[float]:
    """The direction of every `jvp` cell, shape (N,): values from 0.5 to 1.5 that follow no pattern of the graphs."""
    return [0.5 + i * 0.6180339887498949 % 1.0 for i in range(n)]


def cotangent(m: int) -> list[float]:
    """The seed of every `vjp` cell, shape (M,)."""
    return [0.5 + (j + 1) * 0.7548776662466927 % 1.0 for j in range(m)]
