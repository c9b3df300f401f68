"""A population: units of one kind with the same differential equations."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import attrs
import numpy as np
from brian2 import Quantity, second
from brian2.equations.equations import Equations
from brian2.units.fundamentalunits import (
    DIMENSIONLESS,
    Dimension,
    get_dimensions,
    have_same_dimensions,
)

from ...errors import DeclarationError, UnitError, UnknownNameError, clipped, nearest
from ..arguments import checked
from . import equations as eq
from . import integration
from .initial import Initial, is_initial
from .initial import dimensions as initial_dimensions
from .parameter import keep_meanings

EVENTS = ("blank_onset", "onset")


def frozen_mapping(value: Mapping[str, Any] | None) -> Mapping:
    return MappingProxyType(dict(value or {}))


def frozen_texts(value: Mapping[str, str] | None) -> Mapping:
    return MappingProxyType(dict(value or {}))


def check_name(instance: attrs.AttrsInstance, attribute: attrs.Attribute, value: str) -> None:
    if not isinstance(value, str) or not value.isidentifier() or value.startswith("_"):
        raise DeclarationError(
            f"{type(instance).__name__} name {value!r} is not an identifier",
            where=f"{type(instance).__name__}(name=...)",
            fix="use letters, digits and underscores, e.g. 'state_1'",
        )


def is_finite_number(value: object) -> bool:
    """Whether a value is a real number or a scalar quantity, not infinite and not NaN."""
    if not isinstance(value, (int, float, Quantity)) or isinstance(value, bool):
        return False
    try:
        return np.shape(value) == () and bool(np.isfinite(float(value)))
    except (OverflowError, TypeError):  # beyond 1e308; a quantity of complex numbers
        return False


def check_parameters(parameters: Mapping[str, float | Quantity], where: str) -> None:
    for name, value in parameters.items():
        if not is_finite_number(value):
            raise DeclarationError(
                f"parameter {name!r} is {clipped(value)}, not a number or a scalar quantity",
                where=where,
                fix="give e.g. tau=14*ms; values that differ between units belong in `initial`",
            )


def check_initial(
    initial: Mapping[str, Initial], dims: Mapping[str, Dimension], where: str
) -> None:
    for name, value in initial.items():
        if name not in dims:
            raise UnknownNameError(
                f"initial value for unknown variable {name!r}", where=where, fix=nearest(name, dims)
            )
        if not is_initial(value):
            raise DeclarationError(
                f"initial value of {name!r} is {clipped(value)}",
                where=where,
                fix="give a number, a quantity, an array, Normal(...) or Uniform(...)",
            )
        if initial_dimensions(value) != dims[name]:
            raise UnitError(
                f"initial value of {name!r} has the wrong units",
                where=where,
                fix=f"give it in {get_unit_name(dims[name])}",
            )


def get_unit_name(dim: Dimension) -> str:
    return "no unit (1)" if dim.is_dimensionless else str(Quantity(1.0, dim=dim)).replace("1. ", "")


def check_clock(clock: Quantity | None, where: str) -> None:
    if clock is not None and (
        not have_same_dimensions(clock, second)
        or np.shape(clock) != ()
        or not 0 < float(clock) < np.inf
    ):
        raise UnitError(
            f"must be a positive time, not {clipped(clock)}", where=where, fix="give e.g. 4*ms"
        )


@checked(DeclarationError)
@attrs.frozen(kw_only=True, eq=False, repr=False)
class Population:
    """Units that share their equations. Plain data; `fena_sim.network` turns it into a NeuronGroup.

    Parameters
    ----------
    name : str
        An identifier, unique in the hierarchy.
    size : int
        Number of units.
    equations : str
        Brian2 equations: differential equations, subexpressions, and plain variables. An input that
        projections sum into is declared as a plain variable (``prediction : 1``). The signals
        ``gate``, ``temperature``, ``plasticity_gain``, ``precision_gain``, ``knocked_out`` (number of
        the level whose predictions are knocked out; 0: none), ``predicting`` (0 while they are those
        of the population's own level, else 1), ``presenting`` (1 while a token is presented),
        ``arriving`` (1 in the step in which it appears; all dimensionless),
        ``token_code`` (the unit's share of the current token's code) and ``noise`` (white noise of
        the unit, second**-0.5) may be used without declaring them.
    parameters : dict
        Numbers or scalar quantities used in the equations, each with its meaning if given as
        Parameter(value, meaning); they can be changed without a new build. Names of parameters,
        links and variables are none of those that Brian2 reserves: ``e`` is Euler's number there.
    initial : dict
        Initial values by variable: a number, a quantity, an array (size,), Normal or Uniform.
    links : dict
        Variables read from another population at the same time step, as
        ``{"error": "error_1.error"}``; that population has the same size, or size 1 and is then
        shared by all units.
    signals : dict
        Signals of the protocol's own, ``{"attention": 1.0, "current": 0*nA}``: with the value that
        they have where a protocol does not say (see `Protocol`), which also gives their unit. The
        equations, and those of projections, read them by name.
    on : dict
        Statements executed at the start of the blank before a token (``"blank_onset"``, where the
        token's period begins) or when the token itself appears (``"onset"``).
    threshold, reset, refractory : str or None
        As in Brian2; a population with a threshold emits spikes.
    method : str
        Brian2's integration method; one Euler step of dt is one settling iteration.
    clock : Quantity, optional
        A time step of its own, a multiple of the hierarchy's dt.
    order : int
        Order of evaluation inside a time step: inputs of lower orders are updated first.
    level : int, optional
        Level of the hierarchy (0 is the sensory one); used for names, tables and locality.
    role : str
        What the units stand for: 'state', 'error', 'prior', 'precision', 'input', ...
    meanings : dict
        What parameters mean, by name; filled from those given as Parameter. No part of a run's
        identity.
    """

    name: str = attrs.field(validator=check_name)
    size: int = attrs.field()
    equations: str = ""
    parameters: dict = attrs.field(factory=dict, converter=frozen_mapping)
    initial: dict = attrs.field(factory=dict, converter=frozen_mapping)
    links: dict = attrs.field(factory=dict, converter=frozen_texts)
    signals: Mapping = attrs.field(
        default=MappingProxyType({}), converter=frozen_mapping, metadata={"hashed": "if given"}
    )
    on: dict = attrs.field(factory=dict, converter=frozen_texts)
    threshold: str | None = None
    reset: str | None = None
    refractory: str | Quantity | None = None
    method: str = integration.DEFAULT
    clock: Quantity | None = None
    order: int = 0
    level: int | None = None
    role: str = "population"
    meanings: dict = attrs.field(factory=dict, converter=frozen_texts, metadata={"hashed": False})

    @size.validator
    def _check_size(self, attribute, value):
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise DeclarationError(
                f"size must be a positive whole number, not {value!r}",
                where=self.where,
                fix="give the number of units, e.g. size=64",
            )

    def __attrs_post_init__(self):
        check_clock(self.clock, self.where)
        keep_meanings(self)
        check_parameters(self.parameters, self.where)
        check_parameters(self.signals, self.where)
        named = [*self.parameters, *self.links, *self.signals]
        eq.check_free(named, self.where)
        own = self.variables
        given = [*named, *own]
        for name in named:
            if given.count(name) > 1 or name in eq.RESERVED:
                raise DeclarationError(
                    f"{name!r} is declared twice among the parameters, links, variables and signals",
                    where=self.where,
                    fix="rename or remove one of the two",
                )
        check_initial(self.initial, own, self.where)
        for name, value in self.initial.items():
            if np.shape(value) not in ((), (self.size,)):
                raise DeclarationError(
                    f"initial {name!r} has shape {np.shape(value)}, the population {self.size} units",
                    where=self.where,
                    fix=f"give a number, or an array of {self.size} values",
                )
        integration.check_method(self.method, self.where)
        if self.refractory is not None and not isinstance(self.refractory, str):
            check_clock(self.refractory, f"refractory of {self.where}")
        for event in self.on:
            if event == "arrival":
                raise UnknownNameError(
                    "the token event 'arrival' has another name",
                    where=self.where,
                    fix="it is 'onset', and what was 'onset' is 'blank_onset'",
                )
            if event not in EVENTS:
                raise UnknownNameError(
                    f"unknown token event {event!r}", where=self.where, fix=nearest(event, EVENTS)
                )
        if self.reset and not self.threshold:
            raise DeclarationError(
                "a reset without a threshold never happens",
                where=self.where,
                fix="declare threshold='v > v_threshold'",
            )

    @property
    def where(self) -> str:
        return f"Population {self.name!r}"

    @property
    def parsed(self) -> Equations:
        """The equations as Brian2 reads them."""
        return eq.parse(self.equations, self.where)

    @property
    def variables(self) -> dict[str, Dimension]:
        """Dimensions of the variables that the equations declare, by name."""
        return eq.declared(self.parsed)

    @property
    def spiking(self) -> bool:
        return self.threshold is not None

    @property
    def texts(self) -> list[str]:
        """Every text of the population in which names are used."""
        rhs = [str(e.expr) for e in self.parsed.values() if e.expr is not None]
        return (
            rhs
            + list(self.on.values())
            + [t for t in (self.threshold, self.reset, self.refractory) if isinstance(t, str)]
        )

    def uses(self, name: str) -> bool:
        """Whether an equation, statement or threshold of the population reads `name`."""
        return any(name in eq.identifiers(text) for text in self.texts)

    def known(self, link_dimensions: Mapping[str, Dimension]) -> dict[str, Dimension]:
        """Dimensions of every name that the population's texts may use."""
        signals = dict.fromkeys(eq.SIGNALS + (eq.TOKEN_CODE,), second.dim / second.dim)
        signals[eq.NOISE] = (second**-0.5).dim
        given = {**self.parameters, **self.signals}
        own = {name: get_dimensions(value) for name, value in given.items()}
        return {**signals, **own, **link_dimensions, **self.variables}

    def check(self, link_dimensions: Mapping[str, Dimension]) -> None:
        """Names and units of all texts, once the links are known. Raises DeclarationError."""
        known = self.known(link_dimensions)
        eq.check_equations(self.parsed, known, self.where)
        for code in [*self.on.values(), self.reset]:
            eq.check_statements(code, self.variables, known, self.where)
        if self.threshold:
            eq.check_known(self.threshold, known, self.where)
            eq.check_units(self.threshold, DIMENSIONLESS, known, self.where)
        if isinstance(self.refractory, str):
            eq.check_known(self.refractory, known, self.where)

    def __repr__(self):
        parts = [f"{self.size} unit{'s' if self.size > 1 else ''}"]
        if self.level is not None:
            parts.append(f"level {self.level}")
        odes = [
            f"d{e.varname}/dt = {e.expr}"
            for e in self.parsed.values()
            if e.type == "differential equation"
        ]
        values = [f"{name} = {value}" for name, value in self.parameters.items()]
        return (
            f"<{self.role} population {self.name}: {', '.join(parts)}; {'; '.join(odes + values)}>"
        )
