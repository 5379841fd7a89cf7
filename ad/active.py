"""Numbers that carry a derivative: what `Dual` and `Var` have in common, and each op's rule for any operands.

A `Dual` or a `Var` goes through the methods that `ad.methods` generates for the common case, float primals.  The
uncommon cases (derivatives of derivatives, operands of different levels, points where `math` raises) take one slow
road: `apply`, which finds the innermost derivative among the operands, and that class's own `apply`, which follows the
op's `Rule`.  A rule's value is the op itself and its partials are expressions in ops, so an op is differentiated by its
partials at every order, and never through the formula of its value.

`functions["sin"]` (public as `ad.sin`) is an op on floats, on NumPy arrays, and on values of either mode.  On floats it
follows IEEE-754: where `math` raises, it gives the infinity or NaN that NumPy gives.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, NoReturn, Self

import numpy as np

from ad import refusals
from ad.infinity import INFINITE, MIXED, settled
from ad.ndarrays import ARRAYS, beside_array
from ad.ops import CONSTANTS, OPS, Op
from ad.scalars import FAST, FLOAT_ERRORS, build, ieee, is_real, real

ZERO = 0.0
"""The tangent or adjoint of what no seed has reached, known by its identity: no computed number is this one."""

BLAS_ALONE = 10_000
"""Up to how many numbers OpenBLAS takes a dot product on one thread; for more it wakes others and waits for them."""


class Active:
    """A number that carries a derivative: the common base of `Dual` and `Var`.

    Comparisons compare primals, so that `if x > 0` in a user's code works; beside an array they give an array.  The
    order of `level` numbers is the nesting of derivatives: in an op between two levels the outer one's value is a
    constant to the inner one.  A copy is the value itself, as that of any number is.
    """

    __slots__ = ()
    primal: Any
    is_array: ClassVar[bool] = False
    arrays: ClassVar[Any]
    """The class of the arrays of the same mode."""

    @property
    def level(self) -> int:
        """The number of the derivative this value belongs to; a later derivative has a larger one."""
        raise NotImplementedError

    @property
    def finished(self) -> bool:
        """Whether that derivative has ended, so that a new one would lose what this value carries."""
        raise NotImplementedError

    @classmethod
    def apply(cls, rule: Rule, level: int, operands: tuple[Any, ...]) -> Active:
        """One op on operands of which at least one is active at `level`: any operands, the slow road."""
        raise NotImplementedError

    def __lt__(self, other: object) -> Any:
        return self.primal < primal_of(other)

    def __le__(self, other: object) -> Any:
        return self.primal <= primal_of(other)

    def __gt__(self, other: object) -> Any:
        return self.primal > primal_of(other)

    def __ge__(self, other: object) -> Any:
        return self.primal >= primal_of(other)

    def __eq__(self, other: object) -> Any:
        return self.primal == primal_of(other)

    def __ne__(self, other: object) -> Any:
        return self.primal != primal_of(other)

    __hash__ = None  # type: ignore[assignment]  # equal by value, yet mutable: as unhashable as a list

    def __bool__(self) -> bool:
        return bool(self.primal)

    def __pos__(self) -> Active:
        return self

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(f"pickle: got {kind_of(self)}, whose derivative cannot leave this process; send .primal")

    def __int__(self) -> int:
        return int(primal_of(self))

    __trunc__ = __int__

    def __floor__(self) -> Any:
        return math.floor(primal_of(self))

    def __ceil__(self) -> Any:
        return math.ceil(primal_of(self))

    def __round__(self, digits: int | None = None) -> Any:
        return round(primal_of(self), digits)

    def __float__(self) -> float:
        raise TypeError(
            f"float(): got {kind_of(self)}, whose derivative would be lost; "
            f"use ad.sin for math.sin and the like, or .primal for the value alone"
        )

    def __array__(self, dtype: object = None, copy: object = None) -> NoReturn:
        raise TypeError(refusals.array(kind_of(self)))

    def __array_ufunc__(self, ufunc: Any, method: str, *operands: Any, **options: Any) -> Any:
        if method != "__call__" and (ufunc, method) in METHODS:
            return METHODS[ufunc, method](*operands, **options)
        function = UFUNCS.get(ufunc) or UFUNCS.get(ufunc.__name__)
        if function is not None and method == "__call__" and not options:
            return function(*operands)
        raise TypeError(refusals.ufunc(kind_of(self), ufunc, method, options, known=function is not None))

    def __array_function__(self, function: Any, types: Any, arguments: Any, options: Any) -> Any:
        ours = FUNCTIONS.get(function)
        if ours is None:
            raise TypeError(refusals.function(kind_of(self), function))
        try:
            return ours(*arguments, **options)
        except TypeError:
            if refusal := refusals.options(kind_of(self), function, ours, options):
                raise TypeError(refusal) from None
            raise


UFUNCS: dict[Any, Callable[..., Any]] = {}
"""What NumPy's ufuncs are on active values; SciPy's go by their names."""

METHODS: dict[tuple[Any, str], Callable[..., Any]] = {}
"""What methods of NumPy's ufuncs, such as `(np.add, "reduce")`, are on active values."""

FUNCTIONS: dict[Any, Callable[..., Any]] = {}
"""What NumPy's other functions are on active values."""


def primal_of(x: Any) -> Any:
    """The plain number in a value of any order."""
    while isinstance(x, Active):
        x = x.primal
    return x


def kind_of(x: object) -> str:
    """What an active value is called in a message: a Dual, an ArrayVar."""
    name = next(cls.__name__ for cls in type(x).__mro__ if not cls.__name__.startswith("_"))
    return f"{'an' if name.startswith('A') else 'a'} {name}"


def is_array(x: Any) -> bool:
    """Whether a value is an array, active or not."""
    return isinstance(x, np.ndarray) or (isinstance(x, Active) and x.is_array)


def is_zero(x: Any) -> bool:
    """Whether a value is a plain zero: an active one may have a derivative of its own, so it is none."""
    return type(x) is float and x == 0.0


def all_finite(values: list[Any]) -> bool:
    """Whether no value, active or not, number or array, is infinite or NaN."""
    if set(map(type, values)) <= {float}:  # the common case, and one pass in C: a sum keeps every infinity and NaN
        return math.isfinite(sum(values)) or all(map(math.isfinite, values))
    return all(map(finite, values))


def finite(x: Any) -> bool:
    """Whether no number in a value or array, active or not, is infinite or NaN."""
    while isinstance(x, Active):
        x = x.primal
    if type(x) is np.ndarray:  # one pass, and no array made; it may overflow where no value is infinite
        line = x if x.ndim == 1 else x.ravel()
        if line.size <= BLAS_ALONE:
            whole = math.isfinite(line.dot(line))
        else:
            parts = (line[k : k + BLAS_ALONE] for k in range(0, line.size, BLAS_ALONE))
            whole = all(math.isfinite(part.dot(part)) for part in parts)
        return whole or bool(np.isfinite(x).all())
    return math.isfinite(x) if isinstance(x, float) else bool(np.isfinite(x).all())


def passed_on(partial: Any, amount: Any, paths: int) -> Any:
    """What an edge makes of a tangent or adjoint that sums up `paths`, in numbers; None where that is a plain zero.

    Where these numbers carry derivatives themselves, the next sweep must not take a sum of several paths for one: a
    zero stands in for those that an infinity would turn to NaN.
    """
    if is_zero(partial) and not paths & INFINITE and not isinstance(amount, Active):
        return None  # even if the amount has overflowed
    term = partial * amount
    apart = MIXED[paths] and isinstance(partial, Active)
    return term + partial * ZERO if apart else term


def settle(paths: int, value: Any) -> Any:
    """A tangent or adjoint as the paths that reached it say (`ad.infinity.settled`); the value itself where they agree.

    An active value that is NaN or overruled becomes NaN together with its own derivative.
    """
    number = primal_of(value)
    verdict = settled(paths, number)
    if number is value:
        return verdict
    return value if verdict == number else value * math.nan


# ---- derivatives in progress ----------------------------------------------------------------------------------------


def require_alive(name: str, values: Iterable[Any]) -> None:
    """Refuse what belongs to a derivative that has ended.

    Raises:
        ValueError: a value does; the message names the argument.
    """
    for x in values:
        if isinstance(x, Active) and x.finished:
            raise ValueError(
                f"{name}: got {kind_of(x)} left over from a derivative that has ended, expected a number or a value "
                "of a derivative in progress"
            )


# ---- any operands ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rule:
    """A row bound to Python: its value and partials for any operands, active ones included.

    Attributes:
        row: the row.
        value: `value(x[, y])`, the public function of the op.
        partials: for each operand a function `(x[, y], out)`; None where the partial is 0 by the row.
    """

    row: Op
    value: Callable[..., Any]
    partials: tuple[Callable[..., Any] | None, ...]


def _level(x: Any) -> int:
    """The level of an operand: -1 for a plain number or array, -2 for what is none."""
    if isinstance(x, Active):
        return x.level
    return -1 if is_real(x) or isinstance(x, np.ndarray) else -2


def apply(rule: Rule, *operands: Any) -> Any:
    """One op on any operands, at the innermost level among them; `NotImplemented` if one is not a number.

    Raises:
        ValueError: an operand is left over from a derivative that has ended.
        OverflowError: an operand is an integer beyond the range of floats.
    """
    levels = [_level(x) for x in operands]
    if min(levels) < -1 and any(map(is_array, operands)):
        operands = tuple(x if isinstance(x, Active) else beside_array(rule.row.name, x) for x in operands)
        levels = [_level(x) for x in operands]
    if min(levels) < -1:
        return NotImplemented
    require_alive(rule.row.name, operands)
    top = max(levels)
    owner = operands[levels.index(top)]
    if any(map(is_array, operands)):
        return owner.arrays.apply(rule, top, operands)
    return owner.apply(rule, top, tuple(x if isinstance(x, Active) else real(rule.row.name, x) for x in operands))


_UNARY = """
def {name}(x):
    if type(x) is float:
        try:
            return fast(x)
        except FLOAT_ERRORS:
            return ieee(x)
    if isinstance(x, Active):
        return x.{name}()
    if isinstance(x, ARRAY_TYPES):
        return on_arrays(x)
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
    if isinstance(x, ARRAY_TYPES) or isinstance(y, ARRAY_TYPES):
        return on_arrays(x, y)
    return {name}(real("{name}: x", x), real("{name}: y", y))
"""


def where(c: Any, x: Any, y: Any) -> Any:
    """`x` if `c` else `y`: a choice, not an arithmetic op, so the branch not taken cannot poison the one taken."""
    return x if c else y


functions: dict[str, Callable[..., Any]] = {"where": where}
"""The public functions, one per op."""

SCOPE: dict[str, Any] = {**CONSTANTS, "where": where}
"""What the expressions of all rules refer to: the public functions, and the constants."""


def _function(row: Op, on_errors: Callable[..., Any] | None) -> Callable[..., Any]:
    params = ", ".join(row.params)
    if on_errors is None and (row.primitive or row.name == "div"):
        on_errors = ieee(row.name)
    elif on_errors is None:
        formula = f"def value({params}):\n    return {row.value.python(safe=True)}\n"
        on_errors = build("value", formula, SCOPE, f"value of {row.name}")
    scope = {"fast": FAST[row.name], "ieee": on_errors, "FLOAT_ERRORS": FLOAT_ERRORS, "Active": Active, "real": real}
    scope |= {"on_arrays": ARRAYS[row.name], "ARRAY_TYPES": (np.ndarray, np.float32)}
    source = (_UNARY if len(row.params) == 1 else _BINARY).format(name=row.name)
    function: Callable[..., Any] = build(row.name, source, scope, f"ops.{row.name}")
    function.__doc__ = f"`{row.value}` on floats, Duals and Vars; partials: {', '.join(map(str, row.partials))}."
    function.__module__ = "ad"
    return function


def bind(row: Op, on_errors: Callable[..., Any] | None = None) -> Rule:
    """The rule of a row, over the public functions, of which the row's own becomes one.

    Args:
        row: the row.
        on_errors: its value on floats at the points where `math` raises; by default as IEEE-754 says.
    """
    functions[row.name] = SCOPE[row.name] = _function(row, on_errors)
    arguments = ", ".join((*row.params, "out"))
    partials = [
        None
        if partial.flat
        else build(
            "partial",
            f"def partial({arguments}):\n    return {partial.python(safe=True)}\n",
            SCOPE,
            f"rule {row.name}, partial in {operand}",
        )
        for operand, partial in zip(row.operands, row.partials, strict=True)
    ]
    return Rule(row, functions[row.name], tuple(partials))


RULES = {row.name: bind(row) for row in OPS.values() if row.name != "where"}
"""Each op's rule for any operands."""
