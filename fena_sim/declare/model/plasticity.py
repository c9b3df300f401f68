"""Local plasticity: rules as equation texts. `locality` checks that a rule is local."""

import attrs
from brian2 import Quantity, ms
from brian2.equations.equations import Equations, SingleEquation

from ...errors import DeclarationError
from ..arguments import checked
from . import equations as eq
from .parameter import keep_meanings
from .population import check_clock, check_parameters, frozen_mapping, frozen_texts


@checked(DeclarationError)
@attrs.frozen(kw_only=True, eq=False, repr=False)
class Plasticity:
    """How the synapses of one projection change by what they see locally.

    Parameters
    ----------
    equations : str
        Differential equations of synaptic variables (``dw/dt = eta*error_post*f_pre : 1``),
        integrated by Euler steps on `clock`; an equation with the flag ``(event-driven)`` is
        integrated between spikes, as in Brian2.
    on_pre, on_post : str, optional
        Statements executed at every pre- or postsynaptic spike (spike-timing-dependent rules).
    clock : Quantity, optional
        Time step of the plasticity; None: the hierarchy's dt.
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
    on_pre: str | None = None
    on_post: str | None = None
    clock: Quantity = 4 * ms
    parameters: dict = attrs.field(factory=dict, converter=frozen_mapping)
    meanings: dict = attrs.field(factory=dict, converter=frozen_texts, metadata={"hashed": False})

    def __attrs_post_init__(self):
        check_clock(self.clock, "Plasticity")
        keep_meanings(self)
        check_parameters(self.parameters, "Plasticity")

    @property
    def parsed(self) -> Equations:
        return eq.parse(self.equations, "Plasticity")

    @property
    def clock_driven(self) -> list[SingleEquation]:
        """The equations integrated on the plasticity clock."""
        return [
            e
            for e in self.parsed.values()
            if e.type == "differential equation" and "event-driven" not in e.flags
        ]

    @property
    def event_driven(self) -> list[SingleEquation]:
        """The equations that Brian2 integrates between spikes, and the rule's other variables."""
        return [e for e in self.parsed.values() if e not in self.clock_driven]

    @property
    def texts(self) -> list[str]:
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
        every = "dt" if self.clock is None else self.clock
        return f"<plasticity: {'; '.join(rules)}; every {every}>"
