"""Oracle: the event tables of the run, which other tests compare with its declaration."""

import numpy as np
import pytest
from brian2 import ms

import fena_sim as fs
from fena_sim.stimulus import TokenStream, one_hot


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Two blocks, in the second of which there are sounds beside the pictures."""
    leaky = "dr/dt = (gate*token_code - r)/(20*ms) : 1"
    populations = [
        fs.Population(name=name, size=size, equations=leaky)
        for name, size in (("picture", 2), ("sound", 3))
    ]
    model = fs.Hierarchy(name="two", populations=populations)
    pictures, sounds = one_hot(["face", "house"]), one_hot("abc")
    pace = fs.FixedPace(duration=20 * ms, onset_asynchrony=50 * ms)
    streams = {
        "picture": TokenStream.from_list(["face", "house"], pictures).paced(pace, start=10 * ms),
        "sound": TokenStream.from_list(["c", None], sounds, loud=[True, False]).paced(pace),
    }
    blocks = [
        fs.Block(
            name=name,
            streams={**streams, "sound": streams["sound"][: 2 - k]},
            probes=[fs.Probe("sound", "r")],
        )
        for k, name in enumerate(("first", "second"))
    ]
    protocol = fs.Protocol(name="p", blocks=blocks)
    return fs.run(model, protocol, device="runtime", out=tmp_path_factory.mktemp("two"))


def test_nwb(run, tmp_path):
    pynwb = pytest.importorskip("pynwb", reason="needs the extra nwb")
    from fena_sim.show.export.nwb import write_nwb

    write_nwb(run, tmp_path / "two.nwb")
    with pynwb.NWBHDF5IO(str(tmp_path / "two.nwb"), "r") as io:
        table = io.read().intervals["sound_tokens"].to_dataframe()
        assert table["symbol"].tolist() == ["c", "", "c"]
        assert table["block"].tolist() == ["first", "first", "second"]
        first = run.events("first", "sound")
        starts = [*first["blank_onset"], run.events("second", "sound")["blank_onset"][0] + 0.11]
        np.testing.assert_allclose(table["start_time"], starts, atol=1e-9)
        assert len(io.read().trials) == 4


def test_neo(run, tmp_path):
    neo = pytest.importorskip("neo", reason="needs the extra neo")
    pytest.importorskip("nixio", reason="needs the extra neo")
    from fena_sim.show.export.neo import write_neo

    write_neo(run, tmp_path / "two.nix")
    io = neo.NixIO(str(tmp_path / "two.nix"), mode="ro")
    try:
        segment = io.read_block().segments[0]
    finally:
        io.close()
    found = {epoch.name: epoch for epoch in segment.epochs}
    assert found["tokens of sound"].labels.tolist() == ["c", ""]
    np.testing.assert_allclose(
        found["tokens of sound"].times.rescale("s").magnitude,
        run.events("first", "sound")["blank_onset"],
    )
    onsets = {event.name: event for event in segment.events}["onsets of sound"]
    np.testing.assert_allclose(
        onsets.times.rescale("s").magnitude, run.events("first", "sound")["onset"]
    )
