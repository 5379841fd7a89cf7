"""The command line of the figures: `python -m plots [RUN] [--figure NAME ...] [--out FOLDER]`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import plots
from benchmarks.record import RecordError, find_run


def main(arguments: list[str] | None = None) -> int:
    """Draw, and say what was written; 2 and one line on standard error where that cannot be done."""
    parser = argparse.ArgumentParser(prog="python -m plots", description="Draw the figures of a run as SVG and PNG.")
    parser.add_argument("run", nargs="?", help="folder or name of the run; by default the newest")
    parser.add_argument("--figure", action="append", metavar="NAME", help=f"only this one: {', '.join(plots.FIGURES)}")
    parser.add_argument("--out", metavar="FOLDER", help="where to write; by default plots/pictures/RUN")
    given = parser.parse_args(arguments)
    try:
        folder = find_run(given.run, Path("results"))
        written = plots.draw_all(folder, given.out, tuple(given.figure or plots.FIGURES))
    except (RecordError, ValueError, OSError) as problem:
        print(f"plots: {problem}", file=sys.stderr)
        return 2
    for path in written:
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
