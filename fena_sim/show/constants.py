"""Every number that a model's declaration holds, as tables: parameters, sizes, steps, tolerance,
defaults of control signals, initial values.
"""

from ..declare.control_signals import DEFAULTS, KNOCKED_OUT
from ..declare.model.connectivity import FixedInDegree, Probability
from ..declare.model.equations import PREDICTING
from ..declare.model.hierarchy import Hierarchy
from ..declare.model.initial import Normal, Uniform
from ..declare.model.population import Population
from ..declare.model.projection import Projection
from .typeset import NONE, Code, Table, codes, initial_text, value_text

_SET_BY_PROTOCOL = "(control signal; the protocol may set it)"
_CONTROLS = {
    "gate": f"opens the sensory input in presentations {_SET_BY_PROTOCOL}",
    "temperature": f"noise on the states {_SET_BY_PROTOCOL}",
    "plasticity_gain": f"scales all plasticity {_SET_BY_PROTOCOL}",
    "precision_gain": f"scales all precisions {_SET_BY_PROTOCOL}",
    "knocked_out": f"level whose predictions are knocked out, 0: none {_SET_BY_PROTOCOL}",
}


def parameter_table(model: Hierarchy) -> Table:
    """Declared parameters by name, then what else decides numbers.

    Rows are name, value, unit, meaning (a dash where the declaration gives none) and the names of
    the objects that have the parameter with this value and meaning.
    """
    meanings = model.meanings()
    declared = [
        (*reversed(key.split(".", 1)), value, meanings.get(key, NONE))
        for key, value in model.parameters().items()
    ]
    own = [
        (name, population.name, default, "signal: its value where a protocol does not give it")
        for population in model.populations
        for name, default in population.signals.items()
    ]
    rows = [
        (Code(name), *(text.split(" ", 1) + ["1"])[:2], meaning, codes(owners))
        for group in (sorted(_shared(declared + own).items()), _shared(_others(model)).items())
        for (name, text, meaning), owners in group
    ]
    return Table(
        "I. Parameters",
        ("Parameter", "Value", "Unit", "Meaning", "Of"),
        rows,
        (0.17, 0.13, 0.08, 0.34, 0.28),
    )


def initial_table(model: Hierarchy) -> Table:
    """Initial values by variable."""
    owners: dict[tuple[str, str], list[str]] = {}
    for member in (*model.populations, *model.projections):
        for name, value in member.initial.items():
            owners.setdefault((name, initial_text(value)), []).append(member.name)
    rows = [(Code(name), value, codes(of)) for (name, value), of in owners.items()]
    return Table(
        "J. Initial values",
        ("Variable", "Value", "Of"),
        rows,
        (0.2, 0.4, 0.4),
        "All other variables start at 0." if rows else "All variables start at 0.",
    )


def _delays(projection):
    """The numbers of a projection's delay; a given array has too many."""
    delay, meaning = projection.delay, "conduction time from source to target"
    if isinstance(delay, Normal):
        yield "delay", projection.name, delay.mean, f"mean {meaning}"
        yield "delay", projection.name, delay.sd, f"standard deviation of the {meaning}"
    elif isinstance(delay, Uniform):
        yield "delay", projection.name, delay.low, f"least {meaning}"
        yield "delay", projection.name, delay.high, f"largest {meaning}"
    elif delay is not None and not projection.several_delays:
        yield "delay", projection.name, delay, meaning


def uses(member: Population | Projection, name: str) -> bool:
    """Whether a population or a projection reads `name`, a signal for instance."""
    if hasattr(member, "uses"):
        return member.uses(name)
    return any(name in member.reads(side) for side in ("pre", "post"))


def _shared(rows):
    """{(name, value as text, meaning): owners} of rows (name, owner, value, meaning), in order."""
    found = {}
    for name, owner, value, meaning in rows:
        found.setdefault((name, value_text(value), meaning), []).append(owner)
    return found


def _others(model):
    """What is declared in fields of its own rather than as a parameter: (name, owner, value,
    meaning).
    """
    members, settling = (*model.populations, *model.projections), model.settling
    yield "dt", model.name, model.dt, "time step; one step is one settling iteration"
    if model.batch > 1:
        yield "batch", model.name, model.batch, "streams of tokens presented side by side"
    if settling is not None:
        meaning = f"root mean square of {settling.variable} at which a token counts as settled"
        yield "tolerance", model.name, settling.tolerance, meaning
    for p in model.populations:
        yield "size", p.name, p.size, "number of units"
    for p in model.populations:
        if p.clock is not None:
            yield "clock", p.name, p.clock, "time step of the population, if not dt"
    for p in model.populations:
        if p.refractory is not None and not isinstance(p.refractory, str):
            yield "refractory", p.name, p.refractory, "refractory period after a spike"
    for p in model.projections:
        if isinstance(p.connect, Probability):
            yield "p", p.name, p.connect.p, "probability that a pair of units is connected"
        if isinstance(p.connect, FixedInDegree):
            yield "n", p.name, p.connect.n, "synapses onto each unit of the target"
        yield from _delays(p)
    for p in model.projections:
        if p.plasticity is not None and p.plasticity.clock_driven:
            clock = model.dt if p.plasticity.clock is None else p.plasticity.clock
            yield "clock", p.name, clock, "time step of the plasticity"
    for readout in model.readouts:
        if readout.scale != 1:
            yield "scale", readout.name, readout.scale, "factor of the readout"
    for signal, default in DEFAULTS.items():
        names = (KNOCKED_OUT, PREDICTING) if signal == KNOCKED_OUT else (signal,)
        for member in members:
            if any(uses(member, name) for name in names):
                yield signal, member.name, default, _CONTROLS[signal]
