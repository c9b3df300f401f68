"""Shared by all tests: one build cache per session, a tiny FENA, interruptions, and fingerprints of
run folders.
"""

import hashlib
import os

import pytest
import tiny

import fena_sim as fs
from fena_sim.extras import install_hint
from fena_sim.runs.live.progress import Silent


@pytest.fixture(scope="session", autouse=True)
def build_cache(tmp_path_factory):
    """All tests of a session, in all its processes, share their builds; $FENA_CACHE shares them
    between sessions.
    """
    if "FENA_CACHE" in os.environ:
        yield
        return
    base = tmp_path_factory.getbasetemp()
    os.environ["FENA_CACHE"] = str(
        (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "fena_cache"
    )
    yield
    del os.environ["FENA_CACHE"]


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


RESULTS = ("states", "tokens", "traces", "events")


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
