"""Oracle: stock C++ standalone, and Brian2's NumPy target. The script of brian2_dense/README.md runs
as written, and gives the numbers that Brian2 gives.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.compile

ROOT = Path(__file__).resolve().parents[2]
(SCRIPT,) = re.findall(
    r"```python\n(.*?)```", (ROOT / "brian2_dense" / "README.md").read_text(), re.S
)
CHOICE = 'set_device("cpp_dense")  # in place of "cpp_standalone"\n'
DENSE = "the script as written"
DEVICES = {
    DENSE: CHOICE,
    "stock": 'set_device("cpp_standalone")\n',
    "numpy_dense": 'from brian2 import prefs\nprefs.codegen.target = "numpy_dense"\n',
    "numpy": 'from brian2 import prefs\nprefs.codegen.target = "numpy"\n',
}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """{device: (what was printed, what was saved)}."""
    return {name: _run(tmp_path_factory.mktemp("script"), line) for name, line in DEVICES.items()}


def _run(folder, line):
    assert SCRIPT.count(CHOICE) == 1
    (folder / "rate_network.py").write_text(SCRIPT.replace(CHOICE, line))
    finished = subprocess.run(
        [sys.executable, "rate_network.py"],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert finished.returncode == 0, finished.stderr
    with np.load(folder / "result.npz") as saved:
        return finished.stdout, dict(saved)


@pytest.mark.parametrize("device, stock", [(DENSE, "stock"), ("numpy_dense", "numpy")])
def test_the_numbers_are_those_of_brian2(results, device, stock):
    have, want = results[device][1], results[stock][1]
    assert np.ptp(want["r"]) > 0.1 and want["w"].shape == (200 * 200,)
    for name in ("r", "w"):
        np.testing.assert_allclose(have[name], want[name], rtol=0, atol=1e-12)


def test_the_synapses_were_lowered(results):
    assert "done='dense'" in results[DENSE][0]
