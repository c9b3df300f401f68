"""Brian2's NumPy statements, with (N_pre, N_post) matrices where synapses are all-to-all."""

import ast
from typing import Any

import numpy as np
from brian2.codegen.generators.numpy_generator import NumpyCodeGenerator
from brian2.codegen.statements import Statement
from brian2.core.functions import Function
from brian2.core.variables import ArrayVariable, AuxiliaryVariable
from brian2.synapses.synapses import Synapses
from brian2.utils.logger import get_logger
from brian2.utils.stringtools import get_identifiers, word_substitute
from numpy.typing import DTypeLike

from .lowering import POST, PRE, Dense, shape
from .numpy_expressions import COLUMN, MATRIX, ROW, SCALAR, Expressions
from .numpy_functions import RANK_ONE

TEMPLATES = ("summed_variable", "stateupdate")  # Brian2's; the second also serves run_regularly
SUMMAND = "_synaptic_var"  # Brian2's name for what a summed variable adds up
logger = get_logger("brian2_dense")


def all_to_all(synapses: Synapses) -> Dense | None:
    """The lowering.Dense of `synapses` if number i*N_post + j joins units i and j, for all of them;
    else None.
    """
    dense = shape(synapses)
    i, j = (synapses.variables[name].get_value() for name in ("_synaptic_pre", "_synaptic_post"))
    if len(i) != dense.n_pre * dense.n_post:
        return None
    i, j = (index.reshape(dense.n_pre, dense.n_post) for index in (i, j))
    regular = np.all(i == dense.offset_pre + np.arange(dense.n_pre)[:, None]) and np.all(
        j == dense.offset_post + np.arange(dense.n_post)
    )
    return dense if regular else None


def _forwarded(statements):
    """``x = E`` in the place of ``_x := E; x = _x``, where nothing else reads _x and what E reads
    does not change before.
    """
    statements = list(statements)
    for last in statements[:]:
        defining = [s for s in statements if s.var == last.expr]
        reading = [s for s in statements if last.expr in get_identifiers(s.expr)]
        if len(defining) != 1 or defining[0].op != ":=" or reading != [last]:
            continue
        first, position = statements.index(defining[0]), statements.index(last)
        if not {s.var for s in statements[first:position]} & get_identifiers(defining[0].expr):
            statements[position] = Statement(last.var, last.op, defining[0].expr, "", last.dtype)
            del statements[first]
    return statements


def _as_increment(var, node):
    """(operation, operand) that is the same as setting `var` to an expression: += if `var` is one
    of two summands.
    """
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        for summand, rest in ((node.left, node.right), (node.right, node.left)):
            if isinstance(summand, ast.Name) and summand.id == var:
                return "+=", rest
    return "=", node


class NumpyDenseGenerator(NumpyCodeGenerator):
    """Writes the statements of all-to-all synapses for matrices; everything else as the target
    'numpy'.
    """

    class_name = "numpy_dense"
    dense = None  # the shape of the synapses whose statements are written, if they are lowered

    def translate(
        self, code: dict[str | None, str], dtype: DTypeLike
    ) -> tuple[dict[str | None, list[str]], dict[str | None, list[str]], dict[str, Any]]:
        self.dtype = np.dtype(dtype).name
        return super().translate(code, dtype)

    def translate_statement_sequence(
        self,
        scalar_statements: dict[str | None, list[Statement]],
        vector_statements: dict[str | None, list[Statement]],
    ) -> tuple[dict[str | None, list[str]], dict[str | None, list[str]], dict[str, Any]]:
        if isinstance(self.owner, Synapses) and self.template_name in TEMPLATES:
            self.dense, reason = (
                all_to_all(self.owner),
                "they do not join every unit with every unit, in order",
            )
            if self.dense is not None:
                reason = self._reason_against(vector_statements[None])
            if reason is not None:
                self.dense = None
                logger.info(
                    f"{self.name} of Synapses {self.owner.name!r} runs as stock NumPy: {reason}.",
                    name_suffix="stock",
                    once=True,
                )
        if self.dense is not None:
            defined = {
                s.var: AuxiliaryVariable(s.var, dtype=s.dtype, scalar=s.scalar)
                for s in [*scalar_statements[None], *vector_statements[None]]
                if s.var not in self.variables
            }
            axes = {
                name: self._axes(name)
                for name, variable in self.variables.items()
                if isinstance(variable, ArrayVariable)
            }
            self.expressions = Expressions({**self.variables, **defined}, axes, self.dtype)
            self.summand = SUMMAND
        return super().translate_statement_sequence(scalar_statements, vector_statements)

    def determine_keywords(self) -> dict[str, Any]:
        return {
            **super().determine_keywords(),
            "dense_sum": self.write_sum if self.dense is not None else None,
        }

    def _reason_against(self, statements):
        """Why statements of all-to-all synapses cannot be written for matrices; None if they can."""
        read, write, _, _ = self.arrays_helper(statements)
        for name in {name for s in statements for name in get_identifiers(s.expr)} & set(
            self.variables
        ):
            function = self.variables[name]
            if isinstance(function, Function) and (
                function.auto_vectorise or not function.stateless
            ):
                return f"{name}() gives another value at every call"
        for name in read | write:
            if self._axes(name) is None:
                return f"{name} is indexed by {self.variable_indices[name]}"
        for name in write:
            if self._axes(name) != MATRIX:
                return f"they write to {name}"
            if any(
                self.variables[other] is self.variables[name] for other in (read | write) - {name}
            ):
                return f"they use {name} by another name too"
        return None

    def _axes(self, name):
        """The axes of a variable of Brian2's; None if it is indexed in another way."""
        variable, index = self.variables[name], self.variable_indices[name]
        if variable.scalar or index == "0":
            return SCALAR
        if (
            variable.name in ("_synaptic_pre", "_synaptic_post")
            and variable.owner.name == self.owner.name
        ):
            return COLUMN if variable.name == "_synaptic_pre" else ROW
        return {"_idx": MATRIX, PRE: COLUMN, POST: ROW}.get(index)

    def _view(self, name):
        """The text of a variable of Brian2's as a scalar, column, row or matrix."""
        variable, axes = self.variables[name], self._axes(name)
        array, matrix = self.get_array_name(variable), ".reshape(_n_pre, _n_post)"
        if axes == SCALAR:
            return f"{array}[0]"
        if axes == MATRIX:
            return f"{array}{matrix}"
        if self.variable_indices[name] == "_idx":  # i or j, kept by Brian2 for every synapse
            return f"{array}{matrix}[{':, :1' if axes == COLUMN else ':1, :'}]"
        return self._neurons(array, axes)

    def _neurons(self, array, axes):
        first, n = (
            (self.dense.offset_pre, self.dense.n_pre)
            if axes == COLUMN
            else (self.dense.offset_post, self.dense.n_post)
        )
        return (
            f"{array}[{first}:{first + n}, None]"
            if axes == COLUMN
            else f"{array}[None, {first}:{first + n}]"
        )

    def translate_one_statement_sequence(
        self, statements: list[Statement], scalar: bool = False
    ) -> list[str]:
        if self.dense is None or scalar:
            return super().translate_one_statement_sequence(statements, scalar)
        read, write, _, _ = self.arrays_helper(statements)
        lines = [f"_n_pre, _n_post = {self.dense.n_pre}, {self.dense.n_post}"]
        lines += [f"{name} = {self._view(name)}" for name in sorted(read | write)]
        for statement in _forwarded(statements):
            if statement.var == SUMMAND:
                self.summand = statement.expr
            else:
                lines.append(self._write(statement, write))
        return [word_substitute(line, self.func_name_replacements) for line in lines]

    def _write(self, statement, written):
        """One statement; arrays of Brian2's are changed in place, intermediate values never are."""
        expressions, var, op = self.expressions, statement.var, statement.op.removeprefix(":")
        node = expressions.parse(statement.expr)
        if var not in written:
            axes = expressions.axes_of(node)
            if statement.inplace:
                expressions.axes[var] |= axes
                return f"{var} = {var} {op[:-1]} ({expressions.render_node(node)})"
            expressions.axes[var] = axes
            text = expressions.render_node(node)
            return f"{var} = _numpy.array({text})" if text in written else f"{var} = {text}"
        if np.dtype(statement.dtype) in RANK_ONE:
            op, node = _as_increment(var, node) if op == "=" else (op, node)
            groups = expressions.groups(node)
            if op == "+=" and set(groups) == {COLUMN, ROW}:
                return f"_add_outer({var}, {groups[COLUMN]}, {groups[ROW]})"
        return f"{var}{'[...]' if op == '=' else ''} {op} {expressions.render_node(node)}"

    def write_sum(self, target: ArrayVariable, index: ArrayVariable) -> str:
        """The assignment of a summed variable, for the template: `target` and the `index` of its
        side, as Brian2 has them.
        """
        axes, along = (COLUMN, POST) if index.name == "_synaptic_pre" else (ROW, PRE)
        total = self.expressions.total(self.expressions.parse(self.summand), along)
        return f"{self._neurons(self.get_array_name(target), axes)}[...] = {word_substitute(total, self.func_name_replacements)}"
