"""Ops of the user's own: `ad.custom` declares one, by a row of text, by a function and its partials, or by a rule.

    xlog1p = ad.custom("xlog1p", "x * log1p(x)", "log1p(x) + x / (1 + x)", x=((-0.9, 3.0),))

A row goes the way of all rows: methods on numbers and arrays, nodes of arrays and opcodes in programs are generated
from it, so it is differentiable to any order, and as fast.  A function with partials is the same row, with names of
functions where the text would be.  A function on whole arrays is a map, as those of `ad.maps` are (`ad.own_maps`).
"""

from __future__ import annotations

import keyword
from collections.abc import Callable, Iterator
from itertools import cycle
from typing import Any

import numpy as np

from ad import array_dual, array_tape, dual, tape
from ad.active import SCOPE, bind, functions
from ad.array_methods import PARTIALS, array_partials
from ad.array_nodes import NODES, node_classes
from ad.array_tape import ArrayVar
from ad.arrays import MAPS
from ad.checks import DerivativeError, NotSmoothError, differences
from ad.methods import SLOW, install_slow
from ad.ndarrays import ARRAYS, names, value_source
from ad.ops import CONSTANTS, CUSTOM, OPS, REAL, Interval, Op, RowError, read, validate
from ad.own_maps import OwnMap, own_map
from ad.scalars import FAST, build
from ad.tape import Var
from ad.transforms import jvp

Function = Callable[..., Any]

_declared: dict[str, tuple[tuple[Any, ...], Any]] = {}
"""By name, for each of the user's ops: the arguments it was declared with, and its public function."""


def custom(
    name: str,
    value: str | Function,
    *partials: str | Function,
    x: tuple[Interval, ...] = REAL,
    y: tuple[Interval, ...] = REAL,
    jvp: Function | None = None,
    vjp: Function | None = None,
    transpose: Function | None = None,
) -> Any:
    """Declare an op of one's own.

    Three ways to say what it is:

    - A row: its value and partials as text in `x`, `y`, `out` (the value), and any ops, those declared before included
      (`ad.ops` has the grammar).  It can be compiled (`ad.compile`).
    - A function of one or two numbers, and for each a partial: text as above, or a function of the operands and the
      value, `lambda x, out: ...`, written in ops.  On arrays the function is called with arrays, or element by element
      where it cannot take them.
    - A function of whole arrays with `jvp(operands, tangents, out)`, with `vjp(operands, cotangent, out)`, which gives
      a cotangent for each operand, or with both; or, where it is linear in its one operand, with
      `transpose(cotangent, shape)`.  Keyword arguments of the function are constants, and handed on to these rules.
      Written in ops and functions of this package the rules are differentiable to any order; one makes both modes.

    Args:
        name: what it is called in messages and in other rows.
        value: the value.
        partials: one for each operand.
        x: intervals of the first operand, in which the partials are compared with differences of the value at once.
        y: those of the second.
        jvp: the rule for the tangent of the value.
        vjp: the rule for the cotangents of the operands.
        transpose: the transpose of a linear function.

    Returns:
        The op as a function on numbers, arrays, and active values of both modes.  Its method `forget()` takes the
        declaration back.  Declaring the same again gives the same function.

    Raises:
        RowError: the name is taken or none, an expression is not in the grammar or uses a name that is not in scope, or
            there is not one partial for each operand.
        DerivativeError: a partial is not the slope of the value.
        TypeError: `value` is neither text nor a function, or it is said in two ways what its derivative is.
    """
    if not isinstance(value, str) and not callable(value):
        raise TypeError(f"value: got {type(value).__name__}, expected text or a function")
    rules = {"jvp": jvp, "vjp": vjp, "transpose": transpose}
    given = [rule for rule, f in rules.items() if f is not None]
    if given and (partials or isinstance(value, str) or (transpose is not None and len(given) > 1)):
        raise TypeError(f"{given[0]}: got one besides partials, text or a transpose, expected one way to say it")
    if not given and not partials and not isinstance(value, str):
        raise TypeError("value: got a function alone, expected partials, jvp, vjp or transpose as well")
    declaration = (value, *partials, x, y, *rules.values())
    if name in _declared and _declared[name][0] == declaration:
        return _declared[name][1]
    _require_free(name)
    public = own_map(OwnMap(name, value, **rules)) if given else _declare_row(name, value, partials, x, y)
    public.forget = lambda: _forget(name)
    _declared[name] = declaration, public
    if not given:
        try:
            _compare_with_differences(CUSTOM[name], public)
        except DerivativeError:
            public.forget()
            raise
    return public


def _classes() -> tuple[type, ...]:
    """The classes that have a method for each op."""
    return (*dual.GENERATED, Var, *array_dual.GENERATED, ArrayVar, *SLOW)


def _require_free(name: Any) -> None:
    """Refuse what is no name, or one that means something."""
    if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name) or name.startswith("_"):
        raise RowError(f"op {name!r}: not a name, expected letters, digits and underscores")
    if name in _declared:
        raise RowError(f"op {name!r}: the name is taken by another declaration; its forget() takes that back")
    scopes = ({"x", "y", "c", "out"}, CONSTANTS, SCOPE, ARRAYS, MAPS)
    if any(name in scope for scope in scopes) or any(hasattr(cls, name) for cls in _classes()):
        raise RowError(f"op {name!r}: the name is taken, expected one that means nothing yet")


# ---- rows -----------------------------------------------------------------------------------------------------------


def _declare_row(name: str, value: Any, partials: tuple[Any, ...], x: Any, y: Any) -> Any:
    """Bind a row everywhere that rows are bound; the public function."""
    own: dict[str, Function] = {}
    operands = ("x", "y")[: len(partials)]
    text = value
    if not isinstance(value, str):
        text = f"{name}({', '.join(operands)})"
    for operand, partial in zip("xy", partials, strict=False):
        if callable(partial):
            own[f"{name}_d{operand}"] = partial
    texts = [
        f"{name}_d{p}({', '.join((*operands, 'out'))})" if callable(partial) else partial
        for p, partial in zip("xy", partials, strict=False)
    ] + [*partials[2:]]
    for text_of_partial in texts:
        if not isinstance(text_of_partial, str):
            raise RowError(f"op {name!r}: got a partial {text_of_partial!r}, expected text or a function")
    row = read(name, text, texts, x, y)
    known = {r.name: len(r.params) for r in (*OPS.values(), *CUSTOM.values())}
    known |= dict.fromkeys(own, len(operands) + 1) | ({} if isinstance(value, str) else {name: len(operands)})
    validate([row], known)
    for helper, f in own.items():
        SCOPE[helper] = ARRAYS[helper] = f
        FAST[helper] = _giving_floats(f)
    if isinstance(value, str):
        source = f"def {name}({', '.join(row.params)}):\n    return {row.value.python()}\n"
        FAST[name] = build(name, source, dict(FAST) | CONSTANTS, f"FLOATS.{name}")
        source = f"def {name}({', '.join(f'{p}p' for p in row.params)}):\n    return {value_source(row)}\n"
        ARRAYS[name] = np.errstate(all="ignore")(build(name, source, names(), f"ARRAYS.{name}"))
        rule = bind(row)
    else:
        FAST[name] = _giving_floats(value)
        ARRAYS[name] = _on_arrays(value)
        rule = bind(row, value)
    CUSTOM[name] = row
    PARTIALS[name] = array_partials(row)
    NODES.update(node_classes(row))
    for mode in (dual, tape, array_dual, array_tape):
        mode.generate([rule])
    for cls in SLOW:
        install_slow(cls, [rule])
    return rule.value


def _giving_floats(f: Function) -> Function:
    """A function whose values on floats are floats."""
    return lambda *operands: float(f(*operands))


def _on_arrays(f: Function) -> Function:
    """A function of numbers on arrays: as it is, or element by element where it cannot take them."""

    def on_arrays(*operands: Any) -> Any:
        shape, dtype = np.broadcast_shapes(*map(np.shape, operands)), np.result_type(*operands, np.float32)
        try:
            out = f(*operands)
        except (TypeError, ValueError, DeprecationWarning):  # a warning where an older NumPy takes one for a number
            out = None
        if np.shape(out) != shape or out is None:
            out = np.vectorize(f, otypes=[np.float64])(*operands)
        return np.asarray(out, dtype)[()]

    return on_arrays


def _forget(name: str) -> None:
    """Take a declaration back.

    Raises:
        RowError: another row uses the op.
    """
    for other in CUSTOM.values():
        if other.name != name and any(name in e.calls for e in (other.value, *other.partials)):
            raise RowError(f"op {name!r}: is used by {other.name!r}, which has to be forgotten first")
    declaration = _declared.pop(name, None)
    message = f"op {name!r}: its declaration was taken back by forget(); declare it anew with ad.custom"
    if CUSTOM.pop(name, None) is None:
        if declaration is not None:
            declaration[1].map.refusal = message
        return
    _refuse(name, functions[name], message)
    for table in (SCOPE, FAST, ARRAYS, functions, PARTIALS):
        for key in (name, f"{name}_dx", f"{name}_dy"):
            table.pop(key, None)
    for key in [key for key, node in NODES.items() if node.row.name == name]:
        del NODES[key]
    for cls in _classes():
        for method in (name, f"_r{name}"):
            if method in cls.__dict__:
                delattr(cls, method)


def _refuse(name: str, public: Any, message: str) -> None:
    """Make the public function of an op that is no more say so, to whoever still has it."""
    source = f"def {name}(*operands):\n    raise RowError({message!r})\n"
    public.__code__ = build(name, source, {"RowError": RowError}, f"forgotten {name}").__code__
    public.__globals__["RowError"] = RowError


# ---- the check at declaration ---------------------------------------------------------------------------------------

RTOL = 1e-6
"""How far a partial may be from differences of the value, relative to the larger of the slope and 1."""


def _points(row: Op) -> Iterator[list[float]]:
    """A few points of a row's domain."""
    inside = [
        [low + part * (high - low) for low, high in row.domain[p] for part in (0.137, 0.421, 0.618, 0.884)]
        for p in row.operands
    ]
    longest = max(map(len, inside))
    shifted = [cycle(xs[k:] + xs[:k]) for k, xs in enumerate(inside)]
    return ([next(xs) for xs in shifted] for _ in range(longest))


def _compare_with_differences(row: Op, op: Function) -> None:
    """Compare the partials with differences of the value.

    Raises:
        DerivativeError: a partial is not the slope of the value, or there is no point where it could be seen.
    """
    compared = 0
    for point in _points(row):
        for k, operand in enumerate(row.operands):
            direction = [float(j == k) for j in range(len(point))]
            try:
                got = jvp(op, point, direction)[1]
                (slope,) = differences(op, (tuple, len(point)), point, direction, RTOL)
            except (NotSmoothError, ValueError, OverflowError, ZeroDivisionError):
                continue
            compared += 1
            if not abs(got - slope) <= RTOL * max(1.0, abs(slope)):
                at = ", ".join(f"{p} = {v:.6g}" for p, v in zip(row.operands, point, strict=True))
                raise DerivativeError(
                    f"op {row.name!r}: the partial in {operand}, {row.partial(operand).text!r}, is {got:.8g} at {at}, "
                    f"but the value's slope there is {slope:.8g}"
                )
    if not compared:
        raise DerivativeError(
            f"op {row.name!r}: its value is smooth at no point that was tried; give intervals where it is, "
            "such as x=((0.1, 4.0),)"
        )
