"""Freezing: a recorded tape becomes the flat arrays of a program.

What is frozen is what was executed: an `if` on values, a `where`, a loop that runs until something is small enough
have been decided while recording, and the program repeats those decisions.

Nothing here executes a program; that is `ad.compiled.passes`' business.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ad.active import Active, all_finite
from ad.compiled import compiler
from ad.compiled.opcodes import ACTIVE, instructions
from ad.compiled.signatures import Floats
from ad.ops import CUSTOM, OPS, Op
from ad.progress import begun, following, paths_followed
from ad.tape import Tape, Var, collector_paused
from ad.trees import Shape, flatten

REACH = 48
"""For how many ops an input is kept in its slot until its next use, before it is worth loading it again."""


@functools.cache
def _tables(custom: tuple[Op, ...]) -> tuple[dict[str, int], NDArray[np.uint8], NDArray[np.uint8]]:
    """The number of each row; opcodes by row and by active operands, in the order of `ACTIVE`; partials by opcode."""
    numbers = {name: k for k, name in enumerate((*OPS, *(row.name for row in custom)))}
    codes = np.zeros((len(numbers), len(ACTIVE)), np.uint8)
    pushed = np.zeros(256, np.uint8)
    for code, case in instructions(custom).items():
        codes[numbers[case.row.name], ACTIVE.index(case.active)] = code
        pushed[code] = case.kind.count("p")
    return numbers, codes, pushed


def _custom(nodes: Iterable[Var]) -> tuple[Op, ...]:
    """The rows besides those of the table that these nodes use, and the ones that these call, by name.

    Raises:
        TypeError: one of them was declared by a function.
    """
    found: dict[str, Op] = {}
    wanted = {var.op for var in nodes} - OPS.keys()
    while wanted:
        name = wanted.pop()
        row = found[name] = CUSTOM[name]
        called = {call for expression in (row.value, *row.partials) for call in expression.calls} - OPS.keys()
        if not called <= CUSTOM.keys() - {name}:
            raise TypeError(f"f: uses {name}, which was declared by a function, expected ops with rows of text")
        wanted |= called - found.keys()
    return tuple(found[name] for name in sorted(found))


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
        custom: the rows that it needs besides those of the table.
    """

    code: NDArray[Any]
    constants: Floats
    outputs: Floats
    scalar: bool
    n_inputs: int
    n_ops: int
    n_slots: int
    n_partials: int
    custom: tuple[Op, ...]


def _record(f: Callable[[list[Any]], Any], x: Floats) -> tuple[Tape, list[Any], Shape]:
    """A tape of `f` at `x`, its outputs and their shape.

    Where a partial is infinite or NaN, derivatives that were begun in `f` follow their paths (`ad.infinity`), too.
    """
    tape = Tape()
    variables, before = tape.lift(x.tolist()), begun()
    with np.errstate(all="ignore"):
        try:
            outputs, shape = flatten("output of f", f(variables))
        except TypeError as error:
            error.add_note("ad.compile calls f with a list of numbers.")
            raise
    if begun() > before and not following():
        partials = [d for var in tape.nodes for d in (var.dx, var.dy) if d is not None]
        if not all_finite(partials):
            with paths_followed():
                return _record(f, x)
    return tape, outputs, shape


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
    compiler.require()
    with collector_paused():
        tape, outputs, shape = _record(f, x)
        if tape.nodes.has_arrays:
            raise TypeError("f: computes with arrays, expected a function of numbers; programs have no arrays yet")
        active = [tape.owns(out) for out in outputs]
        kinds = {type(var.primal) for var in tape.nodes}
        kinds |= {type(out) for out, a in zip(outputs, active, strict=True) if not a}
        if any(issubclass(kind, Active) for kind in kinds):
            raise TypeError("f: uses values of an enclosing derivative, expected a function of its inputs alone")
        custom = _custom(tape.nodes)
        opcodes, left, right, constants = _flatten(tape, custom)
        nodes = np.array([out.adjoint if a else -1 for out, a in zip(outputs, active, strict=True)], np.int32)
        values = np.array([np.nan if a else float(out) for out, a in zip(outputs, active, strict=True)])
        del outputs, tape  # the graph is freed before the collector comes back
    allocate = compiler.sweeps(16, custom=custom)["allocate"]
    room = np.empty(4 * (3 * opcodes.size + 2 * nodes.size), np.uint32)
    written, n_slots = allocate(x.size, opcodes, left, right, nodes, REACH, room)
    word = np.uint16 if n_slots <= 1 << 16 else np.uint32
    return Frozen(
        code=room[:written].astype(word),
        constants=constants,
        outputs=values,
        scalar=shape is None,
        n_inputs=x.size,
        n_ops=opcodes.size,
        n_slots=n_slots,
        n_partials=int(_tables(custom)[2][opcodes].sum(dtype=np.int64)),
        custom=custom,
    )


def _flatten(
    tape: Tape, custom: tuple[Op, ...]
) -> tuple[NDArray[np.uint8], NDArray[np.int32], NDArray[np.int32], Floats]:
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
    numbers, table, _ = _tables(custom)
    rows = np.fromiter([numbers[var.op] for var in nodes], np.uint8, size)
    x = np.fromiter([var.x.adjoint if type(var.x) is Var else -1 for var in nodes], np.int32, size)
    y = np.fromiter([var.y.adjoint if type(var.y) is Var else -1 for var in nodes], np.int32, size)
    same = x == y
    opcodes = table[rows, np.where(same, 3, (x >= 0) + 2 * (y >= 0) - 1)]
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
    if there.custom != here.custom:
        names = [", ".join(row.name for row in frozen.custom) or "none" for frozen in (there, here)]
        return f"of the user's own ops f uses {names[0]}, the program has {names[1]}"
    if not np.array_equal(there.code, here.code):
        size = min(there.code.size, here.code.size)
        place = int(np.argmax(there.code[:size] != here.code[:size])) // 4 * 4
        names = [_name(frozen, place) for frozen in (there, here)]
        if names[0] == names[1]:
            return f"f uses {names[0]} on other operands than the program"
        return f"f uses {names[0]} where the program has {names[1]}"
    for what in ("constants", "outputs"):
        if not np.array_equal(getattr(there, what), getattr(here, what), equal_nan=True):
            return f"f has other {what} than those frozen into the program"
    return None


def _name(frozen: Frozen, place: int) -> str:
    """What an instruction is called in a message."""
    code, cases = int(frozen.code[place]), instructions(frozen.custom)
    return cases[code].row.name if code in cases else ("an input", "an output")[code]
