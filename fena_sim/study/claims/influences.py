"""Tests whether a synapse changes only by what it can see (claim C01), by changing everything it
cannot see.

A rule is evaluated twice from the same state of a running network. The second time, every variable
of every other level, and of all other synapses, has another value: its own levels (those of its
source and of its target), its own variables, and the protocol's signals are the same. What differs
between the two changes is what the rule knows from elsewhere. Copies that the build makes of linked
variables, and equations "constant over dt", are made anew before the rule is evaluated, so that
what reaches a unit from another level in this way is found too.
"""

from collections.abc import Iterable, Mapping

import attrs
import numpy as np
from brian2 import get_unit

from ...declare.model.hierarchy import Hierarchy
from ...declare.model.population import Population
from ...declare.model.projection import Projection
from ...declare.protocol.block import Block
from ...declare.protocol.timeline import timeline
from ...device.runtime import RuntimeDevice
from ...errors import DeclarationError, LocalityError
from ...network.initial_state import initial_state
from ...network.pacemaker import NAME as PACEMAKER
from ...network.pacemaker import table_values
from ...network.shape import BlockShape
from ...network.wiring import wire

#: Steps in which a change by spikes is looked for, from the middle and from the end of every
#: presentation.
STRIDE = 256


def influences(model: Hierarchy, block: Block, seeds: Iterable[int]) -> dict[str, list[float]]:
    """Influence of everything elsewhere on the changes of each plastic projection.

    Formula: max |dw' - dw| / max |dw|, over all variables and synapses of the projection, with dw
    the change in one evaluation of the rule (of a rule at spikes: in one time step), and dw' the
    change after everything elsewhere was moved by normal random numbers of standard deviation 1.
    Window: of the first, the middle and the last step of every presentation, before the step or at
    the rule's place in it, the first in which some weight changes; of a rule at spikes, the first
    spike after them that changes one.

    Parameters
    ----------
    model : Hierarchy
    block : Block
        Tokens that make the network learn.
    seeds : sequence of int
        Networks.

    Returns
    -------
    dict
        {projection: [float, one per seed]}; 0 where the rule is local. Empty if nothing is plastic.

    Raises
    ------
    DeclarationError
        If a plastic projection does not change during the block.
    """
    plastic = [p for p in model.projections if p.plasticity is not None]
    if not plastic:
        return {}
    line = timeline(block, model.dt, model)
    shape = BlockShape.of(line, len(line) + 1)
    tables = table_values(line, 0, shape)
    found: dict[str, list[float]] = {projection.name: [] for projection in plastic}
    built = None
    for seed in seeds:
        wired = wire(model, seed)
        if wired is not built:
            program = RuntimeDevice().build(wired, block.side_by_side[0].vocabulary, shape)
            built = wired
        waiting = list(plastic)
        for before, start in _states(program, wired, seed, tables, line):
            for projection in list(waiting):
                value = _influence(
                    program, wired, projection, before, tables, start, np.random.default_rng(seed)
                )
                if value is not None:
                    found[projection.name].append(value)
                    waiting.remove(projection)
            if not waiting:
                break
        else:
            raise DeclarationError(
                f"{waiting[0].name!r} did not change in {len(line)} tokens",
                where=model.where,
                fix="present more tokens",
            )
    return found


def _states(program, model, seed, tables, line):
    """(state, step) before the first step, in the middle and before the last step of every token's
    presentation.
    """
    state, step, onset = program.complete(initial_state(model, seed)), 0, 0
    state[f"{PACEMAKER}.hold"][:] = line.hold
    for blank, total in zip(line.blank.astype(int), line.most_steps.astype(int), strict=True):
        moments = {blank, (blank + total) // 2, total - 1}
        for moment in sorted(onset + steps for steps in moments):
            state, _ = program.run(state, tables, step, moment - step)
            step = moment
            yield state, step
        onset += total


def _influence(program, model, projection, state, tables, start, random):
    """The influence from elsewhere, or None if no weight changes here."""

    def evaluate(given):
        with np.errstate(invalid="ignore"):  # moved variables may be below 0, under a square root
            return _evaluated(program.built.groups, projection, given)

    def step(given):
        return program.run(given, tables, start, 1)[0]

    if projection.spiking:
        state, start = _spike(program, projection, state, tables, start)
        change, after = step, step(state)
    else:
        change, after = evaluate, evaluate(state)
        if not _moved(projection, state, after):
            # What acts when the token comes on is seen only within that step.
            state = _in_the_step(program, projection, state, tables, start)
            after = evaluate(state)
    if not _moved(projection, state, after):
        return None
    elsewhere = foreign(model, projection, state)
    other = change(
        {
            name: values + random.normal(size=values.shape) if name in elsewhere else values
            for name, values in state.items()
        }
    )
    own = [
        f"{projection.name}.{name}"
        for name in projection.own_variables
        if f"{projection.name}.{name}" in state
    ]
    largest = max(np.abs(after[name] - state[name]).max() for name in own)
    return float(max(np.abs(other[name] - after[name]).max() for name in own) / largest)


def _in_the_step(program, projection, state, tables, start):
    """The state that a rule finds in its time step, after all that comes before it there."""
    objects = list(program.built.network.sorted_objects)
    names = [o.name for o in objects]
    later = [o for o in objects[names.index(f"{projection.name}_plasticity") :] if o.active]
    for o in later:
        o.active = False
    try:
        return program.run(state, tables, start, 1)[0]
    finally:
        for o in later:
            o.active = True


def _spike(program, projection, state, tables, start):
    """(state, step) before the first step of the next STRIDE in which a spike changes a weight, if
    there is one.
    """

    def after(steps):
        return program.run(state, tables, start, steps)[0] if steps else state

    low, high = 0, STRIDE  # no weight is changed after `low` steps
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _moved(projection, state, after(middle)) else (middle, high)
    return after(low), start + low


def _evaluated(groups, projection, state):
    """The state of a projection after one evaluation of its rule alone."""
    for name, values in state.items():
        owner, _, variable = name.partition(".")
        groups[owner].variables[variable].set_value(values)
    objects = {o.name: o for group in groups.values() for o in group.contained_objects}
    for suffix in ("_subexpression_update", "_copy"):
        for population in groups:
            if population + suffix in objects:
                objects[population + suffix].run()
    objects[f"{projection.name}_plasticity"].run()
    own = groups[projection.name]
    return {
        name: np.array(own.variables[name.partition(".")[2]].get_value())
        for name in state
        if name.startswith(f"{projection.name}.")
    }


def _moved(projection, before, after):
    return any(
        (before[f"{projection.name}.{name}"] != after[f"{projection.name}.{name}"]).any()
        for name in projection.initial
    )


def foreign(model: Hierarchy, projection: Projection, state: Mapping[str, np.ndarray]) -> set[str]:
    """Names in a state that synapses of a projection cannot know: variables of other levels and of
    other synapses.
    """
    near = {model.population(name).level for name in (projection.source, projection.target)}
    far = {p.name for p in model.populations if p.level not in near}
    far |= {p.name for p in model.projections if p.name != projection.name}
    far |= {f"delay_{p.name}" for p in model.projections if p.source in far}
    parameters = set(model.parameters())
    return {
        name
        for name, values in state.items()
        if name.partition(".")[0] in far
        and name not in parameters
        and values.dtype.kind == "f"
        and not name.endswith((".noise_seed", ".lastspike"))
    }


def planted(model: Hierarchy) -> dict[str, bool]:
    """Rules that are not local, and whether each is refused: {description: bool}, four for every
    plastic projection.

    Planted into the rule: the name of another level's variable; a variable that the target links
    from another level; another name for that; a scalar of the target's level that collects another
    level's activity.
    """
    found = {}
    for projection in model.projections:
        target = model.population(projection.target)
        others = [
            p
            for p in model.populations
            if p.level not in (None, target.level) and p.name != projection.source
        ]
        others = [
            p
            for p in others or model.populations
            if p.variables and p.level != target.level and p.size in (1, target.size)
        ]
        if projection.plasticity is None or not others:
            continue
        other = others[-1]
        variable = next(iter(other.variables))
        dimensions = other.variables[variable]
        unit = "1" if dimensions.is_dimensionless else repr(get_unit(dimensions))
        link, again = dict(planted=f"{other.name}.{variable}"), f"\nrenamed = planted : {unit}"
        scalar = Population(
            name="planted_scalar", size=1, level=target.level, equations=f"gathered : {unit}"
        )
        pool = Projection(
            name="planted_pool",
            source=other.name,
            target="planted_scalar",
            equations=f"gathered_post = {variable}_pre : {unit} (summed)",
        )
        ways = {
            "a name of another level": (dict(), "", variable, ()),
            "a link to another level": (link, "", "planted_post", ()),
            "another name for a link": (link, again, "renamed_post", ()),
            "a scalar that collects another level": (
                dict(planted="planted_scalar.gathered"),
                "",
                "planted_post",
                (scalar, pool),
            ),
        }
        for way, (links, equations, read, added) in ways.items():
            changed = attrs.evolve(
                target, links={**target.links, **links}, equations=target.equations + equations
            )
            rule = attrs.evolve(
                projection.plasticity,
                equations=f"{projection.plasticity.equations}\nleak = {read} : {unit}",
            )
            populations: list = [
                changed if p.name == target.name else p for p in model.populations
            ] + list(added[:1])
            projections = [
                attrs.evolve(projection, plasticity=rule) if p.name == projection.name else p
                for p in model.projections
            ] + list(added[1:])
            try:
                attrs.evolve(model, populations=populations, projections=projections)
                found[f"{projection.name}: {way}"] = False
            except DeclarationError as error:  # refused for any other reason does not count
                found[f"{projection.name}: {way}"] = isinstance(error, LocalityError)
    return found
