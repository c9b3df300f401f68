"""Values as text; cells and tables that can be written as Markdown or as LaTeX."""

import re
import warnings
from collections.abc import Iterable

import attrs
import numpy as np
import pandas as pd
from brian2 import Quantity, get_unit
from brian2.parsing.sympytools import str_to_sympy
from sympy.printing.latex import LatexPrinter

from ..declare.model.equations import is_unit
from ..declare.model.hierarchy import Hierarchy
from ..declare.model.initial import Normal, Uniform
from ..declare.model.plasticity import Plasticity
from ..declare.model.population import Population

GREEK = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi psi "
    "omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"
).split()
NONE = "—"
_ESCAPES = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "—": "---",
    "–": "--",
    "×": r"$\times$",
    **{c: "\\" + c for c in "_&%$#{}"},
}


@attrs.frozen
class Code:
    """A name or a piece of code, in typewriter letters."""

    text: str

    def markdown(self) -> str:
        return f"`{self.text}`"

    def latex(self) -> str:
        # Long names may break after an underscore or a full stop.
        return r"\texttt{" + re.sub(r"(\\_|\.)", r"\1\\allowbreak{}", escape(self.text)) + "}"


@attrs.frozen
class Formula:
    """``left relation right`` in Brian2's syntax: an equation, an assignment, or without `left` a
    condition.

    As LaTeX it is typeset through SymPy, which may reorder terms; what SymPy cannot read stays
    code.
    """

    right: str
    left: str = ""
    relation: str = "="
    equation: bool = False

    def markdown(self) -> str:
        return f"`{self.left} {self.relation} {self.right}`" if self.left else f"`{self.right}`"

    def latex(self) -> str:
        operator = self.relation.removesuffix("=")  # x += y is an assignment of x + y
        text = f"{self.left} {operator} ({self.right})" if operator else self.right
        try:
            with warnings.catch_warnings():
                warnings.simplefilter(
                    "ignore"
                )  # SymPy deprecates conditions used as numbers, then refuses them
                right = _PRINTER.doprint(str_to_sympy(text))
        except (SyntaxError, AttributeError, TypeError, ValueError):
            return Code(self.markdown().strip("`")).latex()
        if not self.left:
            return f"${right}$"
        rate = re.fullmatch(r"d(\w+)/dt", self.left)
        left = (
            rf"\frac{{\mathrm{{d}}{symbol(rate[1])}}}{{\mathrm{{d}}t}}"
            if rate
            else symbol(self.left)
        )
        arrow = "=" if self.equation else r"\leftarrow"
        return rf"$\displaystyle {left} {arrow} {right}$"


@attrs.frozen
class Table:
    """A titled table. Cells are texts, Code, Formula, or tuples of them; `widths` are shares of the
    line.
    """

    title: str
    columns: tuple
    rows: list
    widths: tuple
    note: str = ""
    depth: int = 2

    def markdown(self) -> str:
        parts = ["#" * self.depth + " " + self.title]
        if self.rows:
            frame = pd.DataFrame(
                [[_markdown(c) for c in row] for row in self.rows], columns=self.columns
            )
            parts.append(frame.to_markdown(index=False, disable_numparse=True))
        return "\n\n".join(parts + [self.note] * bool(self.note))

    def latex(self) -> str:
        heading = {2: "subsection", 3: "subsubsection"}[self.depth]
        parts = [rf"\{heading}*{{{escape(self.title)}}}"]
        if self.rows:
            # Columns are separated by 2\tabcolsep, which does not count as width.
            layout = "".join(
                rf">{{\raggedright\arraybackslash}}p{{\dimexpr {w:.3f}\linewidth-2\tabcolsep}}"
                for w in self.widths
            )
            head = " & ".join(rf"\textbf{{{escape(c)}}}" for c in self.columns)
            end = (
                r" \\ \addlinespace"
                if any(isinstance(c, Formula) for row in self.rows for c in row)
                else r" \\"
            )
            body = [" & ".join(_latex(c) for c in row) + end for row in self.rows]
            parts.append(
                "\n".join(
                    [
                        rf"\begin{{longtable}}{{{layout}}}",
                        r"\toprule",
                        head + r" \\",
                        r"\midrule",
                        r"\endhead",
                        *body,
                        r"\bottomrule",
                        r"\end{longtable}",
                    ]
                )
            )
        return "\n\n".join(parts + [r"\noindent " + escape(self.note)] * bool(self.note))


def escape(text: str) -> str:
    """`text` for LaTeX's text mode."""
    escaped = "".join(_ESCAPES.get(c, c) for c in text)
    escaped = re.sub(
        r"\\textasciicircum\{\}(-?[\d./]+)", r"\\textsuperscript{\1}", escaped
    )  # units: s^-1
    return re.sub(r"(?<![\w-])-(?=[\d.])", "$-$", escaped)  # a minus, not a hyphen


def value_text(value: float | Quantity) -> str:
    """A number or quantity with its unit, e.g. ``14 ms``, to 10 significant digits."""
    if not isinstance(value, Quantity) or value.dim.is_dimensionless:
        return f"{float(value):.10g}"
    unit = value.get_best_unit()
    return f"{float(value / unit):.10g} {str(unit).removeprefix('1. ').strip()}"


def clock_text(member: Population | Plasticity, model: Hierarchy) -> str:
    """The time step of a population or of a plasticity."""
    return value_text(model.dt if member.clock is None else member.clock)


def initial_text(value: float | np.ndarray | Quantity | Normal | Uniform) -> str:
    """An initial value in words: ``normal, mean 0, sd 0.1``."""
    if isinstance(value, Normal):
        return f"normal, mean {value_text(value.mean)}, sd {value_text(value.sd)}"
    if isinstance(value, Uniform):
        return f"uniform, {value_text(value.low)} to {value_text(value.high)}"
    if np.shape(value) == ():
        return value_text(value)
    values = np.asarray(value)
    unit = get_unit(value.dim) if isinstance(value, Quantity) else 1
    low, high = (value_text(float(v) * unit) for v in (values.min(), values.max()))
    return f"given array of {' × '.join(map(str, values.shape))} values, {low} to {high}"


def codes(names: Iterable[str]) -> tuple[Code, ...] | str:
    """A cell of names, or a dash if there are none."""
    return tuple(Code(name) for name in names) or NONE


def symbol(name: str) -> str:
    """A name as a mathematical symbol: ``tau_e`` becomes a Greek letter with a subscript.

    Names that begin with a Greek letter or a single letter carry the rest as a subscript, the ends
    of a synapse (``_pre``, ``_post``) are always subscripts, units are upright, other names stay
    words.
    """
    if is_unit(name):
        return rf"\mathrm{{{name}}}"
    base, _, end = name.rpartition("_")
    base, side = (base, [end]) if end in ("pre", "post") and base else (name, [])
    head, _, rest = base.partition("_")
    if head in GREEK or len(head) == 1:
        letter, below = ("\\" + head if head in GREEK else head), [rest] if rest else []
    else:
        letter, below = rf"\mathit{{{escape(base)}}}", []
    below = [rf"\mathrm{{{escape(part)}}}" for part in below + side]
    return f"{letter}_{{{','.join(below)}}}" if below else letter


class _Printer(LatexPrinter):
    def _print_Symbol(self, expr, style=None):
        return symbol(expr.name)

    def _print_Function(self, expr, exp=None):
        name, arguments = expr.func.__name__, r",\, ".join(self._print(a) for a in expr.args)
        if name == "sqrt":  # Brian2 keeps sqrt as a function of its own
            text = rf"\sqrt{{{arguments}}}"
        elif name == "int_":  # Iverson's bracket: 1 where the condition holds
            text = rf"\left[{arguments}\right]"
        elif name in ("exp", "log", "sin", "cos", "tan"):
            text = rf"\{name}\left({arguments}\right)"
        else:
            text = rf"\operatorname{{{escape(name)}}}\left({arguments}\right)"
        return rf"{{{text}}}^{{{exp}}}" if exp else text

    _print_ExpBase = _print_Function
    _print_exp = _print_log = _print_sin = _print_cos = _print_tan = _print_Function


_PRINTER = _Printer({"mul_symbol": r" \, "})


def _markdown(cell):
    if isinstance(cell, tuple):
        return _separator(cell).join(_markdown(part) for part in cell)
    text = str(cell) if isinstance(cell, (str, int)) else cell.markdown()
    return " ".join(text.split()).replace("|", r"\|")


def _latex(cell):
    if isinstance(cell, tuple):
        return (_separator(cell) if _separator(cell) == ", " else r" \newline ").join(
            _latex(part) for part in cell
        )
    return escape(str(cell)) if isinstance(cell, (str, int)) else cell.latex()


def _separator(cell):
    return "; " if any(isinstance(part, Formula) for part in cell) else ", "
