"""Oracle: the documented contract. Where neither the terminal nor the names of files can hold other
characters than ASCII, every command does what it does elsewhere, or says in one message what cannot
be.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
#: Without the help that Python gives itself in such a locale (PEP 538, PEP 540).
ASCII = {
    "LC_ALL": "C",
    "PYTHONCOERCECLOCALE": "0",
    "PYTHONUTF8": "0",
    "PYTHONIOENCODING": "ascii",
    "PYTHONPATH": str(ROOT),
}
PROTOCOL = '''
"""Wörter → Zeichen."""
from brian2 import ms
from fena_sim import Block, FixedPace, Probe, Protocol
from fena_sim.stimulus import TokenStream, one_hot

def protocol(seed=0):
    vocabulary = one_hot(["ä", "→", "日", "b"])
    stream = TokenStream.from_ids([0, 1, 2, 3], vocabulary)
    pace = FixedPace(duration=16*ms, blank=4*ms)
    return Protocol(name="plain", description="„größer“ – 日本", blocks=[
        Block(name="training", stream=stream, pace=pace, probes=[Probe("error_0", "error")])])

def summary(runs):
    return {"größe": 1.0, "µ": [1.0, 2.0]}
'''
SMALL = ("--model", ROOT / "models/fena.py", "--set", "model.sizes=(8,6,5)", "--device", "runtime")
#: Commands, one after the other, with their exit codes; those of Python start a `fena` of their own.
COMMANDS = [
    (0, "run", "wörter.py", *SMALL),
    (0, "run", "wörter.py", *SMALL, "--json", "--quiet"),
    (2, "run", "named.py", *SMALL),
    (2, "run", "nö.py"),
    (0, "list", "protocols", "runs"),
    (0, "list", "--runs", "nö"),
    (0, "describe", ROOT / "models/spiking_sequence.py"),
    (0, "describe", ROOT / "models/fena.py", "--latex"),
    (0, "report", "runs", "-o", "ü.html"),
    (0, "export", "RUN", "--csv", "aus-ä"),
    (2, "figures", "RUN", "--only", "größe"),
    (0, "figures", "RUN", "--only", "settling_dashboard", "--out", "ö"),
    (0, "new", "model", "my_model", "--out", "é"),
    (2, "watch", "wörter.py"),
    (2, "certify", "nö.py"),
]
SCRIPT = """
import glob, sys
from fena_sim.commands.main import main
from fena_sim.runs.live.view import sparkline
for line in sys.stdin.buffer.read().decode("ascii", "surrogateescape").split("\\n"):
    arguments = [glob.glob("runs/*")[0] if word == "RUN" else word for word in line.split("\\t")]
    try:
        main(arguments)
    except SystemExit as stopped:
        print("exit code", stopped.code, flush=True)
print(sparkline([1, 2, 3, 4, 5, 6, 7, 8]), "\\u2501 \\xe9 \\udcc3\\udca4.tsv", file=sys.stderr)
"""


def in_ascii(folder, *arguments, **options):
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, **ASCII},
        capture_output=True,
        **options,
    )


@pytest.fixture
def folder(tmp_path):
    """A folder with a protocol file; the names of both are no ASCII."""
    folder = tmp_path / "größe"
    folder.mkdir()
    (folder / "wörter.py").write_text(PROTOCOL, encoding="utf-8")
    named = PROTOCOL.replace('name="plain"', 'name="größe"')
    (folder / "named.py").write_text(named, encoding="utf-8")
    return folder


@pytest.mark.slow
def test_every_command_works_where_only_ascii_can_be_written(folder):
    lines = "\n".join("\t".join(map(str, words)) for _, *words in COMMANDS)
    done = in_ascii(folder, "-c", SCRIPT, input=lines.encode())
    out, err = done.stdout, done.stderr.decode("ascii", "surrogateescape")
    assert done.returncode == 0, err
    assert "Unicode" not in err and "Traceback" not in err
    codes = [int(code) for code in re.findall(rb"exit code (\d+)", out)]
    assert codes == [code for code, *_ in COMMANDS]
    assert "cannot name a file 'runs/gr" in err and "PYTHONUTF8=1" in err
    assert re.search(r"gr\?\?e +1", err), "the summary"
    assert "_.-=+*%# = ? ä.tsv".encode() in done.stderr.splitlines(), "names of files as they are"
    assert (folder / "ü.html").exists() and (folder / "aus-ä" / "datapackage.json").exists()
    assert (folder / "ö" / "settling_dashboard.pdf").exists()
    assert "größer“ – 日本" in (folder / "ü.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_sweep_works_where_only_ascii_can_be_written(folder):
    done = in_ascii(
        folder,
        "-m",
        "fena_sim",
        "sweep",
        "wörter.py",
        *map(str, SMALL),
        "--grid",
        "level.1.tau=10*ms",
        "--out",
        "ß",
    )
    err = done.stderr.decode("ascii", "surrogateescape")
    assert done.returncode == 0 and "Unicode" not in err and "Traceback" not in err, err
    assert list((folder / "ß").glob("*/sweep.json")), err
