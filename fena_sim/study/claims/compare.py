"""All reference networks of a claim, trained side by side on the cores of this machine."""

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path

from ...errors import FenaError
from .references import KINDS, START, Data, choose, reference_scores, require_torch


def compare(
    data: Sequence[Data],
    seeds: Sequence[int],
    parameters: int,
    folder: str | Path,
    chosen_on: Sequence[tuple[Data, int]] = (),
) -> dict[str, list[dict]]:
    """`reference_scores` of a network of every kind for every seed.

    Parameters
    ----------
    data : sequence of Data
        Of each seed.
    seeds : sequence of int
    parameters : int
        Trainable numbers wanted: FENA's plastic weights.
    folder : path
        Where results are kept; what is there is not computed again.
    chosen_on : sequence of (Data, parameters)
        Where hyperparameters are chosen (`choose`): all of them on the first of these, then the
        learning rate anew on each of the others. Empty: START, which nobody chose; for trials.

    Returns
    -------
    dict
        {kind: [scores of each seed]}

    Raises
    ------
    FenaError
        Without PyTorch, or if a process that trains was ended. What is finished is kept.
    """
    require_torch()
    if not chosen_on:
        chosen = {regime: {"hyperparameters": how} for regime, how in START.items()}
        return {
            kind: [
                reference_scores(kind, of, seed, parameters, chosen, folder)
                for of, seed in zip(data, seeds, strict=True)
            ]
            for kind in KINDS
        }
    try:
        with ProcessPoolExecutor(os.cpu_count() or 1, get_context("forkserver")) as pool:
            return _compare(pool, data, seeds, parameters, folder, chosen_on)
    except BrokenProcessPool as error:
        raise FenaError(
            "a process that trains reference networks was ended",
            where=str(folder),
            fix="give the command again: what is finished is kept",
        ) from error


def _compare(pool, data, seeds, parameters, folder, chosen_on):
    choices = {kind: pool.submit(_choose, kind, chosen_on, folder) for kind in KINDS}
    scores = {
        kind: [
            pool.submit(
                reference_scores, kind, of, seed, parameters, choices[kind].result(), folder
            )
            for of, seed in zip(data, seeds, strict=True)
        ]
        for kind in KINDS
    }
    return {kind: [future.result() for future in futures] for kind, futures in scores.items()}


def _choose(kind, chosen_on, folder):
    chosen = None
    for data, parameters in chosen_on:
        chosen = choose(kind, data, parameters, folder, chosen)
    return chosen
