"""Expressions of scalars, columns, rows and matrices as NumPy code: what a summed variable or a
change of the weights becomes when all-to-all synapses are matrices.
"""

import ast

from brian2.core.functions import Function
from brian2.core.variables import Variable
from brian2.parsing.bast import brian_ast
from brian2.parsing.rendering import NumpyNodeRenderer

from .lowering import POST, PRE

#: The axes along which a value varies, by which the factors of a product are grouped.
SCALAR, COLUMN, ROW, MATRIX = (
    frozenset[str](),
    frozenset({PRE}),
    frozenset({POST}),
    frozenset({PRE, POST}),
)


class Expressions(NumpyNodeRenderer):
    """NumPy expressions of scalars, columns, rows and matrices, with as few operations on matrices
    as products allow.

    The factors of a product are grouped by their axes (p_i*q_j*W_ij). Integers are made
    floating-point before, so that a group of them cannot overflow; columns and rows take `dtype`,
    so that double-precision scalars among their factors do not widen the matrices.

    Parameters
    ----------
    variables : dict
        Brian2's variables by name, and those that the statements define.
    axes : dict
        {name: axes}; scalars may be left out.
    dtype : str
        NumPy's name of the default precision.
    """

    def __init__(
        self, variables: dict[str, Variable | Function], axes: dict[str, frozenset[str]], dtype: str
    ) -> None:
        super().__init__()
        self.variables, self.axes, self.dtype = variables, axes, dtype

    def parse(self, text: str) -> ast.expr:
        return brian_ast(text, self.variables)

    def axes_of(self, node: ast.expr) -> frozenset[str]:
        return SCALAR.union(
            *(self.axes.get(n.id, SCALAR) for n in ast.walk(node) if isinstance(n, ast.Name))
        )

    def render_BinOp(self, node: ast.BinOp) -> str:
        floating = node.dtype == "float"  # type: ignore[attr-defined]  # brian_ast notes it
        if not floating or not isinstance(node.op, (ast.Mult, ast.Div)):
            return super().render_BinOp(node)
        return _product(self.groups(node))

    def groups(self, node: ast.expr) -> dict[frozenset[str], str]:
        """A product as {axes: text of the factors that vary along them}; scalars join a column or
        row if there is one.
        """
        over: dict[frozenset[str], list[str]] = {}
        under: dict[frozenset[str], list[str]] = {}
        for factor, divides in _factors(node):
            text, axes = self.render_element_parentheses(factor), self.axes_of(factor)
            if factor.dtype != "float":
                text = f"_numpy.asarray({text}, {self.dtype!r})" if axes else f"(1.0*{text})"
            (under if divides else over).setdefault(axes, []).append(text)
        found = {
            axes: " / ".join(
                [" * ".join(over.get(axes, [f"_numpy.{self.dtype}(1)"])), *under.get(axes, [])]
            )
            for axes in sorted({*over, *under}, key=lambda axes: (len(axes), sorted(axes)))
        }
        vectors = [axes for axes in found if len(axes) == 1]
        if vectors and SCALAR in found:
            found[vectors[0]] = f"{found.pop(SCALAR)} * {found[vectors[0]]}"
        if self.dtype != "float64":
            found |= {axes: f"_numpy.asarray({found[axes]}, {self.dtype!r})" for axes in vectors}
        return found

    def total(self, node: ast.expr, along: str) -> str:
        """The sum of an expression along PRE or POST; that axis remains, of length one."""
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)):
            sign = self.expression_ops[type(node.op).__name__]
            return f"({self.total(node.left, along)} {sign} {self.total(node.right, along)})"
        groups = self.groups(node)
        matrix, vector = groups.pop(MATRIX, None), groups.pop(frozenset({along}), None)
        if matrix is None:
            groups[MATRIX] = (
                f"_numpy.sum({vector})" if vector else {PRE: "_n_pre", POST: "_n_post"}[along]
            )
        elif vector is None:
            groups[MATRIX] = f"_numpy.sum({matrix}, axis={int(along == POST)}, keepdims=True)"
        else:
            groups[MATRIX] = (
                f"({vector}).T @ ({matrix})" if along == PRE else f"({matrix}) @ ({vector}).T"
            )
        return _product(groups)


def _factors(node, divides=False):
    """The factors of a product as (node, whether it is divided by)."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Div)):
        yield from _factors(node.left, divides)
        yield from _factors(node.right, divides != isinstance(node.op, ast.Div))
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        minus = ast.Constant(-1.0)
        minus.dtype = "float"
        yield minus, divides
        yield from _factors(node.operand, divides)
    else:
        yield node, divides


def _product(groups):
    return " * ".join(f"({text})" for text in groups.values())
