"""Arrays that carry a derivative: what `ArrayDual` and `ArrayVar` have in common.

`ad.array_dual` and `ad.array_tape` say what a mode does with the partials, as `ad.dual` and `ad.tape` do for numbers.
The derivative of an array may be held in any shape that broadcasts to that of the primal (`full` makes it whole), so
that the adjoint behind a sum is one number until an op needs more.  Plain NumPy code works on these arrays by NumPy's
protocols (`ad.active`): an op is looked up among the rows, another function among those of `ad.maps`; what is in
neither raises an error that names it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, NoReturn

import numpy as np

from ad.active import RULES, UFUNCS, Active, kind_of, primal_of
from ad.ndarrays import SCIPY, plain, require_numbers
from ad.ndarrays import UFUNCS as NUMPY
from ad.scalars import real

MAPS: dict[str, Callable[..., Any]] = {}
"""The public functions on arrays besides the rows, by their names in this package; `ad.linear` declares them."""


class Array(Active):
    """An array that carries a derivative: the common base of `ArrayDual` and `ArrayVar`.

    It has NumPy's attributes, and NumPy's methods as far as they have derivatives here.  Comparisons give arrays of
    bools.  It is not changed in place.
    """

    __slots__ = ()
    is_array = True

    methods: ClassVar[dict[Any, tuple[Any, Any]]]
    """For NumPy's ufuncs, the method of this class and the one for a right operand; None for an op of one operand."""

    def __init_subclass__(cls) -> None:
        cls.methods = {}  # not those of a base, whose fast methods a subclass replaces

    def apply_linear(self, map: Any, params: tuple[Any, ...]) -> Any:
        """A linear map of this array alone: the fast road.

        Raises:
            ValueError: the array is left over from a derivative that has ended.
        """
        raise NotImplementedError

    def __array_ufunc__(self, ufunc: Any, method: str, *operands: Any, **options: Any) -> Any:
        found = self.methods.get(ufunc)
        if found is not None and method == "__call__" and not options:  # the common case, in fewer calls
            left, right = found
            if right is None:
                return left(self)
            x, y = operands
            out = left(x, y) if type(x) is type(self) else right(y, x) if type(x) is np.ndarray else NotImplemented
            if out is not NotImplemented:
                return out
        return super().__array_ufunc__(ufunc, method, *operands, **options)

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
        return math.prod(self.shape)

    @property
    def dtype(self) -> Any:
        """As of a NumPy array."""
        return dtype_of(self.primal)

    @property
    def T(self) -> Any:  # noqa: N802
        """As of a NumPy array."""
        return MAPS["transpose"](self)

    @property
    def mT(self) -> Any:  # noqa: N802
        """As of a NumPy array."""
        return MAPS["swapaxes"](self, -1, -2)

    @property
    def flat(self) -> Any:
        """All elements, in one dimension."""
        return MAPS["ravel"](self)

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

    __hash__ = None

    def __bool__(self) -> bool:
        return bool(primal_of(self))

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError(f"len(): got {kind_of(self)} without dimensions")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return (self[k] for k in range(len(self)))

    def __getitem__(self, index: Any) -> Any:
        return MAPS["getitem"](self, index)

    def __setitem__(self, index: object, value: object) -> NoReturn:
        instead = "use np.where, np.concatenate or np.stack"
        raise TypeError(f"assignment: got {kind_of(self)}, which is not changed in place; {instead}")

    def __matmul__(self, other: Any) -> Any:
        return MAPS["matmul"](self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return MAPS["matmul"](other, self)

    def reshape(self, *shape: Any) -> Any:
        """As of a NumPy array."""
        return MAPS["reshape"](self, shape[0] if len(shape) == 1 else shape)

    def transpose(self, *axes: Any) -> Any:
        """As of a NumPy array."""
        return MAPS["transpose"](self, (axes[0] if len(axes) == 1 else axes) or None)

    def flatten(self) -> Any:
        """As of a NumPy array."""
        return MAPS["ravel"](self)

    def copy(self) -> Array:
        """The array itself, which is not changed in place."""
        return self

    def astype(self, dtype: Any) -> Array:
        """The array itself, if it has this type of numbers already."""
        if np.dtype(dtype) != self.dtype:
            raise TypeError(f"astype: got {dtype}, expected {self.dtype}; convert what the function is given")
        return self

    def __float__(self) -> float:
        raise TypeError(
            f"float(): got {kind_of(self)}, whose derivative would be lost; use np.sin for math.sin and the like; "
            "use np.stack, np.concatenate or np.where for an assignment, or .primal for the value alone"
        )

    def item(self) -> float:
        """Refused: a float has no derivative."""
        return float(self)

    tolist = item


# ---- shapes ---------------------------------------------------------------------------------------------------------


def shape_of(x: Any) -> tuple[int, ...]:
    """The shape of a number or array, active or not."""
    shape: tuple[int, ...] = getattr(x, "shape", ())
    return shape


def dtype_of(x: Any) -> Any:
    """The type of the numbers in a number or array, active or not."""
    return x.dtype if hasattr(x, "dtype") else np.dtype(np.float64)


def zeros_like(x: Any) -> Any:
    """Zeros of the shape and type of a number or array, active or not."""
    return np.zeros(shape_of(x), dtype_of(x))


def full(x: Any, shape: tuple[int, ...]) -> Any:
    """A derivative made whole: broadcast to `shape`."""
    return x if getattr(x, "shape", ()) == shape else MAPS["broadcast_to"](x, shape)


def unbroadcast(x: Any, made: tuple[int, ...], shape: tuple[int, ...]) -> Any:
    """The transpose of broadcasting from `shape` to `made`: what was repeated is summed.

    Args:
        x: a derivative that broadcasts to `made`.
        made: the shape of the op's value.
        shape: the operand's shape.
    """
    if made == shape:
        return x
    lead = len(made) - len(shape)
    axes = (*range(lead), *(k + lead for k, n in enumerate(shape) if n == 1 and made[k + lead] != 1))
    x = MAPS["sum"](full(x, made), axes, keepdims=True)
    return MAPS["reshape"](x, shape) if lead else x


def axes_of(ndim: int, axis: Any) -> tuple[int, ...]:
    """The axes that `axis` names, each from 0 on.

    Raises:
        numpy.exceptions.AxisError: there is no such axis.
    """
    if axis is None:
        return tuple(range(ndim))
    named, last = axis if isinstance(axis, tuple | list) else (axis,), max(ndim, 1)
    for k in named:
        if not -last <= k < last:
            raise np.exceptions.AxisError(k, ndim)
    return tuple(int(k) % last for k in named)


def reduced_axes(ndim: int, axis: Any) -> tuple[int, ...]:
    """As `axes_of`; none of an array without dimensions, of which NumPy reduces axis 0 or -1."""
    axes = axes_of(ndim, axis)
    return axes if ndim else ()


def kept_shape(shape: tuple[int, ...], axis: Any) -> tuple[int, ...]:
    """A shape with the reduced axes of length one."""
    axes = axes_of(len(shape), axis)
    return tuple(1 if k in axes else n for k, n in enumerate(shape))


# ---- operands -------------------------------------------------------------------------------------------------------


def operand(name: str, x: Any) -> Any:
    """An operand that is not active, as the array road takes it.

    Raises:
        TypeError: it is neither a real number nor a plain array of such; the message names the op.
    """
    if isinstance(x, np.ndarray):
        x = plain(name, x)
    if isinstance(x, np.ndarray | np.generic):
        require_numbers(name, x)
        return x
    return real(name, x)


def activity(level: int, operands: tuple[Any, ...]) -> list[bool]:
    """Which operands are active at a level."""
    return [isinstance(x, Active) and x.level == level for x in operands]


def prepared(name: str, operands: tuple[Any, ...], active: list[bool]) -> list[Any]:
    """Operands as the array road takes them: active numbers as arrays without dimensions, constants checked."""
    return [
        (x if x.is_array else x.arrays.of_number(x)) if a else x if isinstance(x, Active) else operand(name, x)
        for x, a in zip(operands, active, strict=True)
    ]


def scalar(x: Any, beside: Any = None) -> Any:
    """A Python float as NumPy's, which divides as IEEE-754 says; anything else as it is.

    Args:
        x: an operand, or the value of an op.
        beside: an array whose type of numbers it is to have, so that float32 stays float32.
    """
    return dtype_of(beside).type(x) if type(x) is float else x


def matched(x: Any, out: Any) -> Any:
    """An operand in the type of numbers of an op's value: partials are computed from it, and none may be coarser."""
    dtype = dtype_of(out)
    if isinstance(x, Active) or getattr(x, "dtype", None) is dtype:
        return x
    return np.asarray(x, dtype)[()]


def level_of(x: Any) -> int:
    """The level of an operand; -1 for what is not active."""
    return x.level if isinstance(x, Active) else -1


# ---- NumPy's names --------------------------------------------------------------------------------------------------

FLAT = (
    *(np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal, np.isfinite, np.isinf, np.isnan),
    *(np.signbit, np.logical_not, np.logical_and, np.logical_or, np.logical_xor),
    *(np.floor, np.ceil, np.trunc, np.rint),
)
"""NumPy's ufuncs that give bools, or are constant wherever they are smooth: they work on primals."""


def on_primals(function: Any) -> Callable[..., Any]:
    """A function of NumPy on the primals of active arguments, its value a constant."""

    def flat(*arguments: Any, **options: Any) -> Any:
        plain = [[primal_of(y) for y in x] if isinstance(x, list | tuple) else primal_of(x) for x in arguments]
        return function(*plain, **options)

    return flat


UFUNCS.update({NUMPY[name]: rule.value for name, rule in RULES.items() if name in NUMPY})
UFUNCS.update({name: RULES[op].value for name, op in SCIPY.items()})
UFUNCS.update({np.fabs: RULES["abs"].value, np.float_power: RULES["pow"].value})
UFUNCS.update({np.positive: lambda x: x, np.conjugate: lambda x: x})
UFUNCS.update({ufunc: on_primals(ufunc) for ufunc in FLAT})
