"""Oracle: the contract that a file is either what was saved, bit by bit, or refused."""

import numpy as np
import pytest

from fena_sim.errors import CheckpointError, RunFolderError
from fena_sim.runs.store.files import load_arrays, save_arrays, write_atomically
from fena_sim.runs.store.run import open_run


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "folder" / "state.npz"
    save_arrays(path, {"a.x": np.arange(3.0), "b.n": np.array([7])}, step=12)
    return path


def test_arrays_come_back(saved):
    arrays, about = load_arrays(saved)
    np.testing.assert_array_equal(arrays["a.x"], [0, 1, 2])
    assert arrays["b.n"].dtype == np.int64 and about == {"step": 12}
    assert {p.name for p in saved.parent.iterdir()} == {"state.npz", "state.json"}


def test_equal_arrays_make_equal_files(saved, tmp_path):
    other = tmp_path / "other.npz"
    save_arrays(other, *[load_arrays(saved)[0]], step=12)
    assert other.read_bytes() == saved.read_bytes()
    assert other.with_suffix(".json").read_bytes() == saved.with_suffix(".json").read_bytes()


@pytest.mark.parametrize("suffix", [".npz", ".json"])
def test_every_changed_byte_is_noticed(saved, suffix):
    path = saved.with_suffix(suffix)
    good = path.read_bytes()
    for position in range(0, len(good), max(1, len(good) // 60)):
        bad = bytearray(good)
        bad[position] ^= 1
        if suffix == ".json" and bytes(bad).split() == good.split():
            continue  # white space
        path.write_bytes(bytes(bad))
        with pytest.raises(CheckpointError):
            load_arrays(saved)
    path.write_bytes(good)
    load_arrays(saved)


@pytest.mark.parametrize("suffix", [".npz", ".json"])
@pytest.mark.parametrize("length", [None, 0, 10])
def test_missing_or_truncated(saved, suffix, length):
    path = saved.with_suffix(suffix)
    content = path.read_bytes()
    path.unlink()
    if length is not None:
        path.write_bytes(content[:length])
    with pytest.raises(CheckpointError):
        load_arrays(saved)


@pytest.mark.parametrize("content", ["[]", "12", '{"step": 12}'])
def test_other_json(saved, content):
    saved.with_suffix(".json").write_text(content)
    with pytest.raises(CheckpointError):
        load_arrays(saved)


def test_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("manifest", [None, "", "{", "not json"])
def test_not_a_run_folder(tmp_path, manifest):
    if manifest is not None:
        (tmp_path / "manifest.json").write_text(manifest)
    with pytest.raises(RunFolderError, match="not a run folder"):
        open_run(tmp_path)
