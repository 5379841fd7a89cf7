"""The command line of the figures.

python -m plots [RUN] [--figure NAME ...] [--out FOLDER]
python -m plots --million FOLDER | --training FOLDER | --examples
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import plots
from benchmarks.runs.files import RecordError, find_run


def main(arguments: list[str] | None = None) -> int:
    """Draw, and say what was written; 2 and one line on standard error where that cannot be done."""
    parser = argparse.ArgumentParser(prog="python -m plots", description="Draw the figures of a run as SVG and PNG.")
    parser.add_argument("run", nargs="?", help="folder or name of the run; by default the newest")
    parser.add_argument("--figure", action="append", metavar="NAME", help=f"only this one: {', '.join(plots.FIGURES)}")
    out = "where to write; by default plots/pictures/RUN, or RUN/pictures outside the clone"
    parser.add_argument("--out", metavar="FOLDER", help=out)
    parser.add_argument("--million", metavar="FOLDER", help="draw million.csv of this folder instead: results/million")
    parser.add_argument("--training", metavar="FOLDER", help="draw the tables of this folder instead: results/training")
    parser.add_argument("--examples", action="store_true", help="draw the worked examples instead; they need no run")
    given = parser.parse_args(arguments)
    try:
        if given.million:
            return _report(plots.draw_million(given.million, given.out))
        if given.training:
            return _report(plots.draw_training(given.training, given.out))
        if given.examples:
            return _report(plots.draw_examples(given.out))
        folder = find_run(given.run, Path("results"))
        written = plots.draw_all(folder, given.out, tuple(given.figure or plots.FIGURES))
    except (RecordError, ValueError, OSError, plots.DrawingError) as problem:
        print(f"plots: {problem}", file=sys.stderr)
        return 2
    for name in plots.FIGURES:
        if not given.figure and name not in {path.stem for path in written}:
            print(f"plots: left out {name}: this run has no data for it", file=sys.stderr)
    return _report(written)


def _report(written: list[Path]) -> int:
    for path in written:
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
