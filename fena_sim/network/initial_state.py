"""The state of a network before anything is presented."""

import zlib

import numpy as np

from ..declare.model import initial
from ..declare.model.hierarchy import Hierarchy
from ..declare.model.projection import ALL
from . import pacemaker, projection, streams


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
            initial.check(value, (n_source, n_target))
    for declared in hierarchy.populations:
        for name, value in declared.initial.items():
            initial.check(value, (declared.size,))


def initial_state(hierarchy: Hierarchy, seed: int) -> dict[str, np.ndarray]:
    """The state before anything is presented: {"object.variable": float64 array}, in base SI units.

    Populations hold the units of all streams, unit u of N in stream b at b*N + u. Holds what the
    declarations determine; whatever a device adds beyond it starts at zero.
    """
    state, batch = {}, hierarchy.batch
    for declared in hierarchy.populations:
        for name, value in declared.parameters.items():
            state[f"{declared.name}.{name}"] = np.array([float(value)])
        for name, value in declared.initial.items():
            drawn = [
                initial.draw(value, seed, declared.name, name, (declared.size,), stream)
                for stream in range(batch)
            ]
            state[f"{declared.name}.{name}"] = np.concatenate(drawn)
        if declared.uses("noise"):
            state[f"{declared.name}.noise_seed"] = np.array([float(noise_seed(seed))])
        if declared.refractory:  # as in Brian2: the last spike was long ago
            state[f"{declared.name}.lastspike"] = np.full(declared.size * batch, -1e4)
            state[f"{declared.name}.not_refractory"] = np.ones(declared.size * batch)
    for declared in hierarchy.projections:
        n_source = hierarchy.population(declared.source).size
        n_target = hierarchy.population(declared.target).size
        for name, value in declared.all_parameters.items():
            state[f"{declared.name}.{name}"] = np.array([float(value)])
        # All pairs in their order need no indices, which would take twice the memory of values.
        everything = declared.connect == ALL
        chosen = ... if everything else projection.pairs(declared, n_source, n_target)
        for name, value in declared.initial.items():
            full = initial.draw(value, seed, declared.name, name, (n_source, n_target))
            state[f"{declared.name}.{name}"] = full[chosen].ravel()
    for name, value in pacemaker.initial_values(hierarchy).items():
        state[f"{pacemaker.NAME}.{name}"] = np.array([value])
    if batch > 1:
        state |= {
            f"{streams.NAME}.{name}": values
            for name, values in streams.initial_values(hierarchy).items()
        }
    return state


def noise_seed(seed: int) -> int:
    """A 31-bit word from the run's seed."""
    return zlib.crc32(f"noise {seed}".encode()) & 0x7FFFFFFF
