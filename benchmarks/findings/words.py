"""How counts, seconds, bytes, ratios, names, sentences and tables are written wherever something is told."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

WIDTH = 109
"""Characters in a line on the terminal, at most."""
PREFIXES = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
SIZES = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "bytes"))
SEEN = 1000
"""Bytes up to which a peak of the whole process cannot be told from nothing."""


def counted(n: int, what: str) -> str:
    """A number of things in words: `1 input`, `1,024 inputs`."""
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def duration(seconds: float) -> str:
    """Seconds in three digits, with a unit that fits; minutes from 90 seconds on."""
    if seconds >= 90.0:
        return f"{seconds / 60.0:,.1f} minutes"
    smallest = PREFIXES[-1] if seconds else PREFIXES[0]
    scale, unit = next((each for each in PREFIXES if seconds >= each[0] * 0.9995), smallest)
    return f"{seconds / scale:.3g} {unit}"


def in_bytes(n: int) -> str:
    """Bytes in three digits, with a unit that fits."""
    scale, unit = next((each for each in SIZES if n >= each[0] * 0.9995), SIZES[-1])
    return f"{n / scale:.3g} {unit}"


def of_peaks(forward: int, reverse: int) -> str:
    """What a sweep of either mode takes, from the bytes of both."""
    taken = [in_bytes(peak) if peak > SEEN else "too little to see" for peak in (reverse, forward)]
    return f"a reverse sweep takes {taken[0]} at its peak, a forward sweep {taken[1]}"


def times(ratio: float) -> str:
    """A ratio of at least 1: two digits below ten, whole numbers above, with a comma for thousands."""
    return f"{ratio:,.0f}" if ratio >= 9.95 else f"{ratio:.2g}"


def interval(low: float, high: float) -> str:
    """A 95 % interval in three digits, whole numbers above, with commas for thousands."""
    ends = (f"{end:,.0f}" if end >= 999.5 else f"{end:.3g}" for end in (low, high))
    return f"95 % [{', '.join(ends)}]"


def rounded(value: float) -> float:
    """A number in one digit."""
    return float(f"{value:.0e}")


def joined(names: Sequence[str]) -> str:
    """Names in a sentence: `a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def wrapped(sentences: Iterable[str]) -> list[str]:
    """Sentences as lines for the terminal, each beginning on one of its own."""
    return [line for sentence in sentences for line in textwrap.wrap(sentence, WIDTH)]


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """The rows of a table as lines, their columns aligned."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
