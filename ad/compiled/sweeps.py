"""The sweeps: loops over the instructions of a program, each with one hole for the ops.

This is the source of the compiled sweeps.  It is never executed as it stands: `ad.compiled.kernels` puts the cases of
all opcodes, generated from the rows of `ad.ops`, in the place of `each_op` and `each_kind`.  Three sweeps know the ops:

    values      the primal alone
    forward     the primal and one tangent
    record      the primal, and every partial that is not 1, -1 or 0 pushed on a stack, in the order of execution

The others find the partials on that stack, and know nothing but the few kinds of ops:

    push_lanes  many tangents at once, through a stretch of recorded partials
    pull        the adjoints, reading the stack backwards

`forward_lanes` and `reverse` put these together.  The arithmetic is plain IEEE; where it ends in an infinity or a NaN
the caller lets `ad.compiled.careful` say what that means (`ad.infinity`).

Inside a loop, a value (or an adjoint) that the next instruction needs is passed on in `last` rather than through its
slot `home`: a store followed by a load of the same place takes longer than most ops.  Parameters that all have:

    code        instructions, see `ad.compiled.slots`
    constant    passive operands, in the order of their use
    x, out      inputs, outputs
    slot        values that are alive; `tangent` and `adjoint` are in step with it
    stack       recorded partials
"""

from __future__ import annotations

from numpy import int64, uint64

from ad.compiled.opcodes import LOAD, STORE, each_kind, each_op
from ad.compiled.signatures import Count, Float, Floats, Index, Words

# Unsigned like every index; a sum of both kinds of integers would be a float.
N0, N1, N2, N3, N4, N16 = uint64(0), uint64(1), uint64(2), uint64(3), uint64(4), uint64(16)


def number(low: Index, high: Index) -> Index:
    """The number of an input or output, which takes two words."""
    return uint64(low) + (uint64(high) << N16)


def fetch(slot: Floats, k: Index, last: Float, home: Count) -> Float:
    """The value in slot k."""
    return last if home == k else slot[k]


def values(code: Words, constant: Floats, x: Floats, slot: Floats, out: Floats) -> Count:
    """The primal alone; returns the ops executed."""
    c, moved, last, home = N0, 0, 0.0, int64(-1)
    for at in range(N0, uint64(code.size), N4):
        op, o, a, b = code[at], code[at + N1], code[at + N2], code[at + N3]
        if op == LOAD:
            slot[o] = x[number(a, b)]
            if home == o:
                home = int64(-1)
            moved += 1
        elif op == STORE:
            out[number(o, b)] = slot[a]
            moved += 1
        else:
            each_op(constant, c, slot, last, home)
    return code.size // 4 - moved


def forward(
    code: Words,
    constant: Floats,
    x: Floats,
    seed: Floats,
    slot: Floats,
    tangent: Floats,
    out: Floats,
    tangent_out: Floats,
) -> tuple[Count, bool]:
    """The primal and one tangent; returns the ops executed, and whether all tangents that come out are finite."""
    c, moved, last, home, doubt = N0, 0, 0.0, int64(-1), 0.0
    for at in range(N0, uint64(code.size), N4):
        op, o, a, b = code[at], code[at + N1], code[at + N2], code[at + N3]
        if op == LOAD:
            i = number(a, b)
            slot[o], tangent[o] = x[i], seed[i]
            if home == o:
                home = int64(-1)
            moved += 1
        elif op == STORE:
            k = number(o, b)
            out[k], tangent_out[k] = slot[a], tangent[a]
            doubt += tangent[a] * 0.0
            moved += 1
        else:
            u, v = fetch(slot, a, last, home), fetch(slot, b, last, home)
            each_op(u, v, constant, c, slot, tangent, last, home)
    return code.size // 4 - moved, doubt == 0.0


def record(
    code: Words,
    start: Index,
    stop: Index,
    constant: Floats,
    c: Index,
    x: Floats,
    slot: Floats,
    stack: Floats,
    out: Floats,
) -> tuple[Index, Count]:
    """The primal of the instructions `start` to `stop`, with the partials; `c` constants have been used before.

    Returns the constants used so far, and the ops executed.
    """
    s, moved, last, home = N0, 0, 0.0, int64(-1)
    for at in range(start, stop, N4):
        op, o, a, b = code[at], code[at + N1], code[at + N2], code[at + N3]
        if op == LOAD:
            slot[o] = x[number(a, b)]
            if home == o:
                home = int64(-1)
            moved += 1
        elif op == STORE:
            out[number(o, b)] = slot[a]
            moved += 1
        else:
            u, v = fetch(slot, a, last, home), fetch(slot, b, last, home)
            each_op(u, v, constant, c, slot, stack, s, last, home)
    return c, int64((stop - start) // N4) - moved


def push_lanes(
    code: Words,
    start: Index,
    stop: Index,
    stack: Floats,
    n_inputs: Index,
    seed: Floats,
    first: Count,
    width: Count,
    tangent: Floats,
    tangent_out: Floats,
) -> None:
    """Many tangents through the instructions `start` to `stop`: rows `first` and following of `seed`, or unit vectors.

    `tangent` and `tangent_out` have `width` tangents for each slot and output.
    """
    s, lanes = N0, uint64(width)
    for at in range(start, stop, N4):
        op, o, a, b = code[at], code[at + N1], code[at + N2], code[at + N3]
        if op == LOAD:
            i = number(a, b)
            to = uint64(o) * lanes
            if seed.size:  # tangents one after the other: no copy, and neighbours are met in the next loads
                row = uint64(first) * n_inputs + i
                for k in range(lanes):
                    tangent[to + k] = seed[row + k * n_inputs]
            else:  # lane k is the derivative in input `first + k`
                for k in range(lanes):
                    tangent[to + k] = 0.0
                if uint64(first) <= i < uint64(first) + lanes:
                    tangent[to + i - uint64(first)] = 1.0
        elif op == STORE:
            row = number(o, b) * lanes
            ta = uint64(a) * lanes
            for k in range(lanes):
                tangent_out[row + k] = tangent[ta + k]
        else:
            each_kind(stack, s, tangent, lanes)


def forward_lanes(
    code: Words,
    constant: Floats,
    x: Floats,
    seed: Floats,
    first: Count,
    width: Count,
    slot: Floats,
    tangent: Floats,
    stack: Floats,
    out: Floats,
    tangent_out: Floats,
) -> Count:
    """The primal and many tangents, by stretches whose partials fit into `stack`; returns the ops of one tangent."""
    executed = 0
    c = start = N0
    while start < uint64(code.size):
        # Four words and at most two partials for each instruction.
        stop = min(start + N2 * uint64(stack.size), uint64(code.size))
        c, ops = record(code, start, stop, constant, c, x, slot, stack, out)
        push_lanes(code, start, stop, stack, uint64(x.size), seed, first, width, tangent, tangent_out)
        executed += ops
        start = stop
    return executed


def pull(code: Words, stack: Floats, cotangent: Floats, adjoint: Floats, gradient: Floats) -> tuple[Count, bool]:
    """The adjoints, added to `gradient`; `adjoint` is left at zero, as it was found.

    Returns the ops executed, and whether all that was added is finite.
    """
    s, moved, last, home, doubt = uint64(stack.size), 0, 0.0, int64(-1), 0.0
    at = uint64(code.size)
    while at > N0:
        at -= N4
        op, o, a, b = code[at], code[at + N1], code[at + N2], code[at + N3]
        if op == LOAD:
            gradient[number(a, b)] += adjoint[o]
            doubt += adjoint[o] * 0.0
            adjoint[o] = 0.0
            if home == o:
                home = int64(-1)
            moved += 1
        elif op == STORE:
            adjoint[a] = last = adjoint[a] + cotangent[number(o, b)]
            home = int64(a)
            moved += 1
        else:
            bar = last if home == o else adjoint[o]
            if home == o:
                home = int64(-1)
            adjoint[o] = 0.0  # for the value that had this slot before
            each_kind(stack, s, adjoint, bar, last, home)
    return code.size // 4 - moved, doubt == 0.0


def reverse(
    code: Words,
    constant: Floats,
    x: Floats,
    cotangent: Floats,
    slot: Floats,
    adjoint: Floats,
    stack: Floats,
    out: Floats,
    gradient: Floats,
) -> tuple[Count, bool]:
    """The primal with its partials, and the adjoints; returns what `pull` does."""
    _, executed = record(code, N0, uint64(code.size), constant, N0, x, slot, stack, out)
    ops, finite = pull(code, stack, cotangent, adjoint, gradient)
    return executed + ops, finite
