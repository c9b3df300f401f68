"""Sections B to E of a model's description: populations, their equations, what token events change,
and links.
"""

from collections.abc import Iterator

from ..declare.model.hierarchy import Hierarchy
from ..declare.model.population import EVENTS
from .equation_rows import (
    assignments,
    changed,
    equation_row,
    equation_texts,
    kinds,
    note_on_levels,
    shared_table,
    spike_codes,
)
from .typeset import NONE, Code, Formula, Table, clock_text, codes, value_text


def population_table(model: Hierarchy) -> Table:
    """Section B: one population a row."""
    rows = [
        (
            Code(p.name),
            p.role,
            NONE if p.level is None else p.level,
            p.size,
            clock_text(p, model),
            p.order,
        )
        for p in model.populations
    ]
    return Table(
        "B. Populations",
        ("Population", "Role", "Level", "Size", "Time step", "Order"),
        rows,
        (0.3, 0.22, 0.1, 0.1, 0.16, 0.12),
        "Within a time step, populations are updated in increasing order.",
    )


def equation_tables(model: Hierarchy) -> Iterator[Table]:
    """Section C: its heading, then a table for each set of populations with equal equations."""
    yield Table("C. Equations", (), [], (), "" if model.populations else NONE)
    texts = {
        p.name: "\n".join(
            [
                equation_texts(p.parsed),
                *(f"{p.on.get(e)}" for e in EVENTS),
                f"{p.threshold}; {p.reset}; {p.refractory}; {p.method}",
            ]
        )
        for p in model.populations
    }
    for group in kinds(model.populations, lambda p: texts[p.name], lambda p: p.level):
        first = group[0]
        rows = [equation_row(e, _origins(model, group, e.varname)) for e in first.parsed.values()]
        if first.threshold:
            rows.append(("Threshold", Formula(first.threshold), NONE))
        if first.reset:
            rows.append(("Reset", assignments(first.reset), NONE))
        if first.refractory is not None:
            known = isinstance(first.refractory, str)
            rows.append(
                (
                    "Refractory",
                    Formula(first.refractory) if known else value_text(first.refractory),
                    NONE,
                )
            )
        note = f"Integration method: {first.method}.{note_on_levels(group, texts)}"
        yield shared_table(group, rows, note)


def _origins(model, group, name):
    """What else sets a variable: projections that sum into it, token events, spikes."""
    names = {p.name for p in group}
    summing = [
        q.name
        for q in model.projections
        if any(name in q.inputs_of(population) for population in names)
    ]
    spikes = [
        q.name
        for q in model.projections
        if any(
            end in names and f"{name}_{side}" in changed(*spike_codes(q))
            for side, end in (("pre", q.source), ("post", q.target))
        )
    ]
    found = [f"sum over {', '.join(summing)}"] * bool(summing)
    found += [f"changed at spikes by {', '.join(spikes)}"] * bool(spikes)
    found += [f"set at {event}" for event, code in group[0].on.items() if name in changed(code)]
    return "; ".join(found)


def event_table(model: Hierarchy) -> Table:
    """Section D: the statements that populations execute at the events of a token."""
    texts = {
        p.name: "\n".join(f"{event}: {code}" for event, code in p.on.items())
        for p in model.populations
    }
    rows = [
        (codes(p.name for p in group), event, assignments(code))
        for group in kinds(
            [p for p in model.populations if p.on], lambda p: texts[p.name], lambda p: p.level
        )
        for event, code in group[0].on.items()
    ]
    note = "Blank onset: the first step of a token's period; onset: the step at which it appears."
    return Table(
        "D. Token events",
        ("Populations", "Event", "Statements"),
        rows,
        (0.3, 0.12, 0.58),
        note if rows else NONE,
    )


def link_table(model: Hierarchy) -> Table:
    """Section E: what populations read of others without synapses."""
    rows = [
        (Code(p.name), tuple(Code(f"{name} = {path}") for name, path in p.links.items()))
        for p in model.populations
        if p.links
    ]
    return Table(
        "E. Links",
        ("Population", "Reads"),
        rows,
        (0.25, 0.75),
        "Read at the same time step, unit by unit, or shared by all units." if rows else NONE,
    )
