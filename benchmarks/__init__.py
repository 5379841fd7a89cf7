"""The harness: functions, engines, measuring, and what the measurements say.

Imports point down this page, and one way; `lint-imports` checks it.

__main__        the command line
page            what README and the page of the workloads say was found, written from committed runs
pytest_plugin   `pytest --benchmark`: hooks and nothing else; `test_cells` is what it collects
recommend       which mode for a function of one's own: `compare_modes`
measuring       open runs, the gate, the budget, the memory pass; no pytest in here
experiments     what is no run of cells: the million, training, checkpointing; and the speed of `ad` beside others
findings        what timings say: intervals, exponents, crossovers, comparisons
plan            what is measured: the default plan, the selection, the order of visits, the twins
cells           one thing to measure: problem, engine, mode, quantity
engines         one file per engine: ours, and one per peer; `base` is all that the harness knows of them
functions       what is differentiated: families and their problems, written once for every engine
runs            the columns, the files and the environment of a run
options         what is asked for, as plain values
stopwatch       how anything here is timed
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmarks.recommend import compare_modes

__all__ = ["compare_modes"]


def __getattr__(name: str) -> Any:
    """`compare_modes`, imported when it is asked for: what it needs is heavy."""
    if name == "compare_modes":
        from benchmarks.recommend import compare_modes

        return compare_modes
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
