"""Section K of a model's description: the signals that a protocol measures."""

from ..declare.measured.sources import sources, span
from ..declare.model.hierarchy import Hierarchy
from ..declare.protocol.protocol import Protocol
from .typeset import NONE, Code, Table, codes, value_text


def measured_table(model: Hierarchy, protocol: Protocol) -> Table:
    """Section K: one measured signal a row. Raises as `declare.measured.sources.sources`."""
    rows = []
    for name, signal in sorted(protocol.measured.items()):
        found = sources(signal, model, f"measured signal {name!r}")
        part = f"{signal.part}, above {value_text(signal.threshold)}" if signal.threshold else ""
        rows.append(
            (
                Code(name),
                codes(source.path for source in found),
                sum(source.size for source in found),
                part or signal.part,
                Code(signal.weight) if signal.weight else NONE,
                signal.norm,
                NONE if signal.lowpass is None else value_text(signal.lowpass),
                NONE if signal.window is None else span(signal.window),
                NONE if signal.baseline is None else span(signal.baseline),
            )
        )
    note = (
        "Response: mean over the window, from the onset of a token, minus mean over the baseline."
    )
    return Table(
        f"K. Measured signals of {protocol.name}",
        (
            "Signal",
            "Computed from",
            "Units",
            "Part",
            "Weight",
            "Norm",
            "Low-pass",
            "Window",
            "Baseline",
        ),
        rows,
        (0.09, 0.19, 0.07, 0.11, 0.15, 0.09, 0.09, 0.1, 0.11),
        note if rows else NONE,
    )
