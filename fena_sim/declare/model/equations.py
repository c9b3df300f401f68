"""Reading Brian2 equation texts: names, dimensions, and clear errors where a text is wrong."""

import re
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache

import brian2
from brian2.core.functions import DEFAULT_FUNCTIONS, Function
from brian2.core.variables import Constant, Variable
from brian2.equations import Equations
from brian2.equations.equations import (
    DIFFERENTIAL_EQUATION,
    SUBEXPRESSION,
    EquationError,
    SingleEquation,
    parse_string_equations,
)
from brian2.equations.unitcheck import check_dimensions
from brian2.units.fundamentalunits import DIMENSIONLESS, Dimension, DimensionMismatchError
from brian2.utils.stringtools import get_identifiers

from ...errors import DeclarationError, UnitError, UnknownNameError, nearest
from ..control_signals import CONTROL_SIGNALS

#: What populations may use by name: signals of the protocol; `noise`, the unit's own white noise
#: (second**-0.5); `token_code`, its share of the code of the current token. `predicting` is the one
#: signal that differs between levels.
PREDICTING = "predicting"
SIGNALS = CONTROL_SIGNALS + ("presenting", "arriving", PREDICTING)
NOISE, TOKEN_CODE = "noise", "token_code"
#: What a protocol may add to the code of the token.
STIMULUS_NOISE = "stimulus_noise"
#: Names that no parameter, link or signal of one's own may have.
RESERVED = (*SIGNALS, TOKEN_CODE, NOISE, STIMULUS_NOISE)

#: Names that every group and synapse of Brian2 knows.
BUILTIN = {
    "t": brian2.second.dim,
    "dt": brian2.second.dim,
    "i": DIMENSIONLESS,
    "j": DIMENSIONLESS,
    "N": DIMENSIONLESS,
    "N_pre": DIMENSIONLESS,
    "N_post": DIMENSIONLESS,
    "not_refractory": DIMENSIONLESS,
    "lastspike": brian2.second.dim,
}
_CONSTANTS = {"pi": DIMENSIONLESS, "e": DIMENSIONLESS, "inf": DIMENSIONLESS}


#: Words of C++ and CUDA that are identifiers in Python: compiled networks have variables by the
#: names of declarations.
_KEYWORDS = frozenset(
    """alignas alignof and_eq asm auto bitand bitor bool case catch char char8_t char16_t char32_t
    co_await co_return co_yield compl concept const const_cast consteval constexpr constinit decltype
    default delete do double dynamic_cast enum explicit export extern false float friend goto inline
    int long mutable namespace new noexcept not_eq nullptr operator or_eq private protected public
    register reinterpret_cast requires short signed sizeof static static_assert static_cast struct
    switch template this thread_local throw true typedef typeid typename union unsigned using virtual
    void volatile wchar_t xor xor_eq""".split()
)


@lru_cache(maxsize=None)
def parse(text: str, where: str) -> Equations:
    """Parse equations. Returns a Brian2 ``Equations``; raises DeclarationError naming `where`."""
    try:
        equations = Equations(text)
    except Exception as error:
        check_free(_names_declared(text), where)
        raise DeclarationError(
            f"cannot read the equations: {error}",
            where=where,
            fix="use Brian2's syntax, one equation a line, e.g. 'dv/dt = -v/tau : volt'",
        ) from error
    _check_words(declared(equations), where)
    return equations


def _check_words(names, where):
    for name in sorted(_KEYWORDS.intersection(names)):
        raise DeclarationError(
            f"{name!r} is a word of C++, in which networks are compiled",
            where=where,
            fix=f"choose another name, e.g. '{name}_1'",
        )


def check_free(names: Iterable[str], where: str) -> None:
    """None of the names that a declaration gives may be one of Brian2's own: a constant such as e,
    a function, a unit, or what every group has; nor a word of C++. Raises DeclarationError.
    """
    names = list(names)
    _check_words(names, where)
    for name in names:
        try:
            Equations.check_identifier(name)
        except (SyntaxError, ValueError, TypeError) as error:
            other = (
                "error" if name == "e" else f"{name}_1"
            )  # e: Euler's number, and an error's name
            raise DeclarationError(
                f"Brian2 reserves {name!r}: {error}",
                where=where,
                fix=f"choose another name, e.g. {other!r}",
            ) from error


def _names_declared(text):
    """Names that the equations declare, as far as they can be read."""
    try:
        return list(parse_string_equations(text))
    except (EquationError, ValueError, SyntaxError, TypeError):
        return []


def declared(equations: Equations) -> dict[str, Dimension]:
    """Dimensions of every variable that the equations declare, by name."""
    return {equation.varname: equation.dim for equation in equations.values()}


def identifiers(text: str) -> set[str]:
    """Names that occur in an expression or a block of statements."""
    return get_identifiers(text)


def is_function(name: str) -> bool:
    return name in DEFAULT_FUNCTIONS


def is_unit(name: str) -> bool:
    return isinstance(getattr(brian2, name, None), brian2.Quantity)


def statements(code: str | None) -> list[tuple[str, str, str]]:
    """The assignments of a code block as (target, operator, expression)."""
    found = []
    for line in re.split(r"[\n;]", code or ""):
        line = line.split("#")[0].strip()
        if not line:
            continue
        match = re.match(r"^(\w+)\s*([+\-*/]?=)(?!=)\s*(.+)$", line)
        if match is None:
            raise DeclarationError(
                f"{line!r} is not an assignment", fix="write e.g. 'x += 0.5*(y - x)'"
            )
        target, operator, expression = match.groups()
        found.append((target, operator, expression))
    return found


@lru_cache
def _always():
    return {
        name: Variable(name, dimensions=dim, dtype=float)
        for name, dim in {**BUILTIN, **_CONSTANTS}.items()
    }


def variables_for(dimensions: Mapping[str, Dimension]) -> dict[str, Variable | Function]:
    """Brian2 ``Variable`` objects with the given dimensions, for Brian2's own unit checker."""
    # With its dtype given: Brian2 looks the default up in its preferences, which takes most of the
    # time of loading a model.
    return {
        **_always(),
        **{name: Variable(name, dimensions=dim, dtype=float) for name, dim in dimensions.items()},
        **DEFAULT_FUNCTIONS,
    }


def check_known(text: str, known: Collection[str], where: str) -> None:
    """Every identifier of `text` must be known; otherwise UnknownNameError with the nearest name."""
    for name in sorted(identifiers(text)):
        if (
            name == "xi"
            or name.startswith("xi_")
            or (is_function(name) and not DEFAULT_FUNCTIONS[name].stateless)
        ):
            raise DeclarationError(
                f"{name} draws from a hidden random state, so a resumed run would differ",
                where=where,
                fix="write noise instead: white noise from a counter",
            )
        if (
            name in known
            or name in BUILTIN
            or name in _CONSTANTS
            or is_function(name)
            or is_unit(name)
        ):
            continue
        raise UnknownNameError(
            f"{name!r} is not known here",
            where=f"{where}: {text.strip()}",
            fix=nearest(name, known),
        )


def check_units(
    text: str, dimension: Dimension, known: Mapping[str, Dimension], where: str
) -> None:
    """The expression `text` must have the dimensions `dimension`; otherwise UnitError."""
    used = identifiers(text)
    table = variables_for({name: dim for name, dim in known.items() if name in used})
    for name in used:
        if name not in table and is_unit(name):
            unit = getattr(brian2, name)
            table[name] = Constant(name, float(unit), dimensions=unit.dim)
    try:
        check_dimensions(text, dimension, table)
    except SyntaxError as error:
        raise DeclarationError(
            f"cannot read {text.strip()!r}: {error}",
            where=where,
            fix="use Python's syntax, e.g. v > 1*mV",
        ) from error
    except DimensionMismatchError as error:
        raise UnitError(
            f"wrong units: {error}",
            where=f"{where}: {text.strip()}",
            fix="make both sides carry the same units",
        ) from error


def check_statements(
    code: str | None, targets: Collection[str], known: Mapping[str, Dimension], where: str
) -> None:
    """Names and units of the assignments in `code`, which may change the variables `targets` only."""
    for target, operator, expression in statements(code):
        if target not in targets:
            raise UnknownNameError(
                f"statement changes {target!r}, which the equations do not declare",
                where=f"{where}: {code}",
                fix=nearest(target, targets),
            )
        check_known(expression, known, where)
        check_units(
            expression,
            known[target] if operator in ("=", "+=", "-=") else DIMENSIONLESS,
            known,
            where,
        )


def check_equations(equations: Equations, known: Mapping[str, Dimension], where: str) -> None:
    """Names and units of all right-hand sides of `equations`."""
    for equation in equations.values():
        if equation.expr is None:
            continue
        text = str(equation.expr)
        check_known(text, known, where)
        dimension = (
            equation.dim / brian2.second.dim
            if equation.type == DIFFERENTIAL_EQUATION
            else equation.dim
        )
        check_units(text, dimension, known, where)


def summed(equations: Equations) -> dict[str, SingleEquation]:
    """Summed inputs of a projection: {variable with its _pre/_post suffix: equation}."""
    return {
        e.varname: e for e in equations.values() if e.type == SUBEXPRESSION and "summed" in e.flags
    }
