"""Arrays that carry a derivative: what those of both modes have in common, and the methods generated from the rows.

`ad.array_dual` and `ad.array_tape` say what a mode does with the partials, as `ad.dual` and `ad.tape` do for numbers.  The
derivative of an array may be held in any shape that broadcasts to that of the primal (`full` makes it whole), so a sum's
adjoint is one number until an op needs more.  Plain NumPy code works on these arrays by NumPy's protocols: an op is looked
up among the rows, another function among the maps of `ad.maps`; what is in neither raises an error that names it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import numpy as np

from ad.active import RULES, UFUNCS, ZERO, Active, Rule, apply, is_array, kind_of, primal_of
from ad.methods import OPERATORS
from ad.ndarrays import FLOATING, SCIPY, floating, names, renamed, require_numbers, value_source
from ad.ndarrays import UFUNCS as NUMPY
from ad.ops import Op
from ad.scalars import build, real

PLAIN = frozenset((np.ndarray, np.float64, np.float32))
"""The types of primals that a fast method computes with."""

FUNCTIONS: dict[str, Callable[..., Any]] = {}
"""The public functions on arrays besides the rows, by their names in this package."""


class Array(Active):
    """An array that carries a derivative: the common base of `ArrayDual` and `ArrayVar`.

    It has NumPy's attributes and methods as far as they have derivatives here.  Comparisons give arrays of bools.  It is not
    changed in place.
    """

    __slots__ = ()
    is_array = True

    @property
    def shape(self) -> tuple[int, ...]:
        """As of a NumPy array."""
        return shape_of(self.primal)

    @property
    def ndim(self) -> int:
        """As of a NumPy array."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """As of a NumPy array."""
        return int(np.prod(self.shape, dtype=int))

    @property
    def dtype(self) -> Any:
        """As of a NumPy array."""
        return dtype_of(self.primal)

    @property
    def T(self) -> Any:  # noqa: N802
        """As of a NumPy array."""
        return FUNCTIONS["transpose"](self)

    @property
    def mT(self) -> Any:  # noqa: N802
        """As of a NumPy array."""
        return FUNCTIONS["matrix_transpose"](self)

    @property
    def real(self) -> Array:
        """As of a NumPy array."""
        return self

    def __lt__(self, other: object) -> Any:
        return primal_of(self) < primal_of(other)

    def __le__(self, other: object) -> Any:
        return primal_of(self) <= primal_of(other)

    def __gt__(self, other: object) -> Any:
        return primal_of(self) > primal_of(other)

    def __ge__(self, other: object) -> Any:
        return primal_of(self) >= primal_of(other)

    def __eq__(self, other: object) -> Any:
        return primal_of(self) == primal_of(other)

    def __ne__(self, other: object) -> Any:
        return primal_of(self) != primal_of(other)

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        return bool(primal_of(self))

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len(): got an array without dimensions")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return (self[k] for k in range(len(self)))

    def __getitem__(self, index: Any) -> Any:
        return FUNCTIONS["getitem"](self, index)

    def __setitem__(self, index: object, value: object) -> NoReturn:
        raise TypeError(f"{kind_of(self)}: is not changed in place; use ad.where, ad.concatenate or ad.stack")

    def __matmul__(self, other: Any) -> Any:
        return FUNCTIONS["matmul"](self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return FUNCTIONS["matmul"](other, self)

    def reshape(self, *shape: Any) -> Any:
        """As of a NumPy array."""
        return FUNCTIONS["reshape"](self, shape[0] if len(shape) == 1 else shape)

    def transpose(self, *axes: Any) -> Any:
        """As of a NumPy array."""
        return FUNCTIONS["transpose"](self, (axes[0] if len(axes) == 1 else axes) or None)

    def flatten(self) -> Any:
        """As of a NumPy array."""
        return FUNCTIONS["ravel"](self)

    def copy(self) -> Array:
        """The array itself, which is not changed in place."""
        return self

    def item(self) -> NoReturn:
        """Refused: a float has no derivative."""
        raise TypeError(f"item: got a {kind_of(self)}, whose derivative would be lost; use x[()] or .primal")

    tolist = item


# ---- shapes ---------------------------------------------------------------------------------------------------------


def shape_of(x: Any) -> tuple[int, ...]:
    """The shape of a number or array, active or not."""
    return () if isinstance(x, float | int) or (isinstance(x, Active) and not x.is_array) else tuple(x.shape)


def dtype_of(x: Any) -> Any:
    """The type of the numbers in a number or array, active or not; a Python number takes that of what it meets."""
    return x.dtype if hasattr(x, "dtype") else np.dtype(np.float64)


def operand(name: str, x: Any) -> Any:
    """An operand that is not active, as the array road takes it.

    Raises:
        TypeError: it is neither a real number nor an array of such; the message names the op.
    """
    if isinstance(x, np.ndarray | np.generic):
        require_numbers(name, x)
        return x
    return real(name, x)


def kept(x: Any) -> Any:
    """A constant that a sweep will need, safe from its owner: a copy, unless it cannot be written to."""
    return x.copy() if isinstance(x, np.ndarray) and x.flags.writeable else x


def full(x: Any, shape: tuple[int, ...]) -> Any:
    """A derivative made whole: broadcast to `shape`."""
    if shape_of(x) == shape:
        return x
    return FUNCTIONS["broadcast_to"](x, shape) if isinstance(x, Active) else np.broadcast_to(x, shape)


def unbroadcast(x: Any, made: tuple[int, ...], shape: tuple[int, ...]) -> Any:
    """The transpose of broadcasting from `shape` to `made`: what was repeated is summed.

    Args:
        x: a derivative that broadcasts to `made`.
        made: the shape of the op's value.
        shape: the operand's shape.
    """
    if made == shape:
        return x
    x = full(x, made)
    lead = len(made) - len(shape)
    axes = (*range(lead), *(k + lead for k, n in enumerate(shape) if n == 1 and made[k + lead] != 1))
    x = FUNCTIONS["sum"](x, axes, keepdims=True)
    return FUNCTIONS["reshape"](x, shape) if lead else x


# ---- methods --------------------------------------------------------------------------------------------------------


def scope() -> dict[str, Any]:
    """What generated code on arrays refers to: NumPy's functions, which call ours on active arrays."""
    public = {name: rule.value for name, rule in RULES.items()}
    return {
        **names(public),
        **{"ndarray": np.ndarray, "ZERO": ZERO, "PLAIN": PLAIN, "FLOATING": FLOATING, "kept": kept, "apply": apply},
        **{"unbroadcast": unbroadcast, "like": like},
    }


def like(x: Any, y: Any) -> Any:
    """`x` in the type of numbers of `y`: constants in a row must not make float32 into float64."""
    return x.astype(y.dtype) if x.dtype != y.dtype and not isinstance(x, Active) else x


def _partials(row: Op) -> tuple[Callable[..., Any] | None, ...]:
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


PARTIALS: dict[str, tuple[Callable[..., Any] | None, ...]] = {}
"""For each op its partials as functions of `(x, y, out)`, on arrays and active arrays."""

Emit = Callable[[Op, frozenset[str], frozenset[str]], list[str]]
"""What a mode makes of an op, given the active operands and those that are numbers: lines that end in `return`."""

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
            if {same_level} and type(yp) in PLAIN:
{both}
        elif kind is float or kind is int:
            yp = y
{number}
        elif kind is ndarray and y.dtype in FLOATING:
            yp = y
{left}
    return apply(rule, x, y)
"""

_REFLECTED = """
def _r{name}(y, x):
    yp = y.primal
    if type(yp) in PLAIN:
        kind = type(x)
        if kind is float or kind is int:
            xp = x
{number}
        elif kind is ndarray and x.dtype in FLOATING:
            xp = x
{right}
    return apply(rule, x, y)
"""


def install(cls: Any, emit: Emit, same_level: str, own: dict[str, Any]) -> None:
    """Give an array class one method per op (and Python's operators), with plain primals handled inline."""
    names = scope() | own | {"Self": cls}
    x, y, none = frozenset("x"), frozenset("y"), frozenset("")

    def body(row: Op, active: frozenset[str], numbers: frozenset[str], by: int) -> str:
        lines = [f"out = {value_source(row, numbers)}", *emit(row, active, numbers)]
        return "\n".join("    " * by + line for line in lines)

    for rule in RULES.values():
        row = rule.row
        if len(row.params) == 1:
            sources = [_UNARY.format(name=row.name, left=body(row, x, none, 2))]
        else:
            both, number, left = body(row, x | y, none, 4), body(row, x, y, 3), body(row, x, none, 3)
            sources = [_BINARY.format(name=row.name, same_level=same_level, both=both, number=number, left=left)]
            number, right = body(row, y, x, 3), body(row, y, none, 3)
            sources += [_REFLECTED.format(name=row.name, number=number, right=right)]
        for k, (prefix, source) in enumerate(zip(("", "_r"), sources, strict=False)):
            name = f"{prefix}{row.name}"
            method = build(name, source, {**names, "rule": rule}, f"{cls.__name__}.{name}")
            for alias in (name, *OPERATORS.get(row.name, ())[k : k + 1]):
                setattr(cls, alias, method)


def activity(level: int, operands: tuple[Any, ...]) -> list[bool]:
    """Which operands are active at a level."""
    return [isinstance(x, Active) and x.level == level for x in operands]


def prepared(name: str, operands: tuple[Any, ...], active: list[bool]) -> list[Any]:
    """Operands as the array road takes them: active numbers as arrays without dimensions, constants checked."""
    return [
        (x if x.is_array else x.arrays.of_number(x)) if a else x if isinstance(x, Active) else operand(name, x)
        for x, a in zip(operands, active, strict=True)
    ]


def _register() -> None:
    """The rows as NumPy's ufuncs; ufuncs with a bool as value, and those that are flat, work on primals."""
    for name, rule in RULES.items():
        PARTIALS[name] = _partials(rule.row)
        if name in NUMPY:
            UFUNCS[NUMPY[name]] = rule.value
    UFUNCS.update({name: RULES[op].value for name, op in SCIPY.items()})
    UFUNCS.update({np.positive: lambda x: x, np.fabs: RULES["abs"].value, np.float_power: RULES["pow"].value})
    flat = "greater greater_equal less less_equal equal not_equal isfinite isinf isnan signbit logical_not logical_and"
    for name in f"{flat} logical_or logical_xor floor ceil trunc rint".split():
        ufunc = getattr(np, name)
        UFUNCS[ufunc] = lambda *x, ufunc=ufunc: ufunc(*map(primal_of, x))


_register()

__all__ = ["FUNCTIONS", "PARTIALS", "PLAIN", "Array", "Rule", "floating", "is_array"]
