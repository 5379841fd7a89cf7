"""What is differentiated: a `Problem` is one function at one size, a `Family` is a function over all of its sizes.

A function is written once, as `f(xp, x)`, where `x` holds the N inputs and `xp` is an engine's namespace of functions
with array-API names, so that every engine runs the same one.  There are two styles:

    scalars     `x` is a list of N numbers; `f` returns a number or a list of numbers
    arrays      `x` is a vector of shape (N,); `f` returns a scalar or a vector of shape (M,)

What a function needs besides `x` (measurements, labels, random numbers) is the problem's data: arrays that follow `x`,
`f(xp, x, *data)`, and that an engine converts once, before anything is timed.

Nothing here differentiates, times or knows an engine.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.options import DTYPE

Function = Callable[..., Any]
Size = int | tuple[int, ...]
"""How large a problem is: one number, or one for each of the ways in which a family grows."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Problem:
    """One function at one size, with the point at which it is differentiated and the answer that is expected there.

    Attributes:
        family: the name used in results and on the command line.
        size: which of the family's problems this is.
        function: `f(xp, x, *data)`, see the module's text.
        x: the N inputs: a list of floats (style `scalars`) or an array of shape (N,) (style `arrays`).
        n_inputs: N.
        n_outputs: M.
        reference: the Jacobian at `x`, shape (M, N), from a closed form, a recurrence derived by hand or another
            library, never from an engine under test; None where there is none.
        ops: ops that one evaluation executes; an op with at least one operand that depends on an input counts 1.
            None where no formula is known.
        depth: the most ops on any path from an input to an output; None where no formula is known.
        paths: paths from the first input to the outputs, which is the number of terms that the naive chain rule adds
            up for the derivatives in that one input; None where no formula is known.
        data: what the function takes after `xp` and `x`.
    """

    family: str
    size: Size
    function: Function
    x: Sequence[float] | Floats
    n_inputs: int
    n_outputs: int
    reference: Callable[[], Floats] | None = None
    ops: int | None = None
    depth: int | None = None
    paths: int | None = None
    data: tuple[NDArray[Any], ...] = ()

    @functools.cached_property
    def f(self) -> Function:
        """The function of `xp` and `x` alone, with its data as NumPy arrays."""
        return self.on(lambda array: array)

    def on(self, convert: Callable[[NDArray[Any]], Any]) -> Function:
        """The function of `xp` and `x` alone, with its data converted once, as an engine needs them."""
        if not self.data:
            return self.function
        function, data = self.function, tuple(convert(array) for array in self.data)
        return lambda xp, x: function(xp, x, *data)

    @property
    def dtype(self) -> str:
        """What it is computed in; Python's own numbers are `float64`."""
        return str(self.x.dtype) if isinstance(self.x, np.ndarray) else DTYPE

    def as_dtype(self, dtype: str) -> Problem:
        """The same function of arrays, with inputs and data rounded to a dtype; its reference stays that of float64.

        A function of scalars stays as it is, since Python's numbers are of one kind.
        """
        if not isinstance(self.x, np.ndarray) or dtype == self.dtype:
            return self
        data = tuple(each.astype(dtype) if each.dtype.kind == "f" else each for each in self.data)
        return dataclasses.replace(self, x=self.x.astype(dtype), data=data)

    @property
    def style(self) -> str:
        """`arrays` or `scalars`: what the function takes."""
        return "arrays" if isinstance(self.x, np.ndarray) else "scalars"


def text_of(size: Size) -> str:
    """A size in records and names: `64`, or `8x16` where a family grows in several ways."""
    return "x".join(map(str, size)) if isinstance(size, tuple) else str(size)


def any_size(size: Size) -> Size:
    """The sizes of a family that can have all of them."""
    return size


@dataclass(frozen=True)
class Family:
    """A function over all sizes, written once for every engine.

    A size is a positive integer, or one for each of the ways in which the family grows (`axes` of them, as a tuple).
    Not every family can have every size: `nearest` says which one to take instead, and `at` refuses the others.

    To compare a Jacobian with `Problem.reference`, divide the largest difference by the largest entry of the reference.
    Inputs are to be chosen so that this is a fair measure at every size: values neither overflow nor fade, and the
    entries are of similar size, so that an error in any of them shows.

    Attributes:
        name: the name used in results and on the command line.
        make: the problem at a size that the family can have; use `at`, which checks the size first.
        snap: the size the family can have that is nearest to a positive one; use `nearest`, which checks it first.
        sizes: what the default plan measures; empty where the powers of the plan's step will do.
        growing: what is measured where the family, or all workloads, are asked for by name; empty for `sizes`.
        axes: how many numbers a size has.
    """

    name: str
    make: Callable[[Any], Problem]
    snap: Callable[[Any], Any] = any_size
    sizes: tuple[Size, ...] = ()
    axes: int = 1
    growing: tuple[Size, ...] = ()

    def at(self, size: Size) -> Problem:
        """The problem of one size, the same on every call.

        Raises:
            ValueError: the family cannot have this size.
        """
        nearest = self.nearest(size)
        if nearest != size:
            raise ValueError(f"size: got {size}, expected a size that {self.name!r} can have; the nearest is {nearest}")
        problem: Problem = self.make(nearest)
        return problem

    def nearest(self, size: Size) -> Size:
        """The size nearest to `size` that this family can have.

        Raises:
            ValueError: `size` is not made of positive integers, or of too few or too many.
        """
        numbers = size if isinstance(size, tuple) else (size,)
        try:
            checked = tuple(0 if isinstance(n, bool) else operator.index(n) for n in numbers)
        except TypeError:
            checked = ()
        if len(checked) != self.axes or min(checked, default=0) < 1:
            expected = "a positive integer" if self.axes == 1 else f"a tuple of {self.axes} positive integers"
            raise ValueError(f"size: got {size!r}, expected {expected}")
        nearest: Size = self.snap(checked[0] if self.axes == 1 else checked)
        return nearest

    def sizes_from(self, numbers: Sequence[int]) -> list[Size]:
        """The sizes nearest to some numbers; all combinations of them where a size has several."""
        wanted = itertools.product(numbers, repeat=self.axes)
        found = {self.nearest(size[0] if self.axes == 1 else size) for size in wanted}
        return sorted(found, key=lambda size: (math.prod(size) if isinstance(size, tuple) else size, size))


def one_output(
    family: str,
    f: Function,
    x: list[float],
    gradient: Callable[[Sequence[float]], list[float]],
    *,
    ops: int,
    depth: int,
    paths: int,
) -> Problem:
    """A problem of N scalars and one output, whose size is N, from its gradient by hand."""
    n = len(x)
    return Problem(family, n, f, x, n, 1, lambda: np.array([gradient(x)]), ops=ops, depth=depth, paths=paths)


def one_row(gradient: Any) -> Floats:
    """A gradient as the Jacobian of one output, shape (1, N)."""
    return np.asarray(gradient, dtype=np.float64).reshape(1, -1)


def around_one(n: int) -> list[float]:
    """The inputs `1 + sin(i) / 2` for i = 1 ... n: all between 0.5 and 1.5, no two alike."""
    inputs: list[float] = (1.0 + 0.5 * np.sin(np.arange(1, n + 1))).tolist()
    return inputs
