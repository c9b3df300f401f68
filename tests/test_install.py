"""Oracle: what setup.cfg and README.md promise. The package installs from scratch into an empty
environment and runs there; without a checkout it has the shipped models, protocols, figures and claims.
"""

import ast
import configparser
import json
import os
import re
import shlex
import subprocess
import sys
import sysconfig
import venv
from importlib.metadata import packages_distributions, version
from pathlib import Path

import mutants
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


@pytest.mark.slow
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


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A function that runs fena or python in a folder: from a wheel that was built from an sdist, in
    an environment that has the running one's packages, but not its fena_sim.
    """
    folder = tmp_path_factory.mktemp("installed")
    mutants.copy_tree(folder / "tree")
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}

    def do(*command, cwd=folder):
        return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)

    done = do(sys.executable, "setup.py", "-q", "sdist", cwd=folder / "tree")
    assert done.returncode == 0, done.stderr
    (sdist,) = (folder / "tree" / "dist").iterdir()
    pip = [sys.executable, "-m", "pip", "--quiet"]
    done = do(*pip, "wheel", "--no-deps", "--wheel-dir", "wheels", sdist)
    if done.returncode and any(sign in done.stderr for sign in NO_INDEX):
        pytest.skip("no package index can be reached, so what builds a wheel cannot be had")
    assert done.returncode == 0, done.stderr
    (wheel,) = (folder / "wheels").iterdir()
    venv.create(folder / "env")
    python = folder / "env" / "bin" / "python"
    done = do(*pip, "--python", python, "install", "--no-deps", "--no-index", wheel)
    assert done.returncode == 0, done.stderr
    paths = {"base": folder / "env", "platbase": folder / "env"}
    site = Path(sysconfig.get_path("purelib", "venv", paths))
    packages = Path(sysconfig.get_path("purelib"))
    # Brian2 imports distutils. From Python 3.12 on setuptools has it, and a .pth file that shows it,
    # which counts in an environment's own folder alone.
    shown = packages / "distutils-precedence.pth"
    own = shown.read_text() if shown.exists() else ""
    (site / "running.pth").write_text(f"{packages}\n{own}\n")

    def run(folder, program, *arguments):
        done = do(python.with_name(program), *arguments, cwd=folder)
        assert done.returncode == 0, done.stderr
        return done.stdout

    run.package = site / "fena_sim"
    return run


@pytest.mark.slow
def test_without_a_checkout_everything_shipped_is_listed(installed, tmp_path):
    listed = json.loads(installed(tmp_path, "fena", "list", "--json"))
    for kind in ("models", "protocols", "figures"):
        paths = [Path(entry["path"]) for entry in listed[kind]]
        assert {path.parent for path in paths} == {installed.package / "shipped" / kind}
        assert {p.name: p.read_bytes() for p in paths} == {
            p.name: p.read_bytes()
            for p in (ROOT / kind).glob("*.py")
            if p.stem not in ("fena_events", "fena_parts")
        }


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["first_contact", "protocols/first_contact.py"])
def test_without_a_checkout_a_shipped_protocol_runs(installed, tmp_path, protocol):
    """From an empty folder, on the model that it names; its figures are made from the run."""
    options = ["protocol.tokens=12", "protocol.test_tokens=12", "model.sizes=(4,3)"]
    given = [word for option in options for word in ("--set", option)]
    line = installed(
        tmp_path, "fena", "run", protocol, "--device", "runtime", "--quiet", "--json", *given
    )
    result = json.loads(line)
    assert result["tokens"] == 9 * 12 and len(result["error_ratio"]) == 3
    manifest = json.loads((tmp_path / result["run"] / "manifest.json").read_text())
    assert manifest["model"]["name"] == "fena" and manifest["git"] is None
    made = json.loads(installed(tmp_path, "fena", "figures", "--only", "training", "--json"))[
        "made"
    ]
    assert [path.is_file() for path in map(tmp_path.joinpath, made[0]["files"])] == [True] * 3


@pytest.mark.slow
def test_without_a_checkout_claims_are_read(installed, tmp_path):
    """All of them, with the modules beside them and the models and protocols that they run."""
    code = "from fena_sim.study.claims.files import find_claims; print(*[c.id for c in find_claims()], sep='\\n')"
    code += "; e = find_claims(['C05'])[0].experiments(seed=2, quick=True); print(*{x.model for x in e.values()})"
    *ids, model = installed(tmp_path, "python", "-c", code).split()
    assert ids == sorted(
        path.stem[:3].upper() for path in (ROOT / "protocols/claims").glob("c[0-9]*.py")
    )
    assert Path(model) == installed.package / "shipped" / "models" / "fena.py"


@pytest.mark.slow
def test_without_a_checkout_shipped_files_can_be_copied(installed, tmp_path):
    installed(tmp_path, "fena", "new", "protocol", "mine", "--from", "oddball")
    assert {path.name for path in tmp_path.iterdir()} == {
        "mine.py",
        "fena.py",
        "fena_events.py",
        "fena_parts.py",
    }
    for name in ("fena.py", "fena_events.py", "fena_parts.py"):
        assert (tmp_path / name).read_bytes() == (ROOT / "models" / name).read_bytes()
    installed(tmp_path, "fena", "describe", "fena.py")


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
    code = f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(ROOT)!r}]; import fena_sim; fena_sim.Hierarchy"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    said = ended.stderr[ended.stderr.rindex("FenaError: ") :]
    assert "no_such_ptp" in said and "-m pip install 'numpy<2.4'" in said


#: Which extras a folder of fena_sim may import from.
EXTRAS = {
    "bench": ["bench"],
    "claims": ["claims"],
    "cuda": ["cuda"],
    "export": ["nwb", "neo", "mne"],
    "live": ["notebook"],
    "study": ["claims"],
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
                - {"fena_sim", "brian2_dense"}
            ):
                dists = {re.sub(r"[-_.]+", "-", d).lower() for d in providers.get(module, [module])}
                allowed = names(None, *EXTRAS.get(path.parent.name, []))
                assert dists & allowed, (
                    f"{path.name} imports {module}, which setup.cfg does not declare"
                )
