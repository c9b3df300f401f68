"""MNE (mne.tools): evoked responses, or single trials, in a FIF file."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from brian2 import Quantity, ms

from ...analyse.epochs.averages import average
from ...analyse.epochs.conditions import By
from ...analyse.epochs.cut import epochs
from ...errors import FenaError, StimulusError
from ...runs.store.run import Run
from .contents import contents
from .files import appearing, needed
from .mne_annotations import cut_at
from .mne_channels import chosen, information
from .mne_epochs import mne_epochs


def write_mne(
    run: Run,
    path: str | Path,
    blocks: Sequence[str] = (),
    force: bool = False,
    by: By = None,
    window: tuple[Quantity, Quantity] = (-50 * ms, 300 * ms),
    lock: str = "onset",
    variables: Sequence[str] = (),
    tokens_of: str | None = None,
) -> None:
    """Write evoked responses (-ave.fif) or single trials (-epo.fif).

    ``mne.read_evokeds(path)`` reads one EvokedArray per block and condition,
    ``mne.read_epochs(path)`` the Epochs of :func:`fena_sim.export.mne_epochs`.

    A channel is one unit of one sampled variable, named "error_0.error 003". All channels are of
    MNE's type "misc": units of a model have no sensors, no positions and most have no physical
    unit, and "eeg" would lay claim to all three. Values are written as they are; the channel's unit
    is V where the variable is in volts, else none, and the file's description lists the variables
    with their units. Plot with ``evoked.plot(picks="misc")``. FIF files hold single precision. They
    hold no spikes and nothing that was kept per token.

    Parameters
    ----------
    run : Run
        With streams side by side, the tokens of all streams are averaged; of single trials, they
        follow each other.
    path : str or Path
        Ends in -ave.fif or -epo.fif.
    blocks : sequence of str
        All that have samples if empty.
    force : bool
        Replace an earlier file.
    by, window, lock
        As in :func:`fena_sim.epochs.epochs`. The comment of each response is "block: condition", with
        several modalities "block/population: condition", and `nave` its number of tokens.
    variables : sequence of str
        "population.variable"; all that were sampled if empty. A FIF file has one list of channels
        and one clock.
    tokens_of : str, optional
        With several modalities, the population at whose tokens the recording is cut; that which paces
        the block if left out. In single trials, the tokens of the others are annotations.

    Raises
    ------
    FenaError
        If mne is missing, the file is there, nothing was sampled, blocks differ in their channels
        or variables in their clocks, or as :func:`fena_sim.epochs.epochs`; ResourceError if the
        disk is full.
    """
    mne = needed("mne", "mne")
    if not isinstance(window, tuple):
        raise FenaError(
            f"the window {window!r} is not two times",
            where="fena export --mne",
            fix='give e.g. "(-50*ms, 300*ms)"',
        )
    if str(path).endswith("-epo.fif"):
        with appearing(path, force, "-epo.fif") as made:
            trials = mne_epochs(run, blocks, by, window, lock, variables, tokens_of)
            trials.save(made, verbose="error")
        return
    with appearing(path, force, "-ave.fif") as made:
        responses = []
        for recording in contents(run, blocks):
            signals = chosen(recording, variables)
            if signals:
                responses += _evoked(mne, run, recording, signals, by, window, lock, tokens_of)
        if not responses:
            raise StimulusError(
                "these blocks have no samples",
                where=str(run.folder),
                fix="choose a block with probes, or add some and run again",
            )
        first = responses[0]
        for other in responses:
            if (other.ch_names, other.info["sfreq"]) != (first.ch_names, first.info["sfreq"]):
                raise FenaError(
                    f"{other.comment!r} and {first.comment!r} differ in channels, of which a FIF file has one list",
                    where=str(run.folder),
                    fix="write one file for each, with --block",
                )
        mne.write_evokeds(made, responses, verbose="error")


def _evoked(mne, run, recording, signals, by, window, lock, tokens_of):
    means = [
        average(
            epochs(run, recording.name, s.name, window, by=by, lock=lock, tokens_of=tokens_of),
            "units",
        )
        for s in signals
    ]
    place = "/".join([recording.name, *cut_at(run, recording.name, tokens_of)])
    first, info = means[0], information(mne, run, signals, means[0].attrs["interval_s"])
    for condition in first.attrs["conditions"]:
        data = np.concatenate([mean.sel(condition=condition).to_numpy().T for mean in means])
        yield mne.EvokedArray(
            data,
            info,
            tmin=float(first["time"][0]),
            nave=int(first["tokens"].sel(condition=condition)),
            comment=f"{place}: {condition}",
            verbose="error",
        )
