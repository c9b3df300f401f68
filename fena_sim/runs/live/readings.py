"""Readings of the hierarchy in a chunk, for the live view (claim C19)."""

import numpy as np

from ...declare.model.likelihood import gaussian_energy
from ...network.pacemaker import NAME as PACEMAKER
from ...network.population import kept
from ...network.streams import NAME as STREAMS


def watch(model, recordings):
    """Settling, free energy, errors and precisions of the tokens that a chunk finished.

    Errors are those of `measure.level_errors`: level 0 on the first presentation step where the
    model reads that out, the others over all steps. Free energy is that of `measure.free_energy`
    after settling ("settled_error"). Omitted tokens count. With a batch, settling iterations are
    the median over streams, all else the mean.

    Parameters
    ----------
    model : Hierarchy
    recordings : dict
        {monitor: Recording} of the chunk.

    Returns
    -------
    dict
        {(quantity, level): (token,)} with quantity "iterations" and "free energy" (nat; level
        None), "error" (squared) and "precision" (dimensionless). What the model does not read
        out is left out.
    """
    steps = recordings[f"departure_{PACEMAKER}"].values["steps"]
    by_level = {
        name: _by_level(model, recordings, name, steps)
        for name in ("error", "onset_error", "settled_error", "precision")
    }
    found = {}
    if model.settling is not None:
        group = PACEMAKER if model.batch == 1 else STREAMS
        iterations = recordings[f"departure_{group}"].values["iterations"].reshape(-1, model.batch)
        found["iterations", None] = np.median(iterations, axis=1)
    settled, precision = by_level["settled_error"], by_level["precision"]
    if settled and set(settled) == set(precision):
        sizes = [max(p.size for p in model.populations if p.level == level) for level in settled]
        both = [
            np.stack([values[level] for level in settled], axis=-1)
            for values in (precision, settled)
        ]
        with np.errstate(
            divide="ignore", invalid="ignore"
        ):  # a control signal may take all precision away
            found["free energy", None] = gaussian_energy(sizes, *both).mean(axis=1)
    errors = by_level["error"]
    if 0 in errors and 0 in by_level["onset_error"]:
        errors[0] = by_level["onset_error"][0]
    for name, values in (("error", errors), ("precision", precision)):
        found.update({(name, level): values[level].mean(axis=1) for level in sorted(values)})
    return found


def _by_level(model, recordings, name, steps):
    """{level: (token, stream)} of the readout `name`, of units that stand for their level alone; {}
    without it.
    """
    found = {}
    for readout in model.readouts:
        if (
            readout.name != name or readout.when == "arrival"
        ):  # a token may arrive in one chunk and leave in the next
            continue
        for path in readout.variables:
            owner, _, variable = path.partition(".")
            population = model.population(owner)
            if population.size > 1 or population.level is None:
                continue
            values = (
                recordings[f"departure_{owner}"]
                .values[kept(readout, variable)]
                .reshape(-1, model.batch)
            )
            found[population.level] = readout.scale * (
                values / steps[:, None] if readout.when == "mean" else values
            )
    return found
