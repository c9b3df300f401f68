"""Oracle: the vocabulary that a run was given, and the manifests of earlier versions."""

import json

import numpy as np
import pytest
from brian2 import ms

import fena_sim as fs
from fena_sim.errors import CheckpointError
from fena_sim.runs.store.files import write_json
from fena_sim.runs.store.vocabulary import load_vocabulary, save_codes, vocabulary_entry
from fena_sim.stimulus import TokenStream, Vocabulary, dense_random, graded, one_hot

VOCABULARIES = {
    "one-hot": one_hot("abc"),
    "one-hot of another name": Vocabulary("abc", np.eye(3), "mine"),
    "one-hot in another order": Vocabulary("abc", np.eye(3)[::-1], "one_hot"),
    "more units than symbols": Vocabulary("abc", np.eye(3, 5), "one_hot"),
    "dense": dense_random("abc", 7, 0),
    "graded": graded(["\r\n", "\0", '"'], 9, 1.5),
}


@pytest.mark.parametrize("name", VOCABULARIES)
def test_a_vocabulary_comes_back(name, tmp_path):
    given = VOCABULARIES[name]
    save_codes(tmp_path, given)
    entry = json.loads(json.dumps(vocabulary_entry(given)))
    assert load_vocabulary(tmp_path, entry) == given
    needs_no_file = name in ("one-hot", "one-hot of another name")
    assert (tmp_path / "vocabulary.npz").exists() == (not needs_no_file)
    old = {"symbols": list(given.symbols), "codes": given.codes.tolist(), "kind": given.kind}
    assert load_vocabulary(tmp_path / "of an earlier version", old) == given


def test_three_thousand_symbols_need_no_large_manifest(tmp_path):
    given = one_hot([f"word{k}" for k in range(3000)])
    save_codes(tmp_path, given)
    write_json(tmp_path / "manifest.json", vocabulary_entry(given))
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 100_000
    entry = json.loads((tmp_path / "manifest.json").read_text())
    assert load_vocabulary(tmp_path, entry) == given


def test_altered_codes_are_an_error(tmp_path):
    given = VOCABULARIES["dense"]
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_vocabulary(tmp_path, vocabulary_entry(given))
    save_codes(tmp_path, given)
    data = bytearray((tmp_path / "vocabulary.npz").read_bytes())
    data[-200] ^= 1
    (tmp_path / "vocabulary.npz").write_bytes(data)
    with pytest.raises(CheckpointError, match="checksum"):
        load_vocabulary(tmp_path, vocabulary_entry(given))


def test_a_run_has_its_vocabulary(tmp_path):
    given = VOCABULARIES["dense"]
    model = fs.Hierarchy(
        name="plain",
        populations=[
            fs.Population(name="a", size=7, equations="dx/dt = (token_code - x)/(5*ms) : 1")
        ],
    )
    block = fs.Block(
        name="b",
        stream=TokenStream.from_list("abc", given),
        pace=fs.FixedPace(duration=5 * ms, blank=5 * ms),
    )
    protocol = fs.Protocol(name="p", blocks=[block])
    run = fs.run(model, protocol, device="runtime", out=tmp_path)
    assert run.vocabulary == given
    assert run.manifest["vocabulary"]["codes"] == "vocabulary.npz"
