"""What a function gives besides the output that is differentiated (`has_aux`)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from ad.active import Active


class Auxiliary:
    """A function that gives `(output, aux)`, as one that gives the output and keeps the rest.

    Attributes:
        f: the function.
    """

    def __init__(self, f: Callable[..., Any]) -> None:
        self.f = f
        self._aux: Any = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The output."""
        got = self.f(*args, **kwargs)
        if not isinstance(got, tuple) or len(got) != 2:
            raise TypeError(f"f: got {type(got).__name__}, expected a pair (output, aux), since has_aux is True")
        out, self._aux = got
        return out

    @property
    def aux(self) -> Any:
        """What was kept, with plain values in place of those whose derivative has ended."""
        return _plain(self._aux)


def _plain(x: Any) -> Any:
    while isinstance(x, Active) and x.finished:
        x = x.primal
    if isinstance(x, dict):
        return {key: _plain(value) for key, value in x.items()}
    if isinstance(x, list | tuple):
        items = [_plain(value) for value in x]
        return items if isinstance(x, list) else type(x)(*items) if hasattr(x, "_fields") else tuple(items)
    if dataclasses.is_dataclass(x) and not isinstance(x, type):
        fields = {field.name: getattr(x, field.name) for field in dataclasses.fields(x) if field.init}
        return dataclasses.replace(x, **{name: _plain(value) for name, value in fields.items()})
    return x
