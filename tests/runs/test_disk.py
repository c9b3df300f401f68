"""Oracle: an uninterrupted run. A disk that is full at any moment gives a ResourceError and loses
nothing.
"""

import errno
import os
import shutil
import subprocess
import tempfile

import pytest
import tiny
import xarray as xr

import fena_sim as fs
from fena_sim.commands.shell import exit_code
from fena_sim.errors import ResourceError
from fena_sim.runs.store.files import load_arrays

pytestmark = pytest.mark.compile


def full(*_, **__):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "somewhere")


@pytest.fixture
def expected(tiny_fena, tmp_path_factory, fingerprint):
    run = fs.run(
        tiny_fena, tiny.one_block(), device="dense64", out=tmp_path_factory.mktemp("expected")
    )
    return fingerprint(run.folder)


def go_on(tiny_fena, out):
    return fs.run(tiny_fena, tiny.one_block(), device="dense64", out=out, chunk_tokens=4).folder


def test_full_at_the_nth_write(tiny_fena, expected, fingerprint, tidy, tmp_path, monkeypatch):
    """The third write fails first, then the seventh of what is left, ...; each attempt goes on from
    what the ones before have kept.
    """
    flush, failures = os.fsync, 0
    for n in range(2, 200, 4):
        calls = iter(range(n))
        monkeypatch.setattr(
            os, "fsync", lambda fd: flush(fd) if next(calls, None) is not None else full()
        )
        try:
            folder = go_on(tiny_fena, tmp_path)
            break
        except ResourceError as error:
            assert "No space left" in str(error) and str(tmp_path) in str(error)
            failures += 1
        for checkpoint in tmp_path.glob("*/checkpoints/*/*.json"):
            load_arrays(checkpoint.with_suffix(".npz"))
    else:
        pytest.fail(f"{failures} attempts, and the run has not ended")
    assert failures >= 3
    assert fingerprint(folder) == expected
    tidy(folder)


def test_full_while_arrays_are_assembled(
    tiny_fena, expected, fingerprint, tidy, tmp_path, monkeypatch
):
    to_zarr = xr.Dataset.to_zarr
    for n in range(3):
        calls = iter(range(n))
        monkeypatch.setattr(
            xr.Dataset,
            "to_zarr",
            lambda self, *a, **k: (
                to_zarr(self, *a, **k) if next(calls, None) is not None else full()
            ),
        )
        with pytest.raises(ResourceError, match="No space left"):
            go_on(tiny_fena, tmp_path)
    monkeypatch.undo()
    folder = go_on(tiny_fena, tmp_path)
    assert fingerprint(folder) == expected
    tidy(folder)


@pytest.fixture
def small_disk(tmp_path):
    """(folder, a function that sets its size in KiB): a disk of its own, where the system allows to
    mount one.
    """
    folder = tmp_path / "disk"
    folder.mkdir()

    def resize(kib, options="remount,"):
        return subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"{options}size={kib}k", "fena_test", str(folder)],
            capture_output=True,
            check=False,
        ).returncode

    if shutil.which("mount") is None or resize(64, options="") != 0:
        pytest.skip("cannot mount a small disk here")
    yield folder, resize
    subprocess.run(["umount", str(folder)], check=False)


def test_small_disk(tiny_fena, expected, fingerprint, tidy, small_disk):
    disk, resize = small_disk
    failures = 0
    for kib in (100, 250, 420, 520, 620, 720, 1000, 4000, 100_000):
        assert resize(kib) == 0
        try:
            folder = go_on(tiny_fena, disk)
            break
        except ResourceError:
            failures += 1
    assert failures >= 3
    assert fingerprint(folder) == expected
    tidy(folder)


def test_small_temporary_folder(
    tiny_fena, expected, fingerprint, small_disk, tmp_path, monkeypatch
):
    """The compiled network does not notice a full disk; what it left half written must not pass for
    a result.
    """
    disk, resize = small_disk
    failures = 0
    for kib in (400, 900, 1000, 1100, 1200, 100_000):
        assert resize(kib) == 0
        monkeypatch.setenv("TMPDIR", str(disk))
        monkeypatch.setattr(tempfile, "tempdir", None)  # what Python remembers of the last one
        try:
            folder = go_on(tiny_fena, tmp_path / "out")
            break
        except ResourceError:
            failures += 1
    assert failures >= 2
    assert fingerprint(folder) == expected


@pytest.mark.parametrize("code", [4, 2])
@pytest.mark.parametrize(
    "variable, named", [("FENA_CACHE", "build cache"), ("TMPDIR", "temporary")]
)
def test_a_place_that_is_full_or_read_only_is_named(
    variable, named, code, tiny_fena, small_disk, tmp_path, monkeypatch
):
    """A full disk gives exit code 4, one that cannot be written to gives 2; for the latter no run
    folder is begun.
    """
    disk, resize = small_disk
    place = disk / "place"
    place.mkdir()
    if code == 4:
        with pytest.raises(OSError), open(disk / "large", "wb", buffering=0) as large:
            while True:
                large.write(bytes(2**12))
    else:
        assert resize(64, "remount,ro,") == 0
    monkeypatch.setenv("FENA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv(variable, str(place))
    with pytest.raises(ResourceError, match=named) as caught:
        fs.run(tiny_fena, tiny.one_block(2, probes=()), device="dense64", out=tmp_path / "out")
    assert str(place) in str(caught.value) and variable in str(caught.value)
    assert exit_code(caught.value) == code
    assert code == 4 or not (tmp_path / "out").exists()


def test_out_cannot_be_a_folder(tiny_fena, tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(ResourceError, match="cannot read or write"):
        go_on(tiny_fena, tmp_path / "out")


@pytest.mark.parametrize(
    "function, value", [("shutil.disk_usage", (10, 10, 10)), ("psutil.virtual_memory", None)]
)
def test_recordings_that_do_not_fit(function, value, tiny_fena, tmp_path, monkeypatch):
    from types import SimpleNamespace

    given = SimpleNamespace(free=10, available=10)
    monkeypatch.setattr(function, lambda *_: given)
    with pytest.raises(ResourceError, match="free") as caught:
        go_on(tiny_fena, tmp_path)
    assert "most of it: " in caught.value.where and exit_code(caught.value) == 4
    assert not list(tmp_path.iterdir())
