"""Settling: how many inference iterations a token needs.

The iterations of one token are recorded by the run: the last presentation step (1-based; 0 = none)
at which the root-mean-square change of all states was at or above the tolerance
(design/dynamics.md; claims C03 and C05). Omitted tokens are not counted here.
"""

import numpy as np
import xarray as xr

from fena_sim.measure.select import event_bins, narrow, presented, tokens_of

QUARTILES = (0.25, 0.5, 0.75)


def settling_iterations(run, block):
    """Median settling iterations per presented token.

    Formula: ``median_t iterations_t``. Window: every presented token of the block.
    Source: claims C03 (untrained) and C05 (trained).

    Returns
    -------
    float
        In iterations (one iteration = one integration step).

    Raises
    ------
    StimulusError
        If the block presents no token.
    """
    keep = narrow(presented(run.events(block)), None, f"block {block!r}")
    return float(np.median(tokens_of(run, block)["iterations"].to_numpy()[keep]))


def share_at_cap(run, block):
    """Share of presented tokens that were still moving on their last step (claim C03).

    Formula: ``mean_t [iterations_t >= steps_t]``. Window: every presented token of the block.

    Returns
    -------
    float
        Between 0 and 1.

    Raises
    ------
    StimulusError
        If the block presents no token.
    """
    keep = narrow(presented(run.events(block)), None, f"block {block!r}")
    tokens = tokens_of(run, block)
    unsettled = tokens["iterations"].to_numpy() >= tokens["steps"].to_numpy()
    return float(unsettled[keep].mean())


def settling_curve(run, block="training", bins=40):
    """Median and quartiles of the settling iterations over training (claim C05).

    Formula: quantiles .25, .5 and .75 of ``iterations_t`` over the presented tokens of each bin.
    Window: the whole block in ``bins`` consecutive bins of equal width; a bin without any
    presented token is NaN.

    Returns
    -------
    xarray.DataArray
        Dimensions ``tokens`` (bin centre, tokens since the start of the block) and ``quantile``.
    """
    keep = presented(run.events(block))
    iterations = tokens_of(run, block)["iterations"].to_numpy()
    slices, centres = event_bins(len(keep), bins)
    curve = np.full((len(slices), len(QUARTILES)), np.nan)
    for row, part in zip(curve, slices, strict=True):
        if keep[part].any():
            row[:] = np.quantile(iterations[part][keep[part]], QUARTILES)
    return xr.DataArray(
        curve,
        dims=("tokens", "quantile"),
        coords={"tokens": centres, "quantile": list(QUARTILES)},
        name="settling iterations",
        attrs={"units": "iterations", "block": block},
    )
