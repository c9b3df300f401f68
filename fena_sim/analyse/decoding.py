"""What can be decoded from the states of a level, the variance they explain, their memory, and
where in the hierarchy a quantity lies.

Every share is cross-validated over contiguous folds. Neighbouring tokens share their motif and the
states' memory, so ``guard`` tokens on either side of the tested fold are left out of the training
ones. Labels are the columns of the event table; a negative one (omitted token, no motif before)
means not known, and such events are left out.
"""

from collections.abc import Sequence

import attrs
import numpy as np
import pandas as pd
import xarray as xr
from threadpoolctl import threadpool_limits

from ..declare.arguments import checked
from ..errors import DeclarationError, StimulusError
from ..runs.store.run import Run
from .select import readout

FACTORS = ("token", "position", "motif", "previous_motif", "motif_class")
#: Tokens left out between training and test: some 5 motifs, several times the memory of any level
#: seen so far.
GUARD = 20
#: Weight of the ridge penalty, in squared units of the dummies: as many pseudo-events at the mean.
RIDGE = 1.0


@checked(DeclarationError)
def token_states(run: Run, block: str, level: int) -> xr.DataArray:
    """States of a hidden level at the end of every token's presentation (claim C11).

    Read from the model's ``Readout(name=f"state_{level}", variables=[f"state_{level}.f"],
    when="last")``.

    Returns
    -------
    xarray.DataArray
        Dimensions ``event`` and ``unit``.

    Raises
    ------
    UnknownNameError
        If the model has no such readout.
    """
    return readout(run, block, f"state_{level}").load()


@attrs.frozen
class Decoding:
    """Cross-validated `accuracy` of a decoder, and that of always choosing the commonest class,
    `chance`.
    """

    accuracy: float
    chance: float


@checked(DeclarationError)
def decode(
    states: xr.DataArray | np.ndarray,
    labels: np.ndarray | Sequence[int],
    folds: int = 5,
    guard: int = GUARD,
) -> Decoding:
    """How well a linear classifier reads a label from the states (claim C11).

    Formula: share of tested events whose label a multinomial logistic regression (L2 penalty with C
    = 1 on standardised states; scikit-learn) finds. Every event is tested once, by the classifier
    trained on the other folds. ``chance`` is the share that the most frequent label of the same
    training events finds.

    Window: all events with a label, in ``folds`` contiguous folds. Sensitivity: ``folds``, and
    ``guard``, without which the classifier may know the very motif it is tested in.

    Parameters
    ----------
    states : array, shape (event, unit)
    labels : array of int, shape (event,)
        Negative: not known, left out.
    folds, guard : int
        Number of folds; tokens left out on either side of the tested one.

    Returns
    -------
    Decoding

    Raises
    ------
    StimulusError
        If shapes do not agree, a state is not finite, a fold is empty, or fewer than two labels are
        left to train on.
    """
    from sklearn.linear_model import (
        LogisticRegression,
    )  # here, since importing it takes as long as a small run
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    states, labels = _checked(states, labels)
    known = labels >= 0
    right = majority = 0
    with threadpool_limits(1):  # matrices this small only wait for each other's threads
        for train, test in _folds(known, folds, guard, "decode"):
            classes, counts = np.unique(labels[train], return_counts=True)
            if len(classes) < 2:
                raise StimulusError(
                    "only one label is left to train on", where="decode", fix="use a longer block"
                )
            model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
            right += (
                model.fit(states[train], labels[train]).predict(states[test]) == labels[test]
            ).sum()
            majority += (labels[test] == classes[counts.argmax()]).sum()
    return Decoding(float(right / known.sum()), float(majority / known.sum()))


@checked(DeclarationError)
def variance_explained(
    states: xr.DataArray | np.ndarray,
    events: pd.DataFrame,
    factors: Sequence[str] = FACTORS,
    folds: int = 5,
    guard: int = GUARD,
) -> xr.Dataset:
    """Share of the states' variance that each factor explains, alone and beyond all others (claim
    C11).

    Formula, with ridge regressions of all units on the one-hot dummies of a set S of factors,
    fitted on the training folds::

        R2(S) = 1 - sum |state - predicted_S|^2 / sum |state - training mean|^2      over tested
        events and units alone(k) = R2({k})          unique(k) = R2(all factors) - R2(all factors
        but k)

    Units count by their variance. A share is negative where the factor predicts worse than the
    mean, and stays so. A factor that follows from another (the class from the motif) has next to
    nothing of its own.

    Window: events in which every factor is known, in ``folds`` contiguous folds. Sensitivity:
    ``folds``, ``guard`` and the ridge penalty (1, one pseudo-event at the mean per dummy).

    Parameters
    ----------
    states : array, shape (event, unit)
    events : pandas.DataFrame
        The block's event table; its columns ``factors`` are the labels.
    factors : sequence of str
    folds, guard : int
        As for :func:`decode`.

    Returns
    -------
    xarray.Dataset
        ``alone`` and ``unique`` (factor), and ``full``, the share explained by all factors
        together.

    Raises
    ------
    StimulusError
        If a column is missing, shapes do not agree, a state is not finite or does not vary, or a
        fold is empty.
    """
    missing = set(factors) - set(events.columns)
    if missing:
        raise StimulusError(
            f"the events have no column {', '.join(sorted(missing))}",
            where=f"event table with columns {', '.join(map(str, events.columns))}",
            fix="use a block whose tokens come from a motif grammar, or choose other factors",
        )
    labels = events[list(factors)].to_numpy()
    states, labels = _checked(states, labels)
    parts = list(_folds((labels >= 0).all(axis=1), folds, guard, "variance_explained"))
    with threadpool_limits(1):
        full = _explained(states, labels, parts)
        alone = [_explained(states, labels[:, [k]], parts) for k in range(len(factors))]
        others = [
            _explained(states, np.delete(labels, k, axis=1), parts) for k in range(len(factors))
        ]
    return xr.Dataset(
        {"alone": ("factor", alone), "unique": ("factor", full - np.array(others)), "full": full},
        coords={"factor": list(factors)},
    )


@checked(DeclarationError)
def autocorrelation_time(states: xr.DataArray | np.ndarray) -> float:
    """How long a level remembers, in tokens (claim C11).

    Formula: the first lag at which the mean over units of the autocorrelation ::

        rho(lag) = sum_t (x_t - m)(x_{t+lag} - m) / sum_t (x_t - m)^2

    is at or below 1/e, linearly interpolated from the lag before. Units that do not vary are left
    out. Window: all events, lags up to half of them; infinite if it has not fallen by then.

    Parameters
    ----------
    states : array, shape (event, unit)
        One row per token, in order; for instance :func:`token_states`.

    Returns
    -------
    float
        In tokens.

    Raises
    ------
    StimulusError
        If fewer than 4 events are given, a state is not finite, or no unit varies.
    """
    states, _ = _checked(states, np.zeros(len(states)))
    centred = states - states.mean(axis=0)
    variance = (centred**2).sum(axis=0)
    if len(states) < 4 or not variance.any():
        raise StimulusError(
            f"{len(states)} events in which {(variance > 0).sum()} units vary have no memory to measure",
            where="autocorrelation_time",
            fix="give the states of a longer block",
        )
    centred, variance = centred[:, variance > 0], variance[variance > 0]
    before = 1.0
    for lag in range(1, len(states) // 2 + 1):
        now = ((centred[:-lag] * centred[lag:]).sum(axis=0) / variance).mean()
        if now <= 1 / np.e:
            return float(lag - 1 + (before - 1 / np.e) / (before - now))
        before = now
    return float("inf")


@checked(DeclarationError)
def level_centre(values: np.ndarray | Sequence[float]) -> np.ndarray:
    """Where over the hidden levels a quantity lies: its centre of gravity (claim C11).

    Formula: ``sum_l l max(v_l, 0) / sum_l max(v_l, 0)`` over hidden levels l = 1, 2, ...; a
    negative share of variance counts as none.

    Parameters
    ----------
    values : array, shape (level, ...)
        For instance ``unique`` of :func:`variance_explained`, or accuracy minus chance, of every
        hidden level.

    Returns
    -------
    ndarray, shape (...)
        Between 1 and the number of levels; NaN where no level has any.
    """
    weights = np.maximum(np.asarray(values, dtype=float), 0)
    total = weights.sum(axis=0)
    return np.tensordot(np.arange(1, len(weights) + 1), weights, axes=1) / np.where(
        total > 0, total, np.nan
    )


def _checked(
    states: xr.DataArray | np.ndarray, labels: np.ndarray | Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    states, labels = np.asarray(states, dtype=float), np.asarray(labels)
    if states.ndim != 2 or len(states) != len(labels) or not np.isfinite(states).all():
        raise StimulusError(
            f"states of shape {states.shape} with labels of shape {labels.shape}, finite: {bool(np.isfinite(states).all())}",
            where="states and labels",
            fix="give finite states (event, unit) and one label per event",
        )
    return states, labels


def _folds(known, folds, guard, where):
    """(training, test) masks over events, of which only the `known` ones take part."""
    place = np.arange(len(known))
    for test in np.array_split(np.flatnonzero(known), folds):
        if len(test):
            train = known & ((place < test[0] - guard) | (place > test[-1] + guard))
        if not len(test) or not train.any():
            raise StimulusError(
                f"{known.sum()} labelled events do not make {folds} folds {guard} tokens apart",
                where=where,
                fix="use a longer block",
            )
        yield train, test


def _explained(states, labels, parts):
    from sklearn.linear_model import Ridge  # here, as in decode
    from sklearn.preprocessing import OneHotEncoder

    if not labels.shape[1]:
        return 0.0  # the training mean
    left = total = 0.0
    for train, test in parts:
        dummies = OneHotEncoder(handle_unknown="ignore").fit(labels[train])
        model = Ridge(alpha=RIDGE).fit(dummies.transform(labels[train]).toarray(), states[train])
        left += (
            (states[test] - model.predict(dummies.transform(labels[test]).toarray())) ** 2
        ).sum()
        total += ((states[test] - states[train].mean(axis=0)) ** 2).sum()
    if not total:
        raise StimulusError(
            "the states do not vary",
            where="variance_explained",
            fix="give the states of a level that answers",
        )
    return float(1 - left / total)
