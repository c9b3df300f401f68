"""Oracle: the contract that a wrong input is refused before anything is built or written."""

import attrs
import handmade
import numpy as np
import pytest
import tiny
from brian2 import ms

import fena_sim as fs
from fena_sim.device.cpp import CppDevice
from fena_sim.device.runtime import RuntimeDevice
from fena_sim.errors import (
    CheckpointError,
    DeclarationError,
    DeviceError,
    FenaError,
    ProtocolError,
    RunFolderError,
    UnknownNameError,
)
from fena_sim.network.initial_state import noise_seed
from fena_sim.stimulus import TokenStream, dense_random


@pytest.fixture
def nothing_is_built(monkeypatch):
    def refuse(*_):
        raise AssertionError("a network was built")

    monkeypatch.setattr(CppDevice, "build", refuse)
    monkeypatch.setattr(RuntimeDevice, "build", refuse)


def probing(*probes):
    return tiny.one_block(3, probes=probes)


FEW = dense_random("abc", 5, seed=0)
WRONG = {
    "probe of an unknown population": (
        UnknownNameError,
        "'state_11'",
        dict(protocol=probing(fs.Probe("state_11", "r"))),
    ),
    "probe of an unknown variable": (
        UnknownNameError,
        "'rr'",
        dict(protocol=probing(fs.Probe("state_1", "rr"))),
    ),
    "probe of an unknown unit": (
        ProtocolError,
        "below 8",
        dict(protocol=probing(fs.Probe("state_1", "r", units=[0, 8]))),
    ),
    "probe of a negative unit": (
        ProtocolError,
        "below 8",
        dict(protocol=probing(fs.Probe("state_1", "r", units=[-1]))),
    ),
    "probe off the grid": (
        ProtocolError,
        "not a multiple",
        dict(protocol=probing(fs.Probe("state_1", "r", interval=1.5 * ms))),
    ),
    "probe below dt": (
        ProtocolError,
        "shorter than dt",
        dict(protocol=probing(fs.Probe("state_1", "r", interval=0.1 * ms))),
    ),
    "two probes of one population": (
        ProtocolError,
        "two probes",
        dict(protocol=probing(fs.Probe("state_1", "r"), fs.Probe("state_1", "f"))),
    ),
    "spikes of what does not spike": (
        ProtocolError,
        "does not spike",
        dict(protocol=probing(fs.Probe("state_1", "spikes"))),
    ),
    "vocabulary of another size": (
        ProtocolError,
        "5 units",
        dict(
            protocol=fs.Protocol(
                name="p", blocks=[fs.Block(name="a", stream=TokenStream.from_ids([0, 1], FEW))]
            )
        ),
    ),
    "self-paced without settling": (
        ProtocolError,
        "settled",
        dict(
            model=fs.Hierarchy(name="m", populations=[fs.Population(name="a", size=3)]),
            protocol=tiny.one_block(3, probes=(), pace=fs.SelfPaced()),
        ),
    ),
    "a level that is not there knocked out": (
        ProtocolError,
        "no predictions of a level 4",
        dict(protocol=tiny.one_block(3, controls=dict(knocked_out=4))),
    ),
    "half a level knocked out": (
        ProtocolError,
        "not a whole number",
        dict(protocol=tiny.one_block(3, controls=dict(knocked_out=1.5))),
    ),
    "a level knocked out that predicts nothing": (
        ProtocolError,
        "no predictions of a level 1",
        dict(
            model=fs.Hierarchy(name="m", populations=[fs.Population(name="a", size=3, level=1)]),
            protocol=tiny.one_block(3, probes=(), controls=dict(knocked_out=1)),
        ),
    ),
    "one stream for a batch": (
        ProtocolError,
        "1 stream, the model asks for 3",
        dict(model=tiny.model().with_parameter("batch", 3)),
    ),
    "several streams for none": (
        ProtocolError,
        "2 streams, the model asks for 1",
        dict(
            protocol=fs.Protocol(
                name="p", blocks=[fs.Block(name="a", stream=[tiny.stream(3), tiny.stream(3, 1)])]
            )
        ),
    ),
    "a batch on the runtime": (
        DeviceError,
        "'runtime' presents one",
        dict(model=tiny.model().with_parameter("batch", 3), device="runtime"),
    ),
    "a batch on stock C++": (
        DeviceError,
        "'cpp' presents one",
        dict(model=tiny.model().with_parameter("batch", 3), device="cpp"),
    ),
    "no model": (ProtocolError, "give a Hierarchy", dict(model="models/fena.py")),
    "no protocol": (ProtocolError, "give a Protocol", dict(protocol="protocols/first_contact.py")),
    "negative seed": (ProtocolError, "seed", dict(seed=-1)),
    "half a seed": (ProtocolError, "seed", dict(seed=0.5)),
    "text for a seed": (ProtocolError, "seed", dict(seed="0")),
    "chunks of no token": (ProtocolError, "chunk", dict(chunk_tokens=0)),
    "chunks of half a token": (ProtocolError, "chunk", dict(chunk_tokens=1.5)),
    "unknown device": (DeviceError, "'gpu'", dict(device="gpu")),
    "block below dt": (
        ProtocolError,
        "shorter than dt",
        dict(protocol=tiny.one_block(3, pace=fs.FixedPace(blank=0.5 * ms))),
    ),
    "negative control": (
        ProtocolError,
        "negative",
        dict(protocol=tiny.one_block(3, controls=dict(gate=-1))),
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_refused_before_anything_is_made(case, tiny_fena, tmp_path, nothing_is_built):
    kind, message, given = WRONG[case]
    with pytest.raises(kind, match=message) as caught:
        fs.run(
            **{"model": tiny_fena, "protocol": tiny.one_block(3), "out": tmp_path / "out", **given}
        )
    assert isinstance(caught.value, FenaError) and caught.value.fix
    assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def finished(tiny_fena, tmp_path_factory):
    return fs.run(
        tiny_fena,
        tiny.one_block(3, probes=()),
        device="runtime",
        out=tmp_path_factory.mktemp("finished"),
    )


@pytest.mark.parametrize(
    "options, message",
    [
        (dict(sizes=(8, 6)), "no 'event_2'"),
        (dict(sizes=(8, 6, 5, 4)), "holds no"),
        (dict(sizes=(8, 6, 7)), "values of"),
    ],
)
def test_start_from_a_run_of_another_model(options, message, finished, tmp_path, nothing_is_built):
    with pytest.raises(CheckpointError, match=message) as caught:
        fs.run(
            tiny.model(**options),
            tiny.one_block(3),
            out=tmp_path / "out",
            start=(finished, "learning"),
        )
    assert caught.value.fix == "start from a run of the same model"
    assert not (tmp_path / "out").exists()


def test_start_from_an_unknown_block(finished, tiny_fena, tmp_path, nothing_is_built):
    with pytest.raises(UnknownNameError, match="no block"):
        fs.run(tiny_fena, tiny.one_block(3), out=tmp_path / "out", start=(finished, "lerning"))
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_start_from_a_run_whose_model_named_a_parameter_otherwise(finished, tiny_fena, tmp_path):
    """Values of parameters are the model's own, so that their names in the other run do not matter."""

    def renamed(population):
        if "fastest" not in population.parameters:
            return population
        names = {n: "quickest" if n == "fastest" else n for n in population.parameters}
        return attrs.evolve(
            population,
            equations=population.equations.replace("fastest", "quickest"),
            parameters={names[n]: value for n, value in population.parameters.items()},
        )

    earlier = attrs.evolve(tiny_fena, populations=[renamed(p) for p in tiny_fena.populations])
    options = dict(device="runtime", out=tmp_path)
    other = fs.run(earlier, tiny.one_block(3, probes=()), **options)
    assert "precision_0.quickest" in other.state("learning")
    ends = [
        fs.run(tiny_fena, tiny.one_block(4, probes=()), start=(origin, "learning"), **options)
        for origin in (finished, other)
    ]
    one, two = (end.state("learning") for end in ends)
    assert set(one) == set(two) and "precision_0.fastest" in one
    for name in one:
        np.testing.assert_array_equal(one[name], two[name], name)


@pytest.mark.compile
def test_start_goes_on_where_the_other_run_ended(tiny_fena, tmp_path):
    """Two runs, the second from the end of the first, are the two blocks of one run."""
    blocks = [tiny.block("one", 3), tiny.block("two", 4)]
    whole = fs.run(
        tiny_fena, fs.Protocol(name="whole", blocks=blocks), device="dense64", out=tmp_path
    )
    first = fs.run(
        tiny_fena, fs.Protocol(name="first", blocks=blocks[:1]), device="dense64", out=tmp_path
    )
    second = fs.run(
        tiny_fena,
        fs.Protocol(name="second", blocks=blocks[1:]),
        device="dense64",
        out=tmp_path,
        start=(first, "one"),
    )
    assert (
        second.manifest["start"]["step"] == first.end_step("one") > 0
        and second.starts_from("two") == f"{first.id}:one"
    )
    assert (second.folder / "states/two.npz").read_bytes() == (
        whole.folder / "states/two.npz"
    ).read_bytes()


@pytest.mark.slow
def test_start_with_another_parameter(finished, tiny_fena, tmp_path):
    slow = tiny_fena.with_parameter("W_1.share", 0).with_parameter("level.2.tau", 20 * ms)
    run = fs.run(
        slow,
        tiny.one_block(2, probes=()),
        seed=3,
        device="runtime",
        out=tmp_path,
        start=(finished, "learning"),
    )
    assert run.state("learning")["state_2.tau"] == 0.020, (
        "parameters are those of the run, not of where it starts"
    )
    assert run.state("learning")["state_2.noise_seed"] == noise_seed(3) != noise_seed(0)
    assert run.state("learning")["W_1.share"] == 0


def test_folder_of_other_inputs(tiny_fena, tmp_path, nothing_is_built, monkeypatch, finished):
    import shutil

    shutil.copytree(finished.folder, tmp_path / finished.id)
    copy = fs.open_run(tmp_path / finished.id)
    handmade.edit(copy.folder, inputs_hash="0" * 32)
    before = sorted(copy.folder.iterdir())
    with pytest.raises(RunFolderError, match="other inputs"):
        fs.run(tiny_fena, tiny.one_block(3, probes=()), device="runtime", out=tmp_path)
    assert sorted(copy.folder.iterdir()) == before


def test_manifest_that_cannot_be_read(tiny_fena, tmp_path, nothing_is_built, finished):
    import shutil

    shutil.copytree(finished.folder, tmp_path / finished.id)
    (tmp_path / finished.id / "manifest.json").write_text("{")
    with pytest.raises(RunFolderError, match="not a run folder"):
        fs.run(tiny_fena, tiny.one_block(3, probes=()), device="runtime", out=tmp_path)


def test_out_is_itself_a_run_folder(tiny_fena, finished, nothing_is_built):
    before = sorted(finished.folder.rglob("*"))
    with pytest.raises(RunFolderError, match="itself a run folder"):
        fs.run(tiny_fena, tiny.one_block(5), out=finished.folder)
    assert sorted(finished.folder.rglob("*")) == before


def test_every_input_has_a_folder_of_its_own(tiny_fena, tmp_path, monkeypatch):
    """Whatever may change a result changes the run's name; controls count by their values, not by
    their texts.
    """
    from fena_sim.runs.plan import Plan

    def name(model=tiny_fena, protocol=None, seed=0, **controls):
        protocol = protocol or tiny.one_block(3, controls=controls)
        return Plan.of(model, protocol, seed, "runtime").name

    ramps = [name(gate=lambda t, slope=slope: t / t.max() * slope) for slope in (0.5, 0.6)]
    long = [np.linspace(0, end, 5000) for end in (1, 2)]
    tables = [name(gate=lambda t, table=table: table[2500]) for table in long]
    names = [
        name(),
        name(seed=1),
        name(tiny_fena.with_parameter("eta", 0 / ms)),
        name(tiny.model(share=(0.2,))),
        name(protocol=tiny.one_block(4)),
        name(protocol=tiny.one_block(3, probes=())),
        name(temperature=0.1),
        *ramps,
        *tables,
    ]
    assert len(set(names)) == len(names)
    assert name(gate=lambda t: 1 + 0 * (t / ms)) == name(gate=lambda t: np.ones(t.shape))
    assert name() == name()


def test_what_only_brian2_finds_out_is_still_said_clearly(tmp_path):
    crooked = fs.Population(
        name="crooked", size=2, equations="dx/dt = -x**3/ms : 1", method="exact"
    )
    model = fs.Hierarchy(name="m", populations=[crooked])
    with pytest.raises(DeclarationError, match="Brian2 cannot build the network") as caught:
        fs.run(model, tiny.one_block(2, probes=()), device="dense64", out=tmp_path)
    assert "crooked" in str(caught.value)
