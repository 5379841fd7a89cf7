"""The last lines of a run: a small table of who is faster, then workloads, growth, noise and status, a line each.

The table is of the synthetic families; in a run of workloads alone, of those.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from benchmarks.findings.told import Findings, Speedup
from benchmarks.findings.words import WIDTH, aligned, times, wrapped
from benchmarks.functions.catalogue import SYNTHETIC
from benchmarks.functions.maps import MAPS

NAMES = {family.name for family in SYNTHETIC}
FAMILIES = 9
ALONE = 24
"""Lines of the table, and where it is all that was asked for."""
TITLE = "Reverse over forward, at N in brackets; textbook: one tangent in a forward pass; lanes: as many as carried."

Column = tuple[str, int]
"""An engine, and the tangents in one forward pass."""


def lines(found: Findings) -> list[str]:
    """For the terminal: lines of fewer than 110 characters, at most 24; in a run of workloads alone, one for each."""
    if not found.status.records:
        return ["Nothing was measured."]
    curves = [each for each in found.speedups if each.graph not in MAPS]
    synthetic = [each for each in curves if each.graph in NAMES]
    others = [each for each in curves if each.graph not in NAMES] if synthetic else []
    rest = [
        *workload_sentences(others),
        found.growth_sentence(),
        found.rules.sentence(),
        found.noise.sentence(),
        found.status.sentence(),
    ]
    table = speedup_table(synthetic) if synthetic else speedup_table(curves, ALONE)
    return [found.sweeps.sentence(), *table, *wrapped(rest)]


def workload_sentences(speedups: Sequence[Speedup]) -> list[str]:
    """In how many workloads which mode wins in the first engine, at their largest sizes: one for each kind of pass."""
    engine = next((each.engine for each in speedups), "")
    largest = at_largest([each for each in speedups if each.engine == engine])
    said = []
    for lanes in sorted({lanes for _, (_, lanes) in largest}):
        mine = [each for (_, column), each in largest.items() if column[1] == lanes]
        won = sorted((each for each in mine if each.winner == "reverse"), key=lambda each: each.value)
        span = f", by {times(won[0].value)} ({won[0].graph}) to {times(won[-1].value)} ({won[-1].graph})" if won else ""
        span = span if all(each.trusted for each in won) else ""
        lost = [each.graph for each in mine if each.winner == "forward"]
        kind = "textbook" if lanes == 1 else f"{lanes} lanes"
        forward = f"; forward in {', '.join(lost)}" if lost else ""
        said.append(f"Workloads ({engine}, {kind}): reverse wins in {len(won)} of {len(mine)}{span}{forward}.")
    return said


def speedup_table(speedups: Sequence[Speedup], most: int = FAMILIES) -> list[str]:
    """A line for each family, a column for each engine and number of tangents, at the largest size compared.

    Args:
        speedups: in the order of the catalogue.
        most: families shown.

    Returns:
        A title, a head and the families; a last line says what did not fit.  Empty where nothing was compared.
    """
    if not speedups:
        return []
    largest = at_largest(speedups)
    families = list(dict.fromkeys(each.graph for each in speedups))
    engines = list(dict.fromkeys(each.engine for each in speedups))
    columns = sorted({(each.engine, each.lanes) for each in speedups}, key=lambda key: (engines.index(key[0]), key[1]))
    shown = families[:most]
    fit = next((n for n in range(len(columns), 1, -1) if _width(largest, shown, columns[:n]) <= WIDTH), 1)
    left_out = (
        (len(families) - len(shown), "family", "families"),
        (len(engines) - len({engine for engine, _ in columns[:fit]}), "engine", "engines"),
    )
    told = " and ".join(f"{count} more {one if count == 1 else many}" for count, one, many in left_out if count)
    body = _table(largest, shown, columns[:fit])
    return [TITLE, *body, *([f"... and {told}; all of them are in summary.csv."] if told else [])]


def at_largest(speedups: Sequence[Speedup]) -> dict[tuple[str, Column], Speedup]:
    """The comparison at the largest of the sizes that have most of an engine's columns, by family and column."""
    columns = Counter((each.graph, each.engine, each.n_inputs, each.n_outputs) for each in speedups)

    def rank(each: Speedup) -> tuple[int, int]:
        n, m = each.n_inputs, each.n_outputs
        return columns[each.graph, each.engine, n, m], max(n, m)

    return {(each.graph, (each.engine, each.lanes)): each for each in sorted(speedups, key=rank)}


def _table(largest: dict[tuple[str, Column], Speedup], families: Sequence[str], columns: Sequence[Column]) -> list[str]:
    head = ["", *(f"{engine}, {'textbook' if lanes == 1 else f'{lanes} lanes'}" for engine, lanes in columns)]
    body = [
        [name, *(largest[name, key].brief() if (name, key) in largest else "" for key in columns)] for name in families
    ]
    return aligned([head, *body])


def _width(largest: dict[tuple[str, Column], Speedup], families: Sequence[str], columns: Sequence[Column]) -> int:
    return max(map(len, _table(largest, families, columns)))
