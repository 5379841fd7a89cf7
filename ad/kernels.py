"""Generated machine code: the sweeps of a frozen program, one set for every graph.

A program is a list of instructions over *slots* (`ad.slots`).  The sweeps that execute it are written out here as
source, one case per op and set of active operands, from the rows of `ad.ops`; no formula is written again.  Only
`values` and `record` know the ops.  `record` leaves every partial that is not 1, -1 or 0 on a stack, in the order of
execution, so the three sweeps that carry derivatives know nothing but the few *kinds* of edges:

    values      the primal alone
    record      the primal, and the partials pushed on the stack
    push        one tangent through a stretch of recorded partials (forward mode, one lane)
    push_lanes  many tangents at once through a stretch of recorded partials (forward mode, many lanes)
    pull        the adjoints, reading the stack backwards (reverse mode)

How the source becomes machine code, and where it is kept, is `ad.machine`'s business.
"""

from __future__ import annotations

import ast
import functools
import inspect
import re
from dataclasses import dataclass
from types import ModuleType

from ad import sincos, slots
from ad.ops import CONSTANTS, OPS, Op
from ad.rules import python

LOAD, STORE = 0, 1
"""The two instructions that are not ops: an input into a slot, a slot into an output."""

FIXED = {"1": 1, "-1": -1, "0": 0}
"""Partials that are known without looking at the operands, and so are never stored."""

PLATFORM = {"abs": "abs", "cbrt": "numpy.cbrt", "exp2": "numpy.exp2", "sin": "sin", "cos": "cos"}
"""Functions of the platform that are not in `math` (for the compiler's purposes)."""


@dataclass(frozen=True)
class Case:
    """What one opcode executes: a row with some of its operands active.

    Attributes:
        row: the row of the op table.
        active: `"x"`, `"y"`, `"xy"`, or `"xx"` where both operands are the same node.
        partials: the expression of each edge's partial.
    """

    row: Op
    active: str
    partials: tuple[str, ...]

    @property
    def kind(self) -> tuple[str, ...]:
        """One mark for each edge: the partial itself where it is fixed, `"p"` where it is pushed."""
        return tuple(p if p in FIXED else "p" for p in self.partials)


def _cases() -> list[Case]:
    cases = []
    for row in OPS.values():
        if row.name == "where":
            continue  # a choice made while recording; it never reaches a tape
        if row.operands == ("x",):
            cases.append(Case(row, "x", row.partials))
            continue
        dx, dy = row.partials
        cases += [Case(row, "x", (dx,)), Case(row, "y", (dy,)), Case(row, "xy", (dx, dy))]
        cases.append(Case(row, "xx", (f"({dx}) + ({dy})",)))
    return sorted(cases, key=lambda case: case.kind)


CASES: dict[int, Case] = dict(enumerate(_cases(), start=STORE + 1))
"""Every opcode that is an op; opcodes of one kind are neighbours."""

KINDS: dict[tuple[str, ...], list[int]] = {}
for _code, _case in CASES.items():
    KINDS.setdefault(_case.kind, []).append(_code)


def opcode(name: str, active: str) -> int:
    """The opcode of an op with these operands active (see `Case.active`).

    Raises:
        KeyError: there is none.
    """
    return _OPCODES[name, active]


_OPCODES = {(case.row.name, case.active): code for code, case in CASES.items()}


# ---- expressions ----------------------------------------------------------------------------------------------------


def _function(name: str) -> str:
    """What an op is called in the generated source."""
    return f"_{name}"


def _source(text: str, **rename: str) -> str:
    names = {name: _function(name) for name in OPS if name != "where"}
    return python(text, {**names, **rename})


def _is_primitive(row: Op) -> bool:
    return row.value == f"{row.name}({', '.join(row.params)})"


def _helpers() -> list[str]:
    """Definitions of the functions that the rows call."""
    texts = [text for row in OPS.values() for text in (row.value, *row.partials)]
    called = {n.func.id for t in texts for n in ast.walk(ast.parse(t)) if isinstance(n, ast.Call)}  # type: ignore[attr-defined]
    lines = [f"{name} = {value!r}" if value != float("inf") else f"{name} = math.inf" for name, value in CONSTANTS.items()]
    for name in sorted(called - {"where"}):
        row = OPS[name]
        if name == "sign":
            lines += ["@jit", "def _sign(x):", "    return x if x == 0.0 or x != x else math.copysign(1.0, x)", ""]
        elif _is_primitive(row):
            lines.append(f"{_function(name)} = {PLATFORM.get(name, f'math.{name}')}")
        else:
            lines += ["@jit", f"def {_function(name)}({', '.join(row.params)}):", f"    return {_source(row.value)}", ""]
    return lines


# ---- sweeps that know the ops ---------------------------------------------------------------------------------------


def _sum(kind: tuple[str, ...], products: list[str], alone: list[str]) -> str:
    """The sum over an op's edges of partial times tangent.

    Args:
        kind: see `Case.kind`.
        products: the source of each edge's product.
        alone: the source of each edge's tangent.
    """
    terms = {"p": " + {0}", "1": " + {1}", "-1": " - {1}", "0": ""}
    total = "".join(terms[mark].format(*edge) for mark, *edge in zip(kind, products, alone))
    return total.removeprefix(" + ").strip() or "0.0"


def _operands(case: Case, k: int) -> tuple[list[str], dict[str, str]]:
    """Lines that fetch a case's operands, and what they are called there (apart in each case, for the compiler)."""
    lines, names = [], {}
    slots_ = iter(("a", "b"))
    for p in case.row.operands:
        names[p] = f"{p}{k}"
        if case.active == "xx":
            lines.append(f"{p}{k} = slot[a]")
        elif p in case.active:
            lines.append(f"{p}{k} = slot[{next(slots_)}]")
        else:
            lines += [f"{p}{k} = constant[c]", "c += N1"]
    return lines, names


def _value_case(k: int, case: Case) -> list[str]:
    lines, names = _operands(case, k)
    return [*lines, f"slot[o] = {_source(case.row.value, **names)}"]


def _record_case(k: int, case: Case) -> list[str]:
    lines, names = _operands(case, k)
    lines += [f"out{k} = {_source(case.row.value, **names)}", f"slot[o] = out{k}"]
    names["out"] = f"out{k}"
    pushed = [p for p in case.partials if p not in FIXED]
    lines += [f"stack[s + N{j}] = {_source(p, **names)}" for j, p in enumerate(pushed)]
    return lines + ([f"s += N{len(pushed)}"] if pushed else [])


def _forward_case(k: int, case: Case) -> list[str]:
    lines, names = _operands(case, k)
    lines += [f"out{k} = {_source(case.row.value, **names)}", f"slot[o] = out{k}"]
    names["out"] = f"out{k}"
    edges = [_source(p, **names) if p not in FIXED else p for p in case.partials]
    total = _sum(case.kind, [f"times({edge}, tangent[{n}])" for edge, n in zip(edges, "ab")], ["tangent[a]", "tangent[b]"])
    return [*lines, f"tangent[o] = {total}"]


def _switch(cases: list[tuple[str, list[str]]], by: int) -> list[str]:
    lines = []
    for word, (condition, body) in zip(["if", *["elif"] * len(cases)], cases):
        lines += [" " * by + f"{word} {condition}:", *(" " * (by + 4) + line for line in body)]
    return lines


_LOOP = """\
    for at in range(N0, uint64(code.size), N4):"""

_FETCH = """\
        op = code[at]
        o = code[at + N1]
        a = code[at + N2]
        b = code[at + N3]"""


def _values() -> list[str]:
    cases = [(f"op == {k}", _value_case(k, case)) for k, case in CASES.items()]
    load = (f"op == {LOAD}", ["slot[o] = x[uint64(a) + (uint64(b) << N16)]", "moved += 1"])
    store = (f"op == {STORE}", ["out[uint64(o) + (uint64(b) << N16)] = slot[a]", "moved += 1"])
    return [
        "@sweep",
        "def values(code, constant, x, slot, out):",
        "    c = N0",
        "    moved = 0",
        _LOOP,
        _FETCH,
        *_switch([load, *cases, store], 8),
        "    return code.size // 4 - moved",
        "",
    ]


def _forward() -> list[str]:
    cases = [(f"op == {k}", _forward_case(k, case)) for k, case in CASES.items()]
    load = ["slot[o] = x[uint64(a) + (uint64(b) << N16)]", "tangent[o] = seed[uint64(a) + (uint64(b) << N16)]", "moved += 1"]
    store = ["out[uint64(o) + (uint64(b) << N16)] = slot[a]", "tangent_out[uint64(o) + (uint64(b) << N16)] = tangent[a]", "moved += 1"]
    return [
        "@sweep",
        "def forward(code, constant, x, seed, slot, tangent, out, tangent_out):",
        "    c = N0",
        "    moved = 0",
        _LOOP,
        _FETCH,
        *_switch([(f"op == {LOAD}", load), *cases, (f"op == {STORE}", store)], 8),
        "    return code.size // 4 - moved",
        "",
    ]


def _record() -> list[str]:
    cases = [(f"op == {k}", _record_case(k, case)) for k, case in CASES.items()]
    load = (f"op == {LOAD}", ["slot[o] = x[uint64(a) + (uint64(b) << N16)]", "moved += 1"])
    store = (f"op == {STORE}", ["out[uint64(o) + (uint64(b) << N16)] = slot[a]", "moved += 1"])
    return [
        "@sweep",
        "def record(code, start, stop, constant, c, x, slot, stack, out):",
        "    s = N0",
        "    moved = 0",
        "    for at in range(uint64(start), uint64(stop), N4):",
        _FETCH,
        *_switch([load, *cases, store], 8),
        "    return s, c, (stop - start) // 4 - moved",
        "",
    ]


# ---- sweeps that know only kinds of edges ---------------------------------------------------------------------------


def _of_kind(codes: list[int]) -> str:
    return f"op <= {codes[-1]}"


def _pull() -> list[str]:
    cases = []
    for kind, codes in KINDS.items():
        pushed = kind.count("p")
        edges, j = [], 0
        for n, mark in zip("ab", kind):
            if mark == "p":
                edges.append(f"adjoint[{n}] += stack[s + N{j}] * bar")
                j += 1
            elif mark != "0":
                edges.append(f"adjoint[{n}] {'-' if mark == '-1' else '+'}= bar")
        body = ["bar = adjoint[o]", "adjoint[o] = 0.0"]
        body += [f"s -= N{pushed}"] if pushed else []
        body += (["if bar != 0.0:", *("    " + e for e in edges)] if pushed else edges)
        cases.append((_of_kind(codes), body))
    load = (f"op == {LOAD}", ["gradient[uint64(a) + (uint64(b) << N16)] += adjoint[o]", "adjoint[o] = 0.0", "moved += 1"])
    store = (f"op == {STORE}", ["adjoint[a] += cotangent[uint64(o) + (uint64(b) << N16)]", "moved += 1"])
    return [
        "@sweep",
        "def pull(code, stack, s, cotangent, adjoint, gradient):",
        "    moved = 0",
        "    at = uint64(code.size)",
        "    while at > N0:",
        "        at -= N4",
        _FETCH,
        *_switch([load, store, *cases], 8),
        "    return code.size // 4 - moved",
        "",
    ]


def _push_lanes() -> list[str]:
    cases = []
    for kind, codes in KINDS.items():
        pushed = [n for n, mark in enumerate(kind) if mark == "p"]
        partials = {n: f"p{j}" for j, n in enumerate(pushed)}
        alone = ["tangent[ta + k]", "tangent[tb + k]"]
        plain = [f"{partials.get(n, '')} * {t}" for n, t in enumerate(alone)]
        careful = [f"times({partials.get(n, '')}, {t})" for n, t in enumerate(alone)]
        body = [f"p{j} = stack[s + N{j}]" for j in range(len(pushed))]
        loop = ["for k in range(lanes):", f"    tangent[to + k] = {_sum(kind, plain, alone)}"]
        if pushed:
            finite = " and ".join(f"math.isfinite({p})" for p in partials.values())
            otherwise = ["for k in range(lanes):", f"    tangent[to + k] = {_sum(kind, careful, alone)}"]
            loop = [f"if {finite}:", *("    " + line for line in loop), "else:", *("    " + line for line in otherwise)]
            body.append(f"s += N{len(pushed)}")
        cases.append((_of_kind(codes), body + loop))
    load = [
        "i = int64(a) + (int64(b) << 16)",
        "if seed.size:",
        "    row = uint64(i) * lanes",
        "    for k in range(lanes):",
        "        tangent[to + k] = seed[row + k]",
        "else:",
        "    for k in range(lanes):",
        "        tangent[to + k] = 0.0",
        "    if first <= i < first + int64(lanes):",
        "        tangent[to + uint64(i - first)] = 1.0",
    ]
    store = [
        "row = (uint64(o) + (uint64(b) << N16)) * lanes",
        "for k in range(lanes):",
        "    out[row + k] = tangent[ta + k]",
    ]
    return [
        "@sweep",
        "def push_lanes(code, start, stop, stack, seed, first, width, tangent, out):",
        "    lanes = uint64(width)",
        "    s = N0",
        "    for at in range(uint64(start), uint64(stop), N4):",
        _FETCH,
        "        to = uint64(o) * lanes",
        "        ta = uint64(a) * lanes",
        "        tb = uint64(b) * lanes",
        *_switch([(f"op == {LOAD}", load), (f"op == {STORE}", store), *cases], 8),
        "",
    ]


_HEADER = '''\
"""Generated by ad.kernels from the rows of ad.ops; not meant to be edited."""

import math

import numpy
from numba import int64, njit, uint64

# Unsigned, since negative indices have a meaning that costs time, and a sum of both kinds would be a float.
N0, N1, N2, N3, N4, N16 = map(numpy.uint64, (0, 1, 2, 3, 4, 16))

jit = njit(error_model="numpy", cache=CACHE)
fused = njit(error_model="numpy", cache=CACHE, fastmath={"contract"})
sweep = njit(error_model="numpy", cache=CACHE, nogil=True)


@jit
def times(partial, tangent):
    return partial * tangent if tangent != 0.0 else 0.0

'''


def _copy(module: ModuleType, decorator: str) -> str:
    """A module's source without its docstring, every function decorated."""
    text = inspect.getsource(module).split('"""', 2)[2].replace("from __future__ import annotations\n", "")
    return re.sub(r"^def ", f"@{decorator}\ndef ", text, flags=re.M)


_WHOLE = """
@sweep
def forward_lanes(code, constant, x, seed, first, width, slot, tangent, stack, out, tangent_out):
    c = N0
    executed = start = 0
    while start < code.size:
        stop = min(start + 2 * stack.size, code.size)
        _, c, ops = record(code, start, stop, constant, c, x, slot, stack, out)
        push_lanes(code, start, stop, stack, seed, first, width, tangent, tangent_out)
        executed += ops
        start = stop
    return executed


@sweep
def reverse(code, constant, x, cotangent, slot, adjoint, stack, out, gradient):
    s, _, executed = record(code, 0, code.size, constant, N0, x, slot, stack, out)
    return executed + pull(code, stack, s, cotangent, adjoint, gradient)
"""


@functools.cache
def source() -> str:
    """The whole generated module."""
    lines = [_copy(sincos, "fused"), *_helpers(), "", *_values(), *_forward(), *_record(), *_push_lanes(), *_pull()]
    return _HEADER + "\n".join(lines) + _WHOLE + "\n" + _copy(slots, "sweep")
