"""Oracle: what setup.cfg promises. The package installs from scratch into an empty environment and
runs there.
"""

import ast
import configparser
import re
import shlex
import subprocess
import sys
import venv
from importlib.metadata import packages_distributions, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from fena_sim.device.cuda.preferences import remedy

ROOT = Path(__file__).resolve().parents[1]
NO_INDEX = (
    "No matching distribution",
    "Could not find a version",
    "Failed to establish",
    "Connection",
    "timed out",
    "Temporary failure in name resolution",
)


def declared(extra=None):
    """What setup.cfg requires always, or for an extra."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    lines = (
        config["options"]["install_requires"]
        if extra is None
        else config["options.extras_require"][extra]
    )
    return [Requirement(line) for line in lines.split("\n") if line.strip()]


def test_installs_from_scratch_and_imports(tmp_path):
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / "bin" / "python"
    installed = subprocess.run(
        [python, "-m", "pip", "install", "--quiet", str(ROOT)], capture_output=True, text=True
    )
    if installed.returncode and any(sign in installed.stderr for sign in NO_INDEX):
        pytest.skip("no package index can be reached, so nothing can be installed from scratch")
    assert installed.returncode == 0, installed.stderr
    found = subprocess.run(
        [python, "-c", "import fena_sim; print(fena_sim.__version__)"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert found.stdout.strip() == "0.1.0", found.stderr
    listed = subprocess.run(
        [tmp_path / "env" / "bin" / "fena", "describe", str(ROOT / "models" / "fena.py")],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert "error_0" in listed.stdout, listed.stderr


def test_this_environment_is_inside_the_declared_ranges():
    for requirement in declared():
        if requirement.marker is not None and not requirement.marker.evaluate():
            continue
        assert requirement.specifier.contains(version(requirement.name)), requirement


def test_make_setup_takes_the_brian2cuda_that_the_extra_and_the_doctor_name():
    line = re.search(r"^BRIAN2CUDA := (.*)$", (ROOT / "Makefile").read_text(), re.M).group(1)
    made = {str(Requirement(word)) for word in shlex.split(line)}
    assert made == {str(r) for r in declared("cuda") if r.name == "brian2cuda"}
    assert remedy().split("brian2cuda==")[1] in {str(Requirement(m).specifier)[2:] for m in made}


def test_a_numpy_that_brian2_cannot_use_is_one_error_with_its_mend(tmp_path):
    """Brian2 2.9 with NumPy 2.4 ends like this module: AttributeError while it is imported."""
    (tmp_path / "brian2.py").write_text("import numpy\nnumpy.ndarray.no_such_ptp\n")
    code = f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(ROOT)!r}]; import fena_sim"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    said = ended.stderr[ended.stderr.rindex("FenaError: ") :]
    assert "no_such_ptp" in said and "-m pip install 'numpy<2.4'" in said


#: Which extras a folder of fena_sim may import from.
EXTRAS = {
    "bench": ["bench"],
    "claims": ["claims"],
    "cuda": ["cuda"],
    "export": ["nwb", "neo", "mne"],
    "sweep": ["sweep"],
}


def test_every_import_is_declared():
    def names(*extras):
        return {re.sub(r"[-_.]+", "-", r.name).lower() for extra in extras for r in declared(extra)}

    providers = packages_distributions()
    for path in [
        *(ROOT / "fena_sim").rglob("*.py"),
        ROOT / "demo.py",
        *(ROOT / "figures").glob("*.py"),
    ]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                modules = [node.module]
            else:
                continue
            for module in (
                {m.partition(".")[0] for m in modules}
                - set(sys.stdlib_module_names)
                - {"fena_sim", "fena"}
            ):
                dists = {re.sub(r"[-_.]+", "-", d).lower() for d in providers.get(module, [module])}
                allowed = names(None, *EXTRAS.get(path.parent.name, []))
                assert dists & allowed, (
                    f"{path.name} imports {module}, which setup.cfg does not declare"
                )
