"""Oracle: the README is a contract. Its Python code runs as written, in a folder that holds the
shipped files.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import fena_sim

ROOT = Path(__file__).resolve().parents[1]
BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S)


@pytest.mark.compile
def test_the_code_of_the_readme_runs(tmp_path, python):
    for folder in ("models", "protocols"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    script, model, protocol = BLOCKS
    (tmp_path / "script.py").write_text(script)
    (tmp_path / "my_model.py").write_text(model)
    (tmp_path / "my_protocol.py").write_text(protocol)
    for command in (["script.py"], ["-m", "fena_sim", "run", "my_protocol.py", "--quiet"]):
        finished = subprocess.run(
            [*python, *command],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert finished.returncode == 0, finished.stderr
    (folder,) = (tmp_path / "runs").glob("my_protocol-*")
    traces = fena_sim.open_run(folder).traces("learning")
    assert traces["error.error"].dims == ("time", "error_unit")
    assert traces["cause.r"].sizes["time"] == 200 * 60
    tokens = fena_sim.open_run(folder).events("learning")["symbol"]
    assert "".join(tokens[:4]) == "abcd"


def test_ten_lines_are_about_ten_lines():
    for block in BLOCKS[1:]:
        assert len([line for line in block.splitlines() if line.strip()]) <= 20


def test_paths_in_the_readme_exist():
    text = (ROOT / "README.md").read_text()
    for path in re.findall(r"\]\((docs/[^)]+|tests/[^)]+)\)", text):
        assert (ROOT / path).exists(), path
