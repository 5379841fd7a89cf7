"""What is said where NumPy asks an active value for what would lose its derivative, and what to use instead."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

INSTEAD = {
    "out": "use what is returned, since an array of numbers cannot take a derivative",
    "where": "use np.where on its argument",
    "initial": "use np.maximum, np.minimum or arithmetic on its value",
    "dtype": "convert what the function is given",
}
"""What to use for options of NumPy's functions that ours do not have."""


def array(kind: str) -> str:
    """To NumPy, or to code that calls it, which wants an array of numbers."""
    return (
        f"array: got {kind}, whose derivative would be lost; use ad.stack for an array of such, "
        "ad.where or ad.concatenate instead of an assignment, .to_numpy() of a Series beside it"
    )


def ufunc(kind: str, asked: Any, method: str, options: dict[str, Any], known: bool) -> str:
    """To a call of a ufunc, or of its `method`, which is not `known` or has other options than ours."""
    name = asked.__name__
    name = f"np.{name}" if getattr(np, name, None) is asked else name
    if not known:
        return f"{name}: got {kind}; it has no derivative here, use the ops of ad, or declare one by ad.custom"
    if "out" in options:
        return (
            f"{name}: got {kind}, whose derivative an array of numbers cannot take; "
            "write y = y + x for y += x, and the like for out="
        )
    what = ", ".join(f"{option}=" for option in options) or f"{name}.{method}"
    return f"{name}: got {kind}, for which there is no {what}"


def function(kind: str, asked: Any) -> str:
    """To a call of a function that is not known."""
    name = f"{asked.__module__}.{asked.__name__}".replace("numpy", "np", 1)
    return f"{name}: got {kind}; it has no derivative here, use the functions of ad"


def options(kind: str, asked: Any, ours: Callable[..., Any], given: dict[str, Any]) -> str | None:
    """To a call of a function with options that ours does not have; None if it has them all."""
    parameters = inspect.signature(ours).parameters
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return None
    unknown = [name for name in given if name not in parameters]
    if not unknown:
        return None
    instead = "".join(f"; {INSTEAD[name]}" for name in unknown if name in INSTEAD)
    return f"np.{asked.__name__}: got {kind}, for which there is no {', '.join(f'{n}=' for n in unknown)}{instead}"
