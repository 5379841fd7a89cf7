"""What is differentiated: a `Problem` is one function at one size, a `Family` is a function over all of its sizes.

A function is written once, as `f(xp, x)`, where `x` holds the N inputs and `xp` is an engine's namespace of functions
with array-API names, so that every engine runs the same one.  There are two styles:

    scalars     `x` is a list of N numbers; `f` returns a number or a list of numbers
    arrays      `x` is a vector of shape (N,); `f` returns a scalar or a vector of shape (M,)

Nothing here differentiates, times or knows an engine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Function = Callable[[Any, Any], Any]
Size = int | tuple[int, ...]
"""How large a problem is: one number, or one for each of the ways in which a family grows."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Problem:
    """One function at one size, with the point at which it is differentiated and the answer that is expected there.

    Attributes:
        family: the name used in results and on the command line.
        size: which of the family's problems this is.
        f: `f(xp, x)`, see the module's text.
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
    """

    family: str
    size: Size
    f: Function
    x: Sequence[float] | Floats
    n_inputs: int
    n_outputs: int
    reference: Callable[[], Floats] | None = None
    ops: int | None = None
    depth: int | None = None
    paths: int | None = None

    @property
    def style(self) -> str:
        """`arrays` or `scalars`: what the function takes."""
        return "arrays" if isinstance(self.x, np.ndarray) else "scalars"
