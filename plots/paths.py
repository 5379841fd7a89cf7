"""Figure `paths`: paths through a graph against the ops of one sweep; why nobody sums over paths.

Nothing here is timed or read from a run: the graphs are recorded, and paths and ops are counted, while drawing.
"""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

import ad
from benchmarks.functions.catalogue import problem
from benchmarks.runs.files import Run
from plots.style import FORWARD, INK, REVERSE, Label, canvas, label_ends, log_axis, quantity

EDGES = 3
STAGES = range(1, 25)


@dataclass(frozen=True)
class Count:
    """What was counted on the lattice of one number of stages.

    Attributes:
        stages: stages of parallel edges.
        paths: paths from the first input to the output.
        forward: ops executed by one forward sweep.
        reverse: ops executed by recording and one reverse sweep.
    """

    stages: int
    paths: int
    forward: int
    reverse: int


def draw(run: Run) -> Figure:
    """Draw the figure; the run is not looked at."""
    del run
    counts = [count(stages) for stages in STAGES]
    last = counts[-1]
    room = canvas(
        f"{last.stages} stages of three edges make {last.paths:,} paths; one sweep takes {last.forward:,} ops forward "
        f"and {last.reverse:,} in reverse",
        "lattice: stages of three parallel edges, one after the other. The sum over paths has one product for each "
        "path; both modes factor it, a stage at a time. Counted on recorded graphs.",
        4.7,
    )
    width, height = (float(inches) for inches in room.figure.get_size_inches())
    ax = room.figure.add_axes((0.75 / width, 0.55 / height, (width - 3.0) / width, room.top - 0.7 / height))
    stages = [c.stages for c in counts]
    for values, colour in (
        ([c.paths for c in counts], INK),
        ([c.reverse for c in counts], REVERSE),
        ([c.forward for c in counts], FORWARD),
    ):
        ax.plot(stages, values, "o-", color=colour, ms=3.6)
    log_axis(ax, "y", ticks=6)
    ax.set_ylim(bottom=0.5)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xlabel("stages")
    ax.set_ylabel("paths, or ops executed")
    nine = next(c for c in counts if c.stages == 2)
    ax.annotate(
        f"{nine.stages} stages: {nine.paths} paths", (nine.stages, nine.paths), (24, -13), textcoords="offset points",
        size=9, color=INK, va="center", arrowprops={"arrowstyle": "-", "color": INK, "lw": 0.7, "shrinkB": 4},
    )  # fmt: skip
    ends = [
        Label(last.stages, last.paths, f"{quantity(last.paths)} paths", INK, "bold"),
        Label(last.stages, last.reverse, f"one reverse sweep: {last.reverse:,} ops", REVERSE, "bold"),
        Label(last.stages, last.forward, f"one forward sweep: {last.forward:,} ops", FORWARD, "bold"),
    ]
    label_ends(ax, ends, size=8.5)
    return room.figure


def count(stages: int) -> Count:
    """Record the lattice of so many stages, and count its paths and the ops of one sweep of either mode."""
    lattice = problem("lattice", 1 + EDGES * stages)
    x = lattice.x
    tape = ad.Tape()
    inputs = tape.lift(x)
    out = lattice.f(ad, inputs)
    with ad.count() as forward:
        ad.jvp(lambda x: lattice.f(ad, x), (x,), ([1.0] + [0.0] * (len(x) - 1),))
    with ad.count() as reverse:
        ad.grad(lambda x: lattice.f(ad, x))(x)
    return Count(stages, ad.count_paths(tape, inputs[0], out), forward.ops, reverse.ops)
