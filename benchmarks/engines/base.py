"""What the harness knows of an engine: a class that is bound to one problem, and what the class states about itself.

An engine is a subclass of `Engine`, alone in its file.  It gives `value`, `push` (one forward sweep) and `pull` (one
reverse sweep) of the problem that it was made with, and overrides `jacobian` only where it has a way of its own.  The
quantities, the seeds, the notes, the counts and the refusals are derived from that by the harness.

It does no timing and no checking.  What is heavy to import is imported in `load` and in `__init__`, not with the file.
"""

from __future__ import annotations

import importlib.metadata
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

import ad
from benchmarks.functions.problem import Problem
from benchmarks.options import DTYPE
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
        between: whether gradients of many sweeps are measured at sizes between the others, too: an exponent needs
            several, and the cost of such gradients leaves few.
    """

    single_ops: int = 2**16
    gradient_ops: int = 2**19
    far: Mapping[str, int] = field(default_factory=dict)
    between: bool = False


@dataclass(frozen=True)
class Includes:
    """What the times of an engine include, in a few words for each mode; the sweeps are named by the harness."""

    primal: str = ""
    forward: str = ""
    reverse: str = ""


@dataclass(frozen=True)
class Written:
    """What a user writes for the whole derivative of `f` at `x`: by mode, and in reverse mode for one output.

    `numpy` is what a function in plain NumPy must use in its place, and `math` one in Python's `math`; nothing where
    NumPy itself will do, and where `math` has the same in its place as NumPy.
    """

    forward: str = ""
    reverse: str = ""
    gradient: str = ""
    numpy: str = ""
    math: str = ""

    def call(self, mode: str, n_outputs: int) -> str:
        """The call for one mode and number of outputs."""
        if mode == "reverse" and n_outputs == 1 and self.gradient:
            return self.gradient
        return self.forward if mode == "forward" else self.reverse

    def instead(self, modules: Collection[str]) -> str:
        """What a function uses in place of the modules that it has, as `ad for math`; nothing where they will do."""
        theirs = {"numpy": self.numpy, "math": self.math or self.numpy}
        replaced = [name for name in theirs if name in modules and theirs[name]]
        return f"{theirs[replaced[0]]} for {' and '.join(replaced)}" if replaced else ""


@dataclass(frozen=True)
class Counts:
    """What was counted in one execution.

    Attributes:
        sweeps: forward or reverse sweeps; None where the engine cannot know.
        ops: ops executed, recording included; None where the engine cannot know.
        elements: the numbers that these computed; None where the engine cannot know.
    """

    sweeps: int | None
    ops: int | None
    elements: int | None = None


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
        optional: whether it is measured only where it is asked for by name, not with `--engine=all`.
        styles: the styles of problems that it takes: `scalars`, `arrays`.
        dtypes: what it can compute in: `float64`, `float32`.
        modes: the modes that it has, of `forward` and `reverse`.
        lanes: tangents (cotangents in reverse) that it can carry together through one pass of a gradient; above 1, it
            gives `pushes` and `pulls`, or a `jacobian` of its own.
        lane_styles, lane_modes: the styles of problems for which it can, and the modes.
        reach: how far the default plan goes with it.
        tolerance: largest relative difference allowed between its derivatives and the reference.
        independent: whether its derivatives do not come from the problem's reference, so that this can check them.
        includes: what its times include.
        written: what a user writes for its derivatives; an engine that does not say is recommended to nobody.
        allocates_in_python: whether what it allocates is seen by Python's own count (NumPy's arrays are).
        problem: what it is bound to.
    """

    name: ClassVar[str]
    package: ClassVar[str] = ""
    install: ClassVar[str] = ""
    default: ClassVar[bool] = False
    optional: ClassVar[bool] = False
    styles: ClassVar[tuple[str, ...]] = ("scalars",)
    dtypes: ClassVar[tuple[str, ...]] = (DTYPE,)
    modes: ClassVar[tuple[str, ...]] = ("forward", "reverse")
    lanes: ClassVar[int] = 1
    lane_styles: ClassVar[tuple[str, ...]] = ("scalars", "arrays")
    lane_modes: ClassVar[tuple[str, ...]] = ("forward",)
    reach: ClassVar[Reach] = Reach()
    tolerance: ClassVar[float] = TOLERANCE
    independent: ClassVar[bool] = True
    includes: ClassVar[Includes] = Includes()
    written: ClassVar[Written] = Written()
    allocates_in_python: ClassVar[bool] = False

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self._plain = plain(problem)
        self._units: dict[int, list[Any]] = {}
        self._blocks: dict[tuple[int, int], list[Any]] = {}

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
    def declined(cls, problem: Problem, dtype: str) -> str | None:
        """In one line why it cannot compute a problem in a dtype; None if it can."""
        if problem.style not in cls.styles:
            return f"{cls.name} does not take functions of {problem.style}"
        if dtype not in cls.dtypes:
            return f"{cls.name} computes in {' or '.join(cls.dtypes)} only"
        return None if problem.dtype == dtype else f"functions of {problem.style} are in {problem.dtype} only"

    @classmethod
    def tolerance_in(cls, dtype: str) -> float:
        """Its tolerance in a dtype: the same share of the digits, eps**p where it is eps**p in float64.

        Where digits are few, no less than 4096 eps, since a function's condition multiplies what rounding does to its
        inputs, data and values.  (The most seen in float32 is 1,400 eps, in `logsumexp` of 65,536, where the largest
        entry is what remains of 1 - 1; elsewhere it is up to 21.)
        """
        if dtype == DTYPE:
            return cls.tolerance
        eps, exact = (float(np.finfo(each).eps) for each in (dtype, DTYPE))
        return float(max(cls.tolerance ** (math.log(eps) / math.log(exact)), 4096.0 * eps))

    @classmethod
    def carried(cls, problem: Problem, mode: str) -> int:
        """The tangents, or cotangents, that it can carry together through one pass of a gradient of this problem."""
        return cls.lanes if problem.style in cls.lane_styles and mode in cls.lane_modes else 1

    @classmethod
    def load(cls) -> None:
        """Import what is heavy, and let it start up; called before an instance is made, and charged to no problem."""

    @classmethod
    def warm(cls, progress: Callable[[float], object]) -> None:
        """What a machine compiles once and keeps: done before the budget of a run starts.

        Args:
            progress: to be told the share that is done, 0 to 1.
        """

    def prepare(self, mode: str, lanes: int = 1) -> None:
        """What `primal`, `forward` or `reverse` needs once, untimed; a compiler that waits for a first call gets it.

        Args:
            mode: the cell's.
            lanes: the cell's; above 1, `jacobian` is called with it.
        """

    def first_call(self, mode: str, lanes: int = 1) -> None:
        """Call once what is to be timed: the `prepare` of an engine that compiles at the first call."""
        if lanes > 1:
            self.jacobian(mode, lanes)
        elif mode == "primal":
            self.value()
        elif mode == "forward":
            self.push(self.units(self.problem.n_inputs)[0])
        else:
            self.pull(self.units(self.problem.n_outputs)[0])

    def seed(self, values: Sequence[float]) -> Any:
        """A tangent or cotangent in the form that `push` and `pull` take; converted before anything is timed."""
        return np.asarray(values, dtype=self.problem.dtype) if self.problem.style == "arrays" else list(values)

    def value(self) -> Any:
        """The M outputs: by default those of plain Python floats, or of plain NumPy arrays."""
        return self.problem.f(*self._plain)

    def push(self, tangent: Any) -> Any:
        """One forward sweep: from a tangent of the inputs, shape (N,), to that of the outputs, shape (M,)."""
        raise NotImplementedError(f"{self.name} has no forward mode")

    def pull(self, cotangent: Any) -> Any:
        """One reverse sweep: from a cotangent of the outputs, shape (M,), to the adjoint of the inputs, shape (N,)."""
        raise NotImplementedError(f"{self.name} has no reverse mode")

    def pushes(self, tangents: Any) -> Any:
        """Several tangents through one forward pass: shape (k, N), stacked by `stack`, to (k, M)."""
        raise NotImplementedError(f"{self.name} carries one tangent at a time")

    def pulls(self, cotangents: Any) -> Any:
        """Several cotangents through one reverse pass: shape (k, M), stacked by `stack`, to (k, N)."""
        raise NotImplementedError(f"{self.name} carries one cotangent at a time")

    def stack(self, seeds: Sequence[Any]) -> Any:
        """Seeds as one array, shape (k, N) or (k, M), in the form that `pushes` and `pulls` take."""
        return np.stack(seeds)

    def jacobian(self, mode: str, lanes: int = 1) -> Any:
        """All partials, shape (M, N): by default N forward sweeps or M reverse sweeps, `lanes` of them in each pass."""
        forward = mode == "forward"
        seeds = self.units(self.problem.n_inputs if forward else self.problem.n_outputs)
        if lanes > 1:
            passes = map(self.pushes if forward else self.pulls, self.blocks(seeds, lanes))
            rows = np.concatenate([np.asarray(rows) for rows in passes])
        else:
            rows = np.array([np.asarray(row) for row in map(self.push if forward else self.pull, seeds)])
        return rows.T if forward else rows

    def count(self, execute: Callable[[], Any]) -> Counts:
        """One execution, observed: by default its sweeps are the seeds that go through the sweeps of this instance.

        An engine whose `jacobian` goes another way says here what it counts, or that it cannot know.
        """
        sweeps = 0

        def counting(sweep: Callable[..., Any], several: bool) -> Callable[..., Any]:
            def counted(seeds: Any, *more: Any) -> Any:
                nonlocal sweeps
                sweeps += len(seeds) if several else 1
                return sweep(seeds, *more)

            return counted

        one, many = ("push", "pull"), ("pushes", "pulls")
        observed = {name: counting(getattr(self, name), name in many) for name in (*one, *many)}
        vars(self).update(observed)  # in front of the class's methods
        try:
            execute()
        finally:
            for name in observed:
                del vars(self)[name]
        return Counts(sweeps=sweeps, ops=None)

    def tape_bytes(self) -> int | None:
        """Record and sweep once in reverse; the bytes of the tape that this takes; None if that is unknown."""
        return None

    def units(self, size: int) -> list[Any]:
        """The unit vectors of a space, shape (size,), as seeds; made at the first call, which is not timed."""
        if size not in self._units:
            self._units[size] = [self.seed([float(i == j) for i in range(size)]) for j in range(size)]
        return self._units[size]

    def blocks(self, seeds: Sequence[Any], lanes: int) -> list[Any]:
        """Seeds stacked for passes of so many lanes, in their order; made at the first call, as `units` are."""
        key = len(seeds), lanes
        if key not in self._blocks:
            self._blocks[key] = [self.stack(seeds[k : k + lanes]) for k in range(0, len(seeds), lanes)]
        return self._blocks[key]


def plain(problem: Problem) -> tuple[Any, Any]:
    """What to call the problem's function with for its value alone: a namespace, and the inputs."""
    return (np if problem.style == "arrays" else ad.FLOATS), problem.x


def of_vectors(problem: Problem, xp: Any, convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The problem's function from a vector to a vector, for an engine whose values are arrays in either style.

    Args:
        problem: what is differentiated.
        xp: the engine's namespace, with `stack` and `reshape`.
        convert: makes the engine's arrays of the problem's data.

    Returns:
        A function of an array of the engine, shape (N,), whose result has shape (M,); scalars are taken by indexing.
    """
    f, n = problem.on(convert), problem.n_inputs
    if problem.style == "arrays":
        return lambda x: xp.reshape(f(xp, x), (-1,))
    return lambda x: xp.stack(listed(f(xp, [x[i] for i in range(n)])))


def listed(outputs: Any) -> list[Any]:
    """The outputs of a function of scalars as a list, also where there is only one."""
    return outputs if isinstance(outputs, list) else [outputs]


def tangent(n: int) -> list[float]:
    """The direction of every `jvp` cell, shape (N,): values from 0.5 to 1.5 that follow no pattern of the graphs."""
    return [0.5 + i * 0.6180339887498949 % 1.0 for i in range(n)]


def cotangent(m: int) -> list[float]:
    """The seed of every `vjp` cell, shape (M,)."""
    return [0.5 + (j + 1) * 0.7548776662466927 % 1.0 for j in range(m)]
