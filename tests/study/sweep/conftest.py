"""A small protocol file, the CLI in a process of its own, and serial runs as the oracle."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sweeping import MODEL, PROTOCOL, environment

import fena_sim as fs


@pytest.fixture
def protocol(tmp_path):
    """A protocol file with a summary."""
    path = tmp_path / "small.py"
    path.write_text(PROTOCOL.format(model=os.path.relpath(MODEL, tmp_path)))
    return path


@pytest.fixture
def fena():
    """A function: start `fena ARGUMENTS` in a session of its own, like a terminal's foreground job;
    ended with the test.
    """
    started = []

    def start(*arguments, prefix=(), env=None):
        process = subprocess.Popen(
            [*prefix, sys.executable, "-m", "fena_sim", *map(str, arguments)],
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=env or environment(),
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def serially(protocol, fingerprint, tmp_path):
    """A function: {run folder's name: fingerprint} of runs made one after the other by `fs.run`,
    without a sweep.
    """

    def run(parameters, seeds, **options):
        found = {}
        for key, value in parameters:
            for seed in seeds:
                experiment = fs.load_protocol(protocol, seed=seed, **options).protocol
                model = fs.load_model(MODEL, 16, sizes=(8, 6, 5)).with_parameter(key, value)
                finished = fs.run(
                    model, experiment, seed=seed, device="dense", out=tmp_path / "serial"
                )
                found[finished.folder.name] = fingerprint(finished.folder)
        return found

    return run


@pytest.fixture
def runs_in(fingerprint):
    """A function: {run folder's name: fingerprint} of a folder of runs."""

    def of(out):
        return {
            p.name: fingerprint(p) for p in Path(out).iterdir() if not p.name.startswith("sweep-")
        }

    return of
