"""The op set: one row per operation, nothing but mathematics.

A row is a line of a derivative table.  Its value and its partial derivatives are expressions kept as data; the kernels
of both modes and of every executor are generated from them (`ad.methods` for Python floats, `ad.compiled.kernels` for
compiled sweeps), the tests are parametrised over them, and `derivative_table` prints them.  Nothing here computes a
derivative.

Names in scope in an expression:

    x, y      the operands (primals)
    c         the condition of `where`; a bool, never differentiated
    out       the value just computed
    LN2 ...   the constants of `CONSTANTS`
    sin ...   any op of this table, and `where(condition, a, b)`, which evaluates only the branch it takes

Function names follow the Python array API standard.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from ad.expressions import Expression, ExpressionError

Interval = tuple[float, float]

CONSTANTS = {
    "LN2": math.log(2.0),
    "LOG2E": 1.0 / math.log(2.0),
    "LOG10E": 1.0 / math.log(10.0),
    "TWO_OVER_SQRT_PI": 2.0 / math.sqrt(math.pi),
    "INF": math.inf,
}

# Test domains: where a row is sampled when it is compared with an independent derivative.
REAL: tuple[Interval, ...] = ((-3.0, 3.0),)
NONZERO: tuple[Interval, ...] = ((-3.0, -0.2), (0.2, 3.0))
POSITIVE: tuple[Interval, ...] = ((0.1, 4.0),)
UNIT: tuple[Interval, ...] = ((-0.95, 0.95),)
ABOVE_ONE: tuple[Interval, ...] = ((1.05, 4.0),)
ABOVE_MINUS_ONE: tuple[Interval, ...] = ((-0.9, 3.0),)


class RowError(ValueError):
    """A row of the op table that cannot be used; the message names the row."""


@dataclass(frozen=True)
class Op:
    """One row of the derivative table.

    Attributes:
        name: the op's name in the array API standard.
        params: the names of its operands, in order; `c` marks a condition.
        value: the expression of its value.
        partials: one expression for each differentiable operand, in order.
        domain: for each differentiable operand, the intervals tests sample it from.
        tolerance: relative error that tests accept against a 50-digit derivative.
    """

    name: str
    params: tuple[str, ...]
    value: Expression
    partials: tuple[Expression, ...]
    domain: dict[str, tuple[Interval, ...]] = field(hash=False)
    tolerance: float

    @property
    def operands(self) -> tuple[str, ...]:
        """The differentiable operands, in order."""
        return tuple(p for p in self.params if p != "c")

    @property
    def primitive(self) -> bool:
        """Whether its value is a function of the platform (`sin(x)`) rather than a formula over other rows."""
        return self.value.text == f"{self.name}({', '.join(self.params)})" and self.name != "where"

    def partial(self, operand: str) -> Expression:
        """The expression of the partial derivative with respect to `operand`."""
        return self.partials[self.operands.index(operand)]


OPS: dict[str, Op] = {}

CUSTOM: dict[str, Op] = {}
"""Rows that users have declared (`ad.custom`)."""


def op(
    name: str,
    value: str,
    *partials: str,
    x: tuple[Interval, ...] = REAL,
    y: tuple[Interval, ...] = REAL,
    tolerance: float = 1e-14,
) -> None:
    """Add one row to the table; see `read`.

    Raises:
        RowError: it is none, or the name is taken.
    """
    if name in OPS:
        raise RowError(f"op {name!r}: the name is taken by an earlier row")
    OPS[name] = read(name, value, partials, x, y, tolerance)


def read(
    name: str,
    value: str,
    partials: Collection[str],
    x: tuple[Interval, ...],
    y: tuple[Interval, ...],
    tolerance: float = 1e-14,
) -> Op:
    """A row from its text; the operands are the names that occur in `value`.

    Raises:
        RowError: an expression does not parse, is not in the grammar, or uses a name that is not in scope; the operands
            are not `x`, or `x` and `y`; or there is not one partial for each.
    """
    expressions = tuple(map(Expression, (value, *partials)))
    try:
        used = [expression.names for expression in expressions]
    except ExpressionError as problem:
        raise RowError(f"op {name!r}: {problem}") from None
    params = tuple(p for p in ("c", "x", "y") if p in used[0])
    operands = tuple(p for p in params if p != "c")
    if operands not in (("x",), ("x", "y")):
        raise RowError(f"op {name!r}: the operands in {value!r} are {operands}, expected x, or x and y")
    if len(partials) != len(operands):
        raise RowError(
            f"op {name!r}: {len(partials)} partials given, expected {len(operands)}, one for each of {operands}"
        )
    scopes = [{*params, *CONSTANTS}, *[{*params, *CONSTANTS, "out"}] * len(partials)]
    for expression, names, scope in zip(expressions, used, scopes, strict=True):
        for stray in names - scope:
            raise RowError(f"op {name!r}: {expression.text!r} uses {stray!r}, which is not in scope")
    domain: dict[str, tuple[Interval, ...]] = {p: x if p == "x" else y for p in operands}
    return Op(name, params, expressions[0], expressions[1:], domain, tolerance)


def validate(rows: Iterable[Op], parameters: dict[str, int]) -> None:
    """Check that every function a row calls is itself a row.

    Args:
        rows: the rows to check.
        parameters: the functions there are, and how many arguments each takes.

    Raises:
        RowError: a row calls a function that is not there, or with another number of arguments than it takes.
    """
    for row in rows:
        for expression in (row.value, *row.partials):
            for called, counts in expression.calls.items():
                if called not in parameters:
                    raise RowError(f"op {row.name!r}: {expression.text!r} calls {called!r}, which is not an op")
                expected = parameters[called]
                for given in counts - {expected}:
                    raise RowError(
                        f"op {row.name!r}: {expression.text!r} calls {called!r} with {given} arguments, "
                        f"expected {expected}"
                    )


# fmt: off
#   name          value                                       partials
op("add",         "x + y",                                    "1", "1")
op("sub",         "x - y",                                    "1", "-1")
op("mul",         "x * y",                                    "y", "x")
op("div",         "x / y",                                    "1 / y", "-out / y",                    y=NONZERO)
op("neg",         "-x",                                       "-1")
op("pow",         "pow(x, y)",                                # at 0: x**0 has slope 0, 0**y is flat in y
   "where((x == 0) & (y == 0), 0.0, y * pow(x, y - 1))",
   "where((x == 0) & (y > 0), where(y > 1, 0.0, -sqrt(x)), out * log(x))",  # y <= 1: 0 with a slope of -INF
   x=POSITIVE)
op("square",      "x * x",                                    "2 * x")
op("reciprocal",  "1 / x",                                    "-out * out",                           x=NONZERO)
op("abs",         "abs(x)",                                   "sign(x)",                              x=NONZERO)
op("sign",        "where(x > 0, 1.0, where(x < 0, -1.0, x))", "0",                                    x=NONZERO)
op("sqrt",        "sqrt(x)",                                  "0.5 / out",                            x=POSITIVE)
op("cbrt",        "cbrt(x)",                                  "1 / (3 * out * out)",                  x=NONZERO)
op("exp",         "exp(x)",                                   "out")
op("expm1",       "expm1(x)",                                 "exp(x)")
op("exp2",        "exp2(x)",                                  "out * LN2")
op("log",         "log(x)",                                   "1 / x",                                x=POSITIVE)
op("log1p",       "log1p(x)",                                 "1 / (1 + x)",                          x=ABOVE_MINUS_ONE)
op("log2",        "log2(x)",                                  "LOG2E / x",                            x=POSITIVE)
op("log10",       "log10(x)",                                 "LOG10E / x",                           x=POSITIVE)
op("sin",         "sin(x)",                                   "cos(x)")
op("cos",         "cos(x)",                                   "-sin(x)")
op("tan",         "tan(x)",                                   "1 + out * out",                        x=((-1.4, 1.4),))
op("asin",        "asin(x)",                                  "1 / sqrt((1 - x) * (1 + x))",          x=UNIT)
op("acos",        "acos(x)",                                  "-1 / sqrt((1 - x) * (1 + x))",         x=UNIT)
op("atan",        "atan(x)",                                  "1 / (1 + x * x)")
op("atan2",       "atan2(x, y)",                              "y / hypot(x, y) / hypot(x, y)",
   "-x / hypot(x, y) / hypot(x, y)",                                                             x=NONZERO, y=NONZERO)
op("sinh",        "sinh(x)",                                  "cosh(x)")
op("cosh",        "cosh(x)",                                  "sinh(x)")
op("tanh",        "tanh(x)",                                  # 1 - out * out would lose its digits, cosh overflow
   "where(abs(x) < 20, 1 / square(cosh(x)), 4 * exp(-2 * abs(x)))")
op("asinh",       "asinh(x)",                                 "1 / hypot(x, 1.0)")
op("acosh",       "acosh(x)",                                 "1 / (sqrt(x - 1) * sqrt(x + 1))",      x=ABOVE_ONE)
op("atanh",       "atanh(x)",                                 "1 / ((1 - x) * (1 + x))",              x=UNIT)
op("sigmoid",     "where(x >= 0, 1.0, exp(x)) / (1 + exp(-abs(x)))",          "out * sigmoid(-x)")
op("softplus",    "maximum(x, 0.0) + log1p(exp(-abs(x)))",    "sigmoid(x)")
op("relu",        "where(x <= 0, 0.0, x)",                    "where(x > 0, 1.0, 0.0)",               x=NONZERO)
op("erf",         "erf(x)",                                   "TWO_OVER_SQRT_PI * exp(-x * x)")
op("hypot",       "hypot(x, y)",                              "where(out == 0, 0.0, x / out)",
   "where(out == 0, 0.0, y / out)",                                                              x=NONZERO, y=NONZERO)
op("logaddexp",   "where(x == y, x + LN2, maximum(x, y) + log1p(exp(-abs(x - y))))",
   "where((x == y) & (abs(x) == INF), 0.5, sigmoid(x - y))",  # two equal infinities share the slope
   "where((x == y) & (abs(x) == INF), 0.5, sigmoid(y - x))")
op("maximum",     "where(x > y, x, where(x <= y, y, x + y))",                 # x + y is NaN if either is
   "where(x > y, 1.0, where(x == y, 0.5, 0.0))",              "where(y > x, 1.0, where(x == y, 0.5, 0.0))")
op("minimum",     "where(x < y, x, where(x >= y, y, x + y))",
   "where(x < y, 1.0, where(x == y, 0.5, 0.0))",              "where(y < x, 1.0, where(x == y, 0.5, 0.0))")
op("where",       "where(c, x, y)",                           "where(c, 1.0, 0.0)", "where(c, 0.0, 1.0)")
# fmt: on

validate(OPS.values(), {row.name: len(row.params) for row in OPS.values()})


def derivative_table(format: str = "text") -> str:
    """The op set as a table of derivatives, one line per op; users' own rows come last.

    Args:
        format: `"text"` for aligned columns, `"markdown"` for a Markdown table.

    Raises:
        ValueError: `format` is neither.
    """
    header = ("op", "value", "partial in x", "partial in y")
    rows = [
        (row.name, *map(str, (row.value, *row.partials)), *([""] * (2 - len(row.partials))))
        for row in (*OPS.values(), *CUSTOM.values())
    ]
    if format == "markdown":
        lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
        lines += ["| " + " | ".join(f"`{cell}`" if cell else "" for cell in row) + " |" for row in rows]
        return "\n".join(lines)
    if format != "text":
        raise ValueError(f"format: got {format!r}, expected 'text' or 'markdown'")
    widths = [max(len(row[k]) for row in [header, *rows]) for k in range(len(header))]
    return "\n".join(
        "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in [header, *rows]
    )
