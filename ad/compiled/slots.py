"""Slots: where each value of a program lives while it is needed, and no longer.

`allocate` reads a recorded graph once, in order, and turns it into instructions.  A value gets a slot when it is
computed and gives it back after its last use, so a long program runs in a table of a few slots that stays in cache.  An
input is loaded right before it is used; when its next use is far away it is dropped and loaded again, so a million
inputs need no million slots either.

The same table serves every sweep.  Read backwards, an adjoint is born at its value's last use and complete where the
value was computed: it lives exactly as long as the value did, in the same slot.

`allocate` is compiled together with the sweeps: `ad.compiled.kernels` copies its source, so it uses nothing but NumPy.
"""

from __future__ import annotations

import numpy

from ad.compiled.signatures import Bytes, Count, LongWords, Nodes


def allocate(
    n_inputs: Count, opcodes: Bytes, left: Nodes, right: Nodes, outputs: Nodes, reach: Count, code: LongWords
) -> tuple[Count, Count]:
    """Write the instructions of a recorded graph; every instruction is four words: opcode, target and two operands.

    Nodes are numbered: the inputs first, then the ops in the order they were recorded.  Opcode 0 loads an input into
    the target, opcode 1 stores a slot as an output; the number of that input or output takes two words, low word first.
    An op's target is never one of its operands.

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
    n_free = n_slots = at = 0
    # The inputs that are outputs come after all ops, as if each were the operand of one more op that does nothing.
    for i in range(n_ops + n_inputs):
        a = left[i] if i < n_ops else i - n_ops
        b = right[i] if i < n_ops else -1
        if i >= n_ops and first_output[a] < 0:
            continue
        for operand in (a, b):
            if operand >= 0 and slot[operand] < 0:
                if n_free:
                    n_free -= 1
                    slot[operand] = free[n_free]
                else:
                    slot[operand] = n_slots
                    n_slots += 1
                code[at] = 0
                code[at + 1] = slot[operand]
                code[at + 2] = operand & 0xFFFF
                code[at + 3] = operand >> 16
                at += 4
        node = a
        if i < n_ops:
            node = n_inputs + i
            if n_free:
                n_free -= 1
                slot[node] = free[n_free]
            else:
                slot[node] = n_slots
                n_slots += 1
            code[at] = opcodes[i]
            code[at + 1] = slot[node]
            code[at + 2] = slot[a]
            code[at + 3] = slot[b] if b >= 0 else 0
            at += 4
        if i >= n_ops or node >= n_inputs:
            k = first_output[node]
            while k >= 0:
                code[at] = 1
                code[at + 1] = k & 0xFFFF
                code[at + 2] = slot[node]
                code[at + 3] = k >> 16
                at += 4
                k = next_output[k]
        if i < n_ops:
            if upcoming[node] == never:
                free[n_free] = slot[node]
                n_free += 1
            if after_left[i] == never or (a < n_inputs and after_left[i] - i > reach):
                free[n_free] = slot[a]
                n_free += 1
                slot[a] = -1
            if b >= 0 and (after_right[i] == never or (b < n_inputs and after_right[i] - i > reach)):
                free[n_free] = slot[b]
                n_free += 1
                slot[b] = -1
        else:
            free[n_free] = slot[node]
            n_free += 1
            slot[node] = -1
    return at, n_slots
