"""The instruction set of compiled sweeps: one opcode for each op and set of active operands.

It follows from the rows of `ad.ops` alone.  `ad.compiled.freeze` writes programs in it, `ad.compiled.kernels` generates
what executes them; the layout of an instruction is described in `ad.compiled.slots`.
"""

from __future__ import annotations

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


def _cases() -> list[Case]:
    cases = []
    for row in OPS.values():
        if row.name == "where":
            continue  # a choice made while recording; it never reaches a tape
        if row.operands == ("x",):
            cases.append(Case(row, "x", row.partials))
        else:
            dx, dy = row.partials
            cases += [Case(row, "x", (dx,)), Case(row, "y", (dy,)), Case(row, "xy", (dx, dy))]
            cases.append(Case(row, "xx", (Expression(f"({dx}) + ({dy})"),)))
    # The sweeps ask for one kind after the other, so the common ones come first: a quarter of a reverse sweep's time.
    return sorted(cases, key=lambda case: ("p" not in case.kind, case.kind))


CASES: dict[int, Case] = dict(enumerate(_cases(), start=STORE + 1))
"""Every opcode that is an op; opcodes of one kind are neighbours."""

OPCODES = {(case.row.name, case.active): code for code, case in CASES.items()}
"""The opcode of an op with these operands active."""

FIXED = tuple(
    (*(math.nan if mark == "p" else float(mark) for mark in kind), 0.0, 0.0)[:2]
    for kind in ((), (), *(case.kind for case in CASES.values()))
)
"""By opcode, the partial along its first and second edge: 0 where there is no path, NaN where it is recorded."""


def kinds() -> dict[tuple[str, ...], int]:
    """The kinds of ops in the order of their opcodes, and the last opcode of each."""
    return {case.kind: code for code, case in CASES.items()}


def each_op(*variables: object) -> None:
    """The hole of a sweep that knows the ops; its cases, one for each opcode, read and write these variables."""


def each_kind(*variables: object) -> None:
    """The hole of a sweep that knows the kinds of ops alone; its cases, one for each kind, use these variables."""
