"""The state of a network before anything is presented, and before another block."""

import zlib
from collections.abc import Collection, Mapping
from functools import partial

import numpy as np

from ..declare.model import initial
from ..declare.model.connectivity import ALL, Pairs
from ..declare.model.equations import STIMULUS_NOISE, TOKEN_CODE
from ..declare.model.hierarchy import Hierarchy
from . import pacemaker, projection, streams
from .population import seeded
from .wiring import wire


def check_initial_state(hierarchy: Hierarchy) -> None:
    """Raise what `initial_state` would raise, without drawing a value.

    Raises
    ------
    DeclarationError
        A projection joins no pair of units.
    ValueError
        A value does not fit the shape of its variable, or a distribution cannot be drawn from.
    """
    for declared in hierarchy.projections:
        n_source = hierarchy.population(declared.source).size
        n_target = hierarchy.population(declared.target).size
        projection.synapse_count(declared, n_source, n_target)
        for name, value in declared.initial.items():
            of_pairs = isinstance(declared.connect, Pairs) and np.ndim(value) == 1
            initial.check(value, (len(declared.connect),) if of_pairs else (n_source, n_target))
    for declared in hierarchy.populations:
        for name, value in declared.initial.items():
            initial.check(value, (declared.size,))


def initial_state(hierarchy: Hierarchy, seed: int) -> dict[str, np.ndarray]:
    """The state before anything is presented: {"object.variable": float64 array}, in base SI units.

    Populations hold the units of all streams, unit u of N in stream b at b*N + u. Holds what the
    declarations determine; whatever a device adds beyond it starts at zero.
    """
    return {name: make() for name, make in _makers(wire(hierarchy, seed), seed).items()}


def state_names(hierarchy: Hierarchy) -> set[str]:
    """The names in `initial_state`, without a value."""
    return set(_makers(hierarchy, 0))


def carried(
    hierarchy: Hierarchy, variables: Collection[str], state: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """A state without what was of its block alone: variables of the pacemaker, and values of signals
    of one's own, that the network of the next block, with other streams and signals, has not. Each is
    computed anew in every step.

    Parameters
    ----------
    hierarchy : Hierarchy
    variables : set of str
        "object.variable" of the next block's network.
    state : dict of arrays
    """
    of_signals = {
        f"{population.name}.{form}{name}"
        for population in hierarchy.populations
        for name in (
            *population.signals,
            *([STIMULUS_NOISE] if population.uses(TOKEN_CODE) else []),
        )
        for form in ("", "mean_", "row_of_")
        if f"{form}{name}" not in population.variables
    }
    return {
        name: values
        for name, values in state.items()
        if name in variables or not (name in of_signals or name.partition(".")[0] == pacemaker.NAME)
    }


def _makers(hierarchy, seed):
    """{"object.variable": a function that makes its array}."""
    makers, batch = {}, hierarchy.batch
    for declared in hierarchy.populations:
        for name, value in declared.parameters.items():
            makers[f"{declared.name}.{name}"] = partial(_single, value)
        for name in declared.initial:
            makers[f"{declared.name}.{name}"] = partial(_of_units, declared, name, seed, batch)
        if seeded(declared):
            makers[f"{declared.name}.noise_seed"] = partial(_single, noise_seed(seed))
        if declared.refractory:  # as in Brian2: the last spike was long ago
            size = declared.size * batch
            makers[f"{declared.name}.lastspike"] = partial(np.full, size, -1e4)
            makers[f"{declared.name}.not_refractory"] = partial(np.ones, size)
    for declared in hierarchy.projections:
        shape = (
            hierarchy.population(declared.source).size,
            hierarchy.population(declared.target).size,
        )
        for name, value in declared.all_parameters.items():
            makers[f"{declared.name}.{name}"] = partial(_single, value)
        for name in declared.initial:
            makers[f"{declared.name}.{name}"] = partial(_of_synapses, declared, name, seed, shape)
    for name, value in pacemaker.initial_values(hierarchy).items():
        makers[f"{pacemaker.NAME}.{name}"] = partial(_single, value)
    if batch > 1:
        for name, values in streams.initial_values(hierarchy).items():
            makers[f"{streams.NAME}.{name}"] = partial(np.array, values)
    return makers


def _single(value):
    return np.array([float(value)])


def _of_units(declared, name, seed, batch):
    value = declared.initial[name]
    return np.concatenate(
        [
            initial.draw(value, seed, declared.name, name, (declared.size,), stream)
            for stream in range(batch)
        ]
    )


def _of_synapses(declared, name, seed, shape):
    value = declared.initial[name]
    if isinstance(declared.connect, Pairs):  # no array of all pairs, of which there may be too many
        if np.ndim(value) == 2:
            return np.asarray(value, dtype=float)[declared.connect.i, declared.connect.j]
        return initial.draw(value, seed, declared.name, name, (len(declared.connect),))
    full = initial.draw(value, seed, declared.name, name, shape)
    # All pairs in their order need no indices, which would take twice the memory of values.
    chosen = ... if declared.connect == ALL else projection.pairs(declared, *shape)
    return full[chosen].ravel()


def noise_seed(seed: int) -> int:
    """A 31-bit word from the run's seed."""
    return zlib.crc32(f"noise {seed}".encode()) & 0x7FFFFFFF
