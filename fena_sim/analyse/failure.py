"""Failures of learning: levels whose precision collapsed, and networks stuck below local
statistics.
"""

import numpy as np
import xarray as xr

from ..declare.arguments import checked
from ..errors import DeclarationError
from ..runs.store.run import Run
from .ngram import NGram
from .prediction import accuracy
from .select import narrow, presented, readout

#: Presented tokens at the end of a block over which a level's error is averaged.
WINDOW = 200


@checked(DeclarationError)
def collapsed_levels(
    run: Run, block: str = "training", share: float = 0.1, window: int = WINDOW
) -> xr.Dataset:
    """Levels whose precision collapsed while learning (claim C08).

    Formula: level l has collapsed if its precision both fell and ended below ``share`` of what its
    own error warrants::

        Pi_l(end) < Pi_l(begin)    and    Pi_l(end) * s_l < share

    with ``s_l`` the squared error that the precision rule sees, averaged over units, the steps of
    the presentation and the last ``window`` presented tokens. Without a prior, precision is in
    equilibrium where Pi*s = 1. The product alone would not do: a level that learned to predict
    everything has an error near zero, and a prior on precision then holds Pi far below 1/s although
    it rose; such a level is not muted. A level that began with more precision than its prior
    allows, and then learned, counts as collapsed; begin low.

    Window: precision at the end of the first and of the last token of the block, in which learning
    is on. Sensitivity: ``share`` and ``window``.

    Returns
    -------
    xarray.Dataset
        Dimension ``level``: ``collapsed`` (bool), ``first`` and ``last`` (precisions), ``error``
        (s_l), and ``calibration`` (Pi*s at the end).

    Raises
    ------
    StimulusError
        If the block presents no token.
    """
    precision = readout(run, block, "precision").to_numpy().astype(float)
    keep = np.flatnonzero(narrow(presented(run.events(block)), None, f"block {block!r}"))[-window:]
    error = readout(run, block, "error").to_numpy()[keep].mean(axis=0)
    calibration = precision[-1] * error
    values = {
        "collapsed": (precision[-1] < precision[0]) & (calibration < share),
        "first": precision[0],
        "last": precision[-1],
        "error": error,
        "calibration": calibration,
    }
    return xr.Dataset(
        {name: ("level", v) for name, v in values.items()},
        coords={"level": np.arange(len(error))},
        attrs={"block": block, "share": share, "window": window},
    )


@checked(DeclarationError)
def trapped(run: Run, block: str = "familiar", training: str = "training") -> bool:
    """Whether the network predicts worse than a table of the token before, that is, whether it is
    in a trap (claim C10).

    Formula: ``accuracy(block) < accuracy of the bigram table`` counted on the tokens of the
    training block and tested on the same ``block``; see :func:`fena_sim.measure.accuracy` and
    :class:`fena_sim.measure.NGram`. Window: scored tokens of ``block``, in which learning is frozen
    (a network that still learns may lean on the tokens just seen).

    Returns
    -------
    bool

    Raises
    ------
    StimulusError
        If no scored token is left.
    """
    table = NGram(2, len(run.vocabulary.symbols)).fit(run.events(training)["token"].to_numpy())
    return accuracy(run, block) < table.accuracy(run.events(block)["token"].to_numpy())
