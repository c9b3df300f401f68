"""Which events a measure counts, and how events are gathered into bins over training.

Every mask is a boolean array with one entry per event of a block.
"""

import numpy as np
import pandas as pd
import xarray as xr

from ..declare.arguments import checked
from ..declare.model.readouts import standard
from ..errors import DeclarationError, StimulusError, UnknownNameError
from ..runs.store.run import Run


def tokens_of(run: Run, block: str) -> xr.Dataset:
    """What ``run`` kept for every token of a block.

    Raises
    ------
    DeclarationError
        If it presented several streams side by side: a measure is of one stream.
    """
    tokens = run.tokens(block)
    if "stream" in tokens.dims:
        raise DeclarationError(
            f"{tokens.sizes['stream']} streams were presented side by side, a measure takes one",
            where=f"block {block!r} of {run.id}",
            fix="measure each of run.streams, for instance np.mean([accuracy(one, block) for one in run.streams])",
        )
    return tokens


def readout(run: Run, block: str, name: str) -> xr.DataArray:
    """What ``run`` kept under ``name`` for every token of a block.

    Parameters
    ----------
    name : str
        A readout of the model, "iterations" or "steps". Those of
        `fena_sim.declare.model.readouts.STANDARD` have the dimensions that it says.

    Returns
    -------
    xarray.DataArray
        First dimension ``event``; the second, if there is one, ``level`` or ``unit``.

    Raises
    ------
    UnknownNameError
        If the run does not hold it; lists what it holds.
    DeclarationError
        If it holds it by unit where measures take it by level, or the reverse; if it presented
        several streams side by side.
    """
    tokens, known = tokens_of(run, block), standard(name)
    how = known.declaration(name) if known else f'Readout(name="{name}", ...)'
    if name not in tokens:
        raise UnknownNameError(
            f"the run does not hold {name!r} of every token{f' ({known.meaning})' if known else ''}",
            where=f"block {block!r} of {run.id}, which holds {', '.join(sorted(map(str, tokens.data_vars)))}",
            fix=f"give the model {how}, and run it again",
        )
    values = tokens[name].transpose("event", ...)
    if values.ndim == 1:
        return values
    kind = "level" if str(values.dims[1]).endswith("level") else "unit"
    if known and values.shape[1] == 1:  # one unit is a level's, or the only one of a population
        kind = known.per
    if known and kind != known.per:
        raise DeclarationError(
            f"the run holds {name!r} by {kind}, measures take it by {known.per}",
            where=f"block {block!r} of {run.id}",
            fix=f"give the model {how}, and run it again",
        )
    return values.rename({values.dims[1]: kind})


@checked(DeclarationError)
def presented(events: pd.DataFrame) -> np.ndarray:
    """Events whose token was presented, that is not omitted: boolean, shape ``(event,)``.

    Raises StimulusError if the events are no event table.
    """
    if "token" not in events:
        raise StimulusError(
            "the events have no column token",
            where=f"event table with columns {', '.join(map(str, events.columns))}",
            fix="give run.events(block)",
        )
    return events["token"].to_numpy() >= 0


@checked(DeclarationError)
def scored(events: pd.DataFrame) -> np.ndarray:
    """Events whose prediction can be right or wrong: presented, and not the first of the block.

    The first token of a block follows nothing, so no observer could have predicted it.
    Boolean, shape ``(event,)``.
    """
    mask = presented(events)
    mask[:1] = False
    return mask


@checked(DeclarationError)
def inside_motif(events: pd.DataFrame, novel: bool, label: str = "novel") -> np.ndarray:
    """Scored events after the first token of a motif (``position >= 1``): boolean, ``(event,)``.

    Parameters
    ----------
    novel : bool
        True for motifs of a novel combination, False for all others.
    label : str
        Label column that tells them: ``novel`` for motifs (or phrases) that were entered through a
        held-out pair, ``novel_phrase`` of `NestedGrammar` for those of a held-out phrase.

    Raises
    ------
    StimulusError
        If the block lacks the label columns ``position`` and `label` of the grammars.
    """
    missing = {"position", label} - set(events.columns)
    if missing:
        raise StimulusError(
            f"the events have no column {', '.join(sorted(missing))}",
            where=f"event table with columns {', '.join(map(str, events.columns))}",
            fix="use a block whose tokens come from a grammar of fena_sim.stimulus",
        )
    within = events["position"].to_numpy() >= 1
    return scored(events) & within & (events[label].to_numpy().astype(bool) == novel)


def narrow(allowed: np.ndarray, mask: np.ndarray | None, where: str) -> np.ndarray:
    """``allowed & mask``, or ``allowed`` when there is no mask; at least one event must remain.

    Raises
    ------
    StimulusError
        Naming ``where``, if the mask has another length, or if no event is left.
    """
    if mask is not None:
        mask = np.asarray(mask, dtype=bool)
        if mask.shape != allowed.shape:
            raise StimulusError(
                f"the mask has shape {mask.shape}, for {len(allowed)} events",
                where=where,
                fix="make the mask from the same block's event table",
            )
        allowed = allowed & mask
    if not allowed.any():
        raise StimulusError(
            "no event is left to measure",
            where=where,
            fix="choose a longer block, or a mask that keeps some presented token after the first",
        )
    return allowed


def event_bins(n_events: int, bins: int) -> tuple[list[slice], np.ndarray]:
    """Consecutive bins of equal width (to one event) over a block.

    Parameters
    ----------
    n_events, bins : int
        Events in the block and number of bins wanted; never more bins than events.

    Returns
    -------
    slices : list of slice
    centres : ndarray, shape (bin,)
        Middle of each bin, in tokens since the start of the block.
    """
    if n_events < 1 or bins < 1:
        raise StimulusError(
            f"cannot gather {n_events} events into {bins} bins",
            where=f"bins={bins}",
            fix="use at least one of each",
        )
    edges = np.linspace(0, n_events, min(bins, n_events) + 1).round().astype(int)
    slices = [slice(a, b) for a, b in zip(edges[:-1], edges[1:], strict=True)]
    return slices, (edges[:-1] + edges[1:]) / 2
