"""The rule of `ad.infinity` in its simplest form: list every path of a small graph, and judge each by its partials.

Independent of how sweeps work: no classes, no table, no order of multiplication.  Only the recorded partials are the
engine's.  Also here: small random graphs over special values.
"""

import math

import numpy as np

import ad
from ad.progress import paths_followed

SPECIAL = (0.0, -0.0, 1.0, -1.0, 0.5, 2.0, math.inf, -math.inf)
UNARY = ("sqrt", "cbrt", "log", "exp", "square", "relu", "atan", "abs", "reciprocal", "tanh", "neg", "sign")
BINARY = ("mul", "add", "sub", "div", "pow", "maximum", "hypot", "atan2", "minimum", "logaddexp")


def record(f, x):
    """A tape of `f` at `x`: its inputs and its outputs, of which some may be numbers."""
    tape = ad.Tape()
    inputs = [tape.input(a) for a in x]
    with paths_followed(), np.errstate(all="ignore"):  # as every transform does where an infinity comes out
        outputs = f(inputs)
    return inputs, outputs if isinstance(outputs, list) else [outputs]


def edges(node):
    both = [(operand, partial) for operand, partial in ((node.x, node.dx), (node.y, node.dy)) if partial is not None]
    return [(node.x, node.dx + node.dy)] if len(both) == 2 and node.x is node.y else both


def paths(node):
    """Every path from an input to a node: the input, and the partials along the path."""
    if not isinstance(node, ad.Var):
        return []
    if node.op == "input":
        return [(node, [])]
    return [(start, [*partials, d]) for operand, d in edges(node) for start, partials in paths(operand)]


def total(products):
    """What the rule says of these paths, each a list of partials (and seeds); None where finite ones overflow."""
    infinities = set()
    for partials in products:
        infinite = any(map(math.isinf, partials))
        if any(map(math.isnan, partials)) or (infinite and 0.0 in partials):
            return math.nan
        if infinite:
            infinities.add(math.prod(math.copysign(1.0, d) for d in partials) * math.inf)
    if infinities:
        return infinities.pop() if len(infinities) == 1 else math.nan
    terms = [math.prod(partials) for partials in products]
    return math.fsum(terms) if math.isfinite(sum(map(abs, terms))) else None


def jvp(f, x, tangent):
    inputs, outputs = record(f, x)
    seeds = {id(v): seed for v, seed in zip(inputs, tangent, strict=True) if seed != 0.0}
    return [total([[seeds[id(v)], *path] for v, path in paths(out) if id(v) in seeds]) for out in outputs]


def vjp(f, x, cotangent):
    inputs, outputs = record(f, x)
    seeded = [
        (v, [*path, seed])
        for out, seed in zip(outputs, cotangent, strict=True)
        if seed != 0.0
        for v, path in paths(out)
    ]
    return [total([path for start, path in seeded if start is v]) for v in inputs]


def jacobian(f, x):
    inputs, outputs = record(f, x)
    return [[total([path for start, path in paths(out) if start is v]) for v in inputs] for out in outputs]


def same(got, want):
    """Whether two derivatives are equal: NaN for NaN, infinity for infinity, numbers up to rounding."""
    if want is None or got == want or (got != got and want != want):
        return True
    return math.isfinite(want) and abs(got - want) <= 1e-12 * max(abs(want), 1.0)


def random_graph(rng, n, n_outputs=1, unary=UNARY, binary=BINARY, n_steps=(2, 6)):
    """A function of n numbers in a few steps, and those steps."""
    steps = []
    for k in range(rng.randint(*n_steps)):
        a, b = rng.randrange(n + k), rng.randrange(n + k)
        if rng.random() < 0.5:
            steps.append((rng.choice(unary), a))
        elif rng.random() < 0.8:
            steps.append((rng.choice(binary), a, b))
        else:
            steps.append((rng.choice(binary), a, rng.choice(SPECIAL)))

    def f(v):
        values = list(v)
        for name, *operands in steps:
            values.append(getattr(ad, name)(*(values[k] if isinstance(k, int) else k for k in operands)))
        return values[-1] if n_outputs == 1 else values[-n_outputs:]

    return f, steps
