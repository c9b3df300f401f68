"""Population -> NeuronGroup."""

import zlib
from collections.abc import Iterable, Mapping

import numpy as np
from brian2 import Clock, NeuronGroup, Synapses, TimedArray, linked_var, second
from brian2.core.variables import ArrayVariable
from brian2.equations import Equations
from brian2.equations.equations import FLOAT, INTEGER, PARAMETER, SUBEXPRESSION, SingleEquation
from brian2.units.fundamentalunits import DIMENSIONLESS, Dimension, get_dimensions

from ..declare.model.equations import NOISE, PREDICTING, SIGNALS, STIMULUS_NOISE, TOKEN_CODE
from ..declare.model.hierarchy import Hierarchy
from ..declare.model.population import Population
from ..declare.model.readouts import Readout
from ..declare.stimulus.vocabulary import Vocabulary
from . import own_signals, pacemaker, streams
from .noise import COUNTER_NORMAL
from .shape import BlockShape

COPY = -50  # in Brian2's 'start' slot: before token events and recordings
_PARAMETER_FLAGS = ["shared", "constant"]  # run arguments: another value needs no other build


def parameter(
    name: str, dimension: Dimension, flags: Iterable[str] = (), var_type: str = FLOAT
) -> SingleEquation:
    return SingleEquation(
        PARAMETER, name, dimensions=dimension, var_type=var_type, flags=list(flags)
    )


def signals_of(hierarchy: Hierarchy, population: Population) -> list[str]:
    """The signals that a population links from the pacemaker, for itself and for its synapses."""
    used = {name for name in SIGNALS if population.uses(name)}
    return sorted(used | read_by_synapses(hierarchy, population) & set(SIGNALS))


def read_by_synapses(hierarchy: Hierarchy, population: Population) -> set[str]:
    """Variables of the population that some projection reads."""
    names = set()
    for projection in hierarchy.projections:
        for side, end in (("pre", projection.source), ("post", projection.target)):
            if end == population.name:
                names |= projection.reads(side)
    return names


def read_once_per_step(equations: Equations) -> set[str]:
    """What equations "(constant over dt)" read, by themselves or through other subexpressions."""
    found: set[str] = set()
    reading = [e for e in equations.values() if "constant over dt" in e.flags]
    while reading:
        names = set(reading.pop().identifiers) - found
        reading += [e for e in equations.values() if e.varname in names and e.type == SUBEXPRESSION]
        found |= names
    return found


def seeded(population: Population) -> bool:
    """Whether a population may draw random numbers, and has a seed."""
    return population.uses(NOISE) or bool(population.signals)


def kept(readout: Readout, variable: str) -> str:
    """Name of the variable in which a population keeps `variable` for `readout`."""
    return variable if readout.when in ("before_onset", "last") else f"{readout.when}_{variable}"


def make_group(
    hierarchy: Hierarchy,
    population: Population,
    clock: Clock,
    codes: TimedArray,
    shape: BlockShape,
    tables: Mapping[str, TimedArray],
    fired: bool = False,
) -> tuple[NeuronGroup, dict[str, str]]:
    """The NeuronGroup of a population, and its linked variables, {name: what it is linked to}: a
    "population.variable", or a signal. They are set by `link` once all groups exist.
    """
    readouts = [
        (r, v.partition(".")[2])
        for r in hierarchy.readouts
        for v in r.variables
        if v.partition(".")[0] == population.name
    ]
    flags = {"arriving", "presenting", "departing"} if readouts else set()
    flags |= {"starting" if event == "blank_onset" else "arriving" for event in population.on}
    linked = sorted(flags | set(signals_of(hierarchy, population)) - set(population.variables))

    batch = hierarchy.batch
    equations = [streams.equations_of_units(population.parsed, population.size, batch)]
    extra = [
        parameter(name, get_dimensions(value), _PARAMETER_FLAGS)
        for name, value in population.parameters.items()
    ]
    link_dims = {
        name: hierarchy.dimensions_of(path, population.where)
        for name, path in population.links.items()
    }
    scalar = {
        name
        for name, path in population.links.items()
        if hierarchy.population(path.partition(".")[0]).size < population.size
    }
    # Brian2's synapses cannot see a linked scalar; where they need one, the units hold a copy of
    # it.
    unit = streams.of_units("i", population.size, batch)
    own = own_signals.read(population, shape, tables, unit)
    own_dims = {name: dim for name, (_, dim) in own.linked.items()}
    copied = sorted(
        (scalar | set(linked) | set(own_dims)) & read_by_synapses(hierarchy, population)
    )
    dims = {**link_dims, **dict.fromkeys(linked, DIMENSIONLESS), **own_dims}
    for name, dim in dims.items():
        extra.append(parameter(f"link_{name}" if name in copied else name, dim, ["linked"]))
        if name in copied:
            extra.append(parameter(name, dim))
    reset = population.reset
    if fired:
        extra.append(parameter("fired", DIMENSIONLESS))
        reset = "\n".join([reset or "", "fired = 1"])
    settling = hierarchy.settling
    judged = settling.variable if settling and population.name in settling.populations else None
    if judged:
        extra.append(
            parameter(
                pacemaker.SETTLING_RATE,
                hierarchy.dimensions_of(f"{population.name}.{judged}", population.where),
            )
        )
    namespace = dict(own.namespace)
    equations.append(Equations(own.equations))
    if population.uses(TOKEN_CODE):
        extra.append(parameter("token_row", DIMENSIONLESS, ["linked"]))
        noise = " + stimulus_noise" if STIMULUS_NOISE in {s.name for s in shape.signals} else ""
        code = f"vocabulary_codes(token_row*second, {unit}){noise}"
        equations.append(Equations(f"token_code = {code} : 1"))
        namespace["vocabulary_codes"] = codes
    if seeded(population):
        extra.append(parameter("noise_seed", DIMENSIONLESS, _PARAMETER_FLAGS, INTEGER))
    if population.uses(NOISE):
        stream = zlib.crc32(population.name.encode()) & 0x7FFFFFFF
        equations.append(
            Equations(
                f"noise = counter_normal(noise_seed, {stream}, i, t_in_timesteps)/sqrt(dt) : second**-0.5 (constant over dt)"
            )
        )
        namespace["counter_normal"] = COUNTER_NORMAL
    keeping = []
    for readout, variable in readouts:
        name = kept(readout, variable)
        if name != variable and not any(e.varname == name for e in extra):
            extra.append(
                parameter(
                    name, hierarchy.dimensions_of(f"{population.name}.{variable}", population.where)
                )
            )
            keeping.append(
                f"{name} = presenting*((1 - arriving)*{name} + {variable})"
                if readout.when == "mean"
                else f"{name} = arriving*{variable} + (1 - arriving)*{name}"
            )
    for more in equations[1:]:
        equations[0] = equations[0] + more
    events = {"blank_onset": "starting > 0.5"} if "blank_onset" in population.on else {}
    if "onset" in population.on or any(r.when == "before_onset" for r, _ in readouts):
        events["onset"] = "arriving > 0.5"
    if any(r.when != "before_onset" for r, _ in readouts):
        events["departure"] = "departing > 0.5"
    group = NeuronGroup(
        population.size * batch,
        equations[0] + Equations(extra),
        name=population.name,
        clock=clock,
        method=population.method,
        order=population.order,
        threshold=population.threshold,
        reset=reset,
        refractory=population.refractory or False,
        events=dict(events),
        namespace=namespace,
    )
    for event in events:
        slot = (
            {"when": "end", "order": pacemaker.DEPART}
            if event == "departure"
            else {"when": "start", "order": 0}
        )
        group.set_event_schedule(event, **slot)
    for event, code in population.on.items():
        group.run_on_event(
            event,
            streams.of_units(code.replace(";", "\n"), population.size, batch),
            when="start",
            order=2,
        )
    if judged:  # the rate of this very step: its inputs are complete, its states have not moved yet
        group.run_regularly(
            f"{pacemaker.SETTLING_RATE} = {judged}",
            clock=clock,
            when="groups",
            order=population.order - 0.5,
            name=f"{population.name}_settling",
        )
    # What is computed once per step is computed before 'start', so it needs its copies before that.
    early = [name for name in copied if name in read_once_per_step(population.parsed)]
    for suffix, names, when, order in (
        ("early_copy", early, "before_start", population.order - 0.5),
        ("copy", copied, "start", COPY),
    ):
        if names:
            group.run_regularly(
                "\n".join(f"{name} = link_{name}" for name in names),
                clock=clock,
                when=when,
                order=order,
                name=f"{population.name}_{suffix}",
            )
    if keeping:
        group.run_regularly(
            "\n".join(keeping),
            clock=clock,
            when="end",
            order=pacemaker.KEEP,
            name=f"{population.name}_keep",
        )
    sources = {**population.links, **{name: name for name in linked}}
    if population.uses(TOKEN_CODE):
        sources["token_row"] = "token_row"
    sources |= {name: source for name, (source, _) in own.linked.items()}
    return group, {
        f"link_{name}" if name in copied else name: source for name, source in sources.items()
    }


def link(
    group: NeuronGroup,
    population: Population,
    names: Mapping[str, str],
    groups: Mapping[str, NeuronGroup],
    pace: NeuronGroup,
    batch: int = 1,
    other: bool = False,
) -> None:
    """Connect the linked variables of a group, {name: source} as of `make_group`. `other` is a
    population whose stream is not the one that paces the block.
    """
    for held, name in names.items():
        if "." in name:
            source, _, variable = name.partition(".")
            source = groups[source]
        else:
            source, variable = (
                groups[streams.NAME] if batch > 1 and name in streams.SIGNALS else pace,
                _signal_variable(name, population, other),
            )
        shared = len(source) == batch > 1 and len(group) > batch
        index = {"index": np.repeat(np.arange(batch), population.size)} if shared else {}
        setattr(group, held, linked_var(source, variable, **index))


def _signal_variable(name, population, other):
    """The pacemaker's variable for a signal that a population reads."""
    if name == PREDICTING:
        return pacemaker.predicting(population.level)
    return f"{name}_of_{population.name}" if other and name in pacemaker.OF_STREAMS else name


def make_codes(vocabulary: Vocabulary, of: str = "") -> TimedArray:
    codes = pacemaker.code_table(vocabulary)
    return TimedArray(codes, dt=1 * second, name=f"vocabulary_codes{of}")


def state_variables(group: NeuronGroup | Synapses) -> dict[str, ArrayVariable]:
    """The variables that make up the state of a group or of synapses, {name: ArrayVariable}.

    Brian2 marks what its own code writes (``lastspike``, ``lastupdate``) as read-only; they are
    part of the state all the same, so the mark is taken off.
    """
    found = {}
    for name, variable in group.variables.items():
        if (
            not isinstance(variable, ArrayVariable)
            or name.startswith("_")
            or variable.owner is None
        ):
            continue
        linked = (variable.owner.name, variable.name) != (group.name, name)
        if linked or name in ("N", "i", "j", "N_incoming", "N_outgoing", "delay"):
            continue
        if name in ("lastspike", "lastupdate"):
            variable.read_only = False
        if not variable.read_only:
            found[name] = variable
    return found
