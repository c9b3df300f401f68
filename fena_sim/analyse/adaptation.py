"""Synaptic depression alone: what a sequence does to responses where nothing is learned of its order."""

import numpy as np
import xarray as xr
from brian2 import Quantity, second

from ..declare.arguments import checked
from ..declare.protocol.pace import check_time
from ..declare.stimulus._check import probability
from ..errors import DeclarationError
from ..runs.store.run import Run
from .select import presented


@checked(DeclarationError)
def depression(
    run: Run,
    block: str,
    recovery: Quantity = 1.5 * second,
    use: float = 0.5,
    overlap: float = 1.0,
) -> xr.DataArray:
    """Responses of a bank of depressing synapses to the tokens of a block: the null model of
    adaptation.

    Channel k has resources x_k, 1 at first. Token j drives it by w_jk = exp(-(j - k)^2/(2*overlap^2)),
    j and k being numbers in the vocabulary (tones on a line)::

        response = sum_k w_jk*x_k,   then   x_k -= use*w_jk*x_k
        between onsets dt apart   x_k = 1 - (1 - x_k)*exp(-dt/recovery)

    Depression of the synapses that a token shares with others (Tsodyks & Markram 1997, doi
    10.1073/pnas.94.2.719) makes mismatch responses without any prediction (May 2021, doi
    10.3389/fnhum.2021.721574): what this model shows as well is no evidence of one.

    Parameters
    ----------
    run : Run
    block : str
    recovery : Quantity
        Time constant of recovery.
    use : float
        Share of the resources that a fully driven channel spends, in (0, 1).
    overlap : float
        Standard deviation of the tuning in tokens, > 0.

    Returns
    -------
    xarray.DataArray, dims (event, level)
        The one level is 0. Omitted tokens get the response 0.

    Raises
    ------
    ProtocolError, UnitError, StimulusError, DeclarationError
        If the recovery is no positive time, `use` is not in (0, 1), or `overlap` is not positive.
    """
    where = "depression(run, block, ...)"
    check_time(recovery, "recovery", where)
    use = probability("use", use, where)
    if not 0 < overlap < np.inf:
        raise DeclarationError(
            f"the overlap is {overlap}", where=where, fix="give a positive number of tokens"
        )
    events = run.events(block)
    shown, token, onset = (
        presented(events),
        events["token"].to_numpy(),
        events["onset"].to_numpy(),
    )
    channel = np.arange(len(run.vocabulary.symbols))
    drive = np.exp(-((channel[:, None] - channel) ** 2) / (2 * overlap**2))
    resources, found = np.ones(len(channel)), np.zeros(len(events))
    before = np.concatenate([onset[:1], onset[:-1]])
    recovered = np.exp(-(onset - before) / float(recovery))
    for event in range(len(events)):
        resources = 1 - (1 - resources) * recovered[event]
        if shown[event]:
            driven = drive[token[event]] * resources
            found[event] = driven.sum()
            resources = resources - use * driven
    return xr.DataArray(
        found[:, None],
        dims=("event", "level"),
        coords={"event": np.arange(len(events)), "level": [0]},
    )
