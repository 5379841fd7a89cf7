"""The op set: one row per operation, nothing but mathematics.

A row is a line of a derivative table.  Its value and its partial derivatives are expressions kept as data; the kernels
of both modes and of every executor are generated from them (`ad.rules` for Python floats, `ad.compiled.kernels` for
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

import ast
import math
from dataclasses import dataclass

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
    value: str
    partials: tuple[str, ...]
    domain: dict[str, tuple[Interval, ...]]
    tolerance: float

    @property
    def operands(self) -> tuple[str, ...]:
        """The differentiable operands, in order."""
        return tuple(p for p in self.params if p != "c")

    def partial(self, operand: str) -> str:
        """The expression of the partial derivative with respect to `operand`."""
        return self.partials[self.operands.index(operand)]


OPS: dict[str, Op] = {}


def op(
    name: str,
    value: str,
    *partials: str,
    x: tuple[Interval, ...] = REAL,
    y: tuple[Interval, ...] = REAL,
    tolerance: float = 1e-14,
) -> None:
    """Add one row to the table; the operands are the names that occur in `value`.

    Raises:
        RowError: an expression does not parse, is not in the grammar, or uses a name that is not in scope; the operands
            are not `x`, or `x` and `y`; there is not one partial for each; or the name is taken.
    """
    if name in OPS:
        raise RowError(f"op {name!r}: the name is taken by an earlier row")
    names = _names(name, value)
    params = tuple(p for p in ("c", "x", "y") if p in names)
    operands = tuple(p for p in params if p != "c")
    if operands not in (("x",), ("x", "y")):
        raise RowError(f"op {name!r}: the operands in {value!r} are {operands}, expected x, or x and y")
    if len(partials) != len(operands):
        raise RowError(
            f"op {name!r}: {len(partials)} partials given, expected {len(operands)}, one for each of {operands}"
        )
    scope = set(params) | CONSTANTS.keys()
    for text, extra in [(value, set()), *((p, {"out"}) for p in partials)]:
        for used in _names(name, text) - scope - extra - _calls(text):
            raise RowError(f"op {name!r}: {text!r} uses {used!r}, which is not in scope")
    domain: dict[str, tuple[Interval, ...]] = {p: x if p == "x" else y for p in operands}
    OPS[name] = Op(name, params, value, partials, domain, tolerance)


GRAMMAR = (
    *(ast.Expression, ast.Name, ast.Load, ast.Constant, ast.Call),
    *(ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.BitAnd, ast.UnaryOp, ast.USub),
    *(ast.Compare, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq),
)
"""What an expression may be made of: what every executor can be written for, and no Python besides."""


def _parse(name: str, text: str) -> ast.Expression:
    try:
        tree = ast.parse(text, mode="eval")
    except SyntaxError as error:
        raise RowError(f"op {name!r}: {text!r} is not an expression: {error.msg}") from None
    for node in ast.walk(tree):
        number = not isinstance(node, ast.Constant) or type(node.value) in (int, float)
        if not isinstance(node, GRAMMAR) or not number:
            piece = ast.unparse(node) or type(node).__name__
            raise RowError(f"op {name!r}: {text!r} has {piece!r}, expected numbers, names, calls, + - * / & and < > ==")
    return tree


def _names(name: str, text: str) -> set[str]:
    return {node.id for node in ast.walk(_parse(name, text)) if isinstance(node, ast.Name)}


def _calls(text: str) -> set[str]:
    """The functions called in an expression; whether each is an op is checked once the table is complete."""
    tree = ast.parse(text, mode="eval")
    return {n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}


def validate() -> None:
    """Check that every function a row calls is itself a row (called once, at the end of this module).

    Raises:
        RowError: a row calls a function that is not in the table, or with another number of arguments than it takes.
    """
    for row in OPS.values():
        for text in (row.value, *row.partials):
            for called in _calls(text) - OPS.keys():
                raise RowError(f"op {row.name!r}: {text!r} calls {called!r}, which is not an op")
            for call in (node for node in ast.walk(_parse(row.name, text)) if isinstance(node, ast.Call)):
                callee = OPS[ast.unparse(call.func)]
                if len(call.args) != len(callee.params):
                    raise RowError(
                        f"op {row.name!r}: {ast.unparse(call)!r} has {len(call.args)} arguments, "
                        f"expected {len(callee.params)}"
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
   "where((x == 0) & (y >= 0), 0.0, out * log(x))",                                                   x=POSITIVE)
op("square",      "x * x",                                    "2 * x")
op("reciprocal",  "1 / x",                                    "-out * out",                           x=NONZERO)
op("abs",         "abs(x)",                                   "sign(x)",                              x=NONZERO)
op("sign",        "sign(x)",                                  "0",                                    x=NONZERO)
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
op("tanh",        "tanh(x)",                                  "1 / square(cosh(x))")
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

validate()


def derivative_table(format: str = "text") -> str:
    """The op set as a table of derivatives, one line per op.

    Args:
        format: `"text"` for aligned columns, `"markdown"` for a Markdown table.

    Raises:
        ValueError: `format` is neither.
    """
    header = ("op", "value", "partial in x", "partial in y")
    rows = [(o.name, o.value, *o.partials, *([""] * (2 - len(o.partials)))) for o in OPS.values()]
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
