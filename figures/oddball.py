"""Oddball: the error evoked by a deviant and by a standard, and the difference wave, at every
recorded level.

Mean square of the error units from the onset of a token to the next one, averaged over deviants
and over standards. All blocks with both roles are averaged: with a flip-flop, each token
counts in both roles and its identity cancels. (a) Median over networks (bold) and networks (thin).
(b) Deviant minus standard: median over networks with its 95 % interval at every time (bootstrap
over networks; with fewer than three networks, the range).
"""

import re

import numpy as np
import xarray as xr

from fena_sim.errors import StimulusError
from fena_sim.plot import (
    COLUMN_WIDTH,
    PAGE_WIDTH,
    Needs,
    level_colour,
    new_figure,
    script,
    sheet,
    style,
    waves,
)

NEEDS = {
    "oddball": Needs(
        labels={"role": ("deviant", "standard")},
        samples=["error_*.error", "precision_*.mean_square"],
    )
}
COMMAND = "fena run protocols/oddball.py --seeds 10 --from 'runs/first_contact-fena-seed{seed}-*:training'"
ROLES = ("deviant", "standard")
#: error_l.error is squared and averaged over units; precision_l.mean_square is that already.
ERROR = re.compile(r"(?:error_(\d+)\.error|precision_(\d+)\.mean_square)$")


def figure(runs, oddball):
    """Two rows of panels, one column per level: responses, and their difference."""
    evoked = xr.concat([response(run, oddball) for run in runs], "network")
    levels = evoked["level"].to_numpy()
    with sheet():
        fig = new_figure(COLUMN_WIDTH if len(levels) == 1 else PAGE_WIDTH, 80)
        axes = fig.subplots(2, len(levels), sharex=True, squeeze=False)
        for column, level in zip(axes.T, levels):
            of_level = evoked.sel(level=level)
            waves.responses(column[0], {role: of_level.sel(role=role) for role in ROLES})
            waves.difference(
                column[1],
                of_level.sel(role="deviant") - of_level.sel(role="standard"),
                level_colour(level),
            )
            column[0].set_title(f"level {level}")
            column[0].set_ylabel("squared error per unit")
            column[1].set_ylabel("deviant minus standard")
            column[1].set_xlabel("time from onset (ms)")
        fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
        for ax, text in zip(axes[:, 0], "ab"):
            style.letter(ax, text)
    return fig


def response(run, blocks):
    """Mean squared error evoked by deviants and standards, DataArray (role, level, time in s from
    onset).
    """
    return sum(_response(run, block) for block in blocks) / len(blocks)


def _response(run, block):
    events, probes = run.events(block), run.traces(block)
    found = {}
    for name in probes:
        match = ERROR.match(name)
        if match:
            found[int(match[1] or match[2])] = _mean_square(
                probes[name], squared=match[2] is not None
            )
    roles = events["role"].to_numpy()
    onset = events["onset"].to_numpy()
    courses = [
        [_locked(found[level], onset[roles == role], onset, role, block) for level in sorted(found)]
        for role in ROLES
    ]
    time = courses[0][0]["time"]
    return xr.DataArray(
        np.array(courses),
        dims=("role", "level", "time"),
        coords={"role": list(ROLES), "level": sorted(found), "time": time},
    )


def _mean_square(probe, squared):
    """Mean square over units, (time,)."""
    time, unit = probe.dims
    values = probe.astype(float) if squared else probe.astype(float) ** 2
    return values.mean(unit).rename({time: "time"} if time != "time" else {})


def _locked(course, chosen, onsets, role, block):
    """Mean over the `chosen` onsets of a course (time,), up to the next onset."""
    step = float(course["time"][1] - course["time"][0])
    samples = int(round(np.diff(onsets).min() / step)) if len(onsets) > 1 else len(course)
    time = course["time"].to_numpy()
    first = np.searchsorted(time, chosen - step / 2)
    first = first[first + samples <= len(time)]
    first = first[
        np.isclose(time[first + samples - 1] - time[first], (samples - 1) * step, atol=step / 2)
    ]
    if not len(first):
        raise StimulusError(
            f"no {role} was recorded up to the next token",
            where=f"block {block!r}",
            fix=(
                "record it with a probe without a window, and present more tokens: both roles must occur"
            ),
        )
    rows = course.to_numpy()[first[:, None] + np.arange(samples)]
    return xr.DataArray(rows.mean(axis=0), dims="time", coords={"time": step * np.arange(samples)})


if __name__ == "__main__":
    script.main(figure, NEEDS, "oddball")
