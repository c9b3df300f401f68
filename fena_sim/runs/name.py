"""A run's name: a hash of what was declared and of the engine's number, so that what is finished is found again.

The code's version is not part of it: a comment, a message or a faster loop leaves every run its name. What decides numbers
does, and then ENGINE is raised (see `network.engine`). Versions and the commit are provenance, kept in the manifest.
"""

from ..declare.canonical import canonical, digest
from ..declare.model.hierarchy import Hierarchy
from ..declare.protocol.protocol import Protocol
from ..declare.protocol.timeline import Timeline
from ..network.engine import ENGINE
from .store.run import Run

#: Digits of the hash that a run folder's name ends in.
DIGITS = 10


def inputs_of(
    model: Hierarchy,
    protocol: Protocol,
    seed: int,
    device: str,
    start: tuple[Run, str] | None,
    timelines: dict[str, Timeline],
) -> dict:
    """Everything that decides the numbers of a run, as JSON-able data.

    Parameters
    ----------
    model : Hierarchy
    protocol : Protocol
    seed : int
    device : str
        Never "auto".
    start : (Run, str) or None
        The run and the block whose final state the first block starts from.
    timelines : dict of Timeline
        By block: they hold the values of control signals, of which a declaration may be a function.
    """
    inputs = {
        "model": canonical(model),
        "protocol": canonical(protocol),
        "seed": int(seed),
        "controls": {name: canonical(line.controls) for name, line in timelines.items()},
        "device": device,
        "start": None if start is None else canonical(start[0].state(start[1])),
        "engine": ENGINE,
    }
    signals = {name: canonical(line.signals) for name, line in timelines.items() if line.signals}
    return {**inputs, "signals": signals} if signals else inputs


def run_name(inputs: dict, protocol: Protocol, model: Hierarchy) -> str:
    """The name of the run folder, "protocol-model-seed0-0123456789"."""
    return f"{protocol.name}-{model.name}-seed{inputs['seed']}-{digest(inputs)[:DIGITS]}"
