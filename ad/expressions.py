"""The language of the op table: expressions are parsed here and nowhere else; everyone else asks them what they need.

An expression is text such as `"y * pow(x, y - 1)"`: names, numbers, calls, and the operators of `GRAMMAR`.  The
language is no larger than that, so that every executor (Python, NumPy, compiled code) can have all of it.
"""

from __future__ import annotations

import ast
import functools
from dataclasses import dataclass
from functools import cached_property
from typing import Any

GRAMMAR = (
    *(ast.Expression, ast.Name, ast.Load, ast.Constant, ast.Call),
    *(ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.BitAnd, ast.UnaryOp, ast.USub),
    *(ast.Compare, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq),
)
"""What an expression may be made of."""


class ExpressionError(ValueError):
    """A text that is not an expression; the message says what is wrong with it."""


@dataclass(frozen=True)
class Expression:
    """One expression of the op table.

    Attributes:
        text: as it was written.

    Raises:
        ExpressionError: (when it is first asked anything) it does not parse, or is not in the grammar.
    """

    text: str

    def __str__(self) -> str:
        return self.text

    @cached_property
    def _tree(self) -> ast.Expression:
        try:
            tree = ast.parse(self.text, mode="eval")
        except SyntaxError as error:
            raise ExpressionError(f"{self.text!r} is not an expression: {error.msg}") from None
        for node in ast.walk(tree):
            number = not isinstance(node, ast.Constant) or type(node.value) in (int, float)
            if not isinstance(node, GRAMMAR) or not number:
                piece = ast.unparse(node) or type(node).__name__
                raise ExpressionError(
                    f"{self.text!r} has {piece!r}, expected numbers, names, calls, + - * / & and < > =="
                )
        return tree

    def _has(self, *kinds: type[ast.AST]) -> bool:
        return any(isinstance(node, kinds) for node in ast.walk(self._tree))

    @cached_property
    def calls(self) -> dict[str, set[int]]:
        """The functions called, each with the numbers of arguments that it is given."""
        found: dict[str, set[int]] = {}
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Call):
                found.setdefault(ast.unparse(node.func), set()).add(len(node.args))
        return found

    @cached_property
    def names(self) -> set[str]:
        """The names used, apart from those of functions."""
        functions = {id(node.func) for node in ast.walk(self._tree) if isinstance(node, ast.Call)}
        return {node.id for node in ast.walk(self._tree) if isinstance(node, ast.Name) and id(node) not in functions}

    @cached_property
    def arithmetic(self) -> bool:
        """Whether it is made of operators alone, which serve floats and active values alike."""
        return not self._has(ast.Call, ast.Compare)

    @cached_property
    def chooses(self) -> bool:
        """Whether it may hand on an operand as it is (`where`)."""
        return "where" in self.calls

    @cached_property
    def fixed(self) -> bool:
        """Whether it is 1, -1 or 0: a partial known without looking at the operands."""
        return self.text in ("1", "-1", "0")

    @property
    def flat(self) -> bool:
        """Whether it is 0: the partial of an op that is constant wherever it is smooth."""
        return self.text == "0"

    def python(self, rename: dict[str, str] | None = None, *, safe: bool = False) -> str:
        """The expression as Python source: lazy branches, float constants.

        Args:
            rename: other names for the names in scope.
            safe: write `/` as a call of the op `div`, which never raises on floats.
        """
        return ast.unparse(_Python(safe, rename or {}).visit(ast.parse(self.text, mode="eval")))

    def numpy(self, rename: dict[str, str] | None = None, numbers: frozenset[str] = frozenset()) -> str:
        """The expression as NumPy source: `where` selects elementwise.

        Args:
            rename: other names for the names in scope.
            numbers: operands that are single numbers; a condition on these alone is decided at once.
        """
        return ast.unparse(_NumPy(numbers, rename or {}).visit(ast.parse(self.text, mode="eval")))

    def numpy_cases(
        self, rename: dict[str, str] | None = None, numbers: frozenset[str] = frozenset()
    ) -> list[tuple[str | None, str | None, str]]:
        """As `numpy`, taken apart, so that whoever multiplies by the expression can do so factor by factor.

        Returns:
            Cases in the order in which they are to be tried.  Each is a condition on single numbers (None for the last
            case, which holds where no other does), a factor that is a single number (None where there is none), and the
            rest of the product; all three as NumPy source.
        """
        renamed = rename or {}
        scalars = {renamed.get(name, name) for name in numbers}
        tree: Any = _NumPy(numbers, renamed).visit(ast.parse(self.text, mode="eval")).body
        cases: list[tuple[str | None, str | None, str]] = []
        while isinstance(tree, ast.IfExp):
            cases.append((ast.unparse(tree.test), *_factors(tree.body, scalars)))
            tree = tree.orelse
        return [*cases, (None, *_factors(tree, scalars))]


def _factors(tree: ast.expr, numbers: set[str]) -> tuple[str | None, str]:
    """A factor that is a single number, if there is one, and the other."""
    if isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Mult):
        left = tree.left
        if isinstance(left, ast.Constant) or (isinstance(left, ast.Name) and left.id in numbers):
            return ast.unparse(left), ast.unparse(tree.right)
    return None, ast.unparse(tree)


class _Python(ast.NodeTransformer):
    def __init__(self, safe: bool, rename: dict[str, str]) -> None:
        self.safe, self.rename = safe, rename

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == "where":
            return ast.IfExp(*node.args)
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.op, ast.BitAnd):
            return ast.BoolOp(ast.And(), [node.left, node.right])
        if self.safe and isinstance(node.op, ast.Div):
            return ast.Call(ast.Name("div"), [node.left, node.right], [])
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return ast.Constant(float(node.value))  # type: ignore[arg-type]

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name(self.rename.get(node.id, node.id))


class _NumPy(ast.NodeTransformer):
    def __init__(self, numbers: frozenset[str], rename: dict[str, str]) -> None:
        self.numbers, self.rename = numbers, rename

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if isinstance(node.func, ast.Name) and node.func.id == "where":
            condition, taken, other = node.args
            decided: list[ast.expr] = []
            elementwise: list[ast.expr] = []
            for part in _conjuncts(condition):
                names = {name.id for name in ast.walk(part) if isinstance(name, ast.Name)}
                (decided if names <= self.numbers else elementwise).append(self.visit(part))
            result: ast.expr = self.visit(taken)
            if elementwise:
                mask = functools.reduce(lambda a, b: ast.BinOp(a, ast.BitAnd(), b), elementwise)
                result = ast.Call(ast.Name(self.rename["where"]), [mask, result, self.visit(other)], [])
                if isinstance(taken, ast.Constant) and isinstance(other, ast.Constant) and other.value == 0:
                    result = mask if taken.value == 1 else ast.BinOp(taken, ast.Mult(), mask)  # cheaper than a choice
            return ast.IfExp(ast.BoolOp(ast.And(), decided), result, self.visit(other)) if decided else result
        self.generic_visit(node)
        return node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name(self.rename.get(node.id, node.id))


def _conjuncts(condition: ast.expr) -> list[ast.expr]:
    """The conditions that `&` joins."""
    if isinstance(condition, ast.BinOp) and isinstance(condition.op, ast.BitAnd):
        return _conjuncts(condition.left) + _conjuncts(condition.right)
    return [condition]
