"""Sections F to H of a model's description: projections, the equations of their synapses, and
plasticity.
"""

from collections.abc import Iterator

from ..declare.model.connectivity import ALL, ONE_TO_ONE, DistanceDependent, Probability
from ..declare.model.hierarchy import Hierarchy
from ..declare.model.projection import Projection
from ..network.projection import synapse_count as count
from .equation_rows import (
    changed,
    equation_row,
    equation_texts,
    kinds,
    note_on_levels,
    shared_table,
    spike_codes,
    spike_rows,
)
from .typeset import NONE, Code, Formula, Table, clock_text, initial_text


def synapse_count(projection: Projection, model: Hierarchy) -> int:
    """Number of synapses of a projection; on average where each pair is joined by chance."""
    sizes = [model.population(name).size for name in (projection.source, projection.target)]
    return count(projection, *sizes)


def projection_table(model: Hierarchy) -> Table:
    """Section F: one projection a row."""
    rows = []
    for p in model.projections:
        initial: dict[str, list[str]] = {}
        for name, value in p.initial.items():
            initial.setdefault(initial_text(value), []).append(name)
        weights = (
            "; ".join(f"{', '.join(names)}: {value}" for value, names in initial.items()) or NONE
        )
        delivered = tuple(
            Code(f"{p.target if name.endswith('_post') else p.source}.{name.rpartition('_')[0]}")
            for name in p.summed
        ) or ("at spikes" if p.spiking else NONE)
        rows.append(
            (
                Code(p.name),
                Code(p.source),
                Code(p.target),
                _connectivity(p),
                NONE if p.delay is None else initial_text(p.delay),
                _count(p, model),
                delivered,
                weights,
            )
        )
    return Table(
        "F. Projections",
        (
            "Projection",
            "Source",
            "Target",
            "Connectivity",
            "Delay",
            "Synapses",
            "Summed inputs",
            "Initial weights",
        ),
        rows,
        (0.12, 0.11, 0.12, 0.14, 0.08, 0.11, 0.16, 0.16),
        "" if rows else NONE,
    )


def _connectivity(projection):
    names = {ALL: "all-to-all", ONE_TO_ONE: "one-to-one"}
    if not isinstance(projection.connect, str):
        return str(projection.connect)
    return names[projection.connect] if projection.connect in names else Formula(projection.connect)


def _count(projection, model):
    count = synapse_count(projection, model)
    by_chance = isinstance(projection.connect, (Probability, DistanceDependent))
    return f"about {count}" if by_chance else count


def synapse_tables(model: Hierarchy) -> Iterator[Table]:
    """Section G: its heading, then a table for each set of projections with equal equations."""
    yield Table("G. Synapses", (), [], (), "" if model.projections else NONE)
    texts = {
        p.name: "\n".join([equation_texts(p.parsed), f"{p.on_pre}; {p.on_post}"])
        for p in model.projections
    }
    for group in kinds(
        model.projections, lambda p: texts[p.name], lambda p: model.population(p.target).level
    ):
        first = group[0]
        own = changed(*spike_codes(first))
        rows = [
            equation_row(e, "changed at spikes" * (e.varname in own)) for e in first.parsed.values()
        ]
        rows += spike_rows(first)
        yield shared_table(group, rows, note_on_levels(group, texts))


def plasticity_tables(model: Hierarchy) -> Iterator[Table]:
    """Section H: its heading, then a table for each set of projections with equal plasticity."""
    plastic = [p for p in model.projections if p.plasticity is not None]
    yield Table("H. Plasticity", (), [], (), "" if plastic else NONE)
    texts = {
        p.name: "\n".join(
            [
                equation_texts(p.plasticity.parsed),
                f"{p.plasticity.on_pre}; {p.plasticity.on_post}",
                clock_text(p.plasticity, model),
            ]
        )
        for p in plastic
    }
    for group in kinds(
        plastic, lambda p: texts[p.name], lambda p: model.population(p.target).level
    ):
        rule = group[0].plasticity
        rows = [equation_row(e) for e in rule.parsed.values()] + spike_rows(rule)
        clock = (
            f"Euler steps of {clock_text(rule, model)}."
            if rule.clock_driven
            else "Event-driven, at spikes."
        )
        yield shared_table(group, rows, clock + note_on_levels(group, texts))
