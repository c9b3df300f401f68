"""Parameters that are 0 and by which equations divide."""

import ast
import operator
from collections.abc import Iterator, Mapping

from ...errors import DeclarationError
from .hierarchy import Hierarchy
from .population import Population
from .projection import Projection

#: Methods that take the value of a right-hand side as it stands. Others may solve the equation
#: first, and a time constant of 0 then makes a unit follow its input at once.
EXPLICIT = ("euler", "heun", "milstein", "rk2", "rk4")
#: Functions through which an infinite value passes; exp(-dt/tau) may well have tau = 0.
_TRANSPARENT = ("sqrt", "abs")
_OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mult if hasattr(operator, "mult") else operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}


def check_divisors(model: Hierarchy) -> None:
    """Raise DeclarationError where an equation that holds at every step divides by parameters that
    make 0.

    Such are differential equations that are integrated as they stand, clock-driven plasticity,
    sums of projections, and the subexpressions that they use. Only a division whose value is not
    finite whatever the variables are counts: not one inside a function such as exp, and not one by
    a variable.
    """
    for population in model.populations:
        _check(
            _roots(population),
            {e.varname: e for e in population.parsed.values()},
            _values(population.parameters),
            population.where,
        )
    for projection in model.projections:
        rule = projection.plasticity
        equations = {
            e.varname: e
            for parsed in (projection.parsed, rule.parsed if rule else {})
            for e in parsed.values()
        }
        names = _values(projection.all_parameters)
        for side, end in (("pre", projection.source), ("post", projection.target)):
            parameters = model.population(end).parameters
            names |= {f"{n}_{side}": value for n, value in _values(parameters).items()}
        _check(_roots(projection), equations, names, projection.where)
