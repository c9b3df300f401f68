"""A model as tables: populations, equations, projections, plasticity, parameters.

The tables follow Nordlie, Gewaltig & Plesser (2009), "Towards reproducible descriptions of neuronal
network models", PLoS Comput Biol 5:e1000456, doi 10.1371/journal.pcbi.1000456: a summary first,
then one table for each part of the model, so that a reader can rebuild it without its code.
"""

import re
from collections.abc import Callable, Iterable
from typing import TypeVar

from brian2 import get_unit
from brian2.equations.equations import DIFFERENTIAL_EQUATION, PARAMETER

from ..declare.model import equations as eq
from ..declare.model.hierarchy import Hierarchy
from ..declare.model.population import EVENTS
from ..declare.model.projection import ALL, ONE_TO_ONE, Projection
from ..network.projection import synapse_count as count
from .constants import initial_table, parameter_table, uses
from .typeset import NONE, Code, Formula, Table, codes, escape, initial_text, value_text

Member = TypeVar("Member")

READ_AT = {
    "before_onset": "last step before the token appears",
    "first": "first step of the presentation",
    "mean": "mean over the presentation",
    "last": "last step of the presentation",
}
_LATEX_HEAD = r"""% Needs \usepackage{amsmath, array, booktabs, longtable}; typeset with UTF-8 input.
\begingroup\footnotesize\setlength{\tabcolsep}{3pt}\setlength{\LTleft}{0pt}\setlength{\LTright}{0pt}
"""
_SOURCE = "Tables after Nordlie, Gewaltig & Plesser 2009, PLoS Comput Biol 5:e1000456, doi 10.1371/journal.pcbi.1000456."


def describe(model: Hierarchy, latex: bool = False) -> str:
    """A Hierarchy as Markdown tables, or as LaTeX to be included in an article.

    Parameters
    ----------
    model : Hierarchy
    latex : bool
        LaTeX (``longtable``, equations typeset) instead of Markdown.

    Returns
    -------
    str
        Sections A to J: summary, populations, equations, token events, links, projections,
        synapses, plasticity, parameters, initial values. Populations with equal equations, up to
        the number of their level, share one table of equations.
    """
    tables = [
        _summary(model),
        _populations(model),
        *_equations(model),
        _events(model),
        _links(model),
        _projections(model),
        *_synapses(model),
        *_plasticity(model),
        parameter_table(model),
        initial_table(model),
    ]
    if latex:
        parts = [*(t.latex() for t in tables), r"\noindent " + escape(_SOURCE), r"\endgroup"]
        return _LATEX_HEAD + "\n\n".join(parts) + "\n"
    return "\n\n".join([f"# {model.name}", *(t.markdown() for t in tables), _SOURCE]) + "\n"


def synapse_count(projection: Projection, model: Hierarchy) -> int:
    """Number of synapses of a projection."""
    sizes = [model.population(name).size for name in (projection.source, projection.target)]
    return count(projection, *sizes)


def kinds(
    members: Iterable[Member], texts: Callable[[Member], str], level: Callable[[Member], int | None]
) -> list[list[Member]]:
    """Members whose `texts` are equal, or equal once their own level number is taken out, as lists."""
    found: list[tuple[list[Member], str, str]] = []
    for member in members:
        own = texts(member)
        key = _without_level(own, level(member))
        for group, text, other in found:
            if own == text or key == other:
                group.append(member)
                break
        else:
            found.append(([member], own, key))
    return [group for group, _, _ in found]


def _without_level(texts, level):
    """`texts` with numbers at the end of names counted from `level`: error_1 at level 2 is
    error_<-1>.
    """
    if level is None:
        return texts
    return re.sub(
        r"(?<=[A-Za-z]_)(\d+)(?=\D|$)", lambda number: f"<{int(number[1]) - level}>", texts
    )


# -- sections ----------------------------------------------------------------------------------


def _summary(model):
    size = {
        level: sum(p.size for p in model.populations if p.level == level) for level in model.levels
    }
    apart = [p for p in model.populations if p.level is None]
    levels = [f"level {level}: {_units(n)}" for level, n in size.items()]
    levels += [f"no level: {_units(sum(p.size for p in apart))}"] * bool(apart)
    rules = [p.plasticity for p in model.projections if p.plasticity is not None]
    clocks = sorted({_clock(rule, model) for rule in rules if rule.clock_driven})
    members = (*model.populations, *model.projections)
    signals = [
        s for s in (*eq.SIGNALS, eq.TOKEN_CODE, eq.NOISE) if any(uses(m, s) for m in members)
    ]
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


def _populations(model):
    rows = [
        (
            Code(p.name),
            p.role,
            NONE if p.level is None else p.level,
            p.size,
            _clock(p, model),
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


def _equations(model):
    yield Table("C. Equations", (), [], (), "" if model.populations else NONE)
    texts = {
        p.name: "\n".join(
            [
                _equation_texts(p.parsed),
                *(f"{p.on.get(e)}" for e in EVENTS),
                f"{p.threshold}; {p.reset}; {p.refractory}; {p.method}",
            ]
        )
        for p in model.populations
    }
    for group in kinds(model.populations, lambda p: texts[p.name], lambda p: p.level):
        first = group[0]
        rows = [_equation_row(e, _origins(model, group, e.varname)) for e in first.parsed.values()]
        if first.threshold:
            rows.append(("Threshold", Formula(first.threshold), NONE))
        if first.reset:
            rows.append(("Reset", _assignments(first.reset), NONE))
        if first.refractory is not None:
            known = isinstance(first.refractory, str)
            rows.append(
                (
                    "Refractory",
                    Formula(first.refractory) if known else value_text(first.refractory),
                    NONE,
                )
            )
        note = f"Integration method: {first.method}.{_note(group, texts)}"
        yield _kind(group, rows, note)


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
            end in names and f"{name}_{side}" in _changed(*_spike_codes(q))
            for side, end in (("pre", q.source), ("post", q.target))
        )
    ]
    found = [f"sum over {', '.join(summing)}"] * bool(summing)
    found += [f"changed at spikes by {', '.join(spikes)}"] * bool(spikes)
    found += [f"set at {event}" for event, code in group[0].on.items() if name in _changed(code)]
    return "; ".join(found)


def _events(model):
    texts = {
        p.name: "\n".join(f"{event}: {code}" for event, code in p.on.items())
        for p in model.populations
    }
    rows = [
        (codes(p.name for p in group), event, _assignments(code))
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


def _links(model):
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


def _projections(model):
    rows = []
    for p in model.projections:
        initial = {}
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
                NONE if p.delay is None else value_text(p.delay),
                synapse_count(p, model),
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
    return names[projection.connect] if projection.connect in names else Formula(projection.connect)


def _synapses(model):
    yield Table("G. Synapses", (), [], (), "" if model.projections else NONE)
    texts = {
        p.name: "\n".join([_equation_texts(p.parsed), f"{p.on_pre}; {p.on_post}"])
        for p in model.projections
    }
    for group in kinds(
        model.projections, lambda p: texts[p.name], lambda p: model.population(p.target).level
    ):
        first = group[0]
        own = _changed(*_spike_codes(first))
        rows = [
            _equation_row(e, "changed at spikes" * (e.varname in own))
            for e in first.parsed.values()
        ]
        rows += _spike_rows(first)
        yield _kind(group, rows, _note(group, texts))


def _clock(member, model):
    """The time step of a population or of a plasticity."""
    return value_text(model.dt if member.clock is None else member.clock)


def _plasticity(model):
    plastic = [p for p in model.projections if p.plasticity is not None]
    yield Table("H. Plasticity", (), [], (), "" if plastic else NONE)
    texts = {
        p.name: "\n".join(
            [
                _equation_texts(p.plasticity.parsed),
                f"{p.plasticity.on_pre}; {p.plasticity.on_post}",
                _clock(p.plasticity, model),
            ]
        )
        for p in plastic
    }
    for group in kinds(
        plastic, lambda p: texts[p.name], lambda p: model.population(p.target).level
    ):
        rule = group[0].plasticity
        rows = [_equation_row(e) for e in rule.parsed.values()] + _spike_rows(rule)
        clock = (
            f"Euler steps of {_clock(rule, model)}."
            if rule.clock_driven
            else "Event-driven, at spikes."
        )
        yield _kind(group, rows, clock + _note(group, texts))


def _kind(group, rows, note):
    """The equations that the members of `group` share."""
    title = ", ".join(member.name for member in group)
    return Table(title, ("Kind", "Equation", "Unit"), rows, (0.2, 0.7, 0.1), note.strip(), depth=3)


# -- rows --------------------------------------------------------------------------------------


def _equation_texts(equations):
    return "\n".join(
        f"{e.type} {e.varname} = {e.expr} : {e.dim!r} {sorted(e.flags)}" for e in equations.values()
    )


def _equation_row(equation, origin=""):
    unit = {"boolean": "true/false", "integer": "integer"}.get(equation.var_type) or _unit(
        equation.dim
    )
    if equation.type == PARAMETER:
        return origin or "held", Formula(equation.varname), unit
    rate = equation.type == DIFFERENTIAL_EQUATION
    flags = [flag for flag in equation.flags if flag != "summed"]
    name = "differential" if rate else "summed" if "summed" in equation.flags else "algebraic"
    left = f"d{equation.varname}/dt" if rate else equation.varname
    return (
        ", ".join([name, *flags, *[origin] * bool(origin)]),
        Formula(str(equation.expr), left, equation=True),
        unit,
    )


def _unit(dim):
    return "1" if dim.is_dimensionless else str(get_unit(dim)).removeprefix("1. ").strip()


def _spike_rows(synapses):
    sides = (
        ("at presynaptic spikes", synapses.on_pre),
        ("at postsynaptic spikes", synapses.on_post),
    )
    return [(when, _assignments(code), NONE) for when, code in sides if code]


def _spike_codes(projection):
    rule = projection.plasticity
    return (projection.on_pre, projection.on_post, *((rule.on_pre, rule.on_post) if rule else ()))


def _assignments(code):
    return tuple(Formula(right, left, operator) for left, operator, right in eq.statements(code))


def _changed(*codes):
    return {left for code in codes for left, _, _ in eq.statements(code)}


def _note(group, texts):
    alike = all(texts[p.name] == texts[group[0].name] for p in group)
    return (
        ""
        if alike
        else f" Written for {group[0].name}; the others carry the number of their own level."
    )
