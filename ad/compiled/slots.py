"""Slots: where each value of a program lives while it is needed, and no longer.

`allocate` reads a recorded graph once, in order, and turns it into instructions.  A value gets a slot when it is
computed and gives it back after its last use, so a long program runs in a table of a few slots that stays in cache.  An
input is loaded right before it is used; when its next use is far away it is dropped and loaded again, so a million
inputs need no million slots either.

The same table serves every sweep.  Read backwards, an adjoint is born at its value's last use and complete where the
value was computed: it lives exactly as long as the value did, in the same slot.

These functions are compiled together with the sweeps, from this source.
"""

from __future__ import annotations

import numpy

from ad.compiled.opcodes import LOAD, STORE
from ad.compiled.signatures import Bytes, Count, LongWords, Nodes


def take(node: Count, slot: Nodes, free: Nodes, n_free: Count, n_slots: Count) -> tuple[Count, Count]:
    """Give a node a slot, the one given back last or a new one; returns how many are free, and how many there are."""
    if n_free:
        slot[node] = free[n_free - 1]
        return n_free - 1, n_slots
    slot[node] = n_slots
    return n_free, n_slots + 1


def give_back(node: Count, slot: Nodes, free: Nodes, n_free: Count) -> Count:
    """Take a node's slot away; returns how many are free."""
    free[n_free] = slot[node]
    slot[node] = -1
    return n_free + 1


def write(code: LongWords, at: Count, opcode: Count, target: Count, a: Count, b: Count) -> Count:
    """Write one instruction; returns where the next one begins."""
    code[at], code[at + 1], code[at + 2], code[at + 3] = opcode, target, a, b
    return at + 4


def allocate(
    n_inputs: Count, opcodes: Bytes, left: Nodes, right: Nodes, outputs: Nodes, reach: Count, code: LongWords
) -> tuple[Count, Count]:
    """Write the instructions of a recorded graph; every instruction is four words: opcode, target and two operands.

    Nodes are numbered: the inputs first, then the ops in the order they were recorded.  `LOAD` puts an input into the
    target, `STORE` a slot into an output; the number of that input or output takes two words, low word first.  An op's
    target is never one of its operands.

    Args:
        n_inputs: the number of inputs.
        opcodes: the opcode of each op, shape `(n_ops,)`.
        left: its first active operand, a node.
        right: its second active operand, a node; -1 where there is none.
        outputs: the node of each output, or -1 for an output that is constant.
        reach: for how many ops an input is kept waiting in a slot for its next use.
        code: where to write, `4 * (3 * n_ops + 2 * outputs.size)` words of 32 bits are always enough.

    Returns:
        The number of words written and the number of slots.
    """
    n_ops = opcodes.size
    n_nodes = n_inputs + n_ops
    never = n_ops + reach + 1
    # For each operand, the op that uses the same node next.
    after_left = numpy.empty(n_ops, numpy.int32)
    after_right = numpy.empty(n_ops, numpy.int32)
    upcoming = numpy.full(n_nodes, never, numpy.int32)
    for i in range(n_ops - 1, -1, -1):
        a, b = left[i], right[i]
        after_left[i] = upcoming[a]
        upcoming[a] = i
        if b >= 0:
            after_right[i] = upcoming[b]
            upcoming[b] = i
    # A node's outputs, as linked lists.
    first_output = numpy.full(n_nodes, -1, numpy.int32)
    next_output = numpy.empty(outputs.size, numpy.int32)
    for k in range(outputs.size - 1, -1, -1):
        if outputs[k] >= 0:
            next_output[k] = first_output[outputs[k]]
            first_output[outputs[k]] = k

    slot = numpy.full(n_nodes, -1, numpy.int32)
    free = numpy.empty(n_nodes, numpy.int32)
    at = n_free = n_slots = 0
    # After the ops come the inputs that are outputs, each as if it were the operand of one more op that does nothing.
    for i in range(n_ops + n_inputs):
        is_op = i < n_ops
        node = n_inputs + i if is_op else i - n_ops
        if not is_op and first_output[node] < 0:
            continue
        a, b = (left[i], right[i]) if is_op else (node, -1)
        for operand in (a, b):
            if operand >= 0 and slot[operand] < 0:
                n_free, n_slots = take(operand, slot, free, n_free, n_slots)
                at = write(code, at, LOAD, slot[operand], operand & 0xFFFF, operand >> 16)
        if is_op:
            n_free, n_slots = take(node, slot, free, n_free, n_slots)
            at = write(code, at, opcodes[i], slot[node], slot[a], slot[b] if b >= 0 else 0)
        k = first_output[node]
        while k >= 0:
            at = write(code, at, STORE, k & 0xFFFF, slot[node], k >> 16)
            k = next_output[k]
        if not is_op or upcoming[node] == never:
            n_free = give_back(node, slot, free, n_free)
        if is_op and (after_left[i] == never or (a < n_inputs and after_left[i] - i > reach)):
            n_free = give_back(a, slot, free, n_free)
        if b >= 0 and (after_right[i] == never or (b < n_inputs and after_right[i] - i > reach)):
            n_free = give_back(b, slot, free, n_free)
    return at, n_slots
