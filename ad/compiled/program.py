"""Compiled sweeps: a function recorded once and executed at machine speed, in both modes.

    program = ad.compile(f, x)              record f at x (a list of floats, or the number of inputs)
    program(x)                              its value
    program.jvp(x, tangent)                 one forward sweep
    program.jvps(x, tangents, lanes=256)    many forward sweeps, several tangents carried together through one pass
    program.vjp(x)                          one reverse sweep
    program.gradient(x, mode="forward")     the gradient, by N forward sweeps or one reverse sweep

Control flow that depends on values is frozen: an `if`, a `where`, a loop that stops when something is small have been
decided at the `x` the function was recorded at, and the program repeats those decisions for every other `x`.
`program.check(x)` records again at `x` and says whether the program still is the function there.

What users call, and no more: recording is `ad.compiled.freeze`, executing `ad.compiled.passes`.  Needs numba;
`import ad` does not.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ad.compiled import compiler, passes
from ad.compiled.freeze import Frozen, difference, freeze
from ad.compiled.signatures import Floats
from ad.compiled.vectors import numbers, vector
from ad.compiled.workspace import Workspaces, observe
from ad.counting import Counts
from ad.scalars import positive

CACHE_BYTES = 24 << 10
"""How much of the slots' tangents should fit in the fastest cache."""

_ONE = np.ones(1)


class FrozenError(ValueError):
    """The function takes another way at this point than the one the program was recorded on."""


def compile(f: Callable[[list[Any]], Any], x: ArrayLike | int) -> Program:
    """Record a function once and freeze it into a program of compiled sweeps.

    Args:
        f: a function of a list of numbers that returns a number or a (nested) list of numbers, written with operators
            and the functions of `ad`.
        x: where to record it, shape (N,); or the number N, to record it at N ones.  The values matter only where
            control flow depends on them.

    Raises:
        ImportError: there is no numba that can compile; the message says what to install.
        TypeError: `x` is not numbers, or `f` does not return numbers.
        ValueError: `x` is not one-dimensional, or negative.
    """
    compiler.require()
    if isinstance(x, int | np.integer) and not isinstance(x, bool):
        if x < 0:
            raise ValueError(f"x: got {x}, expected a list of numbers or their number, 0 or more")
        return Program(f, freeze(f, np.ones(int(x))))
    at = numbers("x", x)
    if at.ndim != 1:
        raise ValueError(f"x: got shape {at.shape}, expected a list of numbers or their number")
    return Program(f, freeze(f, at))


class Program:
    """A frozen function and its sweeps; made by `compile`.

    Values and derivatives of a function that returns one number come as a number and arrays of shape (N,); those of a
    function that returns M numbers as arrays of shape (M,) and (M, N), whatever the nesting of its output.

    A program may be used from several threads at once.

    Attributes:
        n_inputs: numbers that go in, N.
        n_outputs: numbers that come out, M.
        n_ops: ops of one evaluation.
        n_slots: values that are alive at the same time, at most.
    """

    def __init__(self, f: Callable[[list[Any]], Any], frozen: Frozen) -> None:
        self.n_inputs = frozen.n_inputs
        self.n_outputs = frozen.outputs.size
        self.n_ops = frozen.n_ops
        self.n_slots = frozen.n_slots
        self._f = f
        self._frozen = frozen
        self._workspaces = Workspaces(frozen, compiler.sweeps(8 * frozen.code.itemsize, custom=frozen.custom))

    @property
    def counts(self) -> Counts:
        """What this program has executed so far, as counted by the sweeps themselves.

        A sweep counts once for each tangent or cotangent; an op once for each tangent carried through it, and in
        reverse mode once in the evaluation that keeps the partials and once in each sweep that reads them; those of a
        sweep that is made again because of an infinity (`ad.infinity`) count again.  `ad.count()` sees the same.
        """
        return self._workspaces.counts

    @property
    def nbytes(self) -> int:
        """Bytes that a gradient works on: the program, constants, inputs, slots, kept partials and the gradient."""
        frozen = self._frozen
        count = frozen.constants.size + 2 * frozen.n_inputs + 2 * frozen.n_slots + frozen.n_partials
        return int(frozen.code.nbytes + 8 * (count + 2 * frozen.outputs.size))

    def __repr__(self) -> str:
        return f"<Program: {self.n_inputs} inputs, {self.n_outputs} outputs, {self.n_ops} ops, {self.n_slots} slots>"

    # ---- values -----------------------------------------------------------------------------------------------------

    def __call__(self, x: ArrayLike) -> Any:
        """The function's value: a number, or an array of shape (M,).

        Args:
            x: inputs, shape (N,).

        Raises:
            TypeError: `x` is not numbers.
            ValueError: `x` has another shape.
        """
        x = vector("x", x, self.n_inputs)
        work = self._workspaces.borrow()
        ops = passes.evaluate(work, x)
        value = self._result(work.out)
        self._workspaces.give_back(work, ops)
        observe(ops)
        return value

    # ---- forward ----------------------------------------------------------------------------------------------------

    def jvp(self, x: ArrayLike, tangent: ArrayLike) -> tuple[Any, Any]:
        """One forward sweep: the value and the directional derivative, J times tangent.

        Args:
            x: inputs, shape (N,).
            tangent: direction, shape (N,).

        Returns:
            The value and its tangent; two numbers, or two arrays of shape (M,).

        Raises:
            TypeError: `x` or `tangent` is not numbers.
            ValueError: one of them has another shape.
        """
        x = vector("x", x, self.n_inputs)
        seed = vector("tangent", tangent, self.n_inputs)
        work = self._workspaces.borrow()
        ops = passes.push(work, x, seed)
        both = self._result(work.out), self._result(work.tangent_out)
        self._workspaces.give_back(work, ops, forward=1)
        observe(ops, forward=1)
        return both

    def jvps(self, x: ArrayLike, tangents: ArrayLike, *, lanes: int | None = None, threads: int = 1) -> Floats:
        """Many forward sweeps, several tangents carried together through one pass.

        Args:
            x: inputs, shape (N,).
            tangents: K directions, shape (K, N).
            lanes: tangents carried together; by default as many as keep the work in cache.  1 is the textbook's
                forward mode.
            threads: passes running at the same time.

        Returns:
            The tangents of the output, shape (K,) or (K, M).

        Raises:
            TypeError: an argument is not numbers.
            ValueError: an argument has another shape, or `lanes` or `threads` is not positive.
        """
        x = vector("x", x, self.n_inputs)
        seeds = numbers("tangents", tangents)
        if seeds.ndim != 2 or seeds.shape[1] != self.n_inputs:
            raise ValueError(f"tangents: got shape {seeds.shape}, expected (K, {self.n_inputs})")
        out = self._sweep_all(x, seeds, 0, seeds.shape[0], lanes, threads)
        return out[0] if self._frozen.scalar else np.ascontiguousarray(out.T)

    def forward_block(
        self, x: ArrayLike, start: int, stop: int, *, lanes: int | None = None, threads: int = 1
    ) -> Floats:
        """The derivatives in the inputs `start` to `stop`, by as many forward sweeps: a part of a gradient.

        Every op is executed for every tangent; that most of them are zero is not made use of.

        Args:
            x: inputs, shape (N,).
            start: the first input.
            stop: the one after the last.
            lanes: see `jvps`.
            threads: see `jvps`.

        Returns:
            The derivatives, shape (stop - start,) or (M, stop - start).

        Raises:
            TypeError: `x` is not numbers.
            ValueError: `x` has another shape, the range is not one of inputs, or `lanes` or `threads` is not positive.
        """
        x = vector("x", x, self.n_inputs)
        if not 0 <= start <= stop <= self.n_inputs:
            raise ValueError(f"start, stop: got {start}, {stop}, expected 0 <= start <= stop <= {self.n_inputs}")
        out = self._sweep_all(x, None, start, stop, lanes, threads)
        return out[0] if self._frozen.scalar else out

    def _sweep_all(
        self, x: Floats, seeds: Floats | None, start: int, stop: int, lanes: int | None, threads: int
    ) -> Floats:
        """Forward sweeps `start` to `stop` in passes over threads; the tangents, shape (M, stop - start).

        The seeds are rows of `seeds`, or unit vectors.
        """
        threads = positive("threads", threads)
        share = max(1, -(-(stop - start) // threads))
        lanes = min(self.lanes, share) if lanes is None else positive("lanes", lanes)
        out = np.zeros((self.n_outputs, stop - start))
        sweep, step = (passes.push_one_by_one, share) if lanes == 1 else (passes.push_together, lanes)

        def part(first: int) -> int:
            last = min(first + step, stop)
            work = self._workspaces.borrow()
            ops = sweep(work, x, seeds, first, last, out[:, first - start : last - start])
            self._workspaces.give_back(work, ops, forward=last - first)
            return ops

        firsts = range(start, stop, step)
        if threads == 1 or len(firsts) < 2:
            ops = sum(map(part, firsts))
        else:
            with ThreadPoolExecutor(threads) as pool:
                ops = sum(pool.map(part, firsts))
        observe(ops, forward=stop - start)
        return out

    @property
    def lanes(self) -> int:
        """Tangents carried together by default: as many as keep the slots in cache, from 32 to 1024."""
        fitting = CACHE_BYTES // (8 * max(self.n_slots, 1)) // 32 * 32
        return min(max(fitting, 32), 1024)

    # ---- reverse ----------------------------------------------------------------------------------------------------

    def vjp(self, x: ArrayLike, cotangent: ArrayLike | None = None) -> tuple[Any, Floats]:
        """One reverse sweep: the value, and cotangent times J.

        Args:
            x: inputs, shape (N,).
            cotangent: seed; a number for a function of one number (1 if omitted), else shape (M,).

        Returns:
            The value (a number or shape (M,)) and the adjoints of the inputs, shape (N,).

        Raises:
            TypeError: an argument is not numbers.
            ValueError: an argument has another shape.
        """
        x = vector("x", x, self.n_inputs)
        seed = self._cotangent(cotangent)
        gradient = np.zeros(self.n_inputs)
        work = self._workspaces.borrow()
        ops = passes.pull(work, x, seed, gradient)
        value = self._result(work.out)
        self._workspaces.give_back(work, ops, reverse=1)
        observe(ops, reverse=1)
        return value, gradient

    def _cotangent(self, cotangent: ArrayLike | None) -> Floats:
        """The seed of a reverse sweep, shape (M,)."""
        if cotangent is None and self._frozen.scalar:
            return _ONE
        seed = numbers("cotangent", 1.0 if cotangent is None else cotangent)
        if seed.shape != (self.n_outputs,) and not (self._frozen.scalar and seed.shape == ()):
            expected = "a number" if self._frozen.scalar else f"shape ({self.n_outputs},)"
            raise ValueError(f"cotangent: got shape {seed.shape}, expected {expected}")
        return seed.reshape(-1)

    def gradient(self, x: ArrayLike, mode: str = "reverse", *, lanes: int | None = None, threads: int = 1) -> Floats:
        """The gradient of a function of one output, by one reverse sweep or by N forward sweeps.

        Args:
            x: inputs, shape (N,).
            mode: `"reverse"` or `"forward"`.
            lanes: for forward mode, see `jvps`.
            threads: for forward mode, see `jvps`.

        Returns:
            The gradient, shape (N,).

        Raises:
            TypeError: `x` is not numbers, or the function returns a list.
            ValueError: `x` has another shape, `mode` is neither, or `lanes` or `threads` is not positive.
        """
        if not self._frozen.scalar:
            raise TypeError(f"gradient: the function returns {self.n_outputs} numbers, expected one; use jacobian")
        return self.jacobian(x, mode, lanes=lanes, threads=threads)

    def jacobian(self, x: ArrayLike, mode: str = "reverse", *, lanes: int | None = None, threads: int = 1) -> Floats:
        """All derivatives, by M reverse sweeps over one evaluation or by N forward sweeps.

        Args are those of `gradient`.

        Returns:
            The derivatives, shape (N,) for a function of one number, else (M, N).

        Raises:
            TypeError: `x` is not numbers.
            ValueError: `x` has another shape, `mode` is neither, or `lanes` or `threads` is not positive.
        """
        if mode not in ("forward", "reverse"):
            raise ValueError(f"mode: got {mode!r}, expected 'forward' or 'reverse'")
        if mode == "forward":
            return self.forward_block(x, 0, self.n_inputs, lanes=lanes, threads=threads)
        positive("lanes", 1 if lanes is None else lanes)  # for forward mode, and wrong in either
        positive("threads", threads)
        if self._frozen.scalar:
            return self.vjp(x)[1]
        x = vector("x", x, self.n_inputs)
        rows = np.zeros((self.n_outputs, self.n_inputs))
        work = self._workspaces.borrow()
        ops = passes.pull_one_by_one(work, x, rows)
        self._workspaces.give_back(work, ops, reverse=self.n_outputs)
        observe(ops, reverse=self.n_outputs)
        return rows

    # ---- the rest ---------------------------------------------------------------------------------------------------

    def check(self, x: ArrayLike) -> None:
        """Record the function again at `x` and compare: does the program do there what the function does?

        Args:
            x: inputs, shape (N,).

        Raises:
            FrozenError: it does not; the message gives the first difference.
            TypeError: `x` is not numbers.
            ValueError: `x` has another shape.
        """
        found = difference(freeze(self._f, vector("x", x, self.n_inputs)), self._frozen)
        if found:
            raise FrozenError(f"x: at this point {found}")

    def _result(self, out: Floats) -> Any:
        """Outputs as the caller gets them: one number, or an array of their own."""
        return out[0] if self._frozen.scalar else out.copy()
