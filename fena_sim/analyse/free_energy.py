"""Free energy of the hierarchy: at the first and the last step of a presentation, over training,
and step by step.
"""

import numpy as np
import xarray as xr

from ..declare.model.likelihood import gaussian_energy
from ..errors import DeclarationError
from .select import event_bins, presented, tokens_of


def free_energy(run, block):
    """Free energy per event, before and after settling.

    Formula::

        F = sum_l n_l/2 * (Pi_l*s_l - ln Pi_l)

    with ``n_l`` units in level l, ``Pi_l`` the level's precision and ``s_l`` the mean over its
    units of e^2. This is the Gaussian free energy without the constant n/2 ln 2 pi and without
    the priors on precision and weights (Friston 2005, Phil. Trans. R. Soc. B 360:815; the error
    units of design/dynamics.md descend it). It does not apply to a categorical level 0.

    Window: ``s_l`` on the first presentation step (``onset_error``) and on the last
    (``settled_error``). Precision is the one at the end of the presentation for both, so that
    their difference is due to settling alone.

    Returns
    -------
    xarray.DataArray
        Dimensions ``event`` and ``moment`` ("first", "last"); in nats.
    """
    tokens = tokens_of(run, block)
    sizes = tokens.attrs["level_sizes"]
    precision = tokens["precision"].transpose("event", "level").to_numpy()

    errors = [
        tokens[name].transpose("event", "level").to_numpy()
        for name in ("onset_error", "settled_error")
    ]
    return xr.DataArray(
        np.stack([gaussian_energy(sizes, precision, error) for error in errors], axis=1),
        dims=("event", "moment"),
        coords={"moment": ["first", "last"]},
        name="free energy",
        attrs={"units": "nat", "block": block},
    )


def energy_curve(run, block="training", bins=40):
    """Mean of :func:`free_energy` in consecutive bins over training.

    Window: the presented tokens of the block in ``bins`` bins of equal width; a bin without any is
    NaN.

    Returns
    -------
    xarray.DataArray
        Dimensions ``tokens`` (bin centre, tokens since the start of the block) and ``moment``
        ("first", "last"); in nats.
    """
    energy = free_energy(run, block)
    keep = presented(run.events(block))
    slices, centres = event_bins(len(keep), bins)
    curve = np.full((len(slices), energy.sizes["moment"]), np.nan)
    for row, part in zip(curve, slices, strict=True):
        if keep[part].any():
            row[:] = energy.to_numpy()[part][keep[part]].mean(axis=0)
    coords = {"tokens": centres, "moment": energy["moment"]}
    return xr.DataArray(
        curve, dims=("tokens", "moment"), coords=coords, name=energy.name, attrs=energy.attrs
    )


def free_energy_trace(run, block):
    """Free energy at every step (claims C09 and C19).

    Formula: that of :func:`free_energy`, with Pi_l and s_l at every sample. Window: all samples of
    the block's probes, blanks included, where the errors of level 0 relax to zero.

    The block needs, for every level l and all at the same times, ``Probe(f"precision_{l}",
    ["precision", "mean_square"])``; in the place of "mean_square", s_l, the errors themselves will
    do: ``Probe(f"error_{l}", "error")``.

    Returns
    -------
    xarray.DataArray
        Dimension ``time`` (s since the block's start); in nats.

    Raises
    ------
    DeclarationError
        If a level was not recorded, or not all of its units, or levels at different times.
    """
    sizes, traces = tokens_of(run, block).attrs["level_sizes"], run.traces(block)
    energy, times = 0.0, []
    for level, size in enumerate(sizes):
        error, square, precision = (
            f"error_{level}.error",
            f"precision_{level}.mean_square",
            f"precision_{level}.precision",
        )
        if precision not in traces or (error not in traces and square not in traces):
            _refuse(f"level {level} was not recorded", run, block)
        if error in traces and traces[error].shape[1] != size:
            _refuse(
                f"{traces[error].shape[1]} of the {size} error units of level {level} were recorded",
                run,
                block,
            )
        squares = (
            (traces[error] ** 2).mean(traces[error].dims[1])
            if error in traces
            else traces[square][:, 0]
        )
        precisions = traces[precision][:, 0]
        times += [values[values.dims[0]].to_numpy() for values in (squares, precisions)]
        if not all(np.array_equal(time, times[0]) for time in times):
            _refuse(f"level {level} was recorded at other times", run, block)
        s, pi = squares.to_numpy().astype(float), precisions.to_numpy().astype(float)
        energy = energy + size / 2 * (pi * s - np.log(pi))
    return xr.DataArray(
        energy,
        dims="time",
        coords={"time": times[0]},
        name="free energy",
        attrs={"units": "nat", "block": block},
    )


def _refuse(what, run, block):
    raise DeclarationError(
        what,
        where=f"block {block!r} of {run.id}",
        fix=(
            'give the block Probe(f"precision_{l}", ["precision", "mean_square"]) for every level l, with one interval and window'
        ),
    )
