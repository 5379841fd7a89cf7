"""Checks of a derivative, for this project's own rules and for anyone's function.

A function is compared with high-order differences of itself on plain numbers (`scipy.differentiate`), which know
nothing of the rules; and forward mode is compared with reverse mode by the adjoint identity, which has no truncation
error at all.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np

from ad.active import primal_of
from ad.jacobians import unit_leaves
from ad.scalars import positive
from ad.transforms import jvp, require_arguments, require_shape, vjp
from ad.trees import Shape, flatten, unflatten

Function = Callable[..., Any]


class DerivativeError(AssertionError):
    """A derivative is wrong, is not finite, or could not be compared with anything; the message says which."""


class NotSmoothError(DerivativeError):
    """There are no differences to compare a derivative with."""


def check_jvp(f: Function, primals: Any, tangents: Any = None, *, rtol: float = 1e-7, seed: int = 0) -> None:
    """Compare one forward sweep with differences of `f`.

    Args:
        f: a function of numbers and arrays, or of nested lists, tuples and dicts of such; it is run on plain ones, too.
        primals: its arguments, a tuple with one entry per argument; a point around which `f` is smooth.
        tangents: the direction, in the shape of `primals`; random if None.
        rtol: the relative error that passes, measured against the largest derivative in the comparison.
        seed: of the random direction.

    Raises:
        TypeError: `primals` or `tangents` is not a tuple or list.
        DerivativeError: the two differ, the derivative or the differences are not finite, or `f` is not smooth enough
            around `primals` for differences to say anything.
    """
    leaves, shape = _flatten(primals)
    direction = _direction("tangents", tangents, leaves, shape, seed)
    _, tangent = jvp(f, unflatten(shape, leaves), unflatten(shape, direction))
    got = _numbers(flatten("tangent", tangent)[0])
    expected = differences(f, shape, leaves, direction, rtol)
    _compare("jvp", got, expected, rtol)


def check_vjp(f: Function, primals: Any, cotangent: Any = None, *, rtol: float = 1e-7, seed: int = 0) -> None:
    """Compare one reverse sweep with differences of `f` in every input (in 16 random directions, if there are more).

    Args:
        f: as in `check_jvp`.
        primals: as in `check_jvp`.
        cotangent: the seed of the reverse sweep, in the shape of the output; random if None.
        rtol: as in `check_jvp`.
        seed: of the random cotangent and directions.

    Raises:
        DerivativeError: as in `check_jvp`.
    """
    leaves, shape = _flatten(primals)
    out, pullback = vjp(f, *unflatten(shape, leaves))
    out_leaves, out_shape = flatten("output of f", out)
    seeds = _direction("cotangent", cotangent, out_leaves, out_shape, seed)
    gradient, _ = flatten("cotangents", pullback(unflatten(out_shape, seeds)))
    if len(_numbers(leaves)) <= 16:
        directions = list(unit_leaves(leaves))
    else:
        directions = [_direction("", None, leaves, shape, seed + k) for k in range(1, 17)]
    got = [_dot(gradient, direction) for direction in directions]
    expected = [_dot(seeds, differences(f, shape, leaves, direction, rtol)) for direction in directions]
    _compare("vjp", got, expected, rtol)


def check_adjoint(f: Function, primals: Any, *, rtol: float = 1e-12, seed: int = 0) -> None:
    """Check that the two modes are transposes: <cotangent, J tangent> = <J' cotangent, tangent>.

    Args:
        f: as in `check_jvp`.
        primals: as in `check_jvp`.
        rtol: the difference that passes, relative to the sum of the magnitudes of the terms.
        seed: of the random tangent and cotangent.

    Raises:
        DerivativeError: the two sides differ, or are not finite.
    """
    leaves, shape = _flatten(primals)
    tangent = _direction("", None, leaves, shape, seed)
    out, pullback = vjp(f, *unflatten(shape, leaves))
    out_leaves, out_shape = flatten("output of f", out)
    cotangent = _direction("", None, out_leaves, out_shape, seed + 1)
    pushed, _ = flatten("tangent", jvp(f, unflatten(shape, leaves), unflatten(shape, tangent))[1])
    pulled, _ = flatten("cotangents", pullback(unflatten(out_shape, cotangent)))
    left, right = _dot(cotangent, pushed), _dot(pulled, tangent)
    scale = sum(abs(a * b) for a, b in zip(_numbers(cotangent), _numbers(pushed), strict=True))
    scale += sum(abs(a * b) for a, b in zip(_numbers(pulled), _numbers(tangent), strict=True))
    if not (math.isfinite(left) and math.isfinite(right)):
        raise DerivativeError(f"adjoint identity: <cotangent, J tangent> = {left}, <J' cotangent, tangent> = {right}")
    if abs(left - right) > rtol * scale:
        raise DerivativeError(
            f"adjoint identity: <cotangent, J tangent> = {left!r} but <J' cotangent, tangent> = {right!r}; "
            f"they differ by {abs(left - right):.3g}, allowed {rtol * scale:.3g}"
        )


def check_derivatives(f: Function, primals: Any, *, order: int = 1, rtol: float = 1e-6, seed: int = 0) -> None:
    """Run all three checks on `f`, and on its derivatives in both modes up to a given order.

    Args:
        f: as in `check_jvp`.
        primals: as in `check_jvp`.
        order: how many times to differentiate.
        rtol: as in `check_jvp`.
        seed: of all random directions.

    Raises:
        TypeError, ValueError: `order` is not a positive int.
        DerivativeError: as in the single checks.
    """
    order = positive("order", order)
    check_jvp(f, primals, rtol=rtol, seed=seed)
    check_vjp(f, primals, rtol=rtol, seed=seed)
    check_adjoint(f, primals, seed=seed)
    if order > 1:
        leaves, shape = _flatten(primals)
        tangents = unflatten(shape, _direction("", None, leaves, shape, seed))
        out_leaves, out_shape = flatten("output of f", f(*primals))
        cotangent = unflatten(out_shape, _direction("", None, out_leaves, out_shape, seed))
        for derivative_of_f in (lambda *a: jvp(f, a, tangents)[1], lambda *a: vjp(f, *a)[1](cotangent)):
            check_derivatives(derivative_of_f, primals, order=order - 1, rtol=rtol, seed=seed)


def _flatten(primals: Any) -> tuple[list[Any], Shape]:
    """The leaves and the shape of the arguments of a function."""
    require_arguments("primals", primals)
    return flatten("primals", tuple(primals))


def _direction(name: str, given: Any, leaves: list[Any], shape: Shape, seed: int) -> list[Any]:
    """A direction in the shape of a tree: the one given, or one of random numbers away from zero."""
    if given is None:
        rng = random.Random(seed)
        shapes = [np.shape(primal_of(leaf)) for leaf in leaves]
        numbers = [[rng.choice((-1.0, 1.0)) * rng.uniform(0.5, 1.5) for _ in range(math.prod(s))] for s in shapes]
        return [np.reshape(ns, s) if s else ns[0] for ns, s in zip(numbers, shapes, strict=True)]
    if name == "tangents":
        require_arguments(name, given)
        given = tuple(given)
    seeds, seed_shape = flatten(name, given)
    require_shape(name, seed_shape, "the primals" if name == "tangents" else "the output", shape)
    return seeds


def differences(f: Function, shape: Shape, primals: list[Any], tangents: list[Any], rtol: float) -> list[float]:
    """The directional derivative of each output number, from values of `f` on plain numbers and arrays alone."""
    from scipy.differentiate import derivative  # here, so that `import ad` does not wait for SciPy

    n_outputs = len(_numbers(flatten("output of f", f(*unflatten(shape, primals)))[0]))
    scale = max(map(abs, _numbers(tangents)), default=0.0)
    if scale == 0.0:
        return [0.0] * n_outputs

    def along(h: Any, index: Any) -> Any:
        values = np.empty(np.shape(h))
        for place, step in np.ndenumerate(h):
            moved = [p + float(step) * t for p, t in zip(primals, tangents, strict=True)]
            values[place] = _numbers(flatten("output of f", f(*unflatten(shape, moved)))[0])[int(index.flat[0])]
        return values

    expected = []
    for k in range(n_outputs):
        with np.errstate(all="ignore"):
            found = derivative(along, 0.0, args=(k,), initial_step=0.02 / scale, tolerances={"rtol": rtol * 1e-3})
        value, error = float(found.df), float(found.error)
        if not math.isfinite(value) or error > max(rtol * abs(value), rtol * 1e-2):
            raise NotSmoothError(
                f"differences: output {k} has no reliable difference quotient here (got {value!r} ± {error:.1g}); "
                "is the function smooth around the primals?"
            )
        expected.append(value)
    return expected


def _compare(what: str, got: list[float], expected: list[float], rtol: float) -> None:
    allowed = rtol * max(map(abs, expected), default=0.0) + rtol * 1e-2
    for k, (g, e) in enumerate(zip(got, expected, strict=True)):
        if not math.isfinite(g):
            raise DerivativeError(f"{what}: component {k} is {g}, expected {e!r}")
        if g == 0.0 and abs(e) > allowed:
            raise DerivativeError(f"{what}: component {k} is zero, expected {e!r}")
        if abs(g - e) > allowed:
            raise DerivativeError(f"{what}: component {k} is {g!r}, expected {e!r} (off by {abs(g - e):.3g})")


def _numbers(leaves: list[Any]) -> list[Any]:
    """All numbers in the leaves of a tree."""
    return [number for leaf in leaves for number in (leaf.ravel().tolist() if isinstance(leaf, np.ndarray) else [leaf])]


def _dot(a: list[Any], b: list[Any]) -> Any:
    return sum((x * y for x, y in zip(_numbers(a), _numbers(b), strict=True)), 0.0)
