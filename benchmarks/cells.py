"""Cells: one thing to measure is problem x engine x mode x quantity (x lanes).  Nothing is executed or timed here."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.functions import catalogue
from benchmarks.functions.problem import Problem, Size, text_of
from benchmarks.options import DTYPE

Identity = tuple[str, str, int, int, str, str, str, int, str]

Kind = tuple[str, str, str, str, int]
"""What cells have in common that differ in size alone: family, engine, mode, quantity and lanes."""


@dataclass(frozen=True, order=True)
class Cell:
    """One thing to measure.

    Attributes:
        graph: name of the family.
        size: which of its problems: a number, or one for each of the ways in which the family grows.
        engine, mode, quantity: as in the records.
        lanes: tangents carried together through one forward pass.
        dtype: what it is computed in; all cells of a run share it.
    """

    graph: str
    size: Size
    engine: str
    mode: str
    quantity: str
    lanes: int = 1
    dtype: str = DTYPE

    @property
    def problem(self) -> Problem:
        """What is differentiated."""
        return catalogue.problem(self.graph, self.size, self.dtype)

    @property
    def exact(self) -> Problem:
        """The same in float64, which results are held against."""
        return catalogue.problem(self.graph, self.size)

    @property
    def identity(self) -> Identity:
        """What tells this cell from all others of a run: the values of the columns `runs.columns.IDENTITY`."""
        n, m = self.problem.n_inputs, self.problem.n_outputs
        return (self.graph, text_of(self.size), n, m, self.engine, self.mode, self.quantity, self.lanes, self.dtype)

    @property
    def kind(self) -> Kind:
        """What it shares with the same cell at other sizes."""
        return self.graph, self.engine, self.mode, self.quantity, self.lanes

    def __str__(self) -> str:
        what = self.mode if self.mode == self.quantity else f"{self.mode} {self.quantity}"
        lanes = f" {self.lanes} lanes" if self.lanes > 1 else ""
        dtype = f" {self.dtype}" if self.dtype != DTYPE else ""
        return f"{self.graph} {text_of(self.size)} {self.engine} {what}{lanes}{dtype}"


@dataclass(frozen=True)
class Visit:
    """One cell in one block; `twin` is 1 for the second of two identical cells, 0 otherwise."""

    block: int
    cell: Cell
    twin: int = 0

    def __str__(self) -> str:
        return f"block {self.block}: {self.cell}" + (" (twin)" if self.twin else "")


def sweeps(cell: Cell) -> int:
    """Sweeps that theory gives a cell, by which its cost is predicted and an engine's count judged; never recorded."""
    if cell.quantity != "gradient":
        return 0 if cell.mode == "primal" else 1
    return cell.problem.n_inputs if cell.mode == "forward" else cell.problem.n_outputs


def evaluation(problem: Problem) -> int:
    """Ops of one evaluation; where no formula is known, the numbers that go in and come out, as a stand-in."""
    if problem.ops is not None:
        return problem.ops
    return problem.n_inputs + problem.n_outputs + sum(array.size for array in problem.data)


def work(cell: Cell) -> int:
    """Ops that theory gives one execution of a cell, recording included; used to predict its cost."""
    return evaluation(cell.problem) * (sweeps(cell) + (cell.mode != "forward"))


def by_cost(cell: Cell) -> tuple[int, bool, Cell]:
    """The order in which cells are tried: by work, and of equals first the function itself, whose cost says most."""
    return work(cell), cell.mode != "primal", cell
