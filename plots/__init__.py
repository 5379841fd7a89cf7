"""The figures, one module each; `python -m plots` draws them.

time            seconds against N, both modes
speedup         reverse over forward against N, with the line "N sweeps to one"
growth          how fast the cost grows: fitted exponents against theory's
sweeps          sweeps counted against N
cost            cost relative to the primal
paths           paths against sweeps
map             which mode wins for N inputs and M outputs
rules           what rules for choosing the mode cost, and a cost model
engines         every function in every engine, relative to the fastest
preparation     what engines do once, against what a gradient then takes
memory          bytes by mode
workloads       seconds against size for every workload; and a picture of each, in a folder of its own
modes           a function of one's own in both modes, engine by engine
checkpointing   memory against recomputation, with the theory's optimum
million         a million forward sweeps beside one reverse sweep; `draw_million`, of a folder of its own
training        a network trained by both modes; `draw_training`, of a folder of its own
examples        the worked examples' graphs; `draw_examples`, needs no run
digits          where computations lose their digits; drawn with the examples
style, lines    the look that all share; a run's cells as lines
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path

FIGURES = (
    "speedup",
    "growth",
    "time",
    "sweeps",
    "cost",
    "paths",
    "map",
    "rules",
    "engines",
    "preparation",
    "memory",
    "checkpointing",
    "modes",
    "workloads",
)
PICTURES = Path(__file__).resolve().parent / "pictures"
CLONE = PICTURES.parent.parent


class DrawingError(RuntimeError):
    """Figures of a run failed; the message is one line that says which, why, and where the others are."""


def draw_all(folder: str | Path, out: str | Path | None = None, figures: Sequence[str] = FIGURES) -> list[Path]:
    """Draw the figures of one run, each as SVG and PNG.

    Args:
        folder: the run's folder.
        out: where to write; by default a folder of the run's name among `plots/pictures`; of a run that is kept
            outside this clone, the folder `pictures` in the run's.
        figures: names from `FIGURES`.  With all of them, those that the run has no data for are left out.

    Returns:
        The files written.

    Raises:
        ValueError: a figure is unknown, or one asked for by name has nothing to draw.
        RecordError: the run cannot be read.
        DrawingError: some of all figures failed; the others were drawn.  One asked for by name raises its own error.
    """
    from benchmarks.runs.files import read_run
    from plots.lines import NothingToDrawError
    from plots.style import save, style

    for name in figures:
        if name not in FIGURES:
            raise ValueError(f"figure: unknown {name!r}, expected one of {', '.join(FIGURES)}")
    run = read_run(folder)
    path = run.path.resolve()
    beside = PICTURES / path.name if path.is_relative_to(CLONE) else run.path / "pictures"
    target = Path(out) if out is not None else beside
    target.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    failed: dict[str, Exception] = {}
    for name in figures:
        module = importlib.import_module(f"plots.{name}")
        try:
            with style():
                written += save(module.draw(run), target, name)
                for part, figure in getattr(module, "each", lambda _: ())(run):
                    written += save(figure, target / name, part)
        except NothingToDrawError:
            if tuple(figures) != FIGURES:
                raise
        except Exception as problem:
            if tuple(figures) != FIGURES:
                raise
            failed[name] = problem
    if failed:
        said = "; ".join(f"{name} ({type(problem).__name__}: {problem})" for name, problem in failed.items())
        first = next(iter(failed.values()))
        raise DrawingError(f"could not draw {said}; the other pictures are in {target}") from first
    return written


def draw_examples(out: str | Path | None = None) -> list[Path]:
    """Draw the worked examples as SVG and PNG, by default into `plots/pictures/examples`; returns the files written."""
    from plots import digits
    from plots.examples import EXAMPLES, draw
    from plots.style import save, style

    target = Path(out) if out is not None else PICTURES / "examples"
    written: list[Path] = []
    for name in EXAMPLES:
        with style():
            written += save(draw(name), target, name)
    with style():
        written += save(digits.draw(), target, "digits")
    return written


def draw_million(folder: str | Path, out: str | Path | None = None) -> list[Path]:
    """Draw `million.csv` of a folder as SVG and PNG, by default into `plots/pictures/million`.

    Raises:
        RecordError: the file is missing or not one of ours.
        NothingToDrawError: it has no row with times.
    """
    from plots.million import draw
    from plots.style import save, style

    target = Path(out) if out is not None else PICTURES / "million"
    with style():
        return save(draw(Path(folder)), target, "million")


def draw_training(folder: str | Path, out: str | Path | None = None) -> list[Path]:
    """Draw the training tables of a folder as SVG and PNG, by default into `plots/pictures/training`.

    Raises:
        RecordError: a table is missing or not one of ours.
        NothingToDrawError: no record has times.
    """
    from plots.style import save, style
    from plots.training import draw

    target = Path(out) if out is not None else PICTURES / "training"
    with style():
        return save(draw(Path(folder)), target, "training")
