"""What a benchmark graph is: a function of any size whose op count, depth and gradient are known exactly.

The families themselves are in `folds` and `networks`; `graphs` is their catalogue.  Nothing here differentiates, times
or knows an engine.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

Function = Callable[[Any, Sequence[Any]], Any]


class Shape(NamedTuple):
    """The exact shape of a graph at one size.

    Attributes:
        inputs: how many numbers go in.
        outputs: how many numbers come out.
        ops: ops that one evaluation executes; an op with at least one operand that depends on an input counts 1.
        depth: the most ops on any path from an input to an output.
        paths: paths from the first input to the outputs, which is the number of terms that the naive chain rule (the
            sum over paths) adds up for the derivatives in that one input.  A node used twice by one op, as in `a * a`,
            gives two paths.
    """

    inputs: int
    outputs: int
    ops: int
    depth: int
    paths: int


def any_size(n: int) -> int:
    """The sizes of a family that can have all of them."""
    return n


@dataclass(frozen=True)
class Graph:
    """A family of functions, one for each size `n`, written once for every engine.

    The size is the number of inputs, or, for a family with one input, the number of outputs.  Not every family can have
    every size: `nearest_size` says which one to take instead, and all methods refuse the others.

    To compare a gradient with `gradient`, divide the largest difference by the largest entry of the reference,
    `max|g - reference| / max|reference|`.  The inputs are chosen so that this is a fair measure up to n = 1,000,000:
    values neither overflow nor fade, and the entries of a gradient are of similar size, so that an error in any of them
    shows.  `gradient` itself is exact to about 1e-12 in this measure at that size; 1e-10 is a safe tolerance.

    Attributes:
        name: the name used in results and on the command line.
        f: `f(xp, x)`, with `x` a list of numbers of an engine's type and `xp` that engine's namespace of array-API
            functions.  Returns a number, or a list of numbers when the family has several outputs.
        shape: the exact `Shape` at a valid size; use `n_ops(n)` and its like, which check the size first.
        make_inputs: the inputs at a valid size; use `inputs(n)`, which checks the size first.
        gradient: `gradient(x)`, the partials of the one output in each input (or, for a family with one input, of each
            output in it), as floats.  A closed form or a recurrence derived by hand; it shares no code with any engine.
        nearest: the size this family can have that is nearest to a positive `n`.
        member: for families whose `f` cannot see its size in `x`: makes the graph of one size.  `None` for the others.
    """

    name: str
    f: Function
    shape: Callable[[int], Shape]
    make_inputs: Callable[[int], list[float]]
    gradient: Callable[[Sequence[float]], list[float]]
    nearest: Callable[[int], int] = any_size
    member: Callable[[int], Graph] | None = None

    def nearest_size(self, n: int) -> int:
        """The size nearest to `n` that this family can have.

        Raises:
            ValueError: `n` is not a positive integer.
        """
        try:
            size = 0 if isinstance(n, bool) else operator.index(n)
        except TypeError:
            size = 0
        if size < 1:
            raise ValueError(f"n: got {n!r}, expected a positive integer")
        return self.nearest(size)

    def valid_size(self, n: int) -> bool:
        """Whether this family can have exactly this size; a positive integer, as in `nearest_size`."""
        return self.nearest_size(n) == n

    def at(self, n: int) -> Graph:
        """The graph with `f` and `gradient` for size `n`: itself, unless the size cannot be seen in the inputs."""
        n = self._check(n)
        return self if self.member is None else self.member(n)

    def n_inputs(self, n: int) -> int:
        """The number of inputs at size `n`."""
        return self.shape(self._check(n)).inputs

    def n_outputs(self, n: int) -> int:
        """The number of outputs at size `n`."""
        return self.shape(self._check(n)).outputs

    def n_ops(self, n: int) -> int:
        """The exact number of ops that one evaluation of `f` executes at size `n`."""
        return self.shape(self._check(n)).ops

    def depth(self, n: int) -> int:
        """The exact number of ops on the longest path from an input to an output at size `n`."""
        return self.shape(self._check(n)).depth

    def n_paths(self, n: int) -> int:
        """The exact number of paths from the first input to the outputs at size `n`; it can be a very large integer."""
        return self.shape(self._check(n)).paths

    def inputs(self, n: int) -> list[float]:
        """The inputs to use at size `n`, the same on every call."""
        return self.make_inputs(self._check(n))

    def _check(self, n: int) -> int:
        nearest = self.nearest_size(n)
        if nearest != n:
            raise ValueError(f"n: got {n}, expected a size that {self.name!r} can have; the nearest is {nearest}")
        return nearest


def around_one(n: int) -> list[float]:
    """The inputs `1 + sin(i) / 2` for i = 1 ... n: all between 0.5 and 1.5, no two alike."""
    inputs: list[float] = (1.0 + 0.5 * np.sin(np.arange(1, n + 1))).tolist()
    return inputs


def balanced(combine: Callable[[Any, Any], Any], values: Sequence[Any]) -> Any:
    """Combine values in pairs, then the results in pairs, down to one: len - 1 ops, ceil(log2(len)) deep."""
    level = list(values)
    while len(level) > 1:
        left_over = level[len(level) & ~1 :]
        level = [*map(combine, level[::2], level[1::2]), *left_over]
    return level[0]
