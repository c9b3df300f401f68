"""A NumPy code generation target for Brian2's runtime mode that runs all-to-all synapses as
matrices.

After importing this package, ``prefs.codegen.target = 'numpy_dense'`` in any Brian2 script. Sums,
clock-driven equations and ``run_regularly`` of Synapses that join every unit with every unit then
work on (N_pre, N_post) views of Brian2's own arrays: presynaptic values are columns, postsynaptic
ones rows, and NumPy broadcasts. A sum of products becomes a matrix-vector product, and a rank-one
change a BLAS update in place. Everything else (event pathways, other connections, random numbers,
statements that write to neurons, indexing) is what the target 'numpy' does.

A function of the user's own needs a NumPy implementation (``@implementation('numpy',
discard_units=True)``): for targets other than 'numpy' Brian2 does not make one of the Python
function.
"""

import ast
from collections.abc import Callable
from typing import Any

import numpy as np
from brian2.codegen.generators.numpy_generator import NumpyCodeGenerator
from brian2.codegen.runtime.numpy_rt import NumpyCodeObject
from brian2.codegen.statements import Statement
from brian2.codegen.targets import codegen_targets
from brian2.core.functions import DEFAULT_FUNCTIONS, Function
from brian2.core.variables import ArrayVariable, AuxiliaryVariable, Variable
from brian2.parsing.bast import brian_ast
from brian2.parsing.rendering import NumpyNodeRenderer
from brian2.synapses.synapses import Synapses
from brian2.utils.logger import get_logger
from brian2.utils.stringtools import get_identifiers, word_substitute
from jinja2 import ChoiceLoader, DictLoader
from numpy.typing import DTypeLike
from scipy.linalg.blas import dger, sger

from .lowering import POST, PRE, Dense, shape

#: The axes along which a value varies, by which the factors of a product are grouped.
SCALAR, COLUMN, ROW, MATRIX = (
    frozenset[str](),
    frozenset({PRE}),
    frozenset({POST}),
    frozenset({PRE, POST}),
)
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
        if np.dtype(statement.dtype) in _RANK_ONE:
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


#: BLAS's A + alpha*x*y', by type.
_RANK_ONE = {np.dtype(np.float64): dger, np.dtype(np.float32): sger}


def add_outer(matrix: np.ndarray, column: np.ndarray, row: np.ndarray) -> None:
    """matrix += column*row in place, for a C-contiguous `matrix` (n, m); `column` is (n, 1), `row`
    (1, m).
    """
    transposed = (
        matrix.T
    )  # contiguous in Fortran's order, so that BLAS works on it and not on a copy
    changed = _RANK_ONE[matrix.dtype](1.0, row, column, a=transposed, overwrite_a=True)
    if changed is not transposed:
        matrix[...] = changed.T


def elementwise(function: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    """A function that expects one-dimensional arrays, as in Brian2, for columns, rows and matrices
    too.
    """

    def apply(*arguments):
        form = np.broadcast_shapes(*(np.shape(a) for a in arguments))
        if len(form) < 2:
            return function(*arguments)
        flat = [np.broadcast_to(a, form).ravel() if np.ndim(a) else a for a in arguments]
        return np.broadcast_to(function(*flat), np.prod(form)).reshape(form)

    return apply


class NumpyDenseCodeObject(NumpyCodeObject):
    """NumPy code with matrices for all-to-all synapses: the target 'numpy_dense'."""

    class_name = "numpy_dense"
    generator_class = NumpyDenseGenerator
    stock = NumpyCodeObject.templater
    templater = stock.derive(
        "brian2.codegen.runtime.numpy_rt",
        env_globals={"stock_summed_variable": stock.env.get_template("summed_variable.py_")},
    )
    templater.env.loader = ChoiceLoader(
        [
            DictLoader(
                {
                    "summed_variable.py_": """
{# USES_VARIABLES { N } #}
{# ITERATE_ALL { _idx } #}
{% extends stock_summed_variable %}
{% block maincode %}
{% if dense_sum is none %}
{{ super() }}
{% else %}
_vectorisation_idx = 1
{{scalar_code|autoindent}}
{{vector_code|autoindent}}
{{dense_sum(_target_var, _index_var)}}
{% endif %}
{% endblock %}
"""
                }
            ),
            templater.env.loader,
        ]
    )

    def variables_to_namespace(self) -> None:
        super().variables_to_namespace()
        self.namespace["_add_outer"] = add_outer
        if not (isinstance(self.owner, Synapses) and self.template_name in TEMPLATES):
            return
        for name, variable in self.variables.items():
            if isinstance(variable, Function) and variable is not DEFAULT_FUNCTIONS.get(name):
                self.namespace[name] = elementwise(self.namespace[name])


codegen_targets.add(NumpyDenseCodeObject)
