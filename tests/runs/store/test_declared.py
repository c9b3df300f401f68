"""Oracle: a model that is declared again from a manifest is, by `canonical`, the model that was
declared at first.
"""

import json

import attrs
import numpy as np
import pytest
import tiny
from brian2 import amp, kelvin, ms, mV, nS, second

import fena_sim as fs
from fena_sim.declare.canonical import canonical
from fena_sim.errors import RunFolderError
from fena_sim.network.engine import ENGINE
from fena_sim.runs.store.declared import declared_model, value_of


def manifest_of(model):
    model = json.loads(json.dumps(canonical(model)))
    return {"inputs_hash": "x", "inputs": {"model": model, "engine": ENGINE}}


@pytest.mark.parametrize("path", tiny.SHIPPED, ids=lambda path: path.stem)
def test_every_model_comes_back_as_it_was_declared(path):
    model = fs.load_model(path, 16)
    again, left_out = declared_model(manifest_of(model))
    assert canonical(again) == canonical(model) and left_out == []


@pytest.mark.parametrize("engine", [{}, {"engine": 1}], ids=["none", "1"])
def test_token_events_by_their_names_before_engine_2(engine, tiny_fena):
    """Once "onset" was the start of the blank, and "arrival" the token's onset, of readouts too."""
    model = manifest_of(tiny_fena)["inputs"]["model"]
    earlier = {"blank_onset": "onset", "onset": "arrival"}
    for population in model["populations"]:
        population["on"] = {earlier[event]: code for event, code in population["on"].items()}
    for readout in model["readouts"]:
        readout["when"] = readout["when"].replace("before_onset", "arrival")
    again, _ = declared_model({"inputs_hash": "x", "inputs": {"model": model, **engine}})
    assert canonical(again) == canonical(tiny_fena)
    assert again.population("state_1").on and again.population("sensory").on


def test_meanings_come_back_from_beside_the_inputs(tiny_fena):
    """They are no inputs; the manifests of earlier versions, as `manifest_of` writes them, have none."""
    manifest = manifest_of(tiny_fena)
    assert declared_model(manifest)[0].meanings() == {}
    again, _ = declared_model({**manifest, "model": {"meanings": tiny_fena.meanings()}})
    assert again.meanings() == tiny_fena.meanings() != {}
    assert canonical(again) == canonical(tiny_fena)


@pytest.mark.parametrize(
    "quantity", [3 * mV, 2 * nS, 0.1 / second**0.5, 5 * amp / second**2, 300 * kelvin, 4 * ms]
)
def test_quantities_come_back(quantity):
    assert canonical(value_of(canonical(quantity))) == canonical(quantity)


def test_initial_values_given_as_arrays_are_named(tiny_fena):
    first = tiny_fena.population("state_1")
    given = attrs.evolve(first, initial={**first.initial, "r": np.zeros(first.size)})
    model = attrs.evolve(
        tiny_fena, populations=[given if p is first else p for p in tiny_fena.populations]
    )
    again, left_out = declared_model(manifest_of(model))
    assert left_out == ["state_1.r"]
    assert "r" not in again.population("state_1").initial


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"type": "Hierarchy"},
        {"type": "os.system", "name": "x"},
        {"type": "Hierarchy", "name": "1"},
    ],
)
def test_a_manifest_without_a_known_model_is_refused(broken):
    with pytest.raises(RunFolderError, match="cannot be declared again"):
        declared_model({"inputs_hash": "x", "inputs": {"model": broken}})
