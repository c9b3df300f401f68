"""C18, C25 and their protocols. Oracle: the designs as published (P01: Parras et al. 2017; P02:
Bekinschtein et al. 2009), counted in the streams; responses, counts and spectra known by hand.
"""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from fena_sim import load_protocol
from fena_sim.load.user_file import load_file

PROTOCOLS = Path(__file__).resolve().parents[3] / "protocols"


@pytest.fixture(scope="module")
def groups():
    return load_file(PROTOCOLS / "global_oddball.py", "protocol")


@pytest.fixture(scope="module")
def c25():
    return load_file(PROTOCOLS / "claims" / "c25_deviance.py", "claim")


@pytest.fixture(scope="module")
def c18():
    return load_file(PROTOCOLS / "claims" / "c18_biological_signs.py", "claim")


def test_the_deviant_is_as_rare_among_standards_as_among_many():
    protocol = load_protocol(PROTOCOLS / "many_standards.py", seed=3, tokens=6000).protocol
    events = {block.name: block.stream.events["token"].to_numpy() for block in protocol.blocks}
    for name, (standard, deviant) in {"oddball": (4, 5), "flip_flop": (5, 4)}.items():
        assert set(events[name]) == {standard, deviant}
        rare = np.flatnonzero(events[name] == deviant)
        assert len(rare) / 6000 == pytest.approx(0.1, abs=0.01)
        assert np.diff(rare).min() >= 3
    shares = np.bincount(events["many_standards"]) / 6000
    np.testing.assert_allclose(shares, np.full(10, 0.1), atol=0.015)
    assert (np.diff(events["many_standards"]) != 0).all()
    assert {float(block.pace.onset_asynchrony) for block in protocol.blocks} == {0.25}
    assert set(events["familiarisation"]) == set(range(16))
    assert [block.start_from for block in protocol.blocks] == [None] + 3 * ["familiarisation"]


def test_the_groups_of_a_global_oddball(groups):
    protocol = load_protocol(PROTOCOLS / "global_oddball.py", seed=3).protocol
    names = [f"{block}{swapped}" for swapped in ("", "_swapped") for block in ("xxxxY", "xxxxx")]
    assert [block.name for block in protocol.blocks] == [
        part for name in names for part in (f"{name}_first", name)
    ]
    for number, block in enumerate(protocol.blocks):
        habituation, swapped = block.name.endswith("_first"), "_swapped" in block.name
        events = block.stream.events
        tokens = events["token"].to_numpy().reshape(-1, 5)
        assert len(tokens) == (30 if habituation else 120)
        x = int(swapped)
        assert (tokens[:, :4] == x).all()
        frequent = tokens[:, 4] == (1 - x if block.name.startswith("xxxxY") else x)
        assert frequent.sum() == (30 if habituation else 96)  # 80 % of 120
        assert frequent[-1]
        rare, deviant = (
            events[name].to_numpy().reshape(-1, 5)[:, 4] for name in ("rare", "deviant")
        )
        np.testing.assert_array_equal(rare, ~frequent)
        np.testing.assert_array_equal(deviant, tokens[:, 4] != x)
        blank = np.asarray(block.pace.blank).reshape(-1, 5) * 1000
        np.testing.assert_allclose(blank[:, 1:], 100)
        assert blank[:, 0].min() >= 700 and blank[:, 0].max() <= 1000
        assert len(set(blank[:, 0])) > 20  # no clock
        assert bool(block.probes) is not habituation
        # the test goes on from its habituation, which all start from the same state
        assert block.start_from == ("initial" if habituation else None)


def run_of_groups(groups):
    """Two trials of each kind in each of the four blocks."""
    tables = {}
    for name in groups.FREQUENT:
        for suffix in ("", groups.SWAPPED):
            tables[name + suffix] = pd.DataFrame(
                {
                    "position": np.tile(np.arange(5), 4),
                    "deviant": np.repeat([True, False, True, False], 5),
                }
            )
    return SimpleNamespace(events=tables.__getitem__)


def answering(groups, values, lost=0):
    """A read-out that gives a fifth token `values[block, deviant]` (level,), twice it and nothing in
    turns (mean: itself), 100 to other tokens, and leaves the first `lost` tokens out.
    """

    def response(run, block):
        events = run.events(block)
        given = []
        for row in events.itertuples():
            value = values[block.removesuffix(groups.SWAPPED), row.deviant]
            twice = 2.0 * (row.Index < 10)
            given.append(twice * np.asarray(value) if row.position == 4 else np.full(2, 100.0))
        kept = np.arange(lost, len(events))
        return xr.DataArray(np.array(given)[kept], dims=("event", "level"), coords={"event": kept})

    return response


def test_effects_by_hand(groups, c25):
    values = {
        ("xxxxY", True): (6.0, 5.0),
        ("xxxxY", False): (1.0, 3.0),
        ("xxxxx", True): (10.0, 7.0),
        ("xxxxx", False): (1.2, 2.0),
    }
    run, response = run_of_groups(groups), answering(groups, values, lost=3)
    local = groups.local(run, response)
    np.testing.assert_allclose(local["xxxxY"], (5, 2))
    np.testing.assert_allclose(local["xxxxx"], (8.8, 5))
    np.testing.assert_allclose(groups.pure_global(run, response), (-0.2, 1))
    found = c25.effects(run, response, response)
    np.testing.assert_allclose(found["global"], (-0.2, 1))
    np.testing.assert_allclose(found["relative"], (-0.2 / 6.9, 1 / 3.5))
    rare = np.array([(-0.2 + 4) / 2, (1 + 2) / 2])
    np.testing.assert_allclose(found["share"], rare / (rare + (6.9, 3.5)))
    assert found["ratio"] == pytest.approx(2 / 5)
    assert found["met"] is True


@pytest.mark.parametrize(
    "failing, change",
    [
        ("ratio_met", {("xxxxY", True): (6.0, 4.4)}),  # (4.4 - 3)/5 = .28
        ("ratio_met", {("xxxxY", True): (6.0, 8.1)}),  # 5.1/5
        ("top_met", {("xxxxY", False): (1.0, 2.0), ("xxxxY", True): (6.0, 4.0)}),
        ("absent", {("xxxxY", False): (2.0, 3.0)}),  # .8 of 6.4
        ("absent", {("xxxxY", False): (0.4, 3.0)}),  # -.8 of 7.2
    ],
)
def test_each_criterion_of_the_global_oddball_can_fail(groups, c25, failing, change):
    values = {
        ("xxxxY", True): (6.0, 5.0),
        ("xxxxY", False): (1.0, 3.0),
        ("xxxxx", True): (10.0, 7.0),
        ("xxxxx", False): (1.2, 2.0),
    } | change
    response = answering(groups, values)
    found = c25.effects(run_of_groups(groups), response, response)
    parts = ("ratio_met", "top_met", "absent")
    assert [part for part in parts if not found[part]] == [failing]
    assert found["met"] is False


def test_item_frequency_forgets(c18):
    tables = {
        "training": pd.DataFrame({"token": [0] * 400 + [1] * 100}),
        "familiar": pd.DataFrame({"token": [1] * 3 + [2] * 2}),
    }
    run = SimpleNamespace(
        events=tables.__getitem__, vocabulary=SimpleNamespace(symbols=("a", "b", "c"))
    )

    def oracle(tokens):
        age = len(tokens) - 1 - np.arange(len(tokens))
        weight = np.exp(-age / 100)
        return int(np.bincount(tokens, weight, minlength=3).argmax())

    learned, tested = (tables[name]["token"].to_numpy() for name in tables)
    everything = np.concatenate([learned, tested])
    expected = [oracle(everything[: len(learned) + k]) for k in range(len(tested))]
    assert c18.item_frequency(run).tolist() == expected == [1] * 5
    assert c18.most_frequent(np.array([2, 0, 2, 1])) == 0.5


def test_a_rhythm_is_power_in_its_band_and_slowness_takes_it(c18):
    rng = np.random.default_rng(0)
    time = np.arange(200 * 252) / 1000
    noise = rng.normal(size=(len(time), 3))

    def held(states):
        traces = {"state_1.r": xr.DataArray(states, dims=("time", "unit"))}
        return SimpleNamespace(traces=lambda block: traces)

    # white noise of variance 1 from 0 to 500 Hz, and a sine of variance 2
    ringing = held(noise + 2 * np.sin(2 * np.pi * 15 * time)[:, None])
    assert c18.rhythm(ringing) == pytest.approx((2 + 24 / 500) / 3, abs=0.01)
    assert c18.rhythm(held(noise)) == pytest.approx(24 / 500, abs=0.01)
    # A first-order filter of 20 ms divides power at f by 1 + (2 pi f .02)^2, also of a sine.
    sine = c18.slowed(np.sin(2 * np.pi * 15 * time)[:, None])[2000:]
    assert sine.var() == pytest.approx(0.5 / (1 + (2 * np.pi * 15 * 0.02) ** 2), rel=0.05)
