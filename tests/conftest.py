"""Shared by all tests: tiers, a compiler that hurries, one build cache, forks of a process that has
imported everything, a tiny FENA, interruptions, and fingerprints of run folders.
"""

import gc
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import hypothesis
import pytest
import tiny

import fena_sim as fs
from fena_sim.extras import install_hint
from fena_sim.runs.live.progress import Silent

HERE = Path(__file__).parent
#: Builds of earlier sessions, of which a build is found by its sources and its compiler.
BUILDS = HERE.parent / ".test_builds"
KEPT_DAYS = 7
#: Tiers of the tests that ask for a fixture, directly or through another.
TIER_OF_FIXTURE = {
    "chromium": "browser",
    "uninterrupted": "compile",
    "interrupted_run": "compile",
    "built": "compile",
}


def pytest_configure(config):
    """Before anything is collected, because tests and the processes that they start inherit it."""
    if (compiler := shutil.which("g++")) and "CXX" not in os.environ:
        os.environ.setdefault("FENA_TESTS_CXX", compiler)
        if str(HERE / "compiler") not in os.environ["PATH"].split(os.pathsep):
            os.environ["PATH"] = f"{HERE / 'compiler'}{os.pathsep}{os.environ['PATH']}"
    hypothesis.settings.register_profile("without a clock", deadline=None)
    hypothesis.settings.load_profile("without a clock")
    if "FENA_CACHE" not in os.environ:
        if not hasattr(config, "workerinput"):
            for builds in (BUILDS / "builds", BUILDS / "release" / "builds"):
                forget(builds)
        os.environ["FENA_CACHE"] = str(BUILDS)
        config.add_cleanup(lambda: os.environ.pop("FENA_CACHE", None))


def pytest_collection_finish():
    leave_alone()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item, nextitem):
    if nextitem is None or nextitem.path != item.path:
        leave_alone()


def leave_alone():
    """Brian2 collects garbage before every run. What is there by now, such as modules, tests and
    caches of expressions, stays, and need not be searched each time.
    """
    gc.collect()
    gc.freeze()


def forget(builds):
    """Builds that are a week old, and which declaration led to which sources: those are written anew
    in every session, because the code that writes them may have changed.
    """
    shutil.rmtree(builds / "declarations", ignore_errors=True)
    for folder in builds.glob("*"):
        if folder.stat().st_mtime < time.time() - KEPT_DAYS * 24 * 3600:
            shutil.rmtree(folder, ignore_errors=True)


@pytest.hookimpl(tryfirst=True)  # before groups are read
def pytest_collection_modifyitems(items):
    for item in items:
        for fixture in set(TIER_OF_FIXTURE) & set(item.fixturenames):
            item.add_marker(TIER_OF_FIXTURE[fixture])
        # What the tests of a module share is made once, and not by every worker.
        found = item._fixtureinfo.name2fixturedefs.values()
        if any(made[-1].scope == "module" for made in found) and not item.get_closest_marker(
            "xdist_group"
        ):
            item.add_marker(pytest.mark.xdist_group(item.path.stem))


@pytest.fixture
def release_flags(monkeypatch):
    """The compiler as users have it, with builds of its own."""
    folders = os.environ["PATH"].split(os.pathsep)
    monkeypatch.setenv("PATH", os.pathsep.join(f for f in folders if f != str(HERE / "compiler")))
    monkeypatch.setenv("FENA_CACHE", f"{os.environ['FENA_CACHE']}/release")


@pytest.fixture(scope="session")
def server():
    """Path of the socket of a process that has imported fena_sim and forks; see forks.py."""
    with tempfile.TemporaryDirectory() as folder:  # a socket's path must be short
        path = Path(folder) / "socket"
        process = subprocess.Popen(
            [sys.executable, HERE / "forks.py", path],
            env={**os.environ, "PYTHONPATH": str(HERE.parent)},
        )
        while not path.exists() and process.poll() is None:
            time.sleep(0.05)
        assert process.poll() is None, "the server did not start"
        yield path
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def python(server):
    """The words that start a Python process which need not import fena_sim first. For a process that
    is killed, but not for one that must be sent another signal.
    """
    return [sys.executable, "-S", "-E", str(HERE / "forks.py"), str(server)]


@pytest.fixture(scope="session")
def tiny_fena():
    """FENA with 16 inputs and hidden levels of 8, 6 and 5 units."""
    return tiny.model()


@pytest.fixture(scope="session")
def uninterrupted(tiny_fena, tmp_path_factory):
    """`tiny.everything()` in one go, on the C++ device, seed 0."""
    return fs.run(
        tiny_fena, tiny.everything(), device="dense64", out=tmp_path_factory.mktemp("uninterrupted")
    )


class Interrupted(Exception):
    pass


class StopAfter(Silent):
    """A progress that interrupts a run after so many chunks, which are kept."""

    def __init__(self, chunks):
        super().__init__()
        self.left = chunks

    def chunk(self, *arguments):
        super().chunk(*arguments)
        self.left -= 1
        if self.left == 0:
            raise Interrupted


@pytest.fixture
def interrupted_run(tiny_fena, tmp_path):
    """A function: the folder of an interrupted run of a protocol, after `chunks` chunks of 3
    tokens.
    """

    def interrupt(protocol, chunks, device="dense64"):
        with pytest.raises(Interrupted):
            fs.run(
                tiny_fena,
                protocol,
                device=device,
                out=tmp_path,
                chunk_tokens=3,
                progress=StopAfter(chunks),
            )
        (folder,) = tmp_path.iterdir()
        return folder

    return interrupt


RESULTS = ("states", "tokens", "traces", "events", "checksums")


@pytest.fixture(scope="session")
def fingerprint():
    """A function: {relative path: hash} of everything that a run recorded."""

    def of(folder):
        return {
            str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for kind in RESULTS
            for path in sorted((folder / kind).rglob("*"))
            if path.is_file()
        }

    return of


@pytest.fixture(scope="session")
def tidy():
    """A function: a finished run folder holds its results, manifest, log and lock, and nothing half
    written.
    """

    def check(folder):
        assert {p.name for p in folder.iterdir()} <= {
            *RESULTS,
            "manifest.json",
            "log.txt",
            "run.lock",
        }
        assert not [p for p in folder.rglob("*.part*")]

    return check


@pytest.fixture(scope="session")
def chromium():
    """A real browser; tests that ask for it are skipped, with the reason, where there is none."""
    import browser

    if browser.CHROMIUM is None:
        pytest.skip(
            "no Chromium on this machine: install it (Debian: apt-get install chromium), see docs/report.md"
        )
    pytest.importorskip("websocket", reason=f"no websocket-client: {install_hint('test')}")
    started = browser.Browser()
    yield started
    started.close()


@pytest.fixture
def tab(chromium):
    """A function that opens tabs of the browser, which are closed afterwards."""
    opened = []

    def make(**options):
        opened.append(chromium.tab(**options))
        return opened[-1]

    yield make
    for each in opened:
        each.close()
