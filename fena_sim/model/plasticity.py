"""Local plasticity: rules as equation texts, and the check that a rule is local."""

import attrs
from brian2 import ms

from ..errors import LocalityError
from . import equations as eq
from .parameter import keep_meanings
from .population import check_clock, check_parameters, frozen_mapping


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Plasticity:
    """How the synapses of one projection change by what they see locally.

    Parameters
    ----------
    equations : str
        Differential equations of synaptic variables (``dw/dt = eta*e_post*f_pre : 1``), integrated
        by Euler steps on `clock`; an equation with the flag ``(event-driven)`` is integrated
        between spikes, as in Brian2.
    on_pre, on_post : str, optional
        Statements executed at every pre- or postsynaptic spike (spike-timing-dependent rules).
    clock : Quantity
        Time step of the plasticity.
    parameters : dict
        Numbers or scalar quantities, each with its meaning if given as Parameter(value, meaning).
    meanings : dict
        What parameters mean, by name; filled from those given as Parameter. No part of a run's
        identity.

    Notes
    -----
    A rule may read its synapse's own variables and parameters, variables of the pre- and
    postsynaptic unit (``_pre``, ``_post``), and scalars of their levels (claim C01).
    """

    equations: str = ""
    on_pre: str = None
    on_post: str = None
    clock: object = 4 * ms
    parameters: dict = attrs.field(factory=dict, converter=frozen_mapping)
    meanings: dict = attrs.field(factory=dict, converter=frozen_mapping, metadata={"hashed": False})

    def __attrs_post_init__(self):
        check_clock(self.clock, "Plasticity")
        keep_meanings(self)
        check_parameters(self.parameters, "Plasticity")

    @property
    def parsed(self):
        return eq.parse(self.equations, "Plasticity")

    @property
    def clock_driven(self):
        """The equations integrated on the plasticity clock."""
        return [
            e
            for e in self.parsed.values()
            if e.type == "differential equation" and "event-driven" not in e.flags
        ]

    @property
    def event_driven(self):
        """The equations that Brian2 integrates between spikes, and the rule's other variables."""
        return [e for e in self.parsed.values() if e not in self.clock_driven]

    @property
    def texts(self):
        return [str(e.expr) for e in self.parsed.values() if e.expr is not None] + [
            t for t in (self.on_pre, self.on_post) if t
        ]

    def __repr__(self):
        rules = [f"d{e.varname}/dt = {e.expr}" for e in self.parsed.values() if e.expr is not None]
        rules += [
            f"on {side}: {code.strip()}"
            for side, code in (("pre", self.on_pre), ("post", self.on_post))
            if code
        ]
        return f"<plasticity: {'; '.join(rules)}; every {self.clock}>"


def check_local(projection, hierarchy):
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
    if (population.name, variable) in seen or variable in eq.SIGNALS:
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
