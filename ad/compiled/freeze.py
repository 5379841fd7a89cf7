"""Freezing: a recorded tape becomes the flat arrays of a program.

What is frozen is what was executed: an `if` on values, a `where`, a loop that runs until something is small enough
have been decided while recording, and the program repeats those decisions.

Nothing here executes a program; that is `ad.compiled.program`'s business.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ad.active import Active, in_progress
from ad.compiled import compiler
from ad.compiled.opcodes import ACTIVE, CASES, OPCODES
from ad.compiled.signatures import Floats
from ad.ops import OPS
from ad.tape import Tape, Var, collector_paused
from ad.trees import flatten

REACH = 48
"""For how many ops an input is kept in its slot until its next use, before it is worth loading it again."""

_ROWS = {name: k for k, name in enumerate(OPS)}


def _table() -> NDArray[np.uint8]:
    """Opcodes by row and by active operands, in the order of `ACTIVE`."""
    table = np.zeros((len(OPS), len(ACTIVE)), np.uint8)
    for (name, active), code in OPCODES.items():
        table[_ROWS[name], ACTIVE.index(active)] = code
    return table


_TABLE = _table()
_PUSHED = np.zeros(256, np.uint8)
for _code, _case in CASES.items():
    _PUSHED[_code] = _case.kind.count("p")


@dataclass(frozen=True)
class Frozen:
    """A function's graph as flat arrays.

    Attributes:
        code: instructions of four words each, shape `(4 * n_instructions,)`; see `ad.compiled.slots`.
        constants: the passive operands, in the order in which they are used.
        outputs: the outputs where they are constant, NaN elsewhere, shape `(n_outputs,)`.
        scalar: whether the function returns one number (rather than a list of them).
        n_inputs: numbers that go in.
        n_ops: ops recorded.
        n_slots: slots needed to execute it.
        n_partials: partials that a reverse sweep keeps.
    """

    code: NDArray[Any]
    constants: Floats
    outputs: Floats
    scalar: bool
    n_inputs: int
    n_ops: int
    n_slots: int
    n_partials: int


def freeze(f: Callable[[list[Any]], Any], x: Floats) -> Frozen:
    """Record `f` at `x` and freeze the tape.

    Args:
        f: a function of a list of numbers.
        x: where to record it, shape (N,).

    Raises:
        TypeError: `f` returns something that is not a number or a list of numbers, or uses values of an enclosing
            derivative.
        CompilerMissingError: see `ad.compiled.compiler`.
    """
    allocate = compiler.sweeps(16)["allocate"]
    with collector_paused(), in_progress():
        tape = Tape()
        outputs, shape = flatten("output of f", f(tape.lift(x.tolist())))
        if tape.nodes.arrays:
            raise TypeError("f: computes with arrays, expected a function of numbers; programs have no arrays yet")
        active = [tape.owns(out) for out in outputs]
        kinds = {type(var.primal) for var in tape.nodes}
        kinds |= {type(out) for out, a in zip(outputs, active, strict=True) if not a}
        if any(issubclass(kind, Active) for kind in kinds):
            raise TypeError("f: uses values of an enclosing derivative, expected a function of its inputs alone")
        opcodes, left, right, constants = _flatten(tape)
        nodes = np.array([out.adjoint if a else -1 for out, a in zip(outputs, active, strict=True)], np.int32)
        values = np.array([np.nan if a else float(out) for out, a in zip(outputs, active, strict=True)])
        del outputs, tape  # the graph is freed before the collector comes back
    room = np.empty(4 * (3 * opcodes.size + 2 * nodes.size), np.uint32)
    written, n_slots = allocate(x.size, opcodes, left, right, nodes, REACH, room)
    word = np.uint16 if n_slots <= 1 << 16 else np.uint32
    n_partials = int(_PUSHED[opcodes].sum(dtype=np.int64))
    code = room[:written].astype(word)
    return Frozen(code, constants, values, shape is None, x.size, opcodes.size, n_slots, n_partials)


def _flatten(tape: Tape) -> tuple[NDArray[np.uint8], NDArray[np.int32], NDArray[np.int32], Floats]:
    """A tape's opcodes, active operands and passive operands.

    Each node's number is written into its `adjoint`: the tape is not swept, and millions of nodes are numbered fastest
    where they are.
    """
    nodes: list[Var] = tape.nodes
    for number, var in enumerate(tape.inputs):
        var.adjoint = number
    for number, var in enumerate(nodes, start=len(tape.inputs)):
        var.adjoint = number
    size = len(nodes)
    rows = np.fromiter([_ROWS[var.op] for var in nodes], np.uint8, size)
    x = np.fromiter([var.x.adjoint if type(var.x) is Var else -1 for var in nodes], np.int32, size)
    y = np.fromiter([var.y.adjoint if type(var.y) is Var else -1 for var in nodes], np.int32, size)
    same = x == y
    opcodes = _TABLE[rows, np.where(same, 3, (x >= 0) + 2 * (y >= 0) - 1)]
    passive = [nodes[k].x for k in np.flatnonzero(x < 0)], [nodes[k].y for k in np.flatnonzero(y < 0)]
    constants = np.full(size, np.nan)
    constants[x < 0] = passive[0]
    binary = np.array([value is not None for value in passive[1]], bool)
    has_y = np.flatnonzero(y < 0)[binary]
    constants[has_y] = [value for value in passive[1] if value is not None]
    used = x < 0
    used[has_y] = True
    left = np.where(x >= 0, x, y)
    right = np.where((x >= 0) & (y >= 0) & ~same, y, np.int32(-1))
    return opcodes, left, right, constants[used]


def difference(there: Frozen, here: Frozen) -> str | None:
    """What `there` (the function, recorded again) does and `here` (the program) does not, in words; None if nothing."""
    sizes = [f"{frozen.n_ops} ops and {frozen.outputs.size} outputs" for frozen in (there, here)]
    if sizes[0] != sizes[1]:
        return f"f records {sizes[0]}, the program has {sizes[1]}"
    if not np.array_equal(there.code, here.code):
        size = min(there.code.size, here.code.size)
        place = int(np.argmax(there.code[:size] != here.code[:size])) // 4 * 4
        names = [_name(frozen.code[place]) for frozen in (there, here)]
        if names[0] == names[1]:
            return f"f uses {names[0]} on other operands than the program"
        return f"f uses {names[0]} where the program has {names[1]}"
    for what in ("constants", "outputs"):
        if not np.array_equal(getattr(there, what), getattr(here, what), equal_nan=True):
            return f"f has other {what} than those frozen into the program"
    return None


def _name(code: int) -> str:
    """What an opcode is called in a message."""
    return CASES[code].row.name if code in CASES else ("an input", "an output")[code]
