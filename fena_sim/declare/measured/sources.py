"""What of a model a measured signal is computed from."""

from collections.abc import Sequence

import attrs
from brian2 import Quantity
from brian2.units.fundamentalunits import DIMENSIONLESS, Dimension, get_dimensions

from ...errors import DeclarationError, ProtocolError, UnitError, UnknownNameError, nearest
from ..model.hierarchy import Hierarchy
from ..model.population import get_unit_name
from .signal import BOTH, NEGATIVE, POSITIVE, SIGNED, SYNAPTIC_INPUTS, Signal

#: Roles of the populations of a level whose synaptic inputs are those of the level.
RECEIVING = ("state", "error")
_WORDS = {
    POSITIVE: "positive part",
    NEGATIVE: "negative part",
    BOTH: "absolute value",
    SIGNED: "value",
}


@attrs.frozen
class Source:
    """One variable of one population.

    Attributes
    ----------
    population, variable : str
        Of the population that has the variable itself.
    size : int
        Units of this population.
    """

    population: str
    variable: str
    size: int

    @property
    def path(self) -> str:
        return f"{self.population}.{self.variable}"


def sources(signal: Signal, model: Hierarchy, where: str) -> tuple[Source, ...]:
    """The variables that a signal is computed from, each once, in the order of the model.

    Raises
    ------
    UnknownNameError, ProtocolError, UnitError, DeclarationError
        If there is no such population, level or variable, the variables have different units, the
        threshold has others, or the weight has not one value for each unit.
    """
    inputs = signal.variable == SYNAPTIC_INPUTS
    paths = _inputs(signal, model, where) if inputs else _variables(signal, model, where)
    found = [_itself(path, model, where) for path in paths]
    dimension, *others = {model.dimensions_of(source.path, where) for source in found}
    if others:
        raise UnitError(
            f"{', '.join(source.path for source in found)} have different units",
            where=where,
            fix="declare a signal for each of them",
        )
    _check_threshold(signal, dimension, where)
    for source in found:
        _check_weight(signal, source, model, where)
    return tuple(found)


def weight_of(signal: Signal, model: Hierarchy, where: str) -> Source | None:
    """The weight of a signal. Raises UnknownNameError if there is no such variable."""
    return None if signal.weight is None else _itself(signal.weight, model, where)


def dimensions_of(signal: Signal, model: Hierarchy, where: str) -> Dimension:
    """Physical dimensions of what a signal sums over the units, before any square."""
    first = sources(signal, model, where)[0]
    weight = weight_of(signal, model, where)
    of_weight = model.dimensions_of(weight.path, where) if weight else DIMENSIONLESS
    return model.dimensions_of(first.path, where) * of_weight


def in_words(signal: Signal, model: Hierarchy, where: str) -> str:
    """What a signal is: "sum of the absolute value of error_0.error, times precision_0.precision"."""
    of = ", ".join(source.path for source in sources(signal, model, where))
    above = f" above {signal.threshold}" if signal.threshold else ""
    weight = f", times {signal.weight}" if signal.weight else ""
    lowpass = "" if signal.lowpass is None else f", low-pass filtered with {signal.lowpass}"
    window = "" if signal.window is None else f"; response: {span(signal.window)}"
    baseline = "" if signal.baseline is None else f" against {span(signal.baseline)}"
    part = f"{_WORDS[signal.part]} of {of}{above}"
    return f"{signal.norm} of the {part}{weight}{lowpass}{window}{baseline * bool(window)}"


def span(edges: Sequence[Quantity]) -> str:
    """A window in words: "0 to 250 ms"."""
    low, high = (float(edge) * 1e3 for edge in edges)
    return f"{low:.12g} to {high:.12g} ms"


def _itself(path, model, where):
    """The Source at a path; where it is linked, what it is linked to."""
    population, variable = model.resolve(path, where)
    if variable in population.links:
        population, variable = model.resolve(population.links[variable], where)
    return Source(population.name, variable, population.size)


def _variables(signal, model, where):
    variable = signal.variable
    if isinstance(signal.population, int):
        of_level = _of_level(signal.population, model, where)
        names = [p.name for p in of_level if variable in p.variables]
        if not names:
            known = {name for p in of_level for name in p.variables}
            raise UnknownNameError(
                f"no population of level {signal.population} declares {variable!r}",
                where=where,
                fix=nearest(variable, known),
            )
    else:
        names = _named(signal)
    return list(dict.fromkeys(f"{name}.{variable}" for name in names))


def _inputs(signal, model, where):
    """Paths of the variables into which projections sum, of a signal's populations or linked by them."""
    if isinstance(signal.population, int):
        of_level = _of_level(signal.population, model, where)
        chosen = [p for p in of_level if p.role in RECEIVING]
        if not chosen:
            raise ProtocolError(
                f"no population of level {signal.population} has the role state or error",
                where=where,
                fix="name the populations that receive the inputs: "
                + ", ".join(repr(p.name) for p in of_level),
            )
    else:
        chosen = [model.population(name, where) for name in _named(signal)]
    summed = [
        f"{p.name}.{variable}"
        for p in model.populations
        for projection in model.projections
        for variable in projection.inputs_of(p.name)
    ]
    sizes = {p.name: p.size for p in model.populations}
    received = {f"{p.name}.{variable}" for p in chosen for variable in p.variables}
    received |= {
        path for p in chosen for path in p.links.values() if sizes[path.partition(".")[0]] == p.size
    }
    found = [path for path in summed if path in received]
    if not found:
        raise ProtocolError(
            f"no projection sums into a variable of {', '.join(p.name for p in chosen)}",
            where=where,
            fix="measure a variable of theirs, e.g. the membrane potential",
        )
    return found


def _named(signal):
    return (signal.population,) if isinstance(signal.population, str) else signal.population


def _of_level(level, model, where):
    found = [p for p in model.populations if p.level == level]
    if not found:
        raise UnknownNameError(
            f"model {model.name!r} has no level {level}",
            where=where,
            fix=nearest(level, model.levels),
        )
    return found


def _check_threshold(signal, dimension, where):
    if signal.threshold and get_dimensions(signal.threshold) != dimension:
        raise UnitError(
            f"the threshold is {signal.threshold}, and {signal.variable!r} has other units",
            where=where,
            fix=f"give it in {get_unit_name(dimension)}",
        )


def _check_weight(signal, source, model, where):
    weight = weight_of(signal, model, where)
    if weight is not None and weight.size not in (1, source.size):
        raise DeclarationError(
            f"the weight {signal.weight} has {weight.size} units, {source.population!r} has "
            f"{source.size}",
            where=where,
            fix="weight by a population of one unit, or of equal size",
        )
