"""The loss of a recurrent network of LSTM cells on a sequence, as in ADBench and GradBench (`lstm`).

S. Hochreiter and J. Schmidhuber's cell (Neural Comput. 9, 1997) with a forget gate and, as in ADBench, diagonal weight
matrices, so that all products are by elements.  With s the logistic function, an input i, hidden state h and memory c:

    forget, in, out = s(i w1 + b1), s(h w2 + b2), s(i w3 + b3);    change = tanh(h w4 + b4)
    c = c forget + in change;    h = out tanh(c)

`LAYERS` such cells are stacked.  The input of the first is x * e1, the prediction h * e2 + e3 with the last's hidden
state; the loss is minus the mean over a sequence of next * (prediction - log(2 + sum of exp(prediction))).

19 b inputs, 1 output; the size is b, the width.  Inputs are `main`, shape (2 LAYERS, 4 b), weights and biases in
turn, then `extra`, shape (3, b): e1, e2, e3.  The sequence has `LENGTH` elements; all is seeded.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.functions.problem import Family, Floats, Problem

LAYERS = 2
LENGTH = 8


def logistic(xp: Any, x: Any) -> Any:
    """The logistic function."""
    return 1.0 / (1.0 + xp.exp(-x))


def cell(xp: Any, weight: Any, bias: Any, hidden: Any, memory: Any, given: Any) -> tuple[Any, Any]:
    """The next hidden state and memory, shape (b,) each, from weights and biases of shape (4 b,)."""
    b = hidden.shape[0]
    forget = logistic(xp, given * weight[:b] + bias[:b])
    taken = logistic(xp, hidden * weight[b : 2 * b] + bias[b : 2 * b])
    out = logistic(xp, given * weight[2 * b : 3 * b] + bias[2 * b : 3 * b])
    change = xp.tanh(hidden * weight[3 * b :] + bias[3 * b :])
    memory = memory * forget + taken * change
    return out * xp.tanh(memory), memory


def f(xp: Any, x: Any, state: Any, sequence: Any) -> Any:
    """The loss, from first states of shape (2 LAYERS, b), hidden and memory in turn, and a sequence (LENGTH, b)."""
    length, b = sequence.shape
    main = xp.reshape(x[: 8 * LAYERS * b], (2 * LAYERS, 4 * b))
    extra = xp.reshape(x[8 * LAYERS * b :], (3, b))
    states = [(state[2 * k], state[2 * k + 1]) for k in range(LAYERS)]
    total = 0.0
    for t in range(length - 1):
        given = sequence[t] * extra[0]
        for k in range(LAYERS):
            states[k] = cell(xp, main[2 * k], main[2 * k + 1], *states[k], given)
            given = states[k][0]
        prediction = given * extra[1] + extra[2]
        normalised = prediction - xp.log(2.0 + xp.sum(xp.exp(prediction)))
        total = total + xp.sum(sequence[t + 1] * normalised)
    return -total / ((length - 1) * b)


def through_time(x: Floats, state: Floats, sequence: Floats) -> Floats:
    """By hand: backpropagation through time, shape of x."""
    length, b = sequence.shape
    main, extra = x[: 8 * LAYERS * b].reshape(2 * LAYERS, 4, b), x[8 * LAYERS * b :].reshape(3, b)
    hidden, memory = [list(state[first::2]) for first in (0, 1)]
    kept: list[Any] = []
    for t in range(length - 1):
        given, layers = sequence[t] * extra[0], []
        for k in range(LAYERS):
            w, bias = main[2 * k], main[2 * k + 1]
            operands = np.array([given, hidden[k], given, hidden[k]])
            gates = operands * w + bias
            gates[:3], gates[3] = 1.0 / (1.0 + np.exp(-gates[:3])), np.tanh(gates[3])
            before, memory[k] = memory[k], memory[k] * gates[0] + gates[1] * gates[3]
            hidden[k] = gates[2] * np.tanh(memory[k])
            layers.append((operands, gates, before, memory[k]))
            given = hidden[k]
        kept.append((layers, given))

    d_main, d_extra = np.zeros_like(main), np.zeros_like(extra)
    d_hidden, d_memory = np.zeros((LAYERS, b)), np.zeros((LAYERS, b))
    for t in reversed(range(length - 1)):
        layers, top = kept[t]
        power = np.exp(top * extra[1] + extra[2])
        wanted = sequence[t + 1]
        d_prediction = -(wanted - wanted.sum() * power / (2.0 + power.sum())) / ((length - 1) * b)
        d_extra[1:] += d_prediction * top, d_prediction
        above = d_prediction * extra[1]
        for k in reversed(range(LAYERS)):
            operands, (forget, taken, out, change), before, now = layers[k]
            d_out = d_hidden[k] + above
            d_now = d_memory[k] + d_out * out * (1.0 - np.tanh(now) ** 2)
            d_gates = np.array(
                [
                    d_now * before * forget * (1.0 - forget),
                    d_now * change * taken * (1.0 - taken),
                    d_out * np.tanh(now) * out * (1.0 - out),
                    d_now * taken * (1.0 - change**2),
                ]
            )
            d_main[2 * k] += d_gates * operands
            d_main[2 * k + 1] += d_gates
            d_operands = d_gates * main[2 * k]
            d_memory[k], d_hidden[k], above = d_now * forget, d_operands[1::2].sum(axis=0), d_operands[::2].sum(axis=0)
        d_extra[0] += above * sequence[t]
    return np.concatenate([d_main.ravel(), d_extra.ravel()])


def at(b: int) -> Problem:
    """The problem of width b."""
    random = np.random.default_rng((1997, b))
    x = 0.5 * random.standard_normal(8 * LAYERS * b + 3 * b)
    state = random.standard_normal((2 * LAYERS, b))
    sequence = random.random((LENGTH, b))
    return Problem(
        "lstm", b, f, x, len(x), 1, lambda: through_time(x, state, sequence)[np.newaxis], data=(state, sequence)
    )


FAMILY = Family("lstm", at, sizes=(1, 4), growing=(1, 4, 16, 64, 128))
