"""The check of locality: a plasticity rule reads only what its synapse can know."""

from typing import Protocol

from ...errors import LocalityError
from . import equations as eq
from .population import Population
from .projection import Projection


class _Members(Protocol):
    """What is read of a Hierarchy, which imports this module."""

    @property
    def populations(self) -> tuple[Population, ...]: ...

    @property
    def projections(self) -> tuple[Projection, ...]: ...

    def population(self, name: str) -> Population: ...


def check_local(projection: Projection, hierarchy: _Members) -> None:
    """Raise LocalityError unless every name the rule reads is local to its synapse.

    Local are the synapse's own variables and parameters, variables of the two units it joins, and
    per-level scalars (populations of size 1) computed from the same level alone. A variable that a
    unit merely links from another level is not local, however it is named.
    """
    if projection.plasticity is None:
        return
    own = set(projection.own_variables) | set(projection.all_parameters)
    read = [
        str(e.expr)
        for e in projection.parsed.values()
        if e.expr is not None and e.varname not in projection.summed
    ]
    elsewhere = {
        name
        for p in hierarchy.populations
        for name in (p.name, *p.variables, *p.links, *p.parameters)
    }
    for text in read + projection.plasticity.texts:
        for name in sorted(eq.identifiers(text)):
            if name in own or name in eq.BUILTIN or eq.is_function(name) or eq.is_unit(name):
                continue
            base, _, side = name.rpartition("_")
            if side not in ("pre", "post") or not base:
                if name not in elsewhere:
                    # a misspelt name, which the check of names reports with the nearest one
                    continue
                raise LocalityError(
                    f"the rule reads {name!r}, which a synapse of {projection.name!r} cannot know",
                    where=f"plasticity of {projection.where}: {text.strip()}",
                    fix=f"read a variable of its own, {name}_pre or {name}_post",
                )
            population = hierarchy.population(
                projection.source if side == "pre" else projection.target
            )
            _check_origin(hierarchy, population, base, population.level, projection, set())


def _check_origin(hierarchy, population, variable, level, projection, seen):
    """Follow links, and the inputs of level scalars, back to the level they come from."""
    if (population.name, variable) in seen or variable in (*eq.SIGNALS, *population.signals):
        return
    seen.add((population.name, variable))
    if variable in population.links:
        source_name, _, source_variable = population.links[variable].partition(".")
        source = hierarchy.population(source_name)
        if source.level != level:
            raise LocalityError(
                f"the rule reads {variable!r}, which {population.name!r} takes from {source.name!r} at level "
                f"{source.level}, not from level {level}",
                where=f"plasticity of {projection.where}",
                fix="read only variables of the two units and scalars of their own level",
            )
        _check_origin(hierarchy, source, source_variable, level, projection, seen)
        return
    if variable not in population.variables:
        return
    equation = population.parsed[variable]
    if (
        equation.type == "subexpression"
    ):  # another name for what it is computed from at this very moment
        for name in eq.identifiers(str(equation.expr)):
            _check_origin(hierarchy, population, name, level, projection, seen)
    if population.size > 1:
        return  # what a unit gathers from its own inputs is its own
    for (
        other
    ) in hierarchy.projections:  # a level scalar: whatever sums into it must be of its level
        for name in other.inputs_of(population.name):
            source = hierarchy.population(other.partner_of(population.name))
            if source.level != level:
                raise LocalityError(
                    f"the rule reads the level scalar {population.name}.{variable}, which collects {name!r} from "
                    f"{source.name!r} at level {source.level}, not from level {level}",
                    where=f"plasticity of {projection.where}",
                    fix="compute a level's scalars from that level alone",
                )
    for text in population.texts:
        for name in population.links:
            if name in eq.identifiers(text):
                _check_origin(hierarchy, population, name, level, projection, seen)
