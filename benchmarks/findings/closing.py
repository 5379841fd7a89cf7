"""The last lines of a run: a small table of who is faster, then growth, noise and status, a line each."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from benchmarks.findings.told import Findings, Speedup
from benchmarks.functions.maps import MAPS

FAMILIES = 9
WIDTH = 109
TITLE = "Reverse over forward, at N in brackets; textbook: one tangent in a forward pass; lanes: as many as carried."

Column = tuple[str, int]
"""An engine, and the tangents in one forward pass."""


def lines(found: Findings) -> list[str]:
    """For the terminal: at most 20 lines of fewer than 110 characters."""
    if not found.status.records:
        return ["Nothing was measured."]
    rest = [found.growth_sentence(), found.rules.sentence(), found.noise.sentence(), found.status.sentence()]
    wrapped = [line for sentence in rest for line in textwrap.wrap(sentence, WIDTH)]
    return [found.sweeps.sentence(), *speedup_table(found.speedups), *wrapped]


def speedup_table(speedups: Sequence[Speedup]) -> list[str]:
    """A line for each family, a column for each engine and number of tangents, at the largest size compared.

    Args:
        speedups: in the order of the catalogue.

    Returns:
        A title, a head and at most nine families; a last line says what did not fit.  Empty where nothing was compared.
    """
    compared = [each for each in speedups if each.graph not in MAPS]
    if not compared:
        return []
    largest = at_largest(compared)
    families = list(dict.fromkeys(each.graph for each in compared))
    engines = list(dict.fromkeys(each.engine for each in compared))
    columns = sorted({(each.engine, each.lanes) for each in compared}, key=lambda key: (engines.index(key[0]), key[1]))
    shown = families[:FAMILIES]
    fit = next((n for n in range(len(columns), 1, -1) if _width(largest, shown, columns[:n]) <= WIDTH), 1)
    left_out = (
        (len(families) - len(shown), "family", "families"),
        (len(engines) - len({engine for engine, _ in columns[:fit]}), "engine", "engines"),
    )
    told = " and ".join(f"{count} more {one if count == 1 else many}" for count, one, many in left_out if count)
    body = _table(largest, shown, columns[:fit])
    return [TITLE, *body, *([f"... and {told}; all of them are in summary.csv."] if told else [])]


def at_largest(speedups: Sequence[Speedup]) -> dict[tuple[str, Column], Speedup]:
    """The comparison at the largest size, by family and column."""
    by_size = sorted(speedups, key=lambda each: max(each.n_inputs, each.n_outputs))
    return {(each.graph, (each.engine, each.lanes)): each for each in by_size}


def _table(largest: dict[tuple[str, Column], Speedup], families: Sequence[str], columns: Sequence[Column]) -> list[str]:
    head = ["", *(f"{engine}, {'textbook' if lanes == 1 else f'{lanes} lanes'}" for engine, lanes in columns)]
    body = [
        [name, *(largest[name, key].brief() if (name, key) in largest else "" for key in columns)] for name in families
    ]
    widths = [max(map(len, column)) for column in zip(head, *body, strict=True)]
    return [
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in (head, *body)
    ]


def _width(largest: dict[tuple[str, Column], Speedup], families: Sequence[str], columns: Sequence[Column]) -> int:
    return max(map(len, _table(largest, families, columns)))
