"""MNE (mne.tools): single trials as `mne.Epochs`, with their conditions and labels."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from brian2 import Quantity, ms

from ...analyse.epochs.conditions import By, conditions_of
from ...analyse.epochs.cut import epochs, locked
from ...errors import FenaError, StimulusError
from ...runs.store.run import Run
from .contents import contents
from .files import needed
from .mne_annotations import cut_at, tokens_beside
from .mne_channels import chosen, information

if TYPE_CHECKING:
    import mne

#: MNE's own words for trials that are not there: their samples lack, or nobody asked for them.
NO_DATA, IGNORED = ("NO_DATA",), ("IGNORED",)


def mne_epochs(
    run: Run,
    blocks: Sequence[str] = (),
    by: By = None,
    window: tuple[Quantity, Quantity] = (-50 * ms, 300 * ms),
    lock: str = "onset",
    variables: Sequence[str] = (),
    tokens_of: str | None = None,
) -> "mne.EpochsArray":
    """Every token's recording as a trial of `mne.Epochs`.

    Channels are as in :func:`fena_sim.export.write_mne`: one unit of one variable, of type "misc".
    The names of events are "block/condition", so that ``trials["deviant"]`` and ``trials["oddball"]``
    select. ``trials.metadata`` holds the event table's rows: every label, "block", "condition" and
    "token_number". An event's sample is that of time 0. ``trials.drop_log`` has an entry for every token of the blocks: "NO_DATA" where
    its window reaches beyond what was recorded, "IGNORED" where `by` leaves it out. All trials are
    held in memory.

    Where a block has several modalities, the names of events are "block/population/condition", and
    the tokens of the other modalities are ``trials.annotations``: "block/population/symbol"
    ("omitted" where the token was omitted), from onset to end in s since the session's start, with
    the columns of their event table as ``extras`` ("onset_in_block" is the onset in full precision).
    ``trials.get_annotations_per_epoch()`` gives those within each trial.

    Parameters
    ----------
    run : Run
        With streams side by side, the tokens of all streams one after the other.
    blocks : sequence of str
        All that have samples if empty.
    by, window, lock
        As in :func:`fena_sim.epochs.epochs`.
    variables : sequence of str
        "population.variable"; all that were sampled if empty.
    tokens_of : str, optional
        With several modalities, the population whose tokens are the trials; that which paces the block
        if left out.

    Returns
    -------
    mne.EpochsArray
        In the units of the variables.

    Raises
    ------
    FenaError
        If mne is missing, nothing was sampled, blocks or variables differ in channels or clocks, two
        tokens fall on one sample, or as :func:`fena_sim.epochs.epochs`.
    """
    package = needed("mne", "mne")
    found, info = [], None
    beside: list[tuple[float, float, str, dict]] = []
    for recording in contents(run, blocks):
        signals = chosen(recording, variables)
        if not signals:
            continue
        trials = _Trials(run, recording, signals, by, window, lock, tokens_of)
        beside += tokens_beside(recording, run.modalities(recording.name), tokens_of)
        info = info or information(package, run, signals, trials.interval)
        if trials.channels != info["ch_names"] or not np.isclose(
            1 / trials.interval, info["sfreq"], rtol=1e-6
        ):
            raise FenaError(
                f"block {recording.name!r} differs from the one before in channels or clock",
                where=str(run.folder),
                fix="take one block, or variables that all blocks sampled alike",
            )
        found.append(trials)
    if info is None:
        raise StimulusError(
            "these blocks have no samples",
            where=str(run.folder),
            fix="choose a block with probes, or add some and run again",
        )
    conditions = list(dict.fromkeys(name for trials in found for name in trials.events))
    codes = {name: 1 + code for code, name in enumerate(conditions)}
    rows = pd.concat([trials.rows for trials in found], ignore_index=True)
    samples = np.concatenate([trials.samples for trials in found])
    if len(np.unique(samples)) < len(samples):
        raise FenaError(
            "two tokens fall on one sample, and MNE tells trials apart by theirs",
            where=str(run.folder),
            fix="record at a shorter interval",
        )
    code = [codes[name] for trials in found for name in trials.events]
    log = [entry for trials in found for entry in trials.log]
    made = package.EpochsArray(
        np.concatenate([trials.data for trials in found]),
        info,
        np.stack([samples, np.zeros_like(samples), code], axis=1),
        tmin=found[0].start,
        event_id=codes,
        metadata=rows,
        selection=np.flatnonzero([not entry for entry in log]),
        drop_log=tuple(log),
        proj=False,
        raw_sfreq=info["sfreq"],
        verbose="error",
    )
    if beside:
        onset, duration, names, extras = zip(*beside, strict=True)
        made.set_annotations(package.Annotations(onset, duration, names, extras=list(extras)))
    return made


class _Trials:
    """The trials of one block: data (trial, channel, time), events, rows and drop log."""

    def __init__(self, run, recording, signals, by, window, lock, tokens_of):
        cuts = [
            epochs(run, recording.name, s.name, window, by=by, lock=lock, tokens_of=tokens_of)
            for s in signals
        ]
        first, events = cuts[0], recording.others.get(tokens_of, recording.events)
        kept = first["token"].to_numpy()
        self.interval, self.start = first.attrs["interval_s"], float(first["time"][0])
        self.channels = [f"{s.name} {unit:03d}" for s in signals for unit in s.unit_numbers]
        self.data = np.concatenate(
            [cut.to_numpy().transpose(0, 2, 1).astype(float) for cut in cuts], axis=1
        )
        place = "/".join([recording.name, *cut_at(run, recording.name, tokens_of)])
        self.events = [f"{place}/{name}" for name in first["condition"].to_numpy()]
        labels, _ = conditions_of(events, by, f"block {recording.name!r} of {run.id}")
        self.log = [IGNORED if label is None else NO_DATA for label in labels]
        for number in kept:
            self.log[number] = ()
        rows = events.iloc[kept].reset_index(drop=True)
        self.rows = rows.assign(
            block=recording.name, condition=first["condition"].to_numpy(), token_number=kept
        )
        zero = np.asarray(recording.in_session(locked(rows, lock, f"block {recording.name!r}")))
        stream = rows["stream"].to_numpy() if run.batch > 1 else 0
        self.samples = np.rint(zero / self.interval).astype(int) + stream * _session(run, self)


def _session(run, trials):
    """Samples of the whole session, by which streams are laid one after another."""
    last = list(contents(run))[-1]
    return int(np.ceil((last.offset + last.duration) / trials.interval))
