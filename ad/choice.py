"""Which mode `jacobian(mode="auto")` takes: a cost model of four numbers, one set for numbers and one for arrays.

The unit is one forward sweep of the function (on arrays, one pass without its tangents).  The numbers were fitted to
measured times, for functions of so many ops that what a call costs on top does not matter: how many ops a function has
is not known before it has been recorded.

    python -m benchmarks.experiments.mode_choice

measures and fits them anew, and prints what choosing by them costs relative to knowing the answer.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Costs:
    """What the two modes cost.

    Attributes:
        start: of forward mode, once.
        column: of forward mode, for each number in the inputs.
        record: of reverse mode, once.
        row: of reverse mode, for each number in the outputs.
    """

    start: float
    column: float
    record: float
    row: float

    def forward(self, inputs: int, outputs: int) -> bool:
        """Whether forward mode is the cheaper one for a Jacobian of so many inputs and outputs."""
        return self.start + self.column * inputs < self.record + self.row * outputs


NUMBERS = Costs(start=0.0, column=1.0, record=1.4, row=0.05)
"""An op costs more when it is recorded than in a dual sweep, and far less when it is swept in reverse."""

ARRAYS = Costs(start=1.0, column=0.18, record=0.84, row=0.2)
"""Forward mode carries all tangents in one pass, while every reverse sweep goes over the tape anew.  The share of a
tangent grows with the arrays: nearly nothing beside the overhead of small ones, up to a pass for large ones."""
