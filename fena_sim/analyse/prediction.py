"""Next-token prediction, read from level 0 on the last step before the token appears.

The first event of a block and omitted tokens are never scored: the first could not be predicted,
and an omission has no token to compare with.
"""

import numpy as np
import scipy
import xarray as xr

from ..declare.arguments import checked
from ..errors import DeclarationError, StimulusError
from ..runs.store.run import Run
from .select import narrow, readout, scored, tokens_of

# Tokens at the end of training on which the width of the predictive distribution is fitted.
FIT_TOKENS = 1500
# Readout of a model whose level 0 states the probability of every symbol.
PROBABILITY = "probability"


@checked(DeclarationError)
def token_scores(run: Run, block: str) -> xr.Dataset:
    """Compare the prediction before every token with the code of every symbol.

    Formula: ``distance[t, k] = |prediction_t - code_k|^2``; the choice is the nearest code (for
    one-hot codes the largest unit; ties go to the lower index).

    Returns
    -------
    xarray.Dataset
        ``distance`` (event, symbol) in squared code units, ``choice`` (event) as vocabulary
        index, ``correct`` (event) bool, ``scored`` (event) bool: events that measures may count.
    """
    events, vocabulary = run.events(block), run.vocabulary
    states_it = PROBABILITY in tokens_of(run, block)
    prediction = readout(run, block, PROBABILITY if states_it else "prediction").to_numpy()
    codes = vocabulary.codes
    distance = np.stack([((prediction - code) ** 2).sum(axis=1) for code in codes], axis=1)
    choice = distance.argmin(axis=1)
    return xr.Dataset(
        {
            "distance": (("event", "symbol"), distance, {"units": "squared code units"}),
            "choice": ("event", choice),
            "correct": ("event", choice == events["token"].to_numpy()),
            "scored": ("event", scored(events)),
        },
        coords={"symbol": list(vocabulary.symbols)},
        attrs={"block": block},
    )


@checked(DeclarationError)
def accuracy(run: Run, block: str, mask: np.ndarray | None = None) -> float:
    """Share of scored tokens whose code was the nearest to the prediction (claims C12, C13).

    Parameters
    ----------
    mask : array of bool, shape (event,), optional
        Events to keep, for example :func:`fena_sim.measure.inside_motif`; unscored events are
        left out in any case.

    Returns
    -------
    float

    Raises
    ------
    StimulusError
        If no scored token is left.
    """
    scores = token_scores(run, block)
    keep = narrow(scores["scored"].to_numpy(), mask, f"block {block!r}")
    return float(scores["correct"].to_numpy()[keep].mean())


@checked(DeclarationError)
def surprisal(run: Run, block: str, training: str = "training") -> xr.DataArray:
    """Surprisal of every scored token under the hierarchy's predictive distribution.

    Formula::

        p_t(k) = softmax_k( -|prediction_t - code_k|^2 / (2 s^2) ),   surprisal_t = -log2 p_t(token)

    or, where the model states the probability p_t of every symbol itself (readout "probability"),
    -log2 of that. The formula is Gaussian noise of one width around the codes and a uniform prior
    over symbols. The hierarchy does not state s^2, so it is fitted by maximum likelihood, **never
    on the tokens it is scored on**: on the last 1500 scored tokens of the training block; where the
    run has no training block, or the training block is itself the one scored, on the first half of
    the block, and then only the second half is scored. Source: claim C13; fitting one temperature
    after training follows Guo et al. 2017, ICML 34:1321.

    Returns
    -------
    xarray.DataArray
        Dimension ``event``, in bits; NaN where not scored. Attributes ``s2`` (squared code
        units) and ``fitted_on`` say which width was used and where it came from.

    Raises
    ------
    StimulusError
        If too few scored tokens are left to fit or to score.
    """
    tokens, distance, usable = _targets(run, block)
    if PROBABILITY in tokens_of(run, block):
        bits = np.full(len(tokens), np.nan)
        stated = readout(run, block, PROBABILITY).to_numpy().astype(float)
        bits[usable] = -np.log2(stated[usable, tokens[usable]])
        return _in_bits(bits, block=block)
    if training in run.blocks and block != training:
        fit_tokens, fit_distance, fit_usable = _targets(run, training)
        fit = np.flatnonzero(fit_usable)[-FIT_TOKENS:]
        fitted_on = f"last {len(fit)} scored tokens of block {training!r}"
    else:
        fit_tokens, fit_distance = tokens, distance
        half = len(tokens) // 2
        fit = np.flatnonzero(usable[:half])
        usable[:half] = False
        fitted_on = f"first half of block {block!r}, which is not scored"
    if not len(fit) or not usable.any():
        raise StimulusError(
            "too few tokens to fit the width of the predictive distribution and to score it",
            where=f"block {block!r}, width from the {fitted_on}",
            fix="use a longer block",
        )
    s2 = _fit_width(fit_distance[fit], fit_tokens[fit], run.vocabulary.codes)
    bits = np.full(len(tokens), np.nan)
    bits[usable] = _nats(distance[usable], tokens[usable], 1 / (2 * s2)) / np.log(2)
    return _in_bits(bits, block=block, s2=s2, fitted_on=fitted_on)


def _in_bits(bits, **attrs):
    return xr.DataArray(bits, dims="event", name="surprisal", attrs={"units": "bit", **attrs})


@checked(DeclarationError)
def bits(run: Run, block: str, mask: np.ndarray | None = None, training: str = "training") -> float:
    """Mean :func:`surprisal` over the scored tokens, in bits per token (claim C13).

    The width s^2 of the predictive distribution is fitted on the training block's last tokens,
    never on the tokens scored; see :func:`surprisal`.

    Parameters
    ----------
    mask : array of bool, shape (event,), optional
        Events to keep; unscored events are left out in any case.

    Returns
    -------
    float

    Raises
    ------
    StimulusError
        If no scored token is left.
    """
    values = surprisal(run, block, training).to_numpy()
    return float(values[narrow(~np.isnan(values), mask, f"block {block!r}")].mean())


def _targets(run, block):
    scores = token_scores(run, block)
    tokens = run.events(block)["token"].to_numpy()
    return tokens, scores["distance"].to_numpy(), scores["scored"].to_numpy()


def _nats(distance, tokens, sharpness):
    """-ln p of each token, with ``sharpness`` = 1/(2 s^2)."""
    return -scipy.special.log_softmax(-sharpness * distance, axis=1)[np.arange(len(tokens)), tokens]


def _fit_width(distance, tokens, codes):
    """Maximum-likelihood s^2. The likelihood is convex in 1/s^2, so one bounded search finds it.

    The bounds, six decades either side of the codes' mean squared norm, only matter when every
    token is predicted without an error, where the likelihood has no maximum.
    """
    scale = np.log((codes**2).sum(axis=1).mean())
    found = scipy.optimize.minimize_scalar(
        lambda log_s2: _nats(distance, tokens, np.exp(-log_s2) / 2).mean(),
        bounds=(scale - 6 * np.log(10), scale + 6 * np.log(10)),
        method="bounded",
        options={"xatol": 1e-6},
    )
    return float(np.exp(found.x))
