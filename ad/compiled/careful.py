"""Sweeps with the classes of paths followed: what a derivative is where plain arithmetic finds an infinity or a NaN.

The rule is `ad.infinity`'s.  Both sweeps read recorded partials, and are as plain as they are seldom needed; they are
compiled together with the others, from this source.  `paths` holds the classes of the paths of each slot.
"""

from __future__ import annotations

from numpy import uint64

from ad.compiled.opcodes import FIXED, LOAD, STORE
from ad.compiled.signatures import Bytes, Count, Float, Floats, Index, Words
from ad.compiled.sweeps import N0, N1, N2, N3, N4, number
from ad.infinity import NONE, POSITIVE, TIMES, kind, settled


def hand_on(partial: Float, reached: Index, amount: Float, k: Index, paths: Bytes, sums: Floats) -> None:
    """Hand the paths of a node, and what they add up to, along an edge to slot `k`."""
    if reached:
        paths[k] |= TIMES[kind(partial)][reached]
        if partial != 0.0:
            sums[k] += partial * amount


def push_following_paths(
    code: Words, stack: Floats, seed: Floats, tangent: Floats, paths: Bytes, tangent_out: Floats
) -> Count:
    """One tangent through recorded partials; returns the ops executed."""
    s, moved = N0, 0
    for at in range(N0, uint64(code.size), N4):
        op, o, a, b = code[at], code[at + N1], code[at + N2], code[at + N3]
        if op == STORE:
            tangent_out[number(o, b)] = settled(paths[a], tangent[a])
            moved += 1
            continue
        paths[o], tangent[o] = NONE, 0.0
        if op == LOAD:
            i = number(a, b)
            if seed[i] != 0.0:
                hand_on(seed[i], POSITIVE, 1.0, o, paths, tangent)
            moved += 1
            continue
        for operand, partial in ((a, FIXED[op][0]), (b, FIXED[op][1])):
            if partial != partial:
                partial = stack[s]
                s += N1
            elif partial == 0.0:
                continue
            hand_on(partial, paths[operand], tangent[operand], o, paths, tangent)
    return code.size // 4 - moved


def pull_following_paths(
    code: Words, stack: Floats, cotangent: Floats, adjoint: Floats, paths: Bytes, gradient: Floats, reached: Bytes
) -> Count:
    """The adjoints through recorded partials, written to `gradient`; returns the ops executed.

    `reached` holds the classes of the paths of each input.  It, `adjoint` and `paths` have to be zero at the beginning.
    """
    s, moved = uint64(stack.size), 0
    gradient[:] = 0.0
    at = uint64(code.size)
    while at > N0:
        at -= N4
        op, o, a, b = code[at], code[at + N1], code[at + N2], code[at + N3]
        if op == STORE:
            k = number(o, b)
            if cotangent[k] != 0.0:
                hand_on(cotangent[k], POSITIVE, 1.0, a, paths, adjoint)
            moved += 1
            continue
        onto, bar = paths[o], adjoint[o]
        paths[o], adjoint[o] = NONE, 0.0
        if op == LOAD:
            i = number(a, b)
            reached[i] |= onto
            gradient[i] += bar
            moved += 1
            continue
        for operand, partial in ((b, FIXED[op][1]), (a, FIXED[op][0])):
            if partial != partial:
                s -= N1
                partial = stack[s]
            elif partial == 0.0:
                continue
            hand_on(partial, onto, bar, operand, paths, adjoint)
    for i in range(gradient.size):
        gradient[i] = settled(reached[i], gradient[i])
    return code.size // 4 - moved
