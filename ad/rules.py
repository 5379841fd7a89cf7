"""From rows to kernels for Python floats: the value of every op, on plain floats and on any operands.

Every op becomes three things here, all from its one row in `ad.ops`:

- `FLOATS.sin`: its value on plain floats, at the speed of `math`;
- `functions["sin"]` (public as `ad.sin`): the same on floats, `Dual`s and `Var`s.  On floats it follows IEEE-754:
  where `math` raises, it gives the infinity or NaN that NumPy gives;
- `RULES["sin"]`: its value and partials for any operands.

A `Dual` or a `Var` goes through the methods that `ad.methods` generates for the common case, float primals.  The
uncommon cases (derivatives of derivatives, operands of different levels, points where `math` raises) take one slow
road, `apply` and `Active.apply`, over the rules.
"""

from __future__ import annotations

import ast
import linecache
import math
import numbers
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from ad.ops import CONSTANTS, OPS, Op, RowError

FLOAT_ERRORS = (ValueError, OverflowError, ZeroDivisionError)
"""What `math` and `/` raise where IEEE-754 has an infinity or a NaN."""


class _Python(ast.NodeTransformer):
    """A row's expression as Python: lazy branches, float constants and, if safe, `/` as the op `div`."""

    def __init__(self, safe: bool, rename: dict[str, str]) -> None:
        self.safe, self.rename = safe, rename

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == "where":
            return ast.IfExp(*node.args)
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.op, ast.BitAnd):
            return ast.BoolOp(ast.And(), [node.left, node.right])
        if self.safe and isinstance(node.op, ast.Div):
            return ast.Call(ast.Name("div"), [node.left, node.right], [])
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return ast.Constant(float(node.value))  # type: ignore[arg-type]

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name(self.rename.get(node.id, node.id))


def python(text: str, rename: dict[str, str] | None = None, *, safe: bool = False) -> str:
    """A row's expression as Python source.

    Args:
        text: the expression, in the grammar of `ad.ops`.
        rename: other names for the names in scope.
        safe: write `/` as a call of the op `div`, which never raises on floats.
    """
    return ast.unparse(_Python(safe, rename or {}).visit(ast.parse(text, mode="eval")))


def build(name: str, source: str, scope: dict[str, Any], title: str) -> Any:
    """Execute generated source and return what it defines as `name`; tracebacks show the source under its title."""
    filename = f"<ad {title}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    exec(compile(source, filename, "exec"), scope)
    return scope[name]


# ---- values on floats -----------------------------------------------------------------------------------------------


def _sign(x: float) -> float:
    return x if x == 0.0 or x != x else math.copysign(1.0, x)


def _primitive(row: Op) -> bool:
    """Whether a row's value is a function of the platform rather than a formula over other rows."""
    return row.value == f"{row.name}({', '.join(row.params)})" and row.name != "where"


def _fast_values() -> dict[str, Callable[..., Any]]:
    """Each op's value on floats, as fast as Python can; raises where `math` raises."""
    scope: dict[str, Any] = dict(CONSTANTS)
    for row in OPS.values():
        if _primitive(row):
            platform = {"sign": _sign, "abs": abs}.get(row.name) or getattr(math, row.name, None)
            if platform is None:
                raise RowError(f"op {row.name!r}: {row.value!r} is no formula, and `math` has no {row.name!r}")
            scope[row.name] = platform
    for row in OPS.values():
        if not _primitive(row):
            source = f"def {row.name}({', '.join(row.params)}):\n    return {python(row.value)}\n"
            build(row.name, source, scope, f"FLOATS.{row.name}")
    return {name: scope[name] for name in OPS}


FAST = _fast_values()

FLOATS = SimpleNamespace(**FAST)
"""The op set on plain Python floats, at the speed of `math` (and raising where `math` raises)."""


def _ieee(name: str) -> Callable[..., float]:
    """A primitive's IEEE-754 answer on floats, for the points where `math` raises."""

    def value(*operands: float) -> float:
        ufunc = getattr(np, {"div": "divide"}.get(name, name))
        with np.errstate(all="ignore"):
            return float(ufunc(*map(np.float64, operands)))

    return value


# ---- active values --------------------------------------------------------------------------------------------------


class Active:
    """A number that carries a derivative: the common base of `Dual` and `Var`.

    Comparisons compare primals, so that `if x > 0` in a user's code works.  The order of `level` numbers is the
    nesting of derivatives: in an op between two levels the outer one's value is a constant to the inner one.
    """

    __slots__ = ()
    primal: Any

    @property
    def level(self) -> int:
        """The number of the derivative this value belongs to; a later derivative has a larger one."""
        raise NotImplementedError

    @classmethod
    def apply(cls, rule: Rule, level: int, operands: tuple[Any, ...]) -> Active:
        """One op on operands of which at least one is active at `level`: any operands, the slow road."""
        raise NotImplementedError

    def __lt__(self, other: object) -> bool:
        return bool(self.primal < _primal(other))

    def __le__(self, other: object) -> bool:
        return bool(self.primal <= _primal(other))

    def __gt__(self, other: object) -> bool:
        return bool(self.primal > _primal(other))

    def __ge__(self, other: object) -> bool:
        return bool(self.primal >= _primal(other))

    def __eq__(self, other: object) -> bool:
        return bool(self.primal == _primal(other))

    __hash__ = None  # type: ignore[assignment]  # equal by value, yet mutable: as unhashable as a list

    def __bool__(self) -> bool:
        return bool(self.primal)

    def __pos__(self) -> Active:
        return self

    def __float__(self) -> float:
        raise TypeError(
            f"float(): got a {type(self).__name__.lstrip('_')}, whose derivative would be lost; "
            f"use ad.sin for math.sin and the like, or .primal for the value alone"
        )


def _primal(x: Any) -> Any:
    while isinstance(x, Active):
        x = x.primal
    return x


def is_zero(x: Any) -> bool:
    """Whether a number is a plain zero, whose product with an infinite partial counts as zero."""
    return type(x) is float and x == 0.0


def finite(x: Any) -> bool:
    """Whether a number, active or not, is neither infinite nor NaN."""
    return math.isfinite(_primal(x))


def real(name: str, x: Any) -> float:
    """A real number as a float.

    Raises:
        TypeError: `x` is not a real number; the message names the argument.
    """
    if isinstance(x, numbers.Real) or (isinstance(x, np.generic) and np.issubdtype(x.dtype, np.number)):
        return float(x)
    raise TypeError(f"{name}: got {type(x).__name__}, expected a real number")


# ---- any operands ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rule:
    """A row bound to Python: its value and partials for any operands, active ones included.

    Attributes:
        row: the row.
        value: `value(x[, y])`.
        partials: one function `(x[, y], out)` for each operand.
    """

    row: Op
    value: Callable[..., Any]
    partials: tuple[Callable[..., Any], ...]


def _level(x: Any) -> int:
    """The level of an operand: -1 for a plain number."""
    if isinstance(x, Active):
        return x.level
    if isinstance(x, numbers.Real):
        return -1
    return -2


def apply(rule: Rule, *operands: Any) -> Any:
    """One op on any operands, at the innermost level among them; `NotImplemented` if one is not a number."""
    levels = [_level(x) for x in operands]
    if min(levels) < -1:
        return NotImplemented
    top = max(levels)
    owner = operands[levels.index(top)]
    numbers_ = tuple(x if isinstance(x, Active) else float(x) for x in operands)
    return owner.apply(rule, top, numbers_)


_UNARY = """
def {name}(x):
    if type(x) is float:
        try:
            return fast(x)
        except FLOAT_ERRORS:
            return ieee(x)
    if isinstance(x, Active):
        return x.{name}()
    return {name}(real("{name}: x", x))
"""

_BINARY = """
def {name}(x, y):
    if type(x) is float and type(y) is float:
        try:
            return fast(x, y)
        except FLOAT_ERRORS:
            return ieee(x, y)
    if isinstance(x, Active):
        out = x.{name}(y)
        return {name}(x, real("{name}: y", y)) if out is NotImplemented else out
    if isinstance(y, Active):
        out = y._r{name}(x)
        return {name}(real("{name}: x", x), y) if out is NotImplemented else out
    return {name}(real("{name}: x", x), real("{name}: y", y))
"""


def where(c: Any, x: Any, y: Any) -> Any:
    """`x` if `c` else `y`: a choice, not an arithmetic op, so the branch not taken cannot poison the one taken."""
    return x if c else y


functions: dict[str, Callable[..., Any]] = {"where": where}
"""The public functions, one per op."""

_SCOPE: dict[str, Any] = {**CONSTANTS, "where": where}
"""What the expressions of all rules refer to: the public functions."""


def bind(row: Op) -> Rule:
    """The rule of a row, over the public functions."""
    params = ", ".join(row.params)
    value = f"def value({params}):\n    return {python(row.value, safe=True)}\n"
    partials = [f"def partial({params}, out):\n    return {python(text, safe=True)}\n" for text in row.partials]
    return Rule(
        row,
        build("value", value, _SCOPE, f"rule {row.name}"),
        tuple(
            build("partial", source, _SCOPE, f"rule {row.name}, partial in {operand}")
            for operand, source in zip(row.operands, partials, strict=True)
        ),
    )


def _function(rule: Rule) -> Callable[..., Any]:
    row = rule.row
    scope = {
        "fast": FAST[row.name],
        "ieee": _ieee(row.name) if _primitive(row) or row.name == "div" else rule.value,
        "FLOAT_ERRORS": FLOAT_ERRORS,
        "Active": Active,
        "real": real,
    }
    source = (_UNARY if len(row.params) == 1 else _BINARY).format(name=row.name)
    function: Callable[..., Any] = build(row.name, source, scope, f"ops.{row.name}")
    function.__doc__ = f"`{row.value}` on floats, Duals and Vars; partials: {', '.join(row.partials)}."
    function.__module__ = "ad"
    return function


RULES = {row.name: bind(row) for row in OPS.values() if row.name != "where"}
"""Each op's rule for any operands."""

functions |= {name: _function(rule) for name, rule in RULES.items()}
_SCOPE |= functions
