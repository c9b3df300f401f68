"""What a run does not hold is refused in words.

Oracle: the documented contract, on models that keep little: the one that `fena new` writes, the
delay loop and the spiking network.
"""

from pathlib import Path
from string import Template

import attrs
import numpy as np
import pytest
from brian2 import ms

import fena_sim as fs
from fena_sim import measure
from fena_sim.analyse.select import readout
from fena_sim.declare.model.readouts import STANDARD, standard
from fena_sim.errors import DeclarationError, FenaError, UnknownNameError
from fena_sim.stimulus import TokenStream, one_hot

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "fena_sim" / "commands" / "templates" / "model.txt"
#: Measures of what a model reads out, and names of readouts of which they miss at least one.
MEASURES = {
    "accuracy": {"prediction"},
    "surprisal": {"prediction"},
    "level_errors": {"onset_error"},
    "error_curve": {"onset_error"},
    "precision_curve": {"precision"},
    "collapsed_levels": {"precision"},
    "free_energy": {"precision"},
    "energy_curve": {"precision"},
}


@pytest.fixture(scope="module", params=["new", "delay_loop", "spiking_sequence"])
def bare(request, tmp_path_factory):
    """A run of a model that reads out next to nothing."""
    folder = tmp_path_factory.mktemp(request.param)
    path = ROOT / "models" / f"{request.param}.py"
    if request.param == "new":
        path = folder / "written.py"
        path.write_text(Template(TEMPLATE.read_text()).substitute(name="written"))
    vocabulary = one_hot("abcd")
    pace = fs.FixedPace(duration=10 * ms, blank=2 * ms)
    stream = TokenStream.from_ids([0, 1, 2], vocabulary)
    protocol = fs.Protocol(name="short", blocks=[fs.Block(name="b", stream=stream, pace=pace)])
    model = attrs.evolve(fs.load_model(path, vocabulary.size), likelihood=fs.Gaussian())
    return fs.run(model, protocol, device="runtime", out=folder)


@pytest.mark.parametrize("name", MEASURES)
def test_measures_name_what_is_missing_and_what_is_there(bare, name):
    with pytest.raises(UnknownNameError) as caught:
        getattr(measure, name)(bare, "b")
    error = caught.value
    (missing,) = MEASURES[name]
    assert repr(missing) in error.what and STANDARD[missing].meaning in error.what
    assert bare.id in error.where and "'b'" in error.where
    for there in bare.tokens("b").data_vars:
        assert there in error.where
    assert f'Readout(name="{missing}"' in error.fix


def test_settling_is_always_there(bare):
    assert measure.settling_iterations(bare, "b") >= 0


def test_states_of_a_level(bare):
    with pytest.raises(UnknownNameError, match="'state_1'") as caught:
        measure.token_states(bare, "b", 1)
    assert 'variables=["state_1.f"], when="last"' in caught.value.fix


def test_a_readout_by_unit_is_not_one_by_level(make_run):
    run = make_run(b={"tokens": [0, 1], "probability": np.eye(2), "precision": np.ones((2, 2))})
    assert readout(run, "b", "probability").dims == ("event", "unit")
    assert readout(run, "b", "precision").dims == ("event", "level")
    kept = run.tokens("b")
    kept["error"] = kept["probability"].rename(unit="error_0_unit")
    kept["own"] = kept["error"]
    assert readout(run, "b", "own").dims == ("event", "unit")  # a name of the model's own
    with pytest.raises(DeclarationError, match="by unit, measures take it by level") as caught:
        readout(run, "b", "error")
    assert "precision_0.mean_square" in caught.value.fix


def test_free_energy_without_a_likelihood_is_refused(make_run):
    run = make_run(b={"tokens": [0]}, level_sizes=[2])
    run.likelihood = None
    for of in (measure.free_energy, measure.energy_curve, measure.free_energy_trace):
        with pytest.raises(FenaError, match="does not declare the likelihood") as caught:
            of(run, "b")
        assert "Categorical()" in caught.value.fix


def test_a_categorical_run_without_its_probabilities_is_refused(make_run):
    """As those of version 0.1.0 were kept."""
    kept = {name: np.ones((1, 1)) for name in ("onset_error", "settled_error", "precision")}
    run = make_run(b={"tokens": [0], **kept}, level_sizes=[2], likelihood=fs.Categorical())
    with pytest.raises(UnknownNameError, match="onset_probability"):
        measure.free_energy(run, "b")


def test_standard_names():
    assert standard("state_12").meaning == STANDARD["state_l"].meaning
    assert standard("state_12").declaration("state_12") == (
        'Readout(name="state_12", variables=["state_12.f"], when="last")'
    )
    assert standard("state_of_mind") is None and standard("state_l2") is None


def test_what_fena_reads_out_has_a_meaning():
    for name in ("fena", "fena_flat_memory", "fena_gaussian"):
        model = fs.load_model(ROOT / "models" / f"{name}.py", 16)
        for kept in model.readouts:
            known = standard(kept.name) or kept  # or one of the model's own
            assert kept.about == known.meaning != "" and kept.when == known.when
    own = fs.Readout(name="own", variables=["a.b"], when="last", meaning="a quantity")
    assert own.about == "a quantity" and attrs.evolve(own, meaning="").about == ""
