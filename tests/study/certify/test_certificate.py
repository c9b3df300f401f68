"""Certificates. Oracles: closed forms of the differences, and stock C++ itself (which must agree
with itself).
"""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import tiny
import xarray as xr
from brian2 import ms, second

import fena_sim as fs
from fena_sim import extras
from fena_sim.commands.certify import summary
from fena_sim.commands.main import cli
from fena_sim.declare.protocol.timeline import timeline
from fena_sim.device.cuda import toolchain
from fena_sim.device.cuda.doctor import examine
from fena_sim.device.cuda.preferences import remedy
from fena_sim.errors import DeviceError
from fena_sim.stimulus import TokenStream
from fena_sim.study.certify.certificate import (
    EXACT,
    THRESHOLDS,
    Row,
    apart,
    certify,
    common_period,
    cut,
    values,
    with_rounding,
)


def test_apart_is_scaled_by_the_variable_itself():
    assert apart(np.array([1.0, 4.5]), np.array([1.0, 5.0])) == (0.5, 0.1)
    assert apart(np.zeros(3), np.zeros(3)) == (0, 0)
    assert apart(np.array([1e-30]), np.array([0.0])) == (1e-30, np.inf)
    assert apart(np.array([1.0, np.nan]), np.array([1.0, np.nan])) == (0, 0)
    assert apart(np.array([1.0, 2.0]), np.array([1.0, np.nan])) == (np.inf, np.inf)
    assert apart(np.zeros(2), np.zeros(3)) == apart(None, np.zeros(3)) == (np.inf, np.inf)


def test_everything_that_every_block_holds_is_compared():
    """Of two blocks, each with a state, a readout and, in the second, a trace."""

    def data(**arrays):
        return xr.Dataset({name: ("x", np.array(values)) for name, values in arrays.items()})

    run = SimpleNamespace(
        blocks=["a", "b"],
        manifest={"blocks": [{"name": "a", "probes": []}, {"name": "b", "probes": ["state_1"]}]},
        state=lambda block: {"W_1.w": np.array({"a": [1.0, 2.0], "b": [3.0, 4.0]}[block])},
        tokens=lambda block: data(error={"a": [5.0], "b": [6.0, 7.0]}[block]),
        traces=lambda block: data(**{"state_1.r": [8.0]}),
    )
    found = {name: array.tolist() for name, array in values(run).items()}
    assert found == {"W_1.w": [1, 2, 3, 4], "tokens error": [5, 6, 7], "trace state_1.r": [8]}


def test_cut_keeps_every_block_and_its_controls():
    protocol = fs.Protocol(
        name="p",
        blocks=[
            tiny.block(n=9),
            tiny.block("later", 9, controls=dict(plasticity_gain=np.linspace(1, 0, 9))),
        ],
    )
    short = cut(protocol, 8)
    assert [len(block) for block in short.blocks] == [4, 4]
    np.testing.assert_allclose(short.blocks[1].controls["plasticity_gain"], [1, 0.875, 0.75, 0.625])
    assert [len(block) for block in cut(protocol, 1000).blocks] == [9, 9]


def own_onsets(n, pause):
    return fs.EventPace(onset=np.arange(n) ** 2 * 100 * ms, duration=40 * ms, pause=pause)


@pytest.mark.parametrize(
    "pace",
    [
        own_onsets(9, 60 * ms),
        fs.FixedPace(onset_asynchrony=fs.Uniform(60 * ms, 90 * ms), seed=4),
    ],
    ids=["own onsets and a pause", "drawn"],
)
def test_tokens_that_are_cut_keep_their_times(pace):
    """And a function of time is the same one."""

    def rising(t):
        return np.asarray(t / second) * 0.1

    stream = TokenStream.from_ids(range(9), tiny.VOCABULARY)
    block = tiny.block(n=9, pace=pace, controls=dict(temperature=rising), stream=stream)
    (short,) = cut(fs.Protocol(name="p", blocks=[block]), 4).blocks
    whole, first = timeline(block, 1 * ms), timeline(short, 1 * ms)
    for name in ("token", "blank", "shortest", "longest"):
        assert getattr(first, name).tolist() == getattr(whole, name)[:4].tolist()
    assert first.pause == 0
    found = first.controls["temperature"].at(0, first.steps)
    np.testing.assert_array_equal(found, whole.controls["temperature"].at(0, first.steps))
    np.testing.assert_allclose(found, np.arange(first.steps) * 1e-4, atol=1e-15)


@pytest.mark.parametrize("given", ["blank", "onset_asynchrony"])
def test_what_a_block_has_for_every_token_is_cut_with_it(given):
    """The first tokens of the cut block are laid out as in the whole one: times, labels, controls
    given by value and as functions of time.
    """
    n, dt, gains = 9, 0.1 * ms, np.linspace(1, 0, 9)
    duration = (40 + np.arange(n)) * ms
    blank = (10 + 2 * np.arange(n)) * ms
    pace = fs.FixedPace(
        duration=duration, **{given: blank if given == "blank" else blank + duration}
    )
    stream = TokenStream.from_ids(range(n), tiny.VOCABULARY, place=np.arange(n))
    controls = dict(
        plasticity_gain=list(gains),
        precision_gain=lambda t: np.exp(-t / (100 * ms)),
        temperature=lambda t: np.asarray(t / second) * 0.1,
        gate=1.0,
    )
    for block in (
        tiny.block(n=n, pace=pace, controls=controls, stream=stream),
        tiny.block(n=n, pace=fs.SelfPaced(), controls=controls, stream=stream),
        tiny.block(n=n, pace=own_onsets(n, 0 * second), controls=controls, stream=stream),
    ):
        (short,) = cut(fs.Protocol(name="p", blocks=[block]), 4).blocks
        whole, first = timeline(block, dt), timeline(short, dt)
        assert short.stream.events["place"].tolist() == [0, 1, 2, 3]
        for name in ("token", "blank", "shortest", "longest"):
            assert getattr(first, name).tolist() == getattr(whole, name)[:4].tolist()
        for name, found in first.controls.items():
            if name in ("precision_gain", "temperature"):
                expected = whole.controls[name].at(0, first.steps)
                np.testing.assert_array_equal(found.at(0, first.steps), expected)
            else:
                np.testing.assert_array_equal(found, whole.controls[name][:4])


@pytest.mark.slow
def test_clocks_begin_together_after_their_common_period():
    clocks = [
        p.plasticity.clock
        for p in tiny.model().projections
        if p.plasticity is not None and p.plasticity.clock is not None
    ]
    steps = {round(float(clock) / float(tiny.model().dt)) for clock in clocks}
    assert common_period(tiny.model()) == np.lcm.reduce(sorted(steps))


@pytest.mark.slow
def test_dense_agrees_with_stock_in_both_precisions():
    rows, costs = certify(tiny.model(), tiny.one_block(6), ["dense"], tokens=6)
    assert {(row.device, row.dtype) for row in rows} == {
        ("dense", "float64"),
        ("dense", "float32"),
        ("cpp", "float32"),
    }
    rounding = [row for row in rows if row.device == "cpp"]
    assert {row.reference for row in rounding} == {EXACT} and 0 < max(
        row.max_rel for row in rounding
    ) < 1e-3
    assert all(row.passes for row in rows), [row for row in rows if not row.passes]
    assert {row.variable for row in rows} >= {
        "W_1.w",
        "state_1.r",
        "tokens iterations",
        "trace state_1.r",
    }
    assert [cost.device for cost in costs] == ["cpp", "dense"]


@pytest.mark.slow
def test_cuda_host_agrees_with_stock_in_both_orders():
    pytest.importorskip("brian2cuda", reason=f"brian2cuda is not installed: {remedy()}")
    rows, costs = certify(tiny.model(), tiny.one_block(6), ["cuda_host"], tokens=6)
    assert {row.device for row in rows} == {"cpp", "cuda_host", "cuda_host (reverse)"}
    assert all(row.passes for row in rows), [row for row in rows if not row.passes]
    assert (
        costs[1].launches_per_step > 10
        and costs[1].device_bytes > 1000
        and costs[1].bytes_per_step > 1000
    )


def test_a_row_fails_above_the_bar_of_its_precision():
    assert Row("x", "cpp", "dense", "float64", 0, THRESHOLDS["float64"]).passes
    assert not Row("x", "cpp", "dense", "float64", 0, 2e-12).passes
    assert Row("x", "cpp", "dense", "float32", 0, 9e-6).passes
    rows = [
        Row("x", "cpp", "dense", "float32", 1.0, 2e-5),
        Row("y", "cpp", "dense", "float32", 0.0, 0.0),
    ]
    assert "| dense | float32 | cpp | 2 | x | 2e-05 | 1 | 1 of 2 |" in summary(rows, [])
    rounding = Row("x", EXACT, "cpp", "float32", 1.0, 2e-5)
    assert (
        rounding.passes
        and "| cpp | float32 | cpp float64 | 1 | x | 2e-05 | 1 | not asked |"
        in summary([rounding], [])
    )


def test_single_precision_may_differ_by_ten_times_what_rounding_costs_stock():
    rows = [
        Row("coarse", "cpp", "dense", "float32", 0, 9e-4),
        Row("coarse", "cpp", "cuda_host", "float32", 0, 1.1e-3),
        Row("fine", "cpp", "dense", "float32", 0, 1.1e-5),
        Row("coarse", "cpp", "dense", "float64", 0, 2e-12),
    ]
    cost = [
        Row("coarse", EXACT, "cpp", "float32", 0, 1e-4),
        Row("fine", EXACT, "cpp", "float32", 0, 1e-7),
    ]
    found = with_rounding(rows, cost)
    assert [row.passes for row in found] == [True, False, False, False]
    assert [row.threshold for row in found] == [1e-3, 1e-3, 1e-5, 1e-12]


def test_unknown_devices_are_refused():
    with pytest.raises(DeviceError, match="no device 'cuda_hots' can be certified"):
        certify(tiny.model(), tiny.one_block(6), ["cuda_hots"])


def test_doctor_says_what_mends_what_is_missing(monkeypatch, capsys):
    monkeypatch.setenv("CXX", "no-such-compiler")
    findings = {finding.what: finding for finding in examine()}
    assert (
        not findings["C++ compiler"].there
        and findings["C++ compiler"].mend == "apt-get install g++"
    )
    cli.main(["doctor", "--json"], standalone_mode=False)
    told = {finding["what"]: finding for finding in json.loads(capsys.readouterr().out)}
    assert told.keys() == findings.keys() and told["C++ compiler"]["there"] is False


def test_doctor_prints_a_command_whole_on_one_line(monkeypatch, tmp_path, capsys):
    """Brackets are not markup, and a long path does not break the line."""
    monkeypatch.setattr(toolchain, "find", lambda: None)
    home = tmp_path / ("x" * 150)
    home.mkdir()
    (home / "setup.cfg").touch()
    monkeypatch.setattr(extras, "_HOME", home)
    cli.main(["doctor"], standalone_mode=False)
    command = extras.install_hint("nvcc")
    assert command.endswith("x[nvcc]'")
    assert f"CUDA compiler and cuRAND: {command}" in capsys.readouterr().out.splitlines()
