"""Helpers of these tests are imported by name; one server forks all processes of the how-to pages."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from pages import ROOT, SERVER  # noqa: E402


@pytest.fixture(scope="session")
def server(build_cache):
    """Path of the socket of a running server."""
    with tempfile.TemporaryDirectory() as folder:  # a socket's path must be short
        path = Path(folder) / "socket"
        process = subprocess.Popen(
            [sys.executable, SERVER, path], env={**os.environ, "PYTHONPATH": str(ROOT)}
        )
        while not path.exists() and process.poll() is None:
            time.sleep(0.05)
        assert process.poll() is None, "the server did not start"
        yield path
        process.kill()
        process.wait()
