"""A hierarchy: levels of populations, the projections between them, and the criterion of
settling.
"""

from collections.abc import Iterable, Mapping

import attrs
from brian2 import Quantity, hertz, ms, second
from brian2.units.fundamentalunits import Dimension, get_dimensions, have_same_dimensions

from ...errors import DeclarationError, UnitError, UnknownNameError, clipped, nearest
from ..arguments import checked
from ..html import model_html
from ..sequence import sequence
from .equations import PREDICTING
from .likelihood import Categorical, Gaussian
from .locality import check_local
from .own_signals import own_signals
from .parameter import Parameter
from .population import Population, check_clock, check_name, get_unit_name
from .projection import Projection
from .readouts import Readout
from .streams import check_streams

#: Names that every network and every token has without a declaration.
RESERVED, TOKEN_VARIABLES = ("pacemaker", "streams"), ("event", "stream", "iterations", "steps")


def _settling(given: Iterable[str]) -> tuple:
    return sequence(given, "populations", "Settling.populations", DeclarationError)


def _populations(given: Iterable[Population]) -> tuple:
    return sequence(given, "populations", "Hierarchy.populations", DeclarationError)


def _projections(given: Iterable[Projection]) -> tuple:
    return sequence(given, "projections", "Hierarchy.projections", DeclarationError)


def _readouts(given: Iterable[Readout]) -> tuple:
    return sequence(given, "readouts", "Hierarchy.readouts", DeclarationError)


@checked(DeclarationError)
@attrs.frozen(kw_only=True)
class Settling:
    """When the hierarchy counts as settled.

    The root mean square, over all units of `populations`, of `variable` (the rate of change of the
    state, 1/time) is compared with `tolerance` at every step of a presentation. Settling iterations
    are the last step at or above it.
    """

    populations: tuple[str, ...] = attrs.field(converter=_settling)
    variable: str
    tolerance: Quantity


@checked(DeclarationError)
@attrs.frozen(kw_only=True, eq=False, repr=False)
class Hierarchy:
    """A complete model. A model file's ``hierarchy(input_size)`` returns one.

    Parameters
    ----------
    name, description, reference : str
        What it is and where it was published.
    populations : tuple of Population
    projections : tuple of Projection
    dt : Quantity
        The time step; one step is one settling iteration.
    settling : Settling, optional
        Needed by self-paced blocks.
    readouts : tuple of Readout
        What is kept for every token. Measures rely on the names in
        `fena_sim.declare.model.readouts.STANDARD`.
    likelihood : Gaussian or Categorical, optional
        How level 0 predicts the token; its free energy follows from it. Without it, free energy is
        not defined.
    batch : int
        Streams of tokens that are presented side by side. Every stream has populations of its own,
        those of size 1 included; the streams share the synapses, whose changes are summed over
        streams, and the pace and control signals. Projections must then be all-to-all, without
        spikes and delays.

    Raises
    ------
    DeclarationError, UnitError, UnknownNameError, LocalityError
        On construction, before anything is built.
    """

    name: str = attrs.field(validator=check_name)
    populations: tuple = attrs.field(converter=_populations)
    projections: tuple = attrs.field(converter=_projections, default=())
    dt: Quantity = 1 * ms
    settling: Settling | None = None
    readouts: tuple = attrs.field(converter=_readouts, default=())
    likelihood: Gaussian | Categorical | None = None
    batch: int = attrs.field(default=1)
    description: str = ""
    reference: str = ""

    @batch.validator
    def _check_batch(self, attribute, value):
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise DeclarationError(
                f"batch must be a positive whole number, not {value!r}",
                where=self.where,
                fix="give the number of streams presented side by side, e.g. batch=32",
            )

    def __attrs_post_init__(self):
        check_clock(self.dt, f"dt of {self.where}")
        for names in (
            [*RESERVED, *(member.name for member in (*self.populations, *self.projections))],
            [*TOKEN_VARIABLES, *(readout.name for readout in self.readouts)],
        ):
            for name in names:
                if names.count(name) > 1:
                    raise DeclarationError(
                        f"the name {name!r} is used twice",
                        where=self.where,
                        fix="rename one of them",
                    )
        known = {p.name: p.known(self._link_dimensions(p)) for p in self.populations}
        for population in self.populations:
            population.check(self._link_dimensions(population))
            self._check_clock(population.clock, population.where)
        for projection in self.projections:
            source = self.population(projection.source, projection.where)
            target = self.population(projection.target, projection.where)
            check_local(projection, self)
            projection.check(source, target, known[source.name], known[target.name])
            if projection.plasticity is not None:
                self._check_clock(projection.plasticity.clock, f"plasticity of {projection.where}")
            if not projection.several_delays:
                self._check_clock(projection.delay, f"delay of {projection.where}")
        for population in self.readers(PREDICTING):
            if population.level is None:
                raise DeclarationError(
                    f"{PREDICTING!r} is the signal of a level, and the population is of none",
                    where=population.where,
                    fix="give it a level, e.g. level=1",
                )
        own_signals(self.populations)
        self._check_inputs()
        check_streams(self.populations, self.projections, self.batch)
        self._check_settling()
        for readout in self.readouts:
            for name in readout.variables:
                self.resolve(name, f"Readout {readout.name!r}")

    @property
    def where(self) -> str:
        return f"Hierarchy {self.name!r}"

    @property
    def levels(self) -> list[int]:
        """Numbers of the levels, lowest first."""
        return sorted({p.level for p in self.populations if p.level is not None})

    @property
    def level_sizes(self) -> list[int]:
        """Units of the largest population of each level: of its errors, where any has this role."""
        found = []
        for level in self.levels:
            of_level = [p for p in self.populations if p.level == level]
            errors = [p for p in of_level if p.role == "error"]
            found.append(max(p.size for p in errors or of_level))
        return found

    def population(self, name: str, where: str | None = None) -> Population:
        """The population called `name`; UnknownNameError with the nearest name otherwise."""
        for population in self.populations:
            if population.name == name:
                return population
        raise UnknownNameError(
            f"there is no population {name!r}",
            where=where or self.where,
            fix=nearest(name, [p.name for p in self.populations]),
        )

    def readers(self, name: str) -> list[Population]:
        """Populations that read a signal or variable themselves, or whose synapses do."""
        by_synapses = {
            end
            for projection in self.projections
            for side, end in (("pre", projection.source), ("post", projection.target))
            if name in projection.reads(side)
        }
        return [p for p in self.populations if p.uses(name) or p.name in by_synapses]

    def resolve(self, path: str, where: str) -> tuple[Population, str]:
        """(population, variable) of a "population.variable" path, both checked to exist."""
        name, _, variable = path.partition(".")
        population = self.population(name, where)
        readable = set(population.variables) | set(population.links)
        if variable not in readable:
            raise UnknownNameError(
                f"population {name!r} has no variable {variable!r}",
                where=where,
                fix=nearest(variable, readable),
            )
        return population, variable

    def dimensions_of(self, path: str, where: str) -> Dimension:
        """Physical dimensions of a "population.variable" path."""
        population, variable = self.resolve(path, where)
        if variable in population.links:
            return self.dimensions_of(population.links[variable], where)
        return population.variables[variable]

    def _link_dimensions(self, population):
        found = {}
        for name, path in population.links.items():
            where = f"link {name!r} of {population.where}"
            source, variable = self.resolve(path, where)
            if source.size not in (1, population.size):
                raise DeclarationError(
                    f"{source.name!r} has {source.size} units, {population.name!r} has "
                    f"{population.size}",
                    where=where,
                    fix="link populations of equal size, or of size 1",
                )
            if variable in source.links:
                raise DeclarationError(
                    f"{path!r} is itself a link",
                    where=where,
                    fix=f"link {source.links[variable]!r} directly",
                )
            found[name] = source.variables[variable]
        return found

    def _check_clock(self, clock, where):
        if clock is None:
            return
        steps = float(clock) / float(self.dt)
        if steps < 1 - 1e-6 or abs(steps - round(steps)) > 1e-6:
            raise DeclarationError(
                f"{clock} is not a multiple of dt = {self.dt}",
                where=where,
                fix=f"choose a multiple of {self.dt}",
            )

    def _check_inputs(self):
        taken = {}
        for projection in self.projections:
            for population in {projection.source, projection.target}:
                for variable in projection.inputs_of(population):
                    if (population, variable) in taken:
                        raise DeclarationError(
                            f"{taken[population, variable]!r} and {projection.name!r} both sum into {population}.{variable}",
                            where=projection.where,
                            fix="give each a variable of its own and add them up in the equations",
                        )
                    taken[population, variable] = projection.name

    def _check_settling(self):
        if self.settling is None:
            return
        where = f"settling of {self.where}"
        for name in self.settling.populations:
            dim = self.dimensions_of(f"{name}.{self.settling.variable}", where)
            for quantity, dimension in (
                ("tolerance", get_dimensions(self.settling.tolerance)),
                (f"{name}.{self.settling.variable}", dim),
            ):
                if dimension != hertz.dim:
                    raise UnitError(
                        f"{quantity} is not a rate of change",
                        where=where,
                        fix="give a variable and a tolerance per time, e.g. 0.004/ms",
                    )

    # -- parameters by name --------------------------------------------------------------------

    def parameters(self) -> dict[str, float | Quantity]:
        """All parameters as {key: value}; keys are "object.parameter"."""
        owners = [*self.populations, *self.projections]
        return {
            f"{o.name}.{n}": v
            for o in owners
            for n, v in getattr(o, "all_parameters", o.parameters).items()
        }

    def meanings(self) -> dict[str, str]:
        """What parameters mean, as {key: meaning}; only of those declared with a Parameter."""
        owners = [*self.populations, *self.projections]
        return {
            f"{o.name}.{n}": m
            for o in owners
            for n, m in getattr(o, "all_meanings", o.meanings).items()
        }

    def with_parameter(self, key: str, value: float | Quantity) -> "Hierarchy":
        """A copy with a parameter changed: `with_parameters` of one."""
        return self._with_values([(key, value)])

    def with_parameters(self, values: Mapping[str, float | Quantity]) -> "Hierarchy":
        """A copy with parameters changed, checked once; the later of two for one parameter counts.
        Keys: "dt", "batch", "object.parameter", "level.N.parameter", "parameter". A projection
        belongs to the level of its target.

        Raises UnknownNameError with the nearest key, UnitError on other units.
        """
        return self._with_values(values.items())

    def _with_values(self, items):
        parameters, own, new = self.parameters(), {}, {}
        for key, value in items:
            if not isinstance(key, str):
                what = f"{clipped(key)} is no key"
                raise DeclarationError(what, where=self.where, fix='give e.g. "level.1.tau"')
            if not isinstance(value, (int, float, Quantity)) or isinstance(value, bool):
                what = f"{clipped(value)} is not a number or a quantity"
                raise DeclarationError(what, where=f"--set {key}", fix="write e.g. 20*ms")
            if key in ("dt", "batch"):
                own[key] = value
                continue
            matches = [name for name in parameters if self._matches(key, name)]
            if not matches:
                raise UnknownNameError(
                    f"no parameter {key!r}", where=self.where, fix=nearest(key, self._keys())
                )
            for match in matches:
                old = parameters[match]
                if not have_same_dimensions(old, value):
                    raise UnitError(
                        f"{match} is {old}, it cannot become {value}",
                        where=f"--set {key}",
                        fix=f"give it in {get_unit_name(get_dimensions(old))}",
                    )
                new[match] = value
        if not have_same_dimensions(own.get("dt", self.dt), second):
            what = f"dt must be a time, not {own['dt']}"
            raise UnitError(what, where="--set dt", fix="give e.g. dt=0.5*ms")
        changed = self._with_each(lambda key, old: new.get(key, old)) if new else self
        return attrs.evolve(changed, **own) if own else changed

    def with_meanings(self, meanings: Mapping[str, str]) -> "Hierarchy":
        """A copy whose parameters have the given meanings, {key: meaning}; unknown keys are left
        out.
        """
        return self._with_each(
            lambda key, value: Parameter(value, meanings[key]) if key in meanings else value
        )

    def _with_each(self, change):
        """A copy in which every parameter is `change(key, value)`."""

        def changed(member):
            def of(declared):
                return {n: change(f"{member.name}.{n}", v) for n, v in declared.parameters.items()}

            new, rule = {"parameters": of(member)}, getattr(member, "plasticity", None)
            if rule is not None:
                new["plasticity"] = attrs.evolve(rule, parameters=of(rule))
            return attrs.evolve(member, **new)

        return attrs.evolve(
            self,
            populations=[changed(p) for p in self.populations],
            projections=[changed(p) for p in self.projections],
        )

    def _level_of(self, name):
        for member in self.populations:
            if member.name == name:
                return member.level
        projection = next(p for p in self.projections if p.name == name)
        return self.population(projection.target).level

    def _matches(self, key, full):
        owner, _, parameter = full.partition(".")
        return key in (full, parameter, f"level.{self._level_of(owner)}.{parameter}")

    def _keys(self):
        keys = set(self.parameters()) | {"dt", "batch"}
        for full in self.parameters():
            owner, _, parameter = full.partition(".")
            keys |= {parameter, f"level.{self._level_of(owner)}.{parameter}"}
        return keys

    def _repr_html_(self):
        return model_html(self)

    def __repr__(self):
        sizes = "-".join(map(str, self.level_sizes))
        units = sum(p.size for p in self.populations)
        return (
            f"<Hierarchy {self.name}: levels {sizes or 'none'}, {len(self.populations)} populations, {units} units, "
            f"{len(self.projections)} projections, dt {self.dt}{f', batch {self.batch}' if self.batch > 1 else ''}>"
        )
