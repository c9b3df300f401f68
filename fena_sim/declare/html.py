"""Small HTML tables for notebooks. Everything that a user wrote is escaped, and nothing is fetched."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

#: Rows of a table that are shown; of longer ones the rest is counted.
MOST = 30


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """An HTML table of texts and numbers.

    Parameters
    ----------
    caption : str
    head : sequence of str
        Names of the columns.
    rows : iterable of sequences
        Values; None is an empty cell.

    Returns
    -------
    str
    """
    shown = list(rows)
    rest = len(shown) - MOST
    lines = ["".join(_cell("td", value) for value in row) for row in shown[:MOST]]
    if rest > 0:
        lines.append(f'<td colspan="{len(head)}">and {rest} more</td>')
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    names = "".join(_cell("th", name) for name in head)
    return (
        f'<table><caption style="text-align:left">{escape(caption)}</caption>'
        f"<thead><tr>{names}</tr></thead><tbody>{body}</tbody></table>"
    )


def _cell(kind, value):
    text = "" if value is None else f"{value:,}" if isinstance(value, int) else str(value)
    return f'<{kind} style="text-align:left">{escape(text)}</{kind}>'


def model_html(model: Any) -> str:
    """The populations and projections of a Hierarchy, as HTML tables."""
    populations = [(p.name, p.role, p.level, p.size) for p in model.populations]
    projections = [
        (p.name, f"{p.source} to {p.target}", "yes" if p.plasticity else "no")
        for p in model.projections
    ]
    about = f": {model.description}" if model.description else ""
    batch = f", {model.batch} streams side by side" if model.batch > 1 else ""
    return table(
        f"Hierarchy {model.name}{about} (dt {model.dt}{batch})",
        ("population", "role", "level", "size"),
        populations,
    ) + table("Projections", ("projection", "joins", "plastic"), projections)


def protocol_html(protocol: Any) -> str:
    """The blocks of a Protocol, as an HTML table."""
    rows = []
    for block in protocol.blocks:
        recorded = [f"{p.key}: {', '.join(p.variables)}" for p in block.probes]
        rows.append((block.name, len(block), protocol.origin(block), "; ".join(recorded)))
    about = f": {protocol.description}" if protocol.description else ""
    blocks = table(
        f"Protocol {protocol.name}{about}", ("block", "tokens", "starts from", "records"), rows
    )
    if not protocol.measured:
        return blocks
    signals = [
        (name, str(s.population), s.variable, s.part, s.weight, s.norm)
        for name, s in sorted(protocol.measured.items())
    ]
    head = ("signal", "population", "variable", "part", "weight", "norm")
    return blocks + table("Measured signals", head, signals)
