"""Starting from the final state of a block, of this or another run.

Measured signals are no part of what a network has learned: a state may have been saved without the
signals of a run that starts from it, or with others. A signal that was declared alike goes on, every
other one starts at its initial value.
"""

from collections.abc import Mapping

import numpy as np

from ..declare.canonical import canonical
from ..declare.measured.attach import belongs
from ..declare.measured.signal import Signal
from ..declare.model.equations import STIMULUS_NOISE
from ..declare.model.hierarchy import Hierarchy
from ..errors import CheckpointError
from ..network import streams
from ..network.delay import line_sizes
from ..network.initial_state import initial_state, state_names
from ..network.pacemaker import NAME as PACEMAKER
from ..network.projection import synapse_count
from .store.run import Run

#: In states of version 0.1.0; computed anew in every step.
FORMER = ".watched_rate"


def carried(model: Hierarchy, state: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What of a block's final state the next block goes on with: not what every step reads anew from
    the block's own tables, of other modalities and of signals, for the next block may have no such table.
    """
    return {name: values for name, values in state.items() if not _from_tables(model, name)}


def _from_tables(model, name):
    owner, _, variable = name.partition(".")
    signals = {p.name: p.signals for p in model.populations}
    if owner == PACEMAKER:
        signals[owner] = {signal for own in signals.values() for signal in own}
        if "_of_" in variable:
            return True
    if owner not in signals:
        return False
    read = {*signals[owner], STIMULUS_NOISE}
    return any(variable.removeprefix(prefix) in read for prefix in ("", "mean_", "row_of_"))


def start_state(
    model: Hierarchy, seed: int, origin: Run, block: str, measured: Mapping[str, Signal]
) -> dict[str, np.ndarray]:
    """State to start from: `origin`'s at the end of `block`, with the parameters and the noise of
    this run, and with its measured signals, which `model` has.
    """
    initial, constants, new = initial_state(model, seed), _constants(model), _new(origin, measured)
    fixed = {name: values for name, values in initial.items() if name in constants}
    begun = {name: values for name, values in initial.items() if belongs(_owner(name), new)}
    shared = carried(model, _shared_out(model, origin, block, measured))
    return {**begun, **shared, **fixed}


def _owner(name):
    return name.partition(".")[0]


def _new(origin, measured):
    """Names of measured signals that the run to start from has not, or declares otherwise."""
    known = origin.manifest["inputs"]["protocol"].get("measured", {})
    return {name for name, signal in measured.items() if known.get(name) != canonical(signal)}


def _shared_out(model, origin, block, measured):
    """`origin`'s state at the end of `block`, without measured signals that this run does not go on
    with; a copy for every stream of `model` where `origin` had no batch.
    """
    inputs = origin.manifest["inputs"]
    declared = [
        member["name"]
        for kind in ("populations", "projections")
        for member in inputs["model"].get(kind, ())
    ]
    left = set(inputs["protocol"].get("measured", {})) - (set(measured) - _new(origin, measured))
    # A parameter's value is the model's own: one that it has no longer, or under another name, is
    # left behind.
    gone = set(origin.manifest["model"]["parameters"]) - set(model.parameters())
    state = {
        name: values
        for name, values in origin.state(block).items()
        if name not in gone
        and not name.endswith(FORMER)
        and not (belongs(_owner(name), left) and _owner(name) not in declared)
    }
    if origin.batch == model.batch:
        return state
    copied = {p.name for p in model.populations}
    state = {
        name: np.tile(values, model.batch)
        if _owner(name) in copied and name not in _constants(model)
        else values
        for name, values in state.items()
        if name != f"{PACEMAKER}.token_row"
    }
    return {**state, f"{streams.NAME}.iterations": np.zeros(model.batch)}


def check_start(model: Hierarchy, origin: Run, block: str, measured: Mapping[str, Signal]) -> None:
    """Raise CheckpointError unless the state at the end of `block` is one of `model`'s, but for
    measured signals; nothing is built for it.
    """
    if origin.batch not in (1, model.batch):
        _refuse(
            f"{origin.batch} streams were presented side by side, the model asks for {model.batch}",
            model,
            origin,
            block,
            f"start from one of run.streams, or --set batch={origin.batch}",
        )
    new = _new(origin, measured)
    state = _shared_out(model, origin, block, measured)
    sizes = {owner: size for owner, size in _sizes(model).items() if not belongs(owner, new)}
    for name, values in state.items():
        owner = _owner(name)
        if owner not in sizes:
            _refuse(f"the state holds {name!r}, the model has no {owner!r}", model, origin, block)
        if len(values) not in (1, sizes[owner]):
            _refuse(
                f"the state has {len(values)} values of {name!r}, the model {sizes[owner]}",
                model,
                origin,
                block,
            )
    needed = {name for name in state_names(model) if not belongs(_owner(name), new)}
    missing = sorted(needed - _constants(model) - set(state))
    if missing:
        _refuse(f"the state holds no {missing[0]!r}, which the model needs", model, origin, block)


def _refuse(what, model, origin, block, fix="start from a run of the same model"):
    raise CheckpointError(
        what, where=f"{model.where}, starting from block {block!r} of {origin.id}", fix=fix
    )


def _constants(model):
    """Entries of the state that the declarations of a run decide, whatever state it starts from."""
    noise = {f"{p.name}.noise_seed" for p in model.populations}
    return set(model.parameters()) | noise | {f"{PACEMAKER}.tolerance", f"{streams.NAME}.tolerance"}


def _sizes(model):
    """Elements of every object that carries state: {object: int}."""
    sizes = {
        PACEMAKER: 1,
        streams.NAME: model.batch,
        **{p.name: p.size * model.batch for p in model.populations},
    }
    for projection in model.projections:
        n_source, n_target = (
            model.population(projection.source).size,
            model.population(projection.target).size,
        )
        sizes[projection.name] = synapse_count(projection, n_source, n_target)
        if projection.delay is not None:
            sizes |= line_sizes(projection, model)
    return sizes
