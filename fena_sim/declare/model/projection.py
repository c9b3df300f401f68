"""A projection: the synapses from one population to another."""

from collections.abc import Mapping

import attrs
import numpy as np
from brian2 import Quantity, second
from brian2.equations.equations import Equations, SingleEquation
from brian2.units.fundamentalunits import (
    DIMENSIONLESS,
    Dimension,
    get_dimensions,
)

from ...errors import DeclarationError, UnitError, UnknownNameError, clipped, nearest
from ..arguments import checked
from . import equations as eq
from .connectivity import (
    ALL,
    ONE_TO_ONE,
    DistanceDependent,
    FixedInDegree,
    Pairs,
    Probability,
    connection,
)
from .initial import Normal, Uniform
from .initial import dimensions as initial_dimensions
from .parameter import keep_meanings
from .plasticity import Plasticity
from .population import (
    Population,
    check_clock,
    check_initial,
    check_name,
    check_parameters,
    frozen_mapping,
    frozen_texts,
)


@checked(DeclarationError)
@attrs.frozen(kw_only=True, eq=False, repr=False)
class Projection:
    """Synapses between two populations. Plain data; `fena_sim.network` turns it into Synapses.

    Parameters
    ----------
    name, source, target : str
        Its own name and those of the two populations.
    equations : str
        Synaptic variables (``w : 1``) and the inputs it sums, at either end:
        ``prediction_post = w*f_pre : 1 (summed)`` delivers to the target,
        ``feedback_pre = w*error_post : 1 (summed)`` delivers back to the source over the same
        weights. One summed input per projection and variable: a population adds up its inputs in
        its own equations. ``dw/dt = ... : 1 (clock-driven)`` takes Euler steps of dt, just before
        populations of order 0 are updated (docs/network.md).
    plasticity : Plasticity, optional
        How the synapses change.
    on_pre, on_post : str, optional
        Statements at every spike of the source or target (``v_post += w``).
    connect : str
        ``"all"`` (all-to-all), ``"one_to_one"``, or a condition on ``i`` and ``j`` (``"i != j"``);
        a probability (0.1, or Probability(0.1, condition="i != j")), FixedInDegree(100), or
        DistanceDependent(...), all drawn from the seed of the network; given pairs (i, j), two arrays
        of int (n_synapses,); or a matrix (source size, target size), boolean or of scipy.sparse,
        with a synapse where it is not zero.
    delay : Quantity, Normal or Uniform, optional
        Conduction time from source to target. Everything the synapses read from the source (``_pre``
        variables and spikes) is then that old. One time is a multiple of dt. Different times, an
        array (source size, target size) or (n_synapses,) or a distribution, must not be below 0,
        and are rounded to the nearest multiple of dt that is at least dt.
    initial : dict
        Initial values of synaptic variables: number, quantity, Normal, Uniform, or an array
        (source size, target size); with given pairs or a matrix also (n_synapses,), in the order of
        the pairs, or row by row.
    parameters : dict
        Numbers or scalar quantities used in the equations, each with its meaning if given as
        Parameter(value, meaning).
    meanings : dict
        What parameters mean, by name; filled from those given as Parameter. No part of a run's
        identity.
    """

    name: str = attrs.field(validator=check_name)
    source: str
    target: str
    equations: str = ""
    plasticity: Plasticity | None = None
    on_pre: str | None = None
    on_post: str | None = None
    connect: (
        str | float | Pairs | Probability | FixedInDegree | DistanceDependent | np.ndarray | tuple
    ) = ALL
    delay: Quantity | Normal | Uniform | None = None
    initial: dict = attrs.field(factory=dict, converter=frozen_mapping)
    parameters: dict = attrs.field(factory=dict, converter=frozen_mapping)
    meanings: dict = attrs.field(factory=dict, converter=frozen_texts, metadata={"hashed": False})

    def __attrs_post_init__(self):
        keep_meanings(self)
        object.__setattr__(self, "connect", connection(self.connect, self.where))
        check_parameters(self.parameters, self.where)
        eq.check_free(self.all_parameters, self.where)
        self._check_twice()
        check_initial(self.initial, self.own_variables, self.where)
        for name in self.summed:
            if name.rpartition("_")[2] not in ("pre", "post"):
                raise DeclarationError(
                    f"summed input {name!r} does not say whose it is",
                    where=self.where,
                    fix=f"write {name}_post (to the target) or {name}_pre (back to the source)",
                )
        if self.delay is not None:
            self._check_delay(f"delay of {self.where}")
            if any(name.endswith("_pre") for name in self.summed):
                raise DeclarationError(
                    "a delayed projection cannot deliver back to its source",
                    where=self.where,
                    fix="declare the way back as a projection with a delay of its own",
                )

    @property
    def where(self) -> str:
        return f"Projection {self.name!r} ({self.source} -> {self.target})"

    @property
    def several_delays(self) -> bool:
        """Whether delays differ between synapses."""
        return self.delay is not None and (
            isinstance(self.delay, (Normal, Uniform)) or np.shape(self.delay) != ()
        )

    @property
    def parsed(self) -> Equations:
        return eq.parse(self.equations, self.where)

    @property
    def summed(self) -> dict[str, SingleEquation]:
        """The summed inputs, by name with the suffix _pre or _post."""
        return eq.summed(self.parsed)

    def _check_twice(self):
        """No variable or parameter has the name of another."""
        names = [*eq.declared(self.parsed), *self.parameters]
        if self.plasticity is not None:
            names += [*eq.declared(self.plasticity.parsed), *self.plasticity.parameters]
        for name in names:
            if names.count(name) > 1:
                raise DeclarationError(
                    f"{name!r} is declared twice among the variables and parameters of the "
                    "projection and of its plasticity",
                    where=self.where,
                    fix="rename or remove one of the two; a variable that the rule changes is "
                    "declared in the rule alone",
                )

    @property
    def own_variables(self) -> dict[str, Dimension]:
        """Dimensions of the synaptic variables, by name."""
        own = {n: d for n, d in eq.declared(self.parsed).items() if n not in self.summed}
        if self.plasticity is not None:
            own.update(eq.declared(self.plasticity.parsed))
        return own

    @property
    def all_parameters(self) -> dict[str, float | Quantity]:
        return {**self.parameters, **(self.plasticity.parameters if self.plasticity else {})}

    @property
    def all_meanings(self) -> dict[str, str]:
        return {**self.meanings, **(self.plasticity.meanings if self.plasticity else {})}

    @property
    def texts(self) -> list[str]:
        rhs = [str(e.expr) for e in self.parsed.values() if e.expr is not None]
        return (
            rhs
            + [t for t in (self.on_pre, self.on_post) if t]
            + (self.plasticity.texts if self.plasticity else [])
        )

    @property
    def spiking(self) -> bool:
        """Whether spikes act on these synapses."""
        return any(
            [
                self.on_pre,
                self.on_post,
                self.plasticity and (self.plasticity.on_pre or self.plasticity.on_post),
            ]
        )

    def reads(self, side: str) -> set[str]:
        """Variables that the synapses read from the `side` ('pre' or 'post') population."""
        names = set().union(*[eq.identifiers(text) for text in self.texts], set())
        return {
            n[: -len(side) - 1]
            for n in names
            if n.endswith("_" + side) and n not in ("N_pre", "N_post")
        }

    def inputs_of(self, population: str) -> list[str]:
        """Variables of `population` into which this projection sums."""
        found = [n[:-5] for n in self.summed if n.endswith("_post") and self.target == population]
        return found + [
            n[:-4] for n in self.summed if n.endswith("_pre") and self.source == population
        ]

    def partner_of(self, population: str) -> str:
        return self.source if population == self.target else self.target

    def check(
        self,
        source: Population,
        target: Population,
        known_source: Mapping[str, Dimension],
        known_target: Mapping[str, Dimension],
    ) -> None:
        """Names, units and shapes against the two populations. Raises DeclarationError."""
        changeable = (
            {f"{n}_pre" for n in source.variables}
            | {f"{n}_post" for n in target.variables}
            | {*self.own_variables}
        )
        known = {f"{n}_pre": d for n, d in known_source.items()} | {
            f"{n}_post": d for n, d in known_target.items()
        }
        known |= {n: get_dimensions(v) for n, v in self.all_parameters.items()} | self.own_variables
        eq.check_equations(self.parsed, known, self.where)
        if self.plasticity is not None:
            eq.check_equations(self.plasticity.parsed, known, f"plasticity of {self.where}")
        rule = self.plasticity
        for code in [self.on_pre, self.on_post, *((rule.on_pre, rule.on_post) if rule else ())]:
            eq.check_statements(code, changeable, known, self.where)
        for name in sorted(
            {*self.own_variables, *self.all_parameters}
            & {*target.variables, *target.parameters, *target.links}
        ):
            raise DeclarationError(
                f"{name!r} is both a name of the synapses and of population {target.name!r}",
                where=self.where,
                fix=f"rename the synaptic one, e.g. {name}_synapse",
            )
        for name, equation in self.summed.items():
            population = source if name.endswith("_pre") else target
            variable = name.rpartition("_")[0]
            if variable not in population.variables:
                raise UnknownNameError(
                    f"sums into {variable!r}, which population {population.name!r} does not declare",
                    where=self.where,
                    fix=nearest(variable, population.variables),
                )
            if population.variables[variable] != equation.dim:
                raise UnitError(
                    f"sums into {population.name}.{variable} with other units",
                    where=self.where,
                    fix=f"declare both with the same units (equation: {equation})",
                )
        self._check_readable(source, "pre")
        self._check_readable(target, "post")
        self._check_shape(source, target)
        self._check_spikes(source, target)

    def _check_readable(self, population, side):
        """Brian2 cannot read, from a synapse, a subexpression that itself depends on linked
        variables.
        """
        foreign = {*population.links, *population.signals, *eq.SIGNALS}
        for name in self.reads(side):
            equation = population.parsed.get(name)
            if (
                equation is None
                or equation.type != "subexpression"
                or "constant over dt" in equation.flags
            ):
                continue
            if eq.identifiers(str(equation.expr)) & foreign:
                raise DeclarationError(
                    f"reads {name}_{side}, a subexpression of linked variables",
                    where=self.where,
                    fix=f"mark {name} '(constant over dt)' in population {population.name!r}",
                )

    def _check_delay(self, where):
        if not self.several_delays:
            check_clock(self.delay, where)
            return
        if initial_dimensions(self.delay) != second.dim:
            raise UnitError(
                f"must be times, not {clipped(self.delay)}", where=where, fix="give e.g. [1, 2]*ms"
            )
        if isinstance(self.delay, Normal):
            possible = float(self.delay.mean) > 0
        else:
            least = self.delay.low if isinstance(self.delay, Uniform) else self.delay
            values = np.asarray(least, dtype=float)
            possible = values.size and np.isfinite(values).all() and values.min() >= 0
        if not possible:
            raise DeclarationError(
                f"a spike cannot arrive before it was sent: {clipped(self.delay)}",
                where=where,
                fix="give times that are not below 0",
            )
        if used := sorted(set().union(*map(eq.identifiers, self.texts), set()) & {"i", "N_pre"}):
            raise DeclarationError(
                f"reads {used[0]}, but with different delays synapses read from relay units, which "
                "are counted otherwise",
                where=where,
                fix=f"give one delay, or the values that depend on {used[0]} in `initial`",
            )

    def _check_shape(self, source, target):
        if self.connect == ONE_TO_ONE and source.size != target.size:
            raise DeclarationError(
                f"one_to_one between {source.size} and {target.size} units",
                where=self.where,
                fix="give both populations the same size, or connect='all'",
            )
        dims = {name: get_dimensions(value) for name, value in self.parameters.items()}
        shapes, fix = (
            [(), (source.size, target.size)],
            "give an array of (source size, target size)",
        )
        if isinstance(self.connect, Pairs):
            shapes, fix = [*shapes, (len(self.connect),)], f"{fix} or of ({len(self.connect)},)"
        if not isinstance(self.connect, str):
            self.connect.check(source.size, target.size, dims, self.where)
        elif self.connect not in (ALL, ONE_TO_ONE):
            eq.check_known(self.connect, dims, self.where)
            eq.check_units(self.connect, DIMENSIONLESS, dims, self.where)
        values = {f"initial {name!r}": value for name, value in self.initial.items()}
        if self.several_delays:
            values["delay"] = self.delay
        for name, value in values.items():
            if np.shape(value) not in shapes:
                raise DeclarationError(
                    f"{name} has shape {np.shape(value)}, the populations have "
                    f"({source.size}, {target.size})",
                    where=self.where,
                    fix=fix,
                )

    def _check_spikes(self, source, target):
        plasticity = self.plasticity
        for code, population, side in (
            (self.on_pre, source, "on_pre"),
            (self.on_post, target, "on_post"),
            (plasticity and plasticity.on_pre, source, "on_pre"),
            (plasticity and plasticity.on_post, target, "on_post"),
        ):
            if code and not population.spiking:
                raise DeclarationError(
                    f"{side} waits for spikes, but population {population.name!r} has no threshold",
                    where=self.where,
                    fix="declare a threshold, or use a summed input",
                )

    def __repr__(self):
        names = {ALL: "all-to-all", ONE_TO_ONE: "one-to-one"}
        parts = [names.get(str(self.connect), str(self.connect))]
        if self.delay is not None:
            parts.append(f"delay {clipped(self.delay) if np.ndim(self.delay) else self.delay}")
        parts += [f"{n} = {e.expr}" for n, e in self.summed.items()]
        if self.plasticity is not None:
            parts.append(repr(self.plasticity).strip("<>"))
        return f"<projection {self.name}: {self.source} -> {self.target}, {'; '.join(parts)}>"
