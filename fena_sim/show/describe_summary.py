"""Section A of a model's description: the model in one table."""

from ..declare.model import equations as eq
from ..declare.model.hierarchy import Hierarchy
from .constants import uses
from .describe_projections import synapse_count
from .typeset import NONE, Code, Table, clock_text, codes, value_text

READ_AT = {
    "before_onset": "last step before the token appears",
    "first": "first step of the presentation",
    "mean": "mean over the presentation",
    "last": "last step of the presentation",
}


def summary_table(model: Hierarchy) -> Table:
    """Section A: one property of the model a row."""
    size = {
        level: sum(p.size for p in model.populations if p.level == level) for level in model.levels
    }
    apart = [p for p in model.populations if p.level is None]
    levels = [f"level {level}: {_units(n)}" for level, n in size.items()]
    levels += [f"no level: {_units(sum(p.size for p in apart))}"] * bool(apart)
    rules = [p.plasticity for p in model.projections if p.plasticity is not None]
    clocks = sorted({clock_text(rule, model) for rule in rules if rule.clock_driven})
    members = (*model.populations, *model.projections)
    signals = [
        s for s in (*eq.SIGNALS, eq.TOKEN_CODE, eq.NOISE) if any(uses(m, s) for m in members)
    ]
    signals += sorted({name for p in model.populations for name in p.signals})
    rows = [
        ("Model", Code(model.name)),
        ("Description", model.description or NONE),
        ("Reference", model.reference or NONE),
        ("Levels", f"{len(model.levels)} ({'; '.join(levels)})"),
        (
            "Populations",
            f"{len(model.populations)}, {_units(sum(p.size for p in model.populations))} in all",
        ),
        ("Projections", f"{len(model.projections)}, of which {len(rules)} plastic"),
        ("Synapses", f"{sum(synapse_count(p, model) for p in model.projections)}"),
        *[
            (
                "Batch",
                f"{model.batch} streams side by side, each with units of its own; they share the synapses",
            )
        ]
        * (model.batch > 1),
        ("Spiking", codes(p.name for p in model.populations if p.spiking)),
        ("Time step", value_text(model.dt)),
        ("Plasticity", f"every {', '.join(clocks)}" if clocks else "at spikes" if rules else NONE),
        ("Signals read", codes(signals)),
        ("Settling", _settling(model.settling)),
        ("Likelihood of level 0", _likelihood(model.likelihood)),
    ]
    rows += [(f"Readout: {r.name}", _readout(r)) for r in model.readouts]
    return Table("A. Model summary", ("Property", "Value"), rows, (0.25, 0.75))


def _units(number):
    return f"{number} unit{'s' * (number != 1)}"


def _settling(settling):
    if settling is None:
        return NONE
    return (
        f"last step at which the root mean square of {settling.variable} over {', '.join(settling.populations)} "
        f"is at least {value_text(settling.tolerance)}"
    )


def _readout(readout):
    scale = f", times {value_text(readout.scale)}" if readout.scale != 1 else ""
    about = f". {readout.about[0].upper()}{readout.about[1:]}" if readout.about else ""
    return f"{', '.join(readout.variables)}: {READ_AT[readout.when]}{scale}{about}"


def _likelihood(likelihood):
    if likelihood is None:
        return NONE
    kind = type(likelihood).__name__.lower()
    return f"{kind}: error is the {likelihood.error}; free energy F_0 = {likelihood.formula}"
