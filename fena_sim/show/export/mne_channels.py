"""MNE (mne.tools): which units become channels, and how a FIF file describes them."""

from collections.abc import Sequence
from types import ModuleType
from typing import Any

from ...errors import FenaError, UnknownNameError, nearest
from ...runs.store.run import Run
from .contents import Contents, Signal, description


def chosen(recording: Contents, variables: Sequence[str]) -> list[Signal]:
    """The signals that become channels. FenaError if they do not share a clock, UnknownNameError
    for what was not sampled.
    """
    names = [signal.name for signal in recording.signals]
    where = f"block {recording.name!r}"
    for name in variables:
        if names and name not in names:
            raise UnknownNameError(
                f"no samples of {name!r} were recorded", where=where, fix=nearest(name, names)
            )
    signals = [signal for signal in recording.signals if not variables or signal.name in variables]
    for signal in signals:
        if signal.values.dims[0] != signals[0].values.dims[0]:
            raise FenaError(
                f"{signal.name} and {signals[0].name} are sampled at different times, and a FIF file has one clock",
                where=where,
                fix=f"write one file for each, with --variable {signal.name}",
            )
    return signals


def information(mne: ModuleType, run: Run, signals: Sequence[Signal], interval: float) -> Any:
    """MNE's description of the channels; `interval` in s between samples."""
    names = [f"{s.name} {unit:03d}" for s in signals for unit in s.unit_numbers]
    info = mne.create_info(
        names, sfreq=float(f"{1 / interval:.10g}"), ch_types="misc", verbose="error"
    )
    for channel, units in zip(
        info["chs"], [s.units for s in signals for _ in s.unit_numbers], strict=True
    ):
        if units == "V":
            channel["unit"] = mne.io.constants.FIFF.FIFF_UNIT_V
    about = [f"{title}: {text}" for title, text in description(run).items()]
    info["description"] = "; ".join([*about, *(f"{s.name} in {s.units}" for s in signals)])
    return info
