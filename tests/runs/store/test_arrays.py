"""Oracle: the documented contract. Opening a run executes nothing: what is not an array of numbers as
runs have them is refused before a codec is made, and what lies outside of the folder is not read.
"""

import json
import os
import shutil

import numcodecs
import numpy as np
import pytest
import small
import zarr
from numcodecs.abc import Codec

import fena_sim as fs
from fena_sim.errors import CheckpointError, FenaError, RunFolderError
from fena_sim.runs.store.files import load_arrays


class Spy(Codec):
    """A codec of Zarr format 2 that counts how often it is made or used."""

    codec_id = "spy"
    seen = 0

    def __init__(self):
        type(self).seen += 1

    @classmethod
    def from_config(cls, config):
        cls.seen += 1
        return cls()

    def encode(self, buf):
        return buf

    def decode(self, buf, out=None):
        type(self).seen += 1
        return buf


numcodecs.register_codec(Spy)


@pytest.fixture
def folder(tmp_path):
    """A run as of an earlier version, or of a stranger: nothing tells what its files were."""
    run = small.write(tmp_path / "run")
    shutil.rmtree(run.folder / "checksums")
    small.handmade.edit(run.folder, lambda manifest: manifest.pop("checksums"))
    return run.folder


def refuses(folder, match, read=lambda run: run.tokens("one").load()):
    Spy.seen = 0
    with pytest.raises(RunFolderError, match=match) as caught:
        read(fs.open_run(folder))
    assert str(folder) in str(caught.value) and Spy.seen == 0


def test_the_spy_would_be_seen(tmp_path):
    array = zarr.create_array(
        tmp_path / "a", shape=3, dtype="i4", zarr_format=2, filters=[Spy()], compressors=None
    )
    array[:] = 1
    Spy.seen = 0
    array[:]
    assert Spy.seen


@pytest.mark.parametrize("whole_group", [True, False])
def test_format_2_is_refused(folder, whole_group):
    group = folder / "tokens" / "one.zarr"
    shutil.rmtree(group if whole_group else group / "r")
    zarr.open_group(group, mode="a", zarr_format=2 if whole_group else 3)
    path = group / "r"
    zarr.create_array(path, shape=(6, 3), dtype="f8", zarr_format=2, filters=[Spy()])[:] = 1
    refuses(folder, "of Zarr format 2")


def test_format_2_beside_format_3_is_refused(folder):
    (folder / "tokens" / "one.zarr" / "r" / ".zarray").write_text("{}")
    refuses(folder, r"\.zarray is of Zarr format 2")


def metadata(folder, change, name="tokens/one.zarr/r/zarr.json"):
    about = json.loads((folder / name).read_text())
    change(about)
    (folder / name).write_text(json.dumps(about))


@pytest.mark.parametrize(
    "change, match",
    [
        (lambda a: a["codecs"].append({"name": "numcodecs.pickle"}), "codecs"),
        (lambda a: a["codecs"].append({"name": "numcodecs.zlib", "configuration": {}}), "codecs"),
        (lambda a: a["codecs"].append({"name": "sharding_indexed"}), "codecs"),
        (lambda a: a["codecs"].append("zstd"), "codecs"),
        (lambda a: a.update(data_type="string"), "data_type"),
        (lambda a: a.update(data_type="variable_length_bytes"), "data_type"),
        (lambda a: a.update(data_type={"name": "fixed_length_utf32"}), "data_type"),
        (lambda a: a.update(storage_transformers=[{"name": "x"}]), "storage_transformers"),
        (lambda a: a.update(zarr_format=2), "zarr_format"),
        (lambda a: a.update(node_type="other"), "node_type"),
        (lambda a: a.update(shape=[-1, 3]), "shape"),
        (lambda a: a.pop("codecs"), "codecs"),
    ],
)
def test_other_arrays_than_ours_are_refused(folder, change, match):
    metadata(folder, change)
    refuses(folder, match)


@pytest.mark.parametrize("text", ["", "[]", "null", "{", "[" * 200_000, '"\\ud800"', "9" * 5000])
def test_metadata_of_any_shape_is_refused(folder, text):
    (folder / "tokens" / "one.zarr" / "r" / "zarr.json").write_text(text)
    refuses(folder, "r/zarr.json")


def test_what_xarray_cannot_make_sense_of_is_refused(folder):
    metadata(folder, lambda about: about.update(dimension_names=["event", 5]))
    refuses(folder, "tokens/one.zarr cannot be read")


def test_arrays_of_objects_are_refused_in_states(tmp_path):
    """The checksum beside a state is no secret: whoever makes the folder can reckon it."""
    from fena_sim.runs.store.files import save_arrays

    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "executed"),)

    path = tmp_path / "state.npz"
    save_arrays(path, {"a.x": np.array([Bomb()], dtype=object)})
    with pytest.raises(CheckpointError, match="no plain arrays"):
        load_arrays(path)
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize(
    "name",
    ["manifest.json", "events/one.tsv", "tokens/one.zarr/r/c/0/0", "tokens", "events/one.json"],
)
@pytest.mark.parametrize("recorded", [True, False])
def test_links_out_of_the_folder_are_refused(tmp_path, folder, name, recorded):
    if recorded:
        small.handmade.finish(folder)
    (folder / name).rename(tmp_path / "outside")
    (folder / name).symlink_to(tmp_path / "outside")
    with pytest.raises(FenaError, match="link out of the run folder"):
        small.everything(fs.open_run(folder))


def test_a_pipe_in_the_place_of_a_file_is_refused(folder):
    (folder / "events" / "one.tsv").unlink()
    os.mkfifo(folder / "events" / "one.tsv")
    with pytest.raises(RunFolderError, match="events/one.tsv is not a file"):
        fs.open_run(folder).events("one")


def test_a_run_that_is_itself_a_link_is_read(tmp_path, folder):
    run = small.handmade.finish(folder)
    (tmp_path / "link").symlink_to(folder)
    linked = fs.open_run(tmp_path / "link")
    assert linked.id == "run" and linked.damage().whole
    assert small.everything(linked) == small.everything(run)


def test_a_chunk_of_fill_values_is_no_missing_chunk(tmp_path):
    run = small.write(tmp_path / "run")
    assert not (run.folder / "tokens/one.zarr/steps/c").exists(), "Zarr writes no chunk of zeros"
    assert run.tokens("one")["steps"].to_numpy().tolist() == [0] * 6
    (run.folder / "tokens/one.zarr/steps/c").mkdir()
    shutil.copy(
        run.folder / "tokens/one.zarr/iterations/c/0", run.folder / "tokens/one.zarr/steps/c/0"
    )
    again = fs.open_run(run.folder)
    assert again.tokens("one")["steps"].to_numpy().tolist() == [0] * 6
    assert again.damage().extra == ["tokens/one.zarr/steps/c/0"] and again.damage().whole
