"""How a function on whole arrays that is not linear is declared: by a rule for its tangent; reverse mode follows.

    @differential(np.linalg.inv)
    def inv(out, xs, ts):                    # the value, the operands, their tangents (None for passive ones)
        (da,) = ts
        return -out @ da @ out

    @inv.pull                                # optional: what `vjp` would find out from the rule, written down
    def _(bar, out, xs):
        return [-swapaxes(out, -1, -2) @ bar @ swapaxes(out, -1, -2)]

The rule is linear in the tangents and written in the ops and functions of this package, so derivatives of any order are
free; it must not lead back to the same function with a tangent as operand, unless `pull` is written too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ad.arrays import full, shape_of, zeros_like
from ad.linear import Declare, Declared, Map, declare, saying
from ad.tape import Tape


class Differential(Map):
    """A function of one or more operands with a rule for its tangent, and perhaps one for its cotangents.

    Attributes:
        rule: that for the tangent, `rule(out, operands, tangents, *params)`.
        back: the rule for the cotangents, `back(bar, out, operands, *params)`; None where it follows from the other.
        lanes: the rule for tangents that have a leading axis of lanes.
    """

    taken = 3
    keeps_out = True
    back: Callable[..., list[Any]] | None = None

    def keeps(self, active: list[bool]) -> list[bool]:  # noqa: D102
        return [True] * len(active)

    def push(self, primals: list[Any], tangents: list[Any], params: tuple[Any, ...], out: Any) -> Any:  # noqa: D102
        return self.rule(out, primals, tangents, *params)

    def push_lanes(self, primals: list[Any], tangents: list[Any], params: tuple[Any, ...], out: Any) -> Any:  # noqa: D102
        if self.lanes is None:
            return None
        return self.lanes(out, primals, tangents, *params)

    def pull(  # noqa: D102
        self, bar: Any, active: list[bool], primals: list[Any], shapes: list[Any], params: tuple[Any, ...]
    ) -> list[Any]:
        *xs, out = primals
        if self.back is not None:
            return self.back(bar, out, xs, *params)
        zeros = [zeros_like(x) for x, a in zip(xs, active, strict=True) if a]

        def tangent(given: list[Any]) -> list[Any]:
            each = iter(given)
            return [self.rule(out, xs, [next(each) if a else None for a in active], *params)]

        found = iter(transposed(tangent, zeros, [bar]))
        return [next(found) if a else None for a in active]


def transposed(linear: Callable[[list[Any]], list[Any]], zeros: list[Any], seeds: list[Any]) -> list[Any]:
    """The transpose of a linear function, found by recording it, applied to `seeds`.

    Args:
        linear: a function of a list of arrays, written in ops, that gives a list.
        zeros: arrays of the shapes of what it takes.
        seeds: cotangents that broadcast to what it gives.
    """
    tape = Tape(lasting=False)
    variables: list[Any] = tape.lift(zeros)
    made = linear(variables)
    tape.close()
    return tape.pull([(out, full(seed, shape_of(out))) for out, seed in zip(made, seeds, strict=True)])


def differential(function: Callable[..., Any], operands: str = "x", *, stacked: bool = False) -> Declare:
    """Declare a function by the rule for its tangent.

    Args:
        function: the function as users call it.
        operands: the names of the operands, such as `"a, b"`.
        stacked: whether it is a function of stacks of matrices, whose rule, as it stands, serves tangents that have a
            leading axis of lanes.

    Returns:
        A decorator of the rule, `rule(out, operands, tangents, *params)`.  What it returns has a decorator `pull`, of a
        rule for the cotangents: `back(bar, out, operands, *params)`, a list with one for each operand.
    """

    def of_rule(rule: Callable[..., Any]) -> Declared:
        public = declare(Differential, operands, function, rule)
        if stacked:
            public.map.lanes, public.map.stacked = public.map.rule, True
        public.pull = saying(public, "back")
        return public

    return of_rule
