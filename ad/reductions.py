"""How a function that reduces axes is declared: by its partial in each element, as a row declares an op's.

    @reduction(np.max)
    def max(x, out, axis=None, *, keepdims=False):     # `out` is the value, with the reduced axes of length one
        return shares_of(x == out, axis)               # the partial, of the shape of `x`

Forward mode sums partial times tangent over the axes, reverse mode multiplies the adjoint by the partial.  A partial is
written in the ops and functions of this package, so derivatives of any order are free; and since it is known element by
element, infinite ones follow the rule of `ad.infinity` as those of the rows do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ad.arrays import MAPS, kept_shape, reduced_axes, shape_of
from ad.linear import Declare, Declared, Map, declare


class Reduction(Map):
    """A function that reduces axes; its parameters are `axis` and `keepdims`.

    Attributes:
        rule: what was declared, `partial(x, out, axis, keepdims)`.
    """

    keeps_out = True

    def keeps(self, active: list[bool]) -> list[bool]:  # noqa: D102
        return [True]

    def partial(self, x: Any, out: Any, params: tuple[Any, ...]) -> Any:
        """The partial in each element of `x`."""
        return self.rule(x, self.kept(out, shape_of(x), params), *params)

    def kept(self, reduced: Any, shape: tuple[int, ...], params: tuple[Any, ...]) -> Any:
        """A value or an adjoint with the reduced axes of length one."""
        return MAPS["reshape"](reduced, kept_shape(shape, params[0]))

    def push(self, primals: list[Any], tangents: list[Any], params: tuple[Any, ...], out: Any) -> Any:  # noqa: D102
        axis, keepdims = params
        return MAPS["sum"](self.partial(primals[0], out, params) * tangents[0], axis, keepdims=keepdims)

    def push_lanes(self, primals: list[Any], tangents: list[Any], params: tuple[Any, ...], out: Any) -> Any:  # noqa: D102
        (x,), (axis, keepdims) = primals, params
        axes = tuple(k + 1 for k in reduced_axes(len(shape_of(x)), axis))
        return MAPS["sum"](self.partial(x, out, params) * tangents[0], axes, keepdims=keepdims)

    def pull(  # noqa: D102
        self, bar: Any, active: list[bool], primals: list[Any], shapes: list[Any], params: tuple[Any, ...]
    ) -> list[Any]:
        x, out = primals
        return [self.kept(bar, shapes[0], params) * self.partial(x, out, params)]


def reduction(function: Callable[..., Any]) -> Declare:
    """Declare a function that reduces axes.

    Args:
        function: the function as users call it, `function(x, axis, keepdims=keepdims)`.

    Returns:
        A decorator of the partial, `partial(x, out, axis=None, *, keepdims=False)`.
    """

    def of_partial(partial: Callable[..., Any]) -> Declared:
        return declare(Reduction, "x", function, partial)

    return of_partial
