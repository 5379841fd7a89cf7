"""The instruction set of compiled sweeps: one opcode for each op and set of active operands.

It follows from the rows alone: those of `ad.ops`, and the users' own that a program uses (`ad.custom`).
`ad.compiled.freeze` writes programs in it, `ad.compiled.kernels` generates what executes them; the layout of an
instruction is described in `ad.compiled.slots`.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

from ad.expressions import Expression
from ad.ops import OPS, Op

LOAD, STORE = 0, 1
"""The two instructions that are not ops: an input into a slot, a slot into an output."""

ACTIVE = ("x", "y", "xy", "xx")
"""Which operands depend on the inputs; `"xx"` if both are, and are the same node."""


@dataclass(frozen=True)
class Case:
    """What one opcode executes: a row with some of its operands active.

    Attributes:
        row: the row of the op table.
        active: one of `ACTIVE`.
        partials: the expression of the partial along each edge.
    """

    row: Op
    active: str
    partials: tuple[Expression, ...]

    @property
    def kind(self) -> tuple[str, ...]:
        """One mark for each edge: the partial itself where it is fixed, `"p"` where it has to be stored."""
        return tuple(p.text if p.fixed else "p" for p in self.partials)


@functools.cache
def instructions(custom: tuple[Op, ...] = ()) -> dict[int, Case]:
    """Every opcode that is an op, with these rows added to the table's; opcodes of one kind are neighbours."""
    cases = []
    for row in (*OPS.values(), *custom):
        if row.name == "where":
            continue  # a choice made while recording; it never reaches a tape
        if row.operands == ("x",):
            cases.append(Case(row, "x", row.partials))
        else:
            dx, dy = row.partials
            cases += [Case(row, "x", (dx,)), Case(row, "y", (dy,)), Case(row, "xy", (dx, dy))]
            cases.append(Case(row, "xx", (Expression(f"({dx}) + ({dy})"),)))
    # The sweeps ask for one kind after the other, so the common ones come first: a quarter of a reverse sweep's time.
    return dict(enumerate(sorted(cases, key=lambda case: ("p" not in case.kind, case.kind)), start=STORE + 1))


CASES = instructions()
"""The instructions that all programs have."""


def fixed(cases: dict[int, Case]) -> tuple[tuple[float, ...], ...]:
    """By opcode, the partial along its first and second edge: 0 where there is no path, NaN where it is recorded."""
    return tuple(
        (*(math.nan if mark == "p" else float(mark) for mark in kind), 0.0, 0.0)[:2]
        for kind in ((), (), *(case.kind for case in cases.values()))
    )


FIXED = fixed(CASES)
"""The same of the instructions that all programs have."""


def kinds(cases: dict[int, Case] = CASES) -> dict[tuple[str, ...], int]:
    """The kinds of ops in the order of their opcodes, and the last opcode of each."""
    return {case.kind: code for code, case in cases.items()}


def each_op(*variables: object) -> None:
    """The hole of a sweep that knows the ops; its cases, one for each opcode, read and write these variables."""


def each_kind(*variables: object) -> None:
    """The hole of a sweep that knows the kinds of ops alone; its cases, one for each kind, use these variables."""
