"""How a function on whole arrays is declared: as a map that is linear, bilinear, linear in all operands, or composed.

    @linear(np.reshape)                                 # one operand; what is written is the transpose
    def reshape(bar, shape, to): return reshape(bar, shape)

    @bilinear(np.outer)                                 # two operands; the transpose in the first, then in the second
    def outer(bar, y, shape): return matmul(bar, y)
    @outer.right
    def _(bar, x, shape): return matmul(x, bar)

    @jointly_linear(np.concatenate)                     # a list of operands; the transpose gives a list
    def concatenate(bar, shapes, active, axis=0): return split(...)

    @composed(np.mean)                                  # anything written in the others; both modes follow
    def mean(x, axis=None): return sum(x, axis) / ...

The name declared becomes the public function: `x`, and the parameters after `shape` with their defaults (keyword-only
where NumPy has others between).  `bar` is a cotangent of the shape of the value, `shape` the shape of the operand; a
transpose may return any shape that broadcasts to it.  A transpose is itself written in these functions and in the ops,
so derivatives of any order are free.  Forward mode applies the map to the tangent, reverse mode the transpose to the
adjoint.

Linear maps have coefficients of 0 and 1 only; what scales is an op.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from ad.active import FUNCTIONS, UFUNCS, Active, require_alive
from ad.arrays import MAPS, Array, level_of
from ad.progress import following
from ad.scalars import build

Operands = list[Any] | tuple[Any, ...]


class Map:
    """A function of arrays with its derivative: what both modes ask of it.

    Attributes:
        name: in this package.
        plain: NumPy's function, called as `plain(*operands, *params)`.
        rule: what was declared: the transpose of a linear map, the partial or the tangent of another one.
        taken: how many arguments the rule of every map of this kind takes, before the map's own parameters.
        keeps_out: whether reverse mode keeps the value, after the operands.
        stacked: whether all but the last two axes of its operand are a stack of matrices, each for itself.
        lanes: how the map takes many tangents at once, along a leading axis (`ad.lanes`): `lanes(tangents, *params)`
            for one operand, `lanes(primals, tangents, *params)` for several; None where there is no rule, or none for a
            case.
        held: what reverse mode keeps of the parameters, `held(loans, *params)`, where there may be arrays among them
            that somebody else can change; None where there are none.
    """

    taken = 2
    keeps_out = False
    stacked = False
    lanes: Callable[..., Any] | None = None
    held: Callable[..., tuple[Any, ...]] | None = None

    def __init__(self, name: str, plain: Callable[..., Any], rule: Callable[..., Any]) -> None:
        self.name, self.plain, self.rule = name, plain, rule

    def __call__(self, operands: Operands, params: tuple[Any, ...]) -> Any:
        """The value, on plain arrays or at the innermost level among the operands."""
        for x in operands:
            if isinstance(x, Active):
                require_alive(self.name, operands)
                top = max(map(level_of, operands))
                owner = next(x for x in operands if level_of(x) == top)
                return owner.arrays.apply_map(self, top, tuple(operands), params)
        return self.value(operands, params)

    def value(self, operands: Operands, params: tuple[Any, ...]) -> Any:
        """The value on plain arrays."""
        return self.plain(*operands, *params)

    def keeps(self, active: list[bool]) -> list[bool]:
        """Which operands reverse mode has to keep."""
        return [False] * len(active)

    def push(self, primals: list[Any], tangents: list[Any], params: tuple[Any, ...], out: Any) -> Any:
        """The tangent of the value; `tangents` has None for operands that are passive."""
        raise NotImplementedError

    def push_lanes(self, primals: list[Any], tangents: list[Any], params: tuple[Any, ...], out: Any) -> Any:
        """As `push`, of tangents with a leading axis of lanes; None where there is no rule for that."""
        if self.lanes is None:
            return None
        return self.lanes(*(tangents if len(tangents) == 1 else (primals, tangents)), *params)

    def pull(
        self, bar: Any, active: list[bool], primals: list[Any], shapes: list[Any], params: tuple[Any, ...]
    ) -> list[Any]:
        """The operands' cotangents, each in a shape that broadcasts to its operand's; anything for the passive."""
        raise NotImplementedError


class Linear(Map):
    """A map that is linear in its one operand.

    Attributes:
        into: `into(total, bar, fresh, *params)`, which adds the transpose of plain `bar` to an array in place (`fresh`:
            it holds zeros as yet); None if there is nothing to be gained by it.
    """

    into: Callable[..., None] | None = None

    def __call__(self, operands: Operands, params: tuple[Any, ...]) -> Any:  # noqa: D102
        (x,) = operands
        if isinstance(x, Array):
            return x.apply_linear(self, params)
        return self.plain(x, *params) if type(x) is np.ndarray else super().__call__(operands, params)

    def push(self, primals: list[Any], tangents: list[Any], params: tuple[Any, ...], out: Any) -> Any:  # noqa: D102
        return self(tangents, params)

    def pull(  # noqa: D102
        self, bar: Any, active: list[bool], primals: list[Any], shapes: list[Any], params: tuple[Any, ...]
    ) -> list[Any]:
        return [self.rule(bar, shapes[0], *params)]


class JointlyLinear(Map):
    """A map that is linear in all its operands together."""

    taken = 3

    def value(self, operands: Operands, params: tuple[Any, ...]) -> Any:  # noqa: D102
        return self.plain(operands, *params)

    def push(self, primals: list[Any], tangents: list[Any], params: tuple[Any, ...], out: Any) -> Any:  # noqa: D102
        whole = [_zero(x) if t is None else t for x, t in zip(primals, tangents, strict=True)]
        return self(whole, params)

    def pull(  # noqa: D102
        self, bar: Any, active: list[bool], primals: list[Any], shapes: list[Any], params: tuple[Any, ...]
    ) -> list[Any]:
        return list(self.rule(bar, shapes, active, *params))


class Bilinear(Map):
    """A map that is linear in each of its two operands.

    Attributes:
        spelled: the same as products element by element and sums of them, `spelled(x, y, *params)`.  In a derivative
            inside one that is made again it takes the map's place: there a zero that no path has reached must be kept
            apart from one that was computed, and a map knows but one kind (`ad.array_infinity`).
    """

    taken = 3
    transpose_right: Callable[..., Any]
    spelled: Callable[..., Any]

    def __call__(self, operands: Operands, params: tuple[Any, ...]) -> Any:  # noqa: D102
        if following() and _nested(operands):
            return self.spelled(*operands, *params)
        return super().__call__(operands, params)

    def keeps(self, active: list[bool]) -> list[bool]:  # noqa: D102
        return [active[1], active[0]]

    def push(self, primals: list[Any], tangents: list[Any], params: tuple[Any, ...], out: Any) -> Any:  # noqa: D102
        (x, y), (tx, ty) = primals, tangents
        if ty is None:
            return self((tx, y), params)
        return self((x, ty), params) if tx is None else self((tx, y), params) + self((x, ty), params)

    def pull(  # noqa: D102
        self, bar: Any, active: list[bool], primals: list[Any], shapes: list[Any], params: tuple[Any, ...]
    ) -> list[Any]:
        (x, y), (shape_x, shape_y) = primals, shapes
        return [
            self.rule(bar, y, shape_x, *params) if active[0] else None,
            self.transpose_right(bar, x, shape_y, *params) if active[1] else None,
        ]


def _nested(operands: Operands) -> bool:
    """Whether more than one derivative is in progress in these operands."""
    active = [x for x in operands if isinstance(x, Active)]
    return any(isinstance(x.primal, Active) for x in active) or len({x.level for x in active}) > 1


def _zero(x: Any) -> Any:
    """The tangent of a passive operand."""
    return np.zeros(x.shape, x.dtype) if hasattr(x, "dtype") else 0.0


# ---- declarations ---------------------------------------------------------------------------------------------------


class Declared(Protocol):
    """The public function of a map, with decorators of what can be said of it besides its first rule.

    Attributes:
        map: the map.
        lanes: of the rule for many tangents at once (`Map.lanes`).
        into: of the transpose that adds in place; of a linear map (`Linear.into`).
        right: of the transpose in the second operand; of a bilinear map.
        spelled: of the same in products and sums; of a bilinear map (`Bilinear.spelled`).
        pull: of the rule for the cotangents; of a map that is declared by its tangent (`ad.differential`).
    """

    map: Any
    lanes: Declare
    into: Declare
    right: Declare
    spelled: Declare
    pull: Declare

    def __call__(self, *arguments: Any, **options: Any) -> Any: ...  # noqa: D102  # as users call it


Declare = Callable[[Callable[..., Any]], Declared]


def linear(function: Callable[..., Any], plain: Callable[..., Any] | None = None) -> Declare:
    """Declare a function of NumPy (or one of our own) that is linear in its first argument.

    Args:
        function: the function as users call it.
        plain: what is called on plain arrays, if that is another one.

    Returns:
        A decorator of the transpose, `transpose(bar, shape, *params)`.  What it returns has a decorator `into`, of a
        function `into(total, bar, fresh, *params)` that adds the transpose to a plain array in place.
    """

    def of_transpose(transpose: Callable[..., Any]) -> Declared:
        return declare(Linear, "x", function, transpose, plain)

    return of_transpose


def jointly_linear(function: Callable[..., Any]) -> Declare:
    """Declare a function that takes a list of arrays and is linear in all of them together.

    Returns:
        A decorator of the transpose, `transpose(bar, shapes, active, *params)`, which gives one cotangent for each
        operand, and anything for those that are not active.
    """

    def of_transpose(transpose: Callable[..., Any]) -> Declared:
        return declare(JointlyLinear, "arrays", function, transpose)

    return of_transpose


def bilinear(function: Callable[..., Any]) -> Declare:
    """Declare a function that is linear in each of its first two arguments.

    Returns:
        A decorator of the transpose in the first, `transpose(bar, y, shape, *params)`.  What it returns has decorators:
        `right`, of the transpose in the second, `transpose(bar, x, shape, *params)`; and `spelled`.
    """

    def of_transpose(transpose: Callable[..., Any]) -> Declared:
        return declare(Bilinear, "x, y", function, transpose)

    return of_transpose


def composed(*functions: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare a function that is written in ops and maps, under NumPy's name for it (and its synonyms)."""

    def of_ours(ours: Callable[..., Any]) -> Callable[..., Any]:
        for function in functions:
            _register(function, ours.__name__, ours)
        return ours

    return of_ours


_SOURCE = """
def plain({operands}{parameters}):
    return function({operands}{arguments})

def {name}({operands}{signature}):
{fast}    return map({tuple}, ({parameters_tuple}))
"""

_LINEAR = """    if isinstance(x, Array):
        return x.apply_linear(map, ({parameters_tuple}))
"""


def declare(
    kind: type[Map],
    operands: str,
    function: Callable[..., Any],
    rule: Callable[..., Any],
    plain: Callable[..., Any] | None = None,
) -> Declared:
    """Make the public function of a map, with the signature of its rule after what every rule of its kind takes."""
    name = rule.__name__
    parameters = list(inspect.signature(rule).parameters.values())[kind.taken :]
    scope: dict[str, Any] = {f"default_{p.name}": p.default for p in parameters}
    scope |= {"function": plain or function, "Array": Array}
    listed = "".join(f"{p.name}, " for p in parameters)
    signature = arguments = ""
    for p in parameters:
        by_keyword = p.kind is p.KEYWORD_ONLY
        arguments += f", {p.name}={p.name}" if by_keyword else f", {p.name}"
        signature += ", *" if by_keyword and "*" not in signature else ""
        signature += f", {p.name}" if p.default is p.empty else f", {p.name}=default_{p.name}"
    source = _SOURCE.format(
        name=name,
        operands=operands,
        parameters="".join(f", {p.name}" for p in parameters),
        parameters_tuple=listed,
        fast=_LINEAR.format(parameters_tuple=listed) if kind is Linear else "",
        arguments=arguments,
        signature=signature,
        tuple=f"({operands},)" if kind is not JointlyLinear else operands,
    )
    public: Declared = build(name, source, scope, f"map {name}")
    map = scope["map"] = public.map = kind(name, scope["plain"], _by_position(rule, parameters))
    public.__doc__, public.__module__ = rule.__doc__, "ad"
    public.lanes = saying(public, "lanes")
    if isinstance(map, Linear):
        public.into = saying(public, "into")
    if isinstance(map, Bilinear):
        public.right = saying(public, "transpose_right", lambda rule: _by_position(rule, parameters))
        public.spelled = saying(public, "spelled")
    _register(function, name, public)
    return public


def saying(public: Declared, what: str, made: Callable[..., Any] = lambda rule: rule) -> Declare:
    """A decorator that says something of a map: it makes a rule the map's attribute `what`."""

    def of_rule(rule: Callable[..., Any]) -> Declared:
        setattr(public.map, what, made(rule))
        return public

    return of_rule


def _by_position(rule: Callable[..., Any], parameters: list[inspect.Parameter]) -> Callable[..., Any]:
    """A rule that takes all parameters by position."""
    named = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]
    if not named:
        return rule
    names = list(inspect.signature(rule).parameters)
    call = ", ".join(f"{name}={name}" if name in named else name for name in names)
    source = f"def positional({', '.join(names)}):\n    return rule({call})\n"
    return build("positional", source, {"rule": rule}, f"rule {rule.__name__}")  # type: ignore[no-any-return]


def _register(function: Callable[..., Any], name: str, public: Callable[..., Any]) -> None:
    MAPS[name] = (UFUNCS if isinstance(function, np.ufunc) else FUNCTIONS)[function] = public
    if hasattr(np.ndarray, name) and name not in Array.__dict__:
        setattr(Array, name, public)
