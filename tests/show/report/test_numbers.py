"""Oracle: hand-computed values of few made-up networks; the measures and the summaries that the
page must not do anew.
"""

import numpy as np
import pytest
import xarray as xr

from fena_sim.errors import FenaError
from fena_sim.measure import mean_errors, settling_iterations, summarise
from fena_sim.show.report.figures import _in_words, _measured
from fena_sim.show.report.numbers import block_numbers, protocol_numbers

FILE = """
def summary(runs):
    (run,) = runs
    return {"plain_value": run, "listed": [run, 2 * run], "nested": {"a_b": run + 1}, "never": float("nan"), "word": "x"}
"""


def test_a_summary_is_taken_of_each_network_and_summarised_over_them(tmp_path):
    (tmp_path / "protocol.py").write_text(FILE)
    found = {n.name: n for n in protocol_numbers([3.0, 1.0, 5.0, 2.0], tmp_path / "protocol.py")}
    assert list(found) == ["plain value", "listed [0]", "listed [1]", "nested a b", "never"]
    assert found["plain value"].summary == summarise([3.0, 1.0, 5.0, 2.0])
    assert (
        found["listed [1]"].values == [6.0, 2.0, 10.0, 4.0]
        and found["nested a b"].summary.median == 3.5
    )
    assert (
        found["never"].summary is None and found["never"].note == "not defined in 4 of 4 networks"
    )


def test_a_file_without_summary_gives_no_numbers_and_one_that_fails_says_so(tmp_path):
    (tmp_path / "none.py").write_text("def protocol(): pass")
    assert protocol_numbers([1.0], tmp_path / "none.py") is None
    (tmp_path / "bad.py").write_text("def summary(runs): return {'x': runs['nothing']}")
    with pytest.raises(FenaError, match="cannot be computed: TypeError"):
        protocol_numbers([1.0], tmp_path / "bad.py")


def test_numbers_of_a_block_are_those_of_the_measures(uninterrupted):
    found = {n.name: n.summary.median for n in block_numbers([uninterrupted], "paced")}
    assert found["settling iterations, median"] == settling_iterations(uninterrupted, "paced")
    np.testing.assert_allclose(
        [found[f"squared error, level {level}"] for level in range(4)],
        mean_errors(uninterrupted, "paced"),
        rtol=1e-12,
    )
    precision = uninterrupted.tokens("paced")["precision"].to_numpy().mean(axis=0)
    np.testing.assert_allclose(
        [found[f"precision, level {level}"] for level in range(4)], precision, rtol=1e-6
    )


def test_courses_of_self_paced_networks_are_drawn_over_the_times_that_all_have():
    def course(n):
        return xr.DataArray(
            np.ones((n, 2)),
            dims=("time", "level"),
            coords={"time": np.arange(n) * 0.001, "level": [0, 1]},
        )

    assert [curve.sizes["time"] for curve in _measured(course, [9, 8, 10])] == [8, 8, 8]


def test_words_beside_a_panel_are_medians_over_networks():
    """First points 1, 2 and 9, last ones 5, 5 and 8; of the other moment ten times as much."""

    def curve(first, last):
        values = np.array([[first, 10 * first], [np.nan, np.nan], [last, 10 * last]])
        return xr.DataArray(values, dims=("tokens", "moment"), coords={"moment": ["first", "last"]})

    assert _in_words([curve(1, 5), curve(9, 5), curve(2, 8)]) == (
        "From first to last point, before settling: 2 → 5, after settling: 20 → 50."
    )
