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
from dataclasses import dataclass

from ad import slots
from ad.ops import CONSTANTS, OPS, Op
from ad.rules import python

LOAD, STORE = 0, 1
"""The two instructions that are not ops: an input into a slot, a slot into an output."""

FIXED = {"1": 1, "-1": -1, "0": 0}
"""Partials that are known without looking at the operands, and so are never stored."""

PLATFORM = {"abs": "abs", "cbrt": "numpy.cbrt", "exp2": "numpy.exp2"}
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
            lines += [f"{p}{k} = constant[c]", "c += 1"]
    return lines, names


def _value_case(k: int, case: Case) -> list[str]:
    lines, names = _operands(case, k)
    return [*lines, f"slot[o] = {_source(case.row.value, **names)}"]


def _record_case(k: int, case: Case) -> list[str]:
    lines, names = _operands(case, k)
    lines += [f"out{k} = {_source(case.row.value, **names)}", f"slot[o] = out{k}"]
    names["out"] = f"out{k}"
    pushed = [p for p in case.partials if p not in FIXED]
    lines += [f"stack[s + {j}] = {_source(p, **names)}" for j, p in enumerate(pushed)]
    return lines + ([f"s += {len(pushed)}"] if pushed else [])


def _switch(cases: list[tuple[str, list[str]]], by: int) -> list[str]:
    lines = []
    for word, (condition, body) in zip(["if", *["elif"] * len(cases)], cases):
        lines += [" " * by + f"{word} {condition}:", *(" " * (by + 4) + line for line in body)]
    return lines


_FETCH = """\
        op = code[at]
        o = code[at + 1]
        a = code[at + 2]
        b = code[at + 3]"""


def _values() -> list[str]:
    cases = [(f"op == {k}", _value_case(k, case)) for k, case in CASES.items()]
    load = (f"op == {LOAD}", ["slot[o] = x[a + (int64(b) << 16)]", "moved += 1"])
    store = (f"op == {STORE}", ["out[o + (int64(b) << 16)] = slot[a]", "moved += 1"])
    return [
        "@sweep",
        "def values(code, constant, x, slot, out):",
        "    c = 0",
        "    moved = 0",
        "    for at in range(0, code.size, 4):",
        _FETCH,
        *_switch([load, *cases, store], 8),
        "    return code.size // 4 - moved",
        "",
    ]


def _record() -> list[str]:
    cases = [(f"op == {k}", _record_case(k, case)) for k, case in CASES.items()]
    load = (f"op == {LOAD}", ["slot[o] = x[a + (int64(b) << 16)]", "moved += 1"])
    store = (f"op == {STORE}", ["out[o + (int64(b) << 16)] = slot[a]", "moved += 1"])
    return [
        "@sweep",
        "def record(code, start, stop, constant, c, x, slot, stack, out):",
        "    s = 0",
        "    moved = 0",
        "    for at in range(start, stop, 4):",
        _FETCH,
        *_switch([load, *cases, store], 8),
        "    return s, c, (stop - start) // 4 - moved",
        "",
    ]


# ---- sweeps that know only kinds of edges ---------------------------------------------------------------------------


def _of_kind(codes: list[int]) -> str:
    return f"op <= {codes[-1]}"


def _terms(kind: tuple[str, ...], term: str, fixed: str) -> str:
    """The sum over a kind's edges; `term` and `fixed` are formats in the operand `n` and the partial's place `j`."""
    total, j = "", 0
    for n, mark in zip("ab", kind):
        if mark == "p":
            total += f" + {term.format(n=n, j=j)}"
            j += 1
        elif mark != "0":
            total += f" {'-' if mark == '-1' else '+'} {fixed.format(n=n)}"
    return total.removeprefix(" + ").strip() or "0.0"


def _push() -> list[str]:
    cases = []
    for kind, codes in KINDS.items():
        body = [f"tangent[o] = {_terms(kind, 'times(stack[s + {j}], tangent[{n}])', 'tangent[{n}]')}"]
        pushed = kind.count("p")
        cases.append((_of_kind(codes), body + ([f"s += {pushed}"] if pushed else [])))
    load = (f"op == {LOAD}", ["tangent[o] = seed[a + (int64(b) << 16)]"])
    store = (f"op == {STORE}", ["out[o + (int64(b) << 16)] = tangent[a]"])
    return [
        "@sweep",
        "def push(code, start, stop, stack, seed, tangent, out):",
        "    s = 0",
        "    for at in range(start, stop, 4):",
        _FETCH,
        *_switch([load, store, *cases], 8),
        "",
    ]


def _pull() -> list[str]:
    cases = []
    for kind, codes in KINDS.items():
        pushed = kind.count("p")
        edges, j = [], 0
        for n, mark in zip("ab", kind):
            if mark == "p":
                edges.append(f"adjoint[{n}] += stack[s + {j}] * bar")
                j += 1
            elif mark != "0":
                edges.append(f"adjoint[{n}] {'-' if mark == '-1' else '+'}= bar")
        body = ["bar = adjoint[o]", "adjoint[o] = 0.0"]
        body += [f"s -= {pushed}"] if pushed else []
        body += (["if bar != 0.0:", *("    " + e for e in edges)] if pushed else edges)
        cases.append((_of_kind(codes), body))
    load = (f"op == {LOAD}", ["gradient[a + (int64(b) << 16)] += adjoint[o]", "adjoint[o] = 0.0", "moved += 1"])
    store = (f"op == {STORE}", ["adjoint[a] += cotangent[o + (int64(b) << 16)]", "moved += 1"])
    return [
        "@sweep",
        "def pull(code, stack, s, cotangent, adjoint, gradient):",
        "    moved = 0",
        "    for at in range(code.size - 4, -1, -4):",
        _FETCH,
        *_switch([load, store, *cases], 8),
        "    return code.size // 4 - moved",
        "",
    ]


def _push_lanes() -> list[str]:
    cases = []
    for kind, codes in KINDS.items():
        pushed = kind.count("p")
        stack = [f"p{j} = stack[s + {j}]" for j in range(pushed)]
        rows = ["to = tangent[o]", *(f"t{n} = tangent[{n}]" for n, mark in zip("ab", kind) if mark != "0")]
        loop = ["for k in range(lanes):"]
        plain = [*loop, f"    to[k] = {_terms(kind, 'p{j} * t{n}[k]', 't{n}[k]')}"]
        careful = [*loop, f"    to[k] = {_terms(kind, 'times(p{j}, t{n}[k])', 't{n}[k]')}"]
        body = [*rows, *stack]
        if pushed:
            finite = " and ".join(f"math.isfinite(p{j})" for j in range(pushed))
            body += [f"s += {pushed}", f"if {finite}:", *("    " + l for l in plain), "else:", *("    " + l for l in careful)]
        else:
            body += plain
        cases.append((_of_kind(codes), body))
    load = [
        "i = a + (int64(b) << 16)",
        "to = tangent[o]",
        "if seed.size:",
        "    row = seed[i]",
        "    for k in range(lanes):",
        "        to[k] = row[k]",
        "else:",
        "    to[:] = 0.0",
        "    if first <= i < first + lanes:",
        "        to[i - first] = 1.0",
    ]
    store = ["row = out[o + (int64(b) << 16)]", "ta = tangent[a]", "for k in range(lanes):", "    row[k] = ta[k]"]
    return [
        "@sweep",
        "def push_lanes(code, start, stop, stack, seed, first, tangent, out):",
        "    s = 0",
        "    lanes = tangent.shape[1]",
        "    for at in range(start, stop, 4):",
        _FETCH,
        *_switch([(f"op == {LOAD}", load), (f"op == {STORE}", store), *cases], 8),
        "",
    ]


_HEADER = '''\
"""Generated by ad.kernels from the rows of ad.ops; not meant to be edited."""

import math

import numpy
from numba import int64, njit

jit = njit(error_model="numpy", cache=CACHE)
sweep = njit(error_model="numpy", cache=CACHE, nogil=True)


@jit
def times(partial, tangent):
    return partial * tangent if tangent != 0.0 else 0.0

'''


_WHOLE = """
@sweep
def forward(code, constant, x, seed, slot, tangent, stack, out, tangent_out):
    c = executed = start = 0
    while start < code.size:
        stop = min(start + 2 * stack.size, code.size)
        _, c, ops = record(code, start, stop, constant, c, x, slot, stack, out)
        push(code, start, stop, stack, seed, tangent, tangent_out)
        executed += ops
        start = stop
    return executed


@sweep
def forward_lanes(code, constant, x, seed, first, slot, tangent, stack, out, tangent_out):
    c = executed = start = 0
    while start < code.size:
        stop = min(start + 2 * stack.size, code.size)
        _, c, ops = record(code, start, stop, constant, c, x, slot, stack, out)
        push_lanes(code, start, stop, stack, seed, first, tangent, tangent_out)
        executed += ops
        start = stop
    return executed


@sweep
def reverse(code, constant, x, cotangent, slot, adjoint, stack, out, gradient):
    s, _, executed = record(code, 0, code.size, constant, 0, x, slot, stack, out)
    return executed + pull(code, stack, s, cotangent, adjoint, gradient)
"""


@functools.cache
def source() -> str:
    """The whole generated module."""
    lines = [*_helpers(), "", *_values(), *_record(), *_push(), *_push_lanes(), *_pull()]
    return _HEADER + "\n".join(lines) + _WHOLE + "\n\n@sweep\n" + inspect.getsource(slots.allocate)
