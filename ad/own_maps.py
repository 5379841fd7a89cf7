"""Functions on whole arrays that the user has declared by a rule (`ad.custom`): either mode follows from the other's.

A rule for the tangent is linear in it, and so is one for the cotangents.  Where one of them is missing, the other is
recorded at zero and pulled back: that is its transpose.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ad.arrays import shape_of, zeros_like
from ad.differential import transposed
from ad.linear import Map
from ad.ops import RowError

Rule = Callable[..., Any]


class OwnMap(Map):
    """A function of one or more arrays; its keyword arguments come as one parameter, a dict.

    Attributes:
        jvp: the rule for the tangent of the value, `jvp(operands, tangents, out)`, or None.
        vjp: the rule for the cotangents of the operands, `vjp(operands, cotangent, out)`, or None.
        transpose: that of a function that is linear in its one operand, `transpose(cotangent, shape)`, or None.
            (`rule`, which every map has, is not asked for here.)
        refusal: what a call is told after `forget()`, until then None.
    """

    refusal: str | None = None

    def __init__(
        self, name: str, value: Any, jvp: Rule | None = None, vjp: Rule | None = None, transpose: Rule | None = None
    ) -> None:
        super().__init__(name, self._value, self._pulled)
        self.function, self.jvp, self.vjp, self.transpose = value, jvp, vjp, transpose
        self.keeps_out = transpose is None

    def keeps(self, active: list[bool]) -> list[bool]:  # noqa: D102
        return [self.transpose is None] * len(active)

    def _value(self, *arguments: Any) -> Any:
        *operands, named = arguments
        out = self.function(*operands, **named)
        if not isinstance(out, np.ndarray | np.floating | float | int):
            raise TypeError(f"{self.name}: its value is {type(out).__name__}, expected one array or number")
        return out

    def push(self, primals: list[Any], tangents: list[Any], params: tuple[Any, ...], out: Any) -> Any:  # noqa: D102
        (named,) = params
        if self.transpose is not None:
            return self(tangents, params)
        whole = [zeros_like(x) if t is None else t for x, t in zip(primals, tangents, strict=True)]
        if self.jvp is not None:
            return self._of_shape(self.jvp(primals, whole, out, **named), shape_of(out), "jvp")
        return transposed(lambda bar: self._pulled(primals, bar[0], out, named), [zeros_like(out)], whole)[0]

    def pull(  # noqa: D102
        self, bar: Any, active: list[bool], primals: list[Any], shapes: list[Any], params: tuple[Any, ...]
    ) -> list[Any]:
        (named,) = params
        if self.transpose is not None:
            return [self._of_shape(self.transpose(bar, shapes[0], **named), shapes[0], "transpose")]
        *xs, out = primals
        if self.vjp is not None:
            return self._pulled(xs, bar, out, named)
        jvp: Any = self.jvp
        zeros = [zeros_like(x) for x, a in zip(xs, active, strict=True) if a]

        def tangent(seeds: list[Any]) -> list[Any]:
            given = iter(seeds)
            whole = [next(given) if a else zeros_like(x) for x, a in zip(xs, active, strict=True)]
            return [self._of_shape(jvp(xs, whole, out, **named), shape_of(out), "jvp")]

        found = iter(transposed(tangent, zeros, [bar]))
        return [next(found) if a else None for a in active]

    def _pulled(self, xs: list[Any], bar: Any, out: Any, named: dict[str, Any]) -> list[Any]:
        vjp: Any = self.vjp
        found = vjp(xs, bar, out, **named)
        if not isinstance(found, list | tuple) or len(found) != len(xs):
            raise TypeError(
                f"{self.name}: its vjp gives {type(found).__name__}, expected a list of {len(xs)} cotangents"
            )
        return [self._of_shape(term, shape_of(x), "vjp") for term, x in zip(found, xs, strict=True)]

    def _of_shape(self, derivative: Any, shape: tuple[int, ...], what: str) -> Any:
        if shape_of(derivative) != shape:
            raise ValueError(f"{self.name}: its {what} gives shape {shape_of(derivative)}, expected {shape}")
        return derivative


def own_map(map: OwnMap) -> Any:
    """The function that a user calls: positional arguments are operands, keyword arguments are constants."""

    def public(*operands: Any, **named: Any) -> Any:
        if map.refusal is not None:
            raise RowError(map.refusal)
        if map.transpose is not None and len(operands) != 1:
            raise TypeError(f"{map.name}: got {len(operands)} operands, expected the one that it is linear in")
        return map(tuple(np.asarray(x, float) if isinstance(x, list) else x for x in operands), (named,))

    public.__name__ = public.__qualname__ = map.name
    public.map = map  # type: ignore[attr-defined]
    public.__doc__ = map.function.__doc__
    return public
