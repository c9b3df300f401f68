"""Parameters that are 0 and by which equations divide."""

from functools import lru_cache

import brian2
import sympy
from brian2.equations.equations import DIFFERENTIAL_EQUATION, SUBEXPRESSION
from brian2.parsing.sympytools import str_to_sympy

from ...errors import DeclarationError
from . import equations as eq
from .hierarchy import Hierarchy

#: Methods that take a right-hand side as it stands. Others solve the equation first, and with a
#: time constant of 0 a unit may then follow its input at once.
EXPLICIT = ("euler", "heun", "milstein", "rk2", "rk4")


def check_divisors(model: Hierarchy) -> None:
    """Refuse an equation that holds at every step and divides by 0 because of its parameters.

    Such equations are differential equations that are integrated as they stand, clock-driven
    plasticity and sums of projections, with the subexpressions that they use. A division counts if
    its value is infinite or NaN whatever the variables are. One inside a function does not
    (``exp(-dt/tau)`` is 0 for ``tau=0*ms``), and neither does one by a variable.

    Raises
    ------
    DeclarationError
        Names the declaration, the equation and the divisor.
    """
    for population in model.populations:
        if population.method in EXPLICIT:
            values, definitions = _known(population)
            for equation in population.parsed.values():
                if equation.type == DIFFERENTIAL_EQUATION:
                    _check(equation, values, definitions, population.where)
    for projection in model.projections:
        values, definitions = _known_to(projection, model)
        for equation in _every_step(projection):
            _check(equation, values, definitions, projection.where)


def _every_step(projection):
    """The equations of a projection that are evaluated at every step of some clock."""
    rule = projection.plasticity
    changing = [
        e
        for e in projection.parsed.values()
        if e.type == DIFFERENTIAL_EQUATION and "event-driven" not in e.flags
    ]
    return [*projection.summed.values(), *changing, *(rule.clock_driven if rule else ())]


def _known(population, suffix=""):
    """({parameter: value}, {subexpression: expression}), as a reader knows them who adds `suffix`."""
    values = {f"{n}{suffix}": float(v) for n, v in population.parameters.items()}
    return values, _subexpressions(population.parsed, suffix)


def _known_to(projection, model):
    values = {n: float(v) for n, v in projection.all_parameters.items()}
    definitions = _subexpressions(projection.parsed)
    if projection.plasticity is not None:
        definitions |= _subexpressions(projection.plasticity.parsed)
    for suffix, name in (("_pre", projection.source), ("_post", projection.target)):
        more = _known(model.population(name), suffix)
        values, definitions = {**more[0], **values}, {**more[1], **definitions}
    return values, definitions


def _subexpressions(equations, suffix=""):
    found = {}
    for equation in equations.values():
        if equation.type == SUBEXPRESSION and "summed" not in equation.flags:
            expression = _read(equation.expr.code)
            if expression is not None:
                found[f"{equation.varname}{suffix}"] = expression.xreplace(
                    {s: _symbol(f"{s.name}{suffix}") for s in expression.free_symbols if suffix}
                )
    return found


@lru_cache(maxsize=None)
def _read(text):
    """A right-hand side as SymPy reads it, which cancels x/x; None if it does not."""
    try:
        return str_to_sympy(text).replace(sympy.Function("sqrt"), sympy.sqrt)
    except Exception:  # Brian2 says what is wrong when it builds
        return None


def _symbol(name):
    return sympy.Symbol(name, real=True)  # as Brian2 makes them


def _check(equation, values, definitions, where):
    expression = _read(equation.expr.code)
    if expression is None:
        return
    for _ in definitions:  # one may use another
        used = {s: definitions[s.name] for s in expression.free_symbols if s.name in definitions}
        if not used:
            break
        expression = expression.xreplace(used)
    divisor = _zero_divisor(expression, values)
    if divisor is None:
        return
    names = sorted({s.name for s in divisor.free_symbols} & set(values))
    given = ", ".join(f"{name} = {values[name]:g}" for name in names)
    raise DeclarationError(
        f"the equation of {equation.varname!r} divides by {divisor}, which is 0 ({given} in SI units)",
        where=f"{where}: {equation}",
        fix=f"give {' or '.join(names)} another value, e.g. with --set",
    )


def _zero_divisor(expression, values):
    """What is 0 and makes the whole expression infinite or NaN; None if nothing does."""
    if isinstance(expression, sympy.Pow):
        base, exponent = expression.args
        if exponent.is_negative:
            return _zero_factor(base, values)
        return _zero_divisor(base, values) if exponent.is_positive else None
    if isinstance(expression, (sympy.Add, sympy.Mul, sympy.Abs)):
        found = (_zero_divisor(part, values) for part in expression.args)
        return next((divisor for divisor in found if divisor is not None), None)
    return None


def _zero_factor(expression, values):
    """A factor of the expression that is 0 by its parameters; None if there is none."""
    if isinstance(expression, sympy.Mul):
        found = (_zero_factor(part, values) for part in expression.args)
        return next((factor for factor in found if factor is not None), None)
    if not {s.name for s in expression.free_symbols} & set(values):
        return None
    numbers = {s: _number(s.name, values) for s in expression.free_symbols}
    if None in numbers.values():
        return None
    try:
        return expression if float(expression.xreplace(numbers)) == 0 else None
    except (TypeError, ValueError, OverflowError):  # not a finite real number
        return None


def _number(name, values):
    if name in values:
        return sympy.Float(values[name])
    return sympy.Float(float(getattr(brian2, name))) if eq.is_unit(name) else None
