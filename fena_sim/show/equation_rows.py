"""Equations and statements as rows of a table, and which members of a model share one table.

Members whose equations are equal, up to the number of their level, share one table (`kinds`).
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from brian2 import get_unit
from brian2.equations.equations import (
    DIFFERENTIAL_EQUATION,
    PARAMETER,
    Equations,
    SingleEquation,
)

from ..declare.model import equations as eq
from ..declare.model.plasticity import Plasticity
from ..declare.model.population import Population
from ..declare.model.projection import Projection
from .typeset import NONE, Formula, Table

Member = TypeVar("Member")


def kinds(
    members: Iterable[Member], texts: Callable[[Member], str], level: Callable[[Member], int | None]
) -> list[list[Member]]:
    """Members whose `texts` are equal, or equal once their own level number is taken out, as lists."""
    found: list[tuple[list[Member], str, str]] = []
    for member in members:
        own = texts(member)
        key = _without_level(own, level(member))
        for group, text, other in found:
            if own == text or key == other:
                group.append(member)
                break
        else:
            found.append(([member], own, key))
    return [group for group, _, _ in found]


def _without_level(texts, level):
    """`texts` with numbers at the end of names counted from `level`: error_1 at level 2 is
    error_<-1>.
    """
    if level is None:
        return texts
    return re.sub(
        r"(?<=[A-Za-z]_)(\d+)(?=\D|$)", lambda number: f"<{int(number[1]) - level}>", texts
    )


def shared_table(group: Sequence[Population | Projection], rows: list[tuple], note: str) -> Table:
    """The equations that the members of `group` share."""
    title = ", ".join(member.name for member in group)
    return Table(title, ("Kind", "Equation", "Unit"), rows, (0.2, 0.7, 0.1), note.strip(), depth=3)


def note_on_levels(group: Sequence[Population | Projection], texts: Mapping[str, str]) -> str:
    """A sentence for a table in which the members of `group` differ by their level; `texts` by name."""
    alike = all(texts[p.name] == texts[group[0].name] for p in group)
    return (
        ""
        if alike
        else f" Written for {group[0].name}; the others carry the number of their own level."
    )


def equation_texts(equations: Equations) -> str:
    """All that equations say, as one text to be compared."""
    return "\n".join(
        f"{e.type} {e.varname} = {e.expr} : {e.dim!r} {sorted(e.flags)}" for e in equations.values()
    )


def equation_row(equation: SingleEquation, origin: str = "") -> tuple:
    """Kind, equation and unit; `origin` says what else sets the variable."""
    unit = {"boolean": "true/false", "integer": "integer"}.get(equation.var_type) or _unit(
        equation.dim
    )
    if equation.type == PARAMETER:
        return origin or "held", Formula(equation.varname), unit
    rate = equation.type == DIFFERENTIAL_EQUATION
    flags = [flag for flag in equation.flags if flag != "summed"]
    name = "differential" if rate else "summed" if "summed" in equation.flags else "algebraic"
    left = f"d{equation.varname}/dt" if rate else equation.varname
    return (
        ", ".join([name, *flags, *[origin] * bool(origin)]),
        Formula(str(equation.expr), left, equation=True),
        unit,
    )


def _unit(dim):
    return "1" if dim.is_dimensionless else str(get_unit(dim)).removeprefix("1. ").strip()


def spike_rows(synapses: Projection | Plasticity) -> list[tuple]:
    """What changes at presynaptic and at postsynaptic spikes."""
    sides = (
        ("at presynaptic spikes", synapses.on_pre),
        ("at postsynaptic spikes", synapses.on_post),
    )
    return [(when, assignments(code), NONE) for when, code in sides if code]


def spike_codes(projection: Projection) -> tuple[str | None, ...]:
    """The code that runs at spikes, that of the plasticity too."""
    rule = projection.plasticity
    return (projection.on_pre, projection.on_post, *((rule.on_pre, rule.on_post) if rule else ()))


def assignments(code: str | None) -> tuple[Formula, ...]:
    """The assignments of a code block as the parts of a cell."""
    return tuple(Formula(right, left, operator) for left, operator, right in eq.statements(code))


def changed(*codes: str | None) -> set[str]:
    """The variables to which code blocks assign."""
    return {left for code in codes for left, _, _ in eq.statements(code)}
