"""The derivatives of a function: jvp, vjp, grad, value_and_grad, jacfwd, jacrev, linearize and hessian, as in JAX.

Besides, `jacobian` takes the mode as an argument, and `hvp` is the product of the Hessian and a vector.

Inputs and outputs are numbers and NumPy arrays, or nested lists, tuples, dicts and dataclasses of them (`ad.trees`).
Every transform runs a function the user wrote on `Dual`s or `Var`s, so transforms nest to any order and in any mixture
of modes.

Cost in sweeps, for N inputs and M outputs: jvp and vjp one each; grad one reverse sweep; jacfwd N forward sweeps (on
arrays, passes that carry many tangents each); jacrev M reverse sweeps.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ad.active import is_array
from ad.arrays import dtype_of
from ad.auxiliary import Auxiliary
from ad.choice import ARRAYS, NUMBERS
from ad.jacobians import from_columns, from_rows, unit_leaves
from ad.scalars import positive
from ad.sweeps import evaluated, forward_sweep, pass_with_lanes, record, zero
from ad.tape import collector_paused
from ad.trees import Shape, describe, flatten, leaf_shapes, unflatten

Function = Callable[..., Any]

LANE_NUMBERS = 1_000_000
"""How many numbers the tangents of the inputs hold together in one pass of `jacfwd` on arrays."""


# ---- forward --------------------------------------------------------------------------------------------------------


def jvp(f: Function, primals: Any, tangents: Any, *, has_aux: bool = False) -> tuple[Any, ...]:
    """One forward sweep: the value of `f` and its directional derivative, J times tangent.

    Args:
        f: a function of numbers and arrays, or of nested lists, tuples and dicts of such.
        primals: the arguments of `f`, a tuple or list with one entry per argument.
        tangents: the direction, in the shape of `primals`.
        has_aux: whether `f` gives a pair `(output, aux)`, of which only the output is differentiated.

    Returns:
        `f(*primals)` and the tangent of the output, both in the shape of the output; and `aux`, with `has_aux`.

    Raises:
        TypeError: an argument is not a tuple or list, or a leaf is not a real number.
        ValueError: `tangents` does not have the shape of `primals`.
    """
    if has_aux:
        g = Auxiliary(f)
        return (*jvp(g, primals, tangents), g.aux)
    require_arguments("primals", primals)
    require_arguments("tangents", tangents)
    leaves, shape = flatten("primals", tuple(primals))
    seeds, seed_shape = flatten("tangents", tuple(tangents))
    require_shape("tangents", seed_shape, "primals", shape)
    seeds = _numbers_for(leaves, seeds)
    out, tangent, out_shape = forward_sweep(f, shape, leaves, seeds)
    return unflatten(out_shape, out), unflatten(out_shape, tangent)


def jacfwd(
    f: Function, argnums: int | tuple[int, ...] = 0, *, has_aux: bool = False, lanes: int | None = None
) -> Function:
    """The Jacobian of `f` by forward mode.

    Functions of numbers are swept column by column: one forward sweep for each input number.  Arrays carry many
    tangents in one pass (`ad.lanes`), unless one at a time is asked for.

    Args:
        f: a function of numbers and arrays, or of nested lists, tuples and dicts of such.
        argnums: which arguments to differentiate in.
        has_aux: whether `f` gives a pair `(output, aux)`; the function returned then gives `(jacobian, aux)`.
        lanes: how many tangents arrays carry in one pass; 1 for one at a time, in forward sweeps; by default so many
            that those of the inputs hold `LANE_NUMBERS` numbers.  Functions of numbers take one at a time in any case.

    Returns:
        A function of the same arguments.  It gives the output's shape with, for each output number, the derivatives in
        the shape of the input: for a function of a list of N numbers with one output, a list of N derivatives.

    Raises:
        TypeError, ValueError: `lanes` is not a positive int.
    """
    lanes = None if lanes is None else positive("lanes", lanes)

    def jacobian_of_f(*args: Any, **kwargs: Any) -> Any:
        if has_aux:
            h = Auxiliary(f)
            return jacfwd(h, argnums, lanes=lanes)(*args, **kwargs), h.aux
        g, leaves, shape = _select(f, argnums, args, kwargs)
        whole = (tuple, [shape])
        size = sum(math.prod(leaf) for leaf in leaf_shapes(shape))
        width = 1 if not any(map(is_array, leaves)) else lanes or max(1, LANE_NUMBERS // max(1, size))
        columns: list[list[Any]] = []
        if width > 1:
            for start in range(0, size, width):
                more, out_shape = pass_with_lanes(g, whole, leaves, start, min(size, start + width))
                columns += more
        else:
            for seed in unit_leaves(leaves):
                _, tangent, out_shape = forward_sweep(g, whole, leaves, seed)
                columns.append(tangent)
        if columns:
            tangent = columns[0]
        else:
            _, tangent, out_shape = forward_sweep(g, whole, leaves, [zero(leaf) for leaf in leaves])
        outs, ins = zip(leaf_shapes(out_shape), map(dtype_of, tangent), strict=True), leaf_shapes(shape)
        blocks = [
            from_columns([column[k] for column in columns], out, ins, dtype) for k, (out, dtype) in enumerate(outs)
        ]
        return unflatten(out_shape, [unflatten(shape, block) for block in blocks])

    return jacobian_of_f


# ---- reverse --------------------------------------------------------------------------------------------------------


def vjp(f: Function, *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """Record `f` and return its value with its pullback, which is one reverse sweep: cotangent times J.

    Args:
        f: a function of numbers and arrays, or of nested lists, tuples and dicts of such.
        primals: the arguments of `f`.
        has_aux: whether `f` gives a pair `(output, aux)`; `aux` is then a third result.

    Returns:
        `f(*primals)`, and `pullback(cotangent)`: given a cotangent in the shape of the output, a tuple with one entry
        per argument, each in that argument's shape.  A pullback can be called again; each call sweeps the tape.  Where
        `f` holds another derivative and an infinity is met, a pullback calls `f` once more.

    Raises:
        TypeError: a leaf is not a real number.
        ValueError: (from the pullback) `cotangent` does not have the shape of the output.
    """
    if has_aux:
        g = Auxiliary(f)
        return (*vjp(g, *primals), g.aux)
    leaves, shape = flatten("primals", primals)
    with collector_paused(), np.errstate(all="ignore"):
        tape, outputs, out_shape = record(f, shape, leaves, lasting=True)

    def pullback(cotangent: Any) -> Any:
        seeds, seed_shape = flatten("cotangent", cotangent)
        require_shape("cotangent", seed_shape, "the output", out_shape)
        with np.errstate(all="ignore"):
            return unflatten(shape, tape.pull(zip(outputs, _numbers_for(outputs, seeds), strict=True)))

    values = [out.primal if tape.owns(out) else out for out in outputs]
    values = [x.copy() if isinstance(x, np.ndarray) else x for x in values]  # the tape may need its own again
    return unflatten(out_shape, values), pullback


def value_and_grad(f: Function, argnums: int | tuple[int, ...] = 0, *, has_aux: bool = False) -> Function:
    """The value and the whole gradient of a function with one output, in one reverse sweep.

    Args:
        f: a function with a single number as output.
        argnums: which arguments to differentiate in.
        has_aux: whether `f` gives a pair `(output, aux)`; the value given is then such a pair.

    Returns:
        A function of the same arguments that gives the value and the gradient, in the shape of the chosen argument (a
        tuple of such, if `argnums` is a tuple).

    Raises:
        TypeError: (from the returned function) the output is not a single number, or an input is not one.
    """

    def value_and_gradient(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        if has_aux:
            h = Auxiliary(f)
            value, gradient = value_and_grad(h, argnums)(*args, **kwargs)
            return (value, h.aux), gradient
        g, leaves, shape = _select(f, argnums, args, kwargs)
        with collector_paused():
            value, gradient = _value_and_gradient(g, (tuple, [shape]), leaves)
            return value, unflatten(shape, gradient)

    return value_and_gradient


@np.errstate(all="ignore")
def _value_and_gradient(f: Function, shape: Shape, leaves: list[Any]) -> tuple[Any, list[Any]]:
    """The value and the leaves of the gradient; the graph is freed before the collector comes back."""
    tape, outputs, out_shape = record(f, shape, leaves)
    if out_shape is not None:
        raise TypeError(f"f: its output is a {describe(out_shape)}, expected a single number; use jacrev or jacfwd")
    (out,) = outputs
    return out.primal if tape.owns(out) else out, tape.pull([(out, 1.0)])


def grad(f: Function, argnums: int | tuple[int, ...] = 0, *, has_aux: bool = False) -> Function:
    """The whole gradient of a function with one output, in one reverse sweep; see `value_and_grad`."""
    both = value_and_grad(f, argnums, has_aux=has_aux)

    def gradient(*args: Any, **kwargs: Any) -> Any:
        value, gradient = both(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return gradient


def jacrev(f: Function, argnums: int | tuple[int, ...] = 0, *, has_aux: bool = False) -> Function:
    """The Jacobian of `f`, row by row: one recording, then one reverse sweep for each output number.

    Args and result are those of `jacfwd`.
    """

    def jacobian_of_f(*args: Any, **kwargs: Any) -> Any:
        if has_aux:
            h = Auxiliary(f)
            return jacrev(h, argnums)(*args, **kwargs), h.aux
        g, leaves, shape = _select(f, argnums, args, kwargs)
        with collector_paused(), np.errstate(all="ignore"):
            tape, outputs, out_shape = record(g, (tuple, [shape]), leaves, lasting=False)
            blocks = []
            for out, made in zip(outputs, leaf_shapes(out_shape), strict=True):
                rows = [tape.pull([(out, seed)]) for (seed,) in unit_leaves([out])]
                blocks.append(unflatten(shape, from_rows(rows, made, leaves)))
        return unflatten(out_shape, blocks)

    return jacobian_of_f


def linearize(f: Function, *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """The value of `f`, and its derivative as a function of the tangents: `f_jvp(*tangents)`.

    Each call of `f_jvp` is one forward sweep of `f` at `primals`.  With `has_aux`, `f` gives a pair `(output, aux)`,
    and `aux` is a third result.
    """
    if has_aux:
        g = Auxiliary(f)
        return (*linearize(g, *primals), g.aux)
    leaves, shape = flatten("primals", primals)
    values, out_shape = evaluated(f, shape, leaves)
    point = unflatten(shape, [leaf.copy() if isinstance(leaf, np.ndarray) else leaf for leaf in leaves])

    def f_jvp(*tangents: Any) -> Any:
        return jvp(f, point, tangents)[1]

    return unflatten(out_shape, values), f_jvp


# ---- both -----------------------------------------------------------------------------------------------------------


def jacobian(
    f: Function,
    argnums: int | tuple[int, ...] = 0,
    *,
    mode: str = "reverse",
    has_aux: bool = False,
    lanes: int | None = None,
) -> Function:
    """The Jacobian of `f` by the mode named: `jacfwd` for `"forward"`, `jacrev` for `"reverse"`.

    With `"auto"` it is the one that a cost model fitted to this library's times expects to be faster (`ad.choice`):
    forward mode for few inputs, and for many outputs where inputs are not many more.  To count the outputs, `f` is
    evaluated once more, unless there are so few inputs that forward mode is the faster for any number of outputs.
    `has_aux` is that of `jacfwd`, and so is `lanes`, which says nothing to reverse mode.

    Raises:
        TypeError, ValueError: `mode` is none of them, or `lanes` is not a positive int.
    """
    if mode not in ("forward", "reverse", "auto"):
        raise ValueError(f"mode: got {mode!r}, expected 'forward', 'reverse' or 'auto'")
    forward, reverse = jacfwd(f, argnums, has_aux=has_aux, lanes=lanes), jacrev(f, argnums, has_aux=has_aux)
    if mode != "auto":
        return forward if mode == "forward" else reverse

    def jacobian_of_f(*args: Any, **kwargs: Any) -> Any:
        g, leaves, shape = _select(f, argnums, args, kwargs)
        whole = (tuple, [shape])
        costs = ARRAYS if any(map(is_array, leaves)) else NUMBERS
        inputs, outputs = sum(map(math.prod, leaf_shapes(shape))), 1
        if not costs.forward(inputs, outputs):
            once = Auxiliary(g) if has_aux else g
            try:
                with np.errstate(all="ignore"):
                    _, out_shape = flatten("output of f", once(*unflatten(whole, leaves)))
            except Exception:  # of plain numbers, which 1 / 0 has no value of
                _, out_shape = evaluated(once, whole, leaves)
            outputs = sum(map(math.prod, leaf_shapes(out_shape)))
        return (forward if costs.forward(inputs, outputs) else reverse)(*args, **kwargs)

    return jacobian_of_f


def hvp(f: Function, primals: Any, tangents: Any, *, has_aux: bool = False) -> Any:
    """Hessian times vector, forward over reverse: the directional derivative of the gradient.

    Args:
        f: a function with one output.
        primals: the arguments of `f`; the derivative is taken in the first one.
        tangents: the direction, in the shape of `primals`.
        has_aux: whether `f` gives a pair `(output, aux)`.

    Returns:
        The product, in the shape of the first argument; with `has_aux` a pair of it and `aux`.
    """
    if has_aux:
        return jvp(grad(f, has_aux=True), primals, tangents, has_aux=True)[1:]
    return jvp(grad(f), primals, tangents)[1]


def hessian(f: Function, argnums: int | tuple[int, ...] = 0, *, has_aux: bool = False) -> Function:
    """The matrix of second derivatives of a function with one output: forward sweeps over a reverse one.

    `has_aux` is that of `jacfwd`.
    """
    return jacfwd(jacrev(f, argnums, has_aux=has_aux), argnums, has_aux=has_aux)


def _select(f: Function, argnums: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Function, Any, Any]:
    """`f` as a function of the chosen arguments alone, given as one tree; its leaves and shape."""
    if argnums == 0 and type(argnums) is int and len(args) == 1 and not kwargs:  # the common case
        return f, *flatten("argument 0", args[0])
    chosen = argnums if isinstance(argnums, tuple) else (argnums,)
    for k in chosen:
        if isinstance(k, bool) or not isinstance(k, int):
            raise TypeError(f"argnums: got {argnums!r}, expected an int or a tuple of ints")
        if not -len(args) <= k < len(args):
            raise ValueError(f"argnums: got {k}, expected the number of one of the {len(args)} arguments given")
    places = [k % len(args) for k in chosen]
    if len(set(places)) < len(places):
        raise ValueError(f"argnums: got {argnums!r}, expected each argument once")
    tree = tuple(args[k] for k in places) if isinstance(argnums, tuple) else args[places[0]]
    leaves, shape = flatten(f"argument {argnums}", tree)

    def of_chosen(tree: Any) -> Any:
        full = list(args)
        for k, arg in zip(places, tree if isinstance(argnums, tuple) else (tree,), strict=True):
            full[k] = arg
        return f(*full, **kwargs)

    return of_chosen, leaves, shape


def _numbers_for(leaves: list[Any], seeds: list[Any]) -> list[Any]:
    """Seeds for leaves of the same shapes: where a leaf is a number, an array without dimensions becomes one, too."""
    return [
        float(seed) if type(seed) is np.ndarray and not seed.shape and not is_array(leaf) else seed
        for leaf, seed in zip(leaves, seeds, strict=True)
    ]


def require_arguments(name: str, arguments: Any) -> None:
    """Arguments come as a tuple or list with one entry per argument of `f`, or a TypeError."""
    if not isinstance(arguments, tuple | list):
        raise TypeError(
            f"{name}: got {type(arguments).__name__}, expected a tuple or list with one entry per argument of f"
        )


def require_shape(name: str, got: Shape, other: str, expected: Shape) -> None:
    """One tree nests as another does, or a ValueError."""
    if got != expected:
        raise ValueError(f"{name}: got {describe(got)}, expected the shape of {other}, {describe(expected)}")
