"""Settling: how many inference iterations a token needs.

The iterations of one token are recorded by the run: the last presentation step (1-based; 0 = none)
at which the root-mean-square change of all states was at or above the tolerance
(design/dynamics.md; claims C03 and C05). Omitted tokens are not counted here.
"""

from collections.abc import Iterable

import numpy as np
import xarray as xr
from brian2 import Quantity

from ..declare.arguments import checked
from ..errors import DeclarationError
from ..runs.store.run import Run
from .select import event_bins, narrow, presented, readout

QUARTILES = (0.25, 0.5, 0.75)


@checked(DeclarationError)
def settling_iterations(run: Run, block: str) -> float:
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
    return float(np.median(readout(run, block, "iterations").to_numpy()[keep]))


@checked(DeclarationError)
def share_at_cap(run: Run, block: str) -> float:
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
    iterations, steps = (readout(run, block, name) for name in ("iterations", "steps"))
    unsettled = iterations.to_numpy() >= steps.to_numpy()
    return float(unsettled[keep].mean())


@checked(DeclarationError)
def settling_curve(run: Run, block: str = "training", bins: int = 40) -> xr.DataArray:
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
    iterations = readout(run, block, "iterations").to_numpy()
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


@checked(DeclarationError)
def settling_at(run: Run, block: str, tolerances: Iterable[float | Quantity]) -> xr.DataArray:
    """Settling iterations of every token had the tolerance been another one (claim C05).

    Formula: the last presentation step n (1-based; 0 = none) with ``rate[n] >= tolerance``,
    ``rate`` being the root mean square over all states of their rate of change, as the network
    itself judged it. At a fixed pace the tolerance changes nothing but the count. At a token's own
    pace, and at another tolerance than the model's, this is the count over the presentation as it
    was.

    Window: every presentation step of the block. The block needs a probe of every step of them,
    ``Probe("pacemaker", "rate", interval=dt)``; with ``window=(0*ms, 48*ms)`` it leaves out the
    blanks.

    Parameters
    ----------
    tolerances : sequence of Quantity, or of float in 1/s
        For instance ``[0.002/ms, 0.004/ms]``; this is the sensitivity of
        :func:`settling_iterations`.

    Returns
    -------
    xarray.DataArray
        Dimensions ``event`` and ``tolerances`` (in 1/s); int; 0 where no step reached the
        tolerance.

    Raises
    ------
    DeclarationError
        If some presentation step of the block was not recorded.
    """
    events, traces = run.events(block), run.traces(block)
    if "pacemaker.rate" not in traces:
        _refuse_rate("the rate of change was not recorded", run, block)
    trace = traces["pacemaker.rate"]
    steps, dt = readout(run, block, "steps").to_numpy(), run.tokens(block).attrs["dt_s"]
    first = np.rint(events["onset"].to_numpy() / dt).astype(int)
    recorded = np.rint(trace[trace.dims[0]].to_numpy() / dt).astype(int)
    # Row t: presentation steps of token t; beyond its last one, that one again.
    wanted = first[:, None] + np.minimum(np.arange(steps.max()), steps[:, None] - 1)
    at = np.minimum(np.searchsorted(recorded, wanted), len(recorded) - 1)
    if (recorded[at] != wanted).any():
        _refuse_rate(
            f"the rate of change was recorded in {len(recorded)} steps, not in every step of a presentation",
            run,
            block,
        )
    rate = trace.to_numpy()[:, 0][at]
    tolerances = np.array([float(tolerance) for tolerance in tolerances])
    number = np.arange(1, rate.shape[1] + 1)
    shown = number <= steps[:, None]
    # Compared in the precision in which the network compared.
    iterations = [
        np.where(shown & (rate >= rate.dtype.type(tolerance)), number, 0).max(axis=1)
        for tolerance in tolerances
    ]
    return xr.DataArray(
        np.stack(iterations, axis=1),
        dims=("event", "tolerances"),
        coords={"tolerances": tolerances},
        name="settling iterations",
        attrs={"units": "iterations", "block": block},
    )


def _refuse_rate(what, run, block):
    raise DeclarationError(
        what,
        where=f"block {block!r} of {run.id}",
        fix='give the block Probe("pacemaker", "rate", interval=<dt of the model>)',
    )
