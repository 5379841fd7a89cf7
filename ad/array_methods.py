"""From rows to the methods of an array class, one per op, with the common case (plain primals) written out inline.

As `ad.methods` does for numbers: what a mode does with the partials is not decided here, but handed in by
`ad.array_dual` and `ad.array_tape`.  A row's text is NumPy as it stands; where primals carry derivatives themselves,
the same functions of NumPy hand on to this package by NumPy's protocols, so the expressions serve every order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ad.active import RULES, SCOPE, ZERO, Active, Rule, apply
from ad.methods import OPERATORS
from ad.ndarrays import ARRAYS, UFUNCS, names, renamed, value_source
from ad.ops import Op
from ad.scalars import build


@dataclass(frozen=True)
class Case:
    """One activity of an op's operands.

    Attributes:
        active: the operands that carry a derivative.
        numbers: the constant operands that are single numbers.
    """

    active: frozenset[str]
    numbers: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """What the case is called in generated source, as in `mul_x`, `pow_x_number`."""
        return "_".join([*sorted(self.active), *["number"] * len(self.numbers)])


X, Y = frozenset("x"), frozenset("y")
BOTH, LEFT, RIGHT = Case(X | Y), Case(X), Case(Y)
LEFT_BY_NUMBER, RIGHT_BY_NUMBER = Case(X, Y), Case(Y, X)


def cases(row: Op) -> tuple[Case, ...]:
    """The activities that an op can have."""
    return (LEFT,) if len(row.params) == 1 else (BOTH, LEFT, RIGHT, LEFT_BY_NUMBER, RIGHT_BY_NUMBER)


Emit = Callable[[Op, Case], list[str]]
"""What a mode makes of an op: lines of source that use `x`, `y`, `xp`, `yp` and `out` and end in `return`."""


def like(x: Any, y: Any) -> Any:
    """`x` in the type of numbers of `y`: a choice among a row's constants must not make float32 into float64."""
    if isinstance(x, Active) or not hasattr(x, "dtype") or x.dtype == getattr(y, "dtype", x.dtype):
        return x
    return x.astype(y.dtype)


EXACT = {"1", "-1", "x", "y"}
"""Partials in which nothing is computed, so that operands of different types of numbers lose nothing."""

PLAIN = (np.ndarray, np.float64, np.float32)
"""The types of primals that a fast method computes with."""


def _of_either(name: str) -> Callable[..., Any]:
    """An op that NumPy has not: on NumPy's arrays and numbers as on arrays, on anything else as it is."""
    on_arrays, function = ARRAYS[name], SCOPE[name]

    def of_either(*operands: Any) -> Any:
        return (on_arrays if all(type(x) in PLAIN for x in operands) else function)(*operands)

    return of_either


def scope() -> dict[str, Any]:
    """What generated code on arrays refers to: NumPy's functions, which call ours on active arrays."""
    return {
        **names({name: _of_either(name) if name in ARRAYS else f for name, f in SCOPE.items()}),
        "ndarray": np.ndarray,
        "ZERO": ZERO,
        "like": like,
        "PLAIN": PLAIN,
        "NUMBERS": (float, int, np.float64),
    }


def partial_source(row: Op, operand: str, case: Case) -> str:
    """Source of a partial on arrays, in `xp`, `yp` and `out`."""
    return row.partial(operand).numpy(renamed(), case.numbers)


def array_partials(row: Op) -> tuple[Callable[..., Any] | None, ...]:
    """An op's partials as functions of `(xp, yp, out)`, on arrays and on active arrays; None where one is 0."""
    return tuple(
        None
        if partial.flat
        else build(
            "partial",
            f"def partial(xp, yp, out):\n    return {partial.numpy(renamed())}\n",
            scope(),
            f"arrays {row.name}, partial in {p}",
        )
        for p, partial in zip(row.operands, row.partials, strict=True)
    )


PARTIALS: dict[str, tuple[Callable[..., Any] | None, ...]] = {
    name: array_partials(rule.row) for name, rule in RULES.items()
}
"""For each op its partials as functions of `(xp, yp, out)`, on arrays and on active arrays; None where one is 0."""

_UNARY = """
def {name}(x):
    xp = x.primal
    if type(xp) in PLAIN:
{left}
    return apply(rule, x)
"""

_BINARY = """
def {name}(x, y):
    xp = x.primal
    if type(xp) in PLAIN:
        kind = type(y)
        if kind is Self:
            yp = y.primal
            if {same_level} and type(yp) in PLAIN{same_numbers}:
{both}
        elif kind is ndarray:
            if y.dtype is xp.dtype:
                yp = y
{left}
        elif kind in NUMBERS and y != 0:  # a partial may divide by it
            yp = y
{left_by_number}
    return apply(rule, x, y)
"""

_REFLECTED = """
def _r{name}(y, x):
    yp = y.primal
    if type(yp) in PLAIN:
        kind = type(x)
        if kind is ndarray:
            if x.dtype is yp.dtype:
                xp = x
{right}
        elif kind in NUMBERS and x != 0:
            xp = x
{right_by_number}
    return apply(rule, x, y)
"""


def install(cls: Any, emit: Emit, same_level: str, own: dict[str, Any], rules: Iterable[Rule]) -> None:
    """Give an array class one method per op (and Python's operators), with plain primals handled inline.

    Args:
        cls: the class whose instances the methods take and return; named `Self` in the source.
        emit: the mode.
        same_level: an expression in `x` and `y`, both instances: whether they belong to one derivative.
        own: names that the emitted lines use.
        rules: the ops.
    """
    for rule in rules:
        row, names = rule.row, {**scope(), **own, "Self": cls, "rule": rule, "apply": apply}

        def body(case: Case, by: int, row: Op = row) -> str:
            lines = [f"out = {value_source(row, case.numbers)}", *emit(row, case)]
            return "\n".join("    " * by + line for line in lines)

        if len(row.params) == 1:
            sources = [_UNARY.format(name=row.name, left=body(LEFT, 2))]
        else:
            same = "" if set(map(str, row.partials)) <= EXACT else " and xp.dtype is yp.dtype"
            left = {
                "same_numbers": same,
                "both": body(BOTH, 4),
                "left": body(LEFT, 4),
                "left_by_number": body(LEFT_BY_NUMBER, 3),
            }
            right = {"right": body(RIGHT, 4), "right_by_number": body(RIGHT_BY_NUMBER, 3)}
            sources = [
                _BINARY.format(name=row.name, same_level=same_level, **left),
                _REFLECTED.format(name=row.name, **right),
            ]
        methods = []
        for k, source in enumerate(sources):
            name = ("_r" if k else "") + row.name
            methods.append(build(name, source, dict(names), f"{cls.__name__}.{name}"))
            for alias in (name, *OPERATORS.get(row.name, ())[k : k + 1]):
                setattr(cls, alias, methods[-1])
        if row.name in UFUNCS:
            cls.methods[UFUNCS[row.name]] = (methods[0], methods[1] if methods[1:] else None)
