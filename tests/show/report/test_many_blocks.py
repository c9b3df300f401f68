"""Oracle: the panels on axes of their own, what a run holds, and the number of times that files are
read: a report over many short blocks does once what takes long.
"""

import re
from collections import Counter

import handmade
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from fena_sim.runs.store.run import Run
from fena_sim.show.report import figures as report_figures
from fena_sim.show.report.figures import Courses
from fena_sim.show.report.page import report
from fena_sim.show.report.read_once import read_once


def a_course(low, high, levels=(0, 1), times=9):
    values = np.geomspace(low, high, times * len(levels)).reshape(times, len(levels))
    coords = {"time": np.arange(times) * 0.001, "level": list(levels)}
    return xr.DataArray(values, dims=("time", "level"), coords=coords)


def test_a_panel_on_used_axes_is_the_one_on_fresh_axes():
    """Whatever was drawn before: other values, other levels, other times, other numbers of networks."""
    used = Courses()
    shown = [
        [a_course(1e-3, 1)],
        [a_course(0.2, 0.3), a_course(0.1, 0.4)],
        [a_course(1e-5, 4e-5, levels=(0, 1, 2))],
        [a_course(10, 1e6, times=30)],
        [a_course(0.002, 0.5)],
    ]
    for number, curves in enumerate(shown):
        assert used.panel(curves, f"p{number}") == Courses().panel(curves, f"p{number}")


def test_the_curves_of_a_panel_are_at_the_values_on_axes_that_end_at_a_number():
    """Of axes that were drawn before too: the points of the SVG, by the formula of a log axis, whose
    limits are 1, 2 or 5 times a power of ten below and above all values.
    """
    courses, height, width = Courses(), 56 * 72 / 25.4, 85 * 72 / 25.4
    left, right, bottom, top = (
        report_figures.MARGINS[k] for k in ("left", "right", "bottom", "top")
    )
    cases = [((3e-3, 0.9), (2e-3, 1)), ((2.5e-3, 0.6), (2e-3, 1)), ((0.02, 5), (0.01, 10))]
    for (low, high), (least, most) in cases:
        curves = a_course(low, high)
        svg, _ = courses.panel([curves], "p")
        paths = re.findall(r'<g>\s*<path d="([^"]*)"', svg)
        assert len(paths) == 2
        for path, level in zip(paths, (0, 1), strict=True):
            points = np.array(re.findall(r"[ML] ([\d.]+) ([\d.]+)", path), dtype=float)
            time = (points[:, 0] / width - left) / (right - left) * 0.008
            share = (1 - points[:, 1] / height - bottom) / (top - bottom)
            values = least * (most / least) ** share
            shown = np.interp(time, curves["time"], np.log(curves.sel(level=level)))
            np.testing.assert_allclose(np.log(values), shown, atol=2e-3)
            np.testing.assert_allclose(time[[0, -1]], [0, 0.008], atol=1e-6)
    assert len(courses._frames) == 2, "the first two have the same axes"


def test_a_panel_without_errors_above_0_has_axes():
    svg, _ = Courses().panel([a_course(1, 2) * 0], "p")
    assert "0.1" in svg and "time from the token" in svg


def test_a_report_reads_each_table_of_a_short_block_once(uninterrupted, monkeypatch):
    """And makes the axes of the panels that every block has once: both take longer than all else."""
    read, figures, make = Counter(), [], report_figures._course_figure

    def counted(kind, function):
        def reading(run, block):
            read[kind, block] += 1
            return function(run, block)

        return reading

    for kind in ("events", "tokens", "traces"):
        monkeypatch.setattr(Run, kind, counted(kind, getattr(Run, kind)))
    monkeypatch.setattr(
        report_figures, "_course_figure", lambda levels: figures.append(levels) or make(levels)
    )
    monkeypatch.setattr("fena_sim.show.report.read_once.KEPT_TOKENS", 6)
    page = report(uninterrupted.folder)
    assert all(f"Settling within a token, block {b}" in page for b in uninterrupted.blocks)
    assert figures == [(0,)]
    short = {key: n for key, n in read.items() if key[1] != "learning"}  # which has 9 tokens
    assert len(short) == 3 * 3 and set(short.values()) == {1}
    assert read["tokens", "learning"] > 1, "too long to be kept"


@pytest.mark.parametrize("batch", [1, 2])
def test_what_is_read_once_is_what_the_run_holds(uninterrupted, tmp_path, batch):
    """Also after somebody has changed what was given."""
    run, block = uninterrupted, "fresh"
    if batch > 1:
        block, table = "b0", handmade.events([0, 0.05] * 2, [0, 1] * 2, stream=[0, 0, 1, 1])
        kept = xr.Dataset(
            {"error": (("event", "stream", "level"), np.arange(8.0).reshape(2, 2, 2))}
        )
        errors = np.arange(60.0).reshape(10, 2, 3)
        run = handmade.write(
            tmp_path / "streams",
            {"b0": (table, handmade.traces(1e-3, error_0__error=errors), kept)},
            populations=[handmade.population("error_0", 0, "error")],
            batch=batch,
        )
    (again,) = read_once([run])
    for _ in range(2):
        assert len(again.streams) == batch
        for one, other in zip([again, *again.streams], [run, *run.streams], strict=True):
            events, tokens, traces = (
                getattr(one, k)(block) for k in ("events", "tokens", "traces")
            )
            pd.testing.assert_frame_equal(events, other.events(block))
            xr.testing.assert_identical(tokens, other.tokens(block))
            xr.testing.assert_identical(traces, other.traces(block))
            events["onset"] = 7.0
            tokens["error"] = tokens["error"] + 1
            tokens.attrs["dt_s"] = 0.0
            del traces["error_0.error"]
