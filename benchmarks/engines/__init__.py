"""Engines: what executes a function and differentiates it.  One file per engine, and no list of them.

Every `Engine` defined in a module of this folder is found, and so is every one that another package announces under
the entry point group `forward_vs_reverse.engines`.
"""

from __future__ import annotations

import difflib
import functools
import importlib
import importlib.metadata
import inspect
import pkgutil
from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.engines.base import Engine

ALL = "all"
"""The name that selects all engines that are installed."""
ENTRY_POINTS = "forward_vs_reverse.engines"


@functools.cache
def engines() -> dict[str, type[Engine]]:
    """All engines by name, those of the default plan first; one that cannot be imported says so when it is used."""
    found = sorted(_found(), key=lambda engine: (not engine.default, engine.name))
    return {engine.name: engine for engine in found}


def engine(name: str) -> type[Engine]:
    """The engine of that name.

    Raises:
        ValueError: there is none; the message names the nearest, or those there are.
    """
    if name in engines():
        return engines()[name]
    close = difflib.get_close_matches(name, engines(), 1)
    hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(engines())}"
    raise ValueError(f"engine: unknown {name!r}; {hint}")


def chosen(names: Sequence[str] | None = None) -> list[type[Engine]]:
    """The engines of these names; for None those of the default plan, and for `all` those that are installed.

    Raises:
        ValueError: one is not there.
    """
    if names is None:
        return [one for one in engines().values() if one.default]
    wanted = {engine(name).name for name in names if name != ALL}
    if ALL in names:
        wanted |= {name for name, one in engines().items() if not one.optional and absence(one) is None}
    return [one for name, one in engines().items() if name in wanted]


def absence(engine: type[Engine]) -> str | None:
    """In one line what an engine lacks on this machine; None where it lacks nothing."""
    try:
        return engine.missing()
    except Exception as problem:
        return f"{type(problem).__name__}: {problem}"


def absent(names: Sequence[str] | None) -> list[str]:
    """One line for each engine that was asked for, by name or with `all`, and is not there: how to get it."""
    asked = [] if names is None else [engine(name).name for name in names if name != ALL]
    if names is not None and ALL in names:
        asked += [name for name, one in engines().items() if not one.optional]
    lacking = {name: absence(engines()[name]) for name in dict.fromkeys(asked)}
    return [f"{name} is left out: {reason}" for name, reason in lacking.items() if reason]


def _found() -> Iterator[type[Engine]]:
    for module in pkgutil.iter_modules(__path__):
        if module.name != "base":
            yield from _defined(module.name, f"{__name__}.{module.name}")
    for point in importlib.metadata.entry_points(group=ENTRY_POINTS):
        yield from _defined(point.name, point.value)


def _defined(name: str, where: str) -> Iterator[type[Engine]]:
    """The engines of a module, or the one that a `module:Class` names."""
    path, _, attribute = where.partition(":")
    try:
        module = importlib.import_module(path)
        if attribute:
            yield getattr(module, attribute)
            return
        members: list[tuple[str, Any]] = inspect.getmembers(module, inspect.isclass)
    except Exception as problem:
        yield _broken(name, f"{where}: {type(problem).__name__}: {problem}")
        return
    yield from (one for _, one in members if issubclass(one, Engine) and one.__module__ == path)


def _broken(name: str, reason: str) -> type[Engine]:
    """An engine that cannot be imported, and has only that to say."""

    class Broken(Engine):
        @classmethod
        def missing(cls) -> str | None:
            return reason

    Broken.name = name
    return Broken
