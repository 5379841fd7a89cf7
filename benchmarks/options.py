"""The options that `pytest --benchmark` and `python -m benchmarks` share, and what their values mean.

Plain text in, plain values out; it imports nothing heavy, because `conftest.py` needs it for every run of pytest.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

MODES = ("primal", "forward", "reverse")
QUANTITIES = ("primal", "jvp", "vjp", "gradient")
DTYPES = ("float64", "float32")
"""What can be computed in."""
DTYPE = "float64"
"""What is computed in, unless another is asked for."""


class OptionError(ValueError):
    """An option's value is not what it should be; the message is one line."""


@dataclass(frozen=True)
class Selection:
    """Which cells are wanted; None is no restriction.

    Attributes:
        sizes: the sizes to measure, in place of those of the default plan.
        function: a function of the user's own, `FILE.py:FUNCTION`, in place of families.
        at: its inputs: a file `.npy`, or a function that makes them, `FILE.py:FUNCTION` or one of the same file.
        dtype: what all of them are computed in.
    """

    families: tuple[str, ...] | None = None
    engines: tuple[str, ...] | None = None
    modes: tuple[str, ...] | None = None
    quantities: tuple[str, ...] | None = None
    sizes: tuple[int, ...] | None = None
    function: str | None = None
    at: str | None = None
    dtype: str = DTYPE


@dataclass(frozen=True)
class Settings:
    """How a run is made.

    Attributes:
        selection: which cells.
        budget: seconds that the whole run may take.
        blocks: how many times every cell is visited, at least.
        most_blocks: how many times at most, where the budget has room for more.
        seed: of the shuffling of cells inside blocks.
        time_limit: seconds that one cell may run before it counts as hanging.
        apart: whether every engine has a process of its own.
    """

    selection: Selection = Selection()
    budget: float = 130.0
    blocks: int = 5
    most_blocks: int = 15
    seed: int = 1
    time_limit: float = 60.0
    apart: bool = False


SELECTION: dict[str, dict[str, Any]] = {
    "--family": {"metavar": "NAME,...", "help": "only these families (`python -m benchmarks list`), or all workloads"},
    "--engine": {"metavar": "NAME,...", "help": "only these engines; all for every one that is installed"},
    "--mode": {"metavar": "NAME,...", "help": f"only these modes: {', '.join(MODES)}"},
    "--quantity": {"metavar": "NAME,...", "help": f"only these quantities: {', '.join(QUANTITIES)}"},
    "--size": {"metavar": "N,...", "help": "these sizes instead of the plan's: 64,2**10 or 1..1024 (powers of two)"},
    "--function": {"metavar": "FILE.py:NAME", "help": "a function of your own, f(x) or f(xp, x), instead of families"},
    "--at": {"metavar": "FILE.npy|NAME", "help": "its inputs, or the function that makes them, from a size or nothing"},
    "--dtype": {
        "metavar": "NAME",
        "help": f"what to compute in: {' or '.join(DTYPES)} (functions of arrays); default {DTYPE}",
    },
}
RUNNING: dict[str, dict[str, Any]] = {
    "--budget": {"metavar": "SECONDS", "help": f"bound on the whole run; default {Settings.budget:g}"},
    "--blocks": {
        "metavar": "COUNT",
        "help": f"times that every cell is visited; default {Settings.blocks}, or more, up to "
        f"{Settings.most_blocks}, where the budget has room",
    },
    "--seed": {"metavar": "NUMBER", "help": f"of the shuffling inside blocks; default {Settings.seed}"},
    "--time-limit": {"metavar": "SECONDS", "help": f"for one cell; default {Settings.time_limit:g}"},
    "--apart": {
        "action": "store_true",
        "help": "measure one engine after another, each in a process of its own; for `python -m benchmarks run`",
    },
    "--only": {"metavar": "NAME,...", "help": "of the run's engines measure only these now; --resume has the others"},
    "--resume": {"metavar": "RUN", "help": "finish this run, measuring nothing again that is there"},
    "--results": {
        "metavar": "FOLDER",
        "default": "results",
        "help": "where runs are kept; default results; for pytest with a =, since it takes folders for tests",
    },
    "--no-plots": {"action": "store_true", "help": "do not draw the figures at the end"},
}
"""Option to the arguments of `add_argument`, for argparse and for pytest alike."""


def selection_from(value: Callable[[str], str | None]) -> Selection:
    """Read a selection.

    Args:
        value: the text given for an option, by the option's name, or None.

    Raises:
        OptionError: a mode, a quantity or a size is not one. Families and engines are checked against the plan.
    """
    size = value("--size")
    return Selection(
        families=_names("--family", value("--family"), None),
        engines=_names("--engine", value("--engine"), None),
        modes=_names("--mode", value("--mode"), MODES),
        quantities=_names("--quantity", value("--quantity"), QUANTITIES),
        sizes=None if size is None else sizes_from(size),
        function=value("--function"),
        at=value("--at"),
        dtype=_dtype(value("--dtype")),
    )


def settings_from(value: Callable[[str], str | None]) -> Settings:
    """Read the settings of a run; see `selection_from`.

    Raises:
        OptionError: a value is not a positive number.
    """
    given = {
        name.removeprefix("--").replace("-", "_"): _positive(name, text, kind)
        for name, kind in (("--budget", float), ("--blocks", int), ("--seed", int), ("--time-limit", float))
        if (text := value(name)) is not None
    }
    if "blocks" in given:
        given["most_blocks"] = given["blocks"]
    return Settings(selection=selection_from(value), apart=bool(value("--apart")), **given)


def arguments_of(settings: Settings) -> list[str]:
    """The command line of a run with these settings, which `settings_from` reads back."""
    chosen = settings.selection
    names = {
        "--family": chosen.families,
        "--engine": chosen.engines,
        "--mode": chosen.modes,
        "--quantity": chosen.quantities,
        "--size": chosen.sizes,
    }
    running = {
        "--budget": repr(settings.budget),
        "--seed": str(settings.seed),
        "--time-limit": repr(settings.time_limit),
    }
    if settings.most_blocks != Settings.most_blocks or settings.blocks != Settings.blocks:
        running["--blocks"] = str(settings.blocks)
    selected = [f"{name}={','.join(map(str, values))}" for name, values in names.items() if values is not None]
    given = {"--function": chosen.function, "--at": chosen.at}
    if chosen.dtype != Selection.dtype:
        given["--dtype"] = chosen.dtype
    selected += [f"{name}={value}" for name, value in given.items() if value is not None]
    flags = ["--apart"] if settings.apart else []
    return [*selected, *(f"{name}={value}" for name, value in running.items()), *flags]


def sizes_from(text: str) -> tuple[int, ...]:
    """Read sizes: `64,1000`, `2**10`, or `8..64` for the powers of two from 8 to 64, 8 and 64 included.

    Raises:
        OptionError: it is none of these, or not positive.
    """
    sizes: set[int] = set()
    for part in text.split(","):
        low, dots, high = part.partition("..")
        if dots:
            first, last = _size(low, text), _size(high, text)
            powers = [2**k for k in range(last.bit_length()) if first <= 2**k <= last]
            if not powers:
                raise OptionError(f"--size: no power of two in {part.strip()!r}")
            sizes.update(powers)
        else:
            sizes.add(_size(part, text))
    return tuple(sorted(sizes))


def size_from(option: str, text: str) -> int:
    """Read one size, the value of an option.

    Raises:
        OptionError: it is no positive number, or more than one.
    """
    try:
        (size,) = sizes_from(text)
    except ValueError:
        raise OptionError(f"{option}: got {text!r}, expected one positive number such as 64 or 2**10") from None
    return size


def _size(text: str, whole: str) -> int:
    match = re.fullmatch(r"\s*(\d{1,9})(?:\*\*(\d{1,2}))?\s*", text)
    size = int(match[1]) ** int(match[2] or 1) if match else 0
    if not 1 <= size <= 10**9:
        raise OptionError(f"--size: got {whole!r}, expected positive numbers such as 64, 2**10 or 1..1024")
    return size


def _dtype(text: str | None) -> str:
    if text is None:
        return Selection.dtype
    if text not in DTYPES:
        raise OptionError(f"--dtype: got {text!r}, expected {' or '.join(DTYPES)}")
    return text


def _names(option: str, text: str | None, known: tuple[str, ...] | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        if not name or (known is not None and name not in known):
            raise OptionError(f"{option}: got {name!r}, expected {'a name' if known is None else ' or '.join(known)}")
    return names


def _positive(option: str, text: str, kind: type) -> Any:
    try:
        number = kind(text)
    except ValueError:
        number = 0
    if not 0 < number < float("inf"):
        kinds = "whole number" if kind is int else "number"
        raise OptionError(f"{option}: got {text!r}, expected a positive {kinds}")
    return number
