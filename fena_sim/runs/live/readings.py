"""Readings of the hierarchy in a chunk or a block, for the live view (claim C19)."""

import numpy as np
import xarray as xr

from ...declare.model.hierarchy import Hierarchy
from ...declare.model.likelihood import free_energy, squared_errors
from ...device.recordings import Recordings

#: {(quantity, level): (token,)}; the level is None where a quantity is of the whole network.
Readings = dict[tuple[str, int | None], np.ndarray]


def readings(model: Hierarchy, recordings: Recordings) -> dict:
    """Settling, free energy, errors and precisions of the tokens that a chunk finished.

    Errors are those of `measure.level_errors`: level 0 on the first presentation step where the
    model reads that out, the others over all steps. Free energy is that of `measure.free_energy`
    after settling. Omitted tokens count. With a batch, settling iterations are the median over
    streams, all else the mean.

    Parameters
    ----------
    model : Hierarchy
    recordings : Recordings
        Of the chunk.

    Returns
    -------
    dict
        {(quantity, level): (token,)} with quantity "iterations" and "free energy" (nat; level
        None), "error" (squared) and "precision" (dimensionless). What the model does not read
        out is left out.
    """
    arrays = {}
    for readout in model.readouts:
        if readout.name not in _needed(model):
            continue
        if readout.when == "before_onset":  # a token may begin in one chunk and leave in the next
            continue
        columns = [
            values.reshape(len(values), model.batch, values.shape[1] // model.batch)
            for values in (recordings.readout(readout, path) for path in readout.variables)
        ]
        arrays[readout.name] = np.concatenate(columns, axis=-1)
    return _of_arrays(model, recordings.ends.iterations, arrays)


def readings_of_block(model: Hierarchy, tokens: xr.Dataset) -> dict:
    """The same of all tokens of a block, from what its run kept of them (Dataset)."""
    arrays = {}
    for name in _needed(model) & set(tokens.data_vars):
        values = tokens[name].to_numpy()
        arrays[name] = values.reshape(len(values), model.batch, values.shape[-1])
    return _of_arrays(model, tokens["iterations"].to_numpy(), arrays)


def _needed(model):
    names = {"error", "onset_error", "precision"}
    return names | set(model.likelihood.readouts("last").values() if model.likelihood else ())


def _of_arrays(model, iterations, arrays):
    """The readings of arrays {readout: (token, stream, level or unit)}."""
    found, levels = {}, {name: _levels(model, name) for name in arrays}
    if model.settling is not None:
        found["iterations", None] = np.median(iterations.reshape(-1, model.batch), axis=1)
    names = model.likelihood.readouts("last") if model.likelihood else {}
    if names and set(names.values()) <= set(arrays):
        if levels[names["precision"]] == levels[names["square"]] == model.levels:
            values = {key: arrays[name] for key, name in names.items()}
            with np.errstate(
                divide="ignore", invalid="ignore"
            ):  # a control signal may take all precision away
                energy = free_energy(model.likelihood, model.level_sizes, **values)
            found["free energy", None] = energy.mean(axis=1)
    if levels.get("error"):
        errors = arrays["error"]
        if levels["error"][0] == 0 and levels.get("onset_error", [])[:1] == [0]:
            errors = squared_errors(arrays["onset_error"], errors)
        arrays = {**arrays, "error": errors}
    for name in ("error", "precision"):
        for column, level in enumerate(levels.get(name, ())):
            found[name, level] = arrays[name][:, :, column].mean(axis=1)
    return found


def _levels(model, name):
    """The level of each column of a readout; [] unless they are of one unit each that stands for
    its level.
    """
    readout = next(r for r in model.readouts if r.name == name)
    owners = [model.population(path.partition(".")[0]) for path in readout.variables]
    alone = all(p.size == 1 and p.level is not None for p in owners)
    return [p.level for p in owners] if alone else []
