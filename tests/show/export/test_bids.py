"""Oracles: what was written into the run by hand, read back by Python's csv module and by
TokenStream.from_events; the BIDS validator, where it is installed (bids-validator-deno).
"""

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import handmade
import numpy as np
import pytest
import texts
from hypothesis import given, settings

from fena_sim.errors import FenaError
from fena_sim.show.export.bids import bids_events, write_bids
from fena_sim.stimulus import TokenStream

VALIDATOR = shutil.which("bids-validator-deno") or shutil.which(
    "bids-validator-deno", path=Path(sys.executable).parent
)


@pytest.fixture(scope="module")
def folder(made, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bids") / "data"
    write_bids(made.run, folder)
    return folder


def tables(folder):
    return {path.stem: path for path in sorted(folder.glob("sub-*/beh/*_events.tsv"))}


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        header, *records = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
    assert all(len(record) == len(header) for record in records)
    return [dict(zip(header, record, strict=True)) for record in records]


def test_every_token_has_its_row(folder, made):
    assert list(tables(folder)) == [
        f"sub-seed0_task-{b}_events" for b in ("first", "second", "silent")
    ]
    for block, table in made.tables.items():
        records = rows(tables(folder)[f"sub-seed0_task-{block}_events"])
        assert list(records[0])[:3] == ["onset", "duration", "trial_type"]
        for name, column in (
            ("onset", "onset"),
            ("duration", "duration"),
            ("fena_blank_onset", "blank_onset"),
        ):
            np.testing.assert_allclose([float(r[name]) for r in records], table[column], rtol=1e-11)
        assert [r["trial_type"] for r in records] == [s or "omission" for s in table["symbol"]]
        assert [int(r["fena_token"]) for r in records] == table["token"].tolist()
    assert [r["novel"] for r in rows(tables(folder)["sub-seed0_task-silent_events"])] == [
        "true", "false", "true", "false",
    ]  # fmt: skip
    assert rows(tables(folder)["sub-seed0_task-second_events"])[1]["role"] == 'a "quoted", label'


def test_the_sidecars_name_every_column(folder):
    for path in tables(folder).values():
        about = json.loads(path.with_suffix(".json").read_text("utf-8"))
        records = rows(path)
        assert set(records[0]) == set(about) - {"StimulusPresentation"}
        assert all(about[name]["Description"] for name in records[0])
        assert {r["trial_type"] for r in records} <= set(about["trial_type"]["Levels"])


def test_the_tokens_come_back(folder, made):
    for block, table in made.tables.items():
        path = tables(folder)[f"sub-seed0_task-{block}_events"]
        stream = TokenStream.from_events(path, omitted="omission")
        np.testing.assert_allclose(np.asarray(stream.pace.onset), table["onset"], rtol=1e-11)
        np.testing.assert_allclose(np.asarray(stream.pace.duration), table["duration"], rtol=1e-11)
        assert stream.events["symbol"].tolist() == table["symbol"].tolist()
        for name in {"novel", "position"} & set(table):
            assert stream.events[name].tolist() == table[name].tolist()
            assert stream.events[name].dtype == table[name].dtype


def test_streams_side_by_side_have_a_file_each(two_streams, tmp_path):
    write_bids(two_streams.run, tmp_path / "data")
    found = tables(tmp_path / "data")
    assert list(found) == [f"sub-seed0_task-b_acq-stream{k}_events" for k in (0, 1)]
    for number, path in enumerate(found.values()):
        part = two_streams.table[two_streams.table["stream"] == number]
        assert [r["trial_type"] for r in rows(path)] == part["symbol"].tolist()


def test_names_of_blocks_stay_apart(tmp_path):
    table = handmade.events([0.01, 0.06], [0, 1])
    run = handmade.write(
        tmp_path / "run", {n: (table, None, handmade.kept(2)) for n in ("a_b", "ab", "é")}
    )
    write_bids(run, tmp_path / "data")
    assert set(tables(tmp_path / "data")) == {
        f"sub-seed0_task-{t}_events" for t in ("ab", "ab2", "block")
    }
    assert "task-ab2: block ab\n" in (tmp_path / "data" / "README").read_text("utf-8")


def test_modalities_stay_apart(awkward, tmp_path):
    write_bids(awkward.run, tmp_path / "data")
    found = {
        path.split("_events")[0][10:]: file for path, file in tables(tmp_path / "data").items()
    }
    files = {"b": "task-b", "s_ound": "task-b_acq-sound", "sound": "task-b_acq-sound2"}
    files["b_sound"] = "task-bsound"
    assert set(found) == set(files.values())
    for name, stem in files.items():
        symbols = [r["trial_type"] for r in rows(found[stem])]
        assert symbols == awkward.tables[name]["symbol"].tolist()
    readme = (tmp_path / "data" / "README").read_text("utf-8")
    assert "task-b_acq-sound2: tokens of population sound\n" in readme


def test_a_vocabulary_with_a_token_called_omission():
    table = handmade.events([0.01, 0.06], [0, -1])
    table.loc[0, "symbol"] = "omission"
    written, about = bids_events(table.assign(trial_type=["x", ""]))
    assert written["trial_type"].tolist() == ["omission", "omission_"]
    assert set(about["trial_type"]["Levels"]) == {"omission", "omission_"}
    assert written["label_trial_type"].tolist() == ["x", "n/a"]


@settings(derandomize=True, max_examples=50)
@given(texts.TEXT)
def test_any_text_is_one_field(text):
    written, _ = bids_events(handmade.events([0.01], [0], role=[text]))
    field = written["role"][0]
    assert field and not set("\t\n\r") & set(field)
    assert field == "n/a" or "".join(field.split()) == "".join(text.split())


def test_a_column_that_bids_defines_is_no_label():
    table = handmade.events([0.01], [0], stim_file=["a.png"], response_time=["fast"])
    assert {"label_stim_file", "label_response_time"} <= set(bids_events(table)[0])
    table = handmade.events([0.01], [0], response_time=[0.3])
    assert bids_events(table)[0]["response_time"].tolist() == ["0.3"]


def test_only_an_export_is_replaced(folder, made, tmp_path):
    target = tmp_path / "data"
    shutil.copytree(folder, target)
    with pytest.raises(FenaError, match="already there"):
        write_bids(made.run, target)
    (target / "old").touch()
    write_bids(made.run, target, ["first"], force=True)
    assert len(tables(target)) == 1 and not (target / "old").exists()
    about = json.loads((target / "dataset_description.json").read_text())
    (target / "dataset_description.json").write_text(json.dumps({**about, "GeneratedBy": []}))
    with pytest.raises(FenaError, match="not made by an export"):
        write_bids(made.run, target, force=True)


@pytest.mark.slow
@pytest.mark.skipif(not VALIDATOR, reason="bids-validator-deno is not installed")
def test_the_validator_finds_no_error(folder):
    done = subprocess.run([VALIDATOR, folder, "--json"], capture_output=True, text=True)
    issues = json.loads(done.stdout)["issues"]["issues"]
    assert [issue for issue in issues if issue["severity"] == "error"] == []
