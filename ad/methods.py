"""From rows to the methods of an active class, one per op, with the common case (float primals) written out inline.

What a mode does with the partials is not decided here: `ad.dual` and `ad.tape` each hand in a function that says so.
What comes out can be read, in tracebacks and by `source`; this is multiplication in both modes, where its operands
belong to one derivative:

    >>> from ad.dual import Dual
    >>> print(source(Dual.mul))
    def mul(x, y):
        kind = type(y)
        if kind is Self:
            if y.tag is x.tag:
                xp = x.primal
                yp = y.primal
                try:
                    out = xp * yp
                    dual = New()
                    dual.primal = out
                    dual.tangent = yp * x.tangent + xp * y.tangent
                    dual.tag = x.tag
                    return dual
                except FLOAT_ERRORS:
                    pass
        ...
    >>> from ad.tape import Var
    >>> print(source(Var.mul))
    def mul(x, y):
        kind = type(y)
        if kind is Self:
            if y.tape is x.tape:
                xp = x.primal
                yp = y.primal
                try:
                    out = xp * yp
                    var = Self()
                    var.op = 'mul'
                    var.primal = out
                    var.adjoint = ZERO
                    var.x = x
                    var.dx = yp
                    var.y = y
                    var.dy = xp
                    var.tape = tape = x.tape
                    tape.append(var)
                    return var
                except FLOAT_ERRORS:
                    pass
        ...
"""

from __future__ import annotations

import linecache
from collections.abc import Callable, Iterable
from typing import Any

from ad.active import Active, Rule, apply
from ad.ops import CONSTANTS, Op
from ad.scalars import FAST, FLOAT_ERRORS, build

OPERATORS = {
    "add": ("__add__", "__radd__"),
    "sub": ("__sub__", "__rsub__"),
    "mul": ("__mul__", "__rmul__"),
    "div": ("__truediv__", "__rtruediv__"),
    "pow": ("__pow__", "__rpow__"),
    "neg": ("__neg__",),
    "abs": ("__abs__",),
}
"""The op behind each Python operator."""

Emit = Callable[[Op, frozenset[str]], list[str]]
"""What a mode makes of an op: lines of source that use `x`, `y`, `xp`, `yp` and `out` and end in `return`."""


def install(cls: type[Active], emit: Emit, same_level: str, scope: dict[str, Any], rules: Iterable[Rule]) -> None:
    """Give an active class one method per op (and Python's operators), with float primals handled inline.

    Args:
        cls: the class whose instances the methods take and return; named `Self` in the source.
        emit: the mode.
        same_level: an expression in `x` and `y`, both instances: whether they belong to one derivative.
        scope: names that the emitted lines use.
        rules: the ops to write methods for.
    """
    names = {f"_{name}": f for name, f in FAST.items()} | CONSTANTS | scope
    for rule in rules:
        row = rule.row
        own = {**names, "Self": cls, "rule": rule, "apply": apply, "FLOAT_ERRORS": FLOAT_ERRORS}
        if len(row.params) == 1:
            sources = [_unary_method(row, emit)]
        else:
            sources = [_binary_method(row, emit, same_level), _reflected_method(row, emit)]
        methods = [
            build(name, source, dict(own), f"{cls.__name__}.{name}")
            for name, source in zip((row.name, f"_r{row.name}"), sources, strict=False)
        ]
        _attach(cls, row, *methods)


SLOW: dict[type[Active], None] = {}
"""The classes whose ops take the slow road."""


def install_slow(cls: type[Active], rules: Iterable[Rule]) -> None:
    """Give an active class methods that take the slow road whatever the operands."""
    SLOW[cls] = None
    for rule in rules:

        def method(x: Any, *y: Any, rule: Rule = rule) -> Any:
            return apply(rule, x, *y)

        def reflected(y: Any, x: Any, rule: Rule = rule) -> Any:
            return apply(rule, x, y)

        _attach(cls, rule.row, method, reflected)


def source(method: Any) -> str:
    """The generated source of a method of `Dual` or `Var`."""
    return "".join(linecache.getlines(method.__code__.co_filename))


def _attach(cls: type[Active], row: Op, *methods: Callable[..., Any]) -> None:
    """Set an op's methods, the plain one and the reflected one, under their names and those of Python's operators."""
    for names in ((row.name, f"_r{row.name}"), OPERATORS.get(row.name, ())):
        for name, method in zip(names, methods, strict=False):
            setattr(cls, name, method)


def _plain(row: Op) -> str:
    """In a fast method, whether `kind` is a plain number's that needs no conversion.

    An op that chooses an operand must not return an int, so it takes floats alone.
    """
    return "kind is float" if row.value.chooses else "kind is float or kind is int"


def fast_names() -> dict[str, str]:
    """What a row's names are called inside a fast method: primals `xp`, `yp`, and functions on floats `_sin`, ..."""
    return {"x": "xp", "y": "yp", **{name: f"_{name}" for name in FAST if name != "where"}}


def _indent(lines: list[str], by: int) -> str:
    return "\n".join("    " * by + line for line in lines)


def _fast_body(row: Op, emit: Emit, active: frozenset[str], by: int) -> str:
    """The inline case: value and partials on float primals.

    Rows of operators alone need no check for floats, since Python's operators serve nested derivatives as well.
    """
    lines = [f"{p}p = {p}.primal" if p in active else f"{p}p = {p}" for p in row.operands]
    body = [f"out = {row.value.python(fast_names())}", *emit(row, active)]
    body = ["try:", *("    " + line for line in body), "except FLOAT_ERRORS:", "    pass"]
    if not all(expression.arithmetic for expression in (row.value, *(row.partial(p) for p in active))):
        floats = " and ".join(f"type({p}p) is float" for p in row.operands if p in active)
        body = [f"if {floats}:", *("    " + line for line in body)]
    return _indent(lines + body, by)


def _unary_method(row: Op, emit: Emit) -> str:
    return f"def {row.name}(x):\n{_fast_body(row, emit, frozenset('x'), 1)}\n    return apply(rule, x)\n"


def _binary_method(row: Op, emit: Emit, same_level: str) -> str:
    both, left = frozenset("xy"), frozenset("x")
    return (
        f"def {row.name}(x, y):\n    kind = type(y)\n    if kind is Self:\n        if {same_level}:\n"
        f"{_fast_body(row, emit, both, 3)}\n    elif {_plain(row)}:\n"
        f"{_fast_body(row, emit, left, 2)}\n    return apply(rule, x, y)\n"
    )


def _reflected_method(row: Op, emit: Emit) -> str:
    return (
        f"def _r{row.name}(y, x):\n    kind = type(x)\n    if {_plain(row)}:\n"
        f"{_fast_body(row, emit, frozenset('y'), 2)}\n    return apply(rule, x, y)\n"
    )
