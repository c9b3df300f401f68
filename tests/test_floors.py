"""Imports walk one way. Oracle: the order of the floors in CONTRIBUTING.md, as a list below; the arrows are read off the
sources, those inside functions too. A planted arrow and a planted circle show that the checks can fail.
"""

import ast
import graphlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
#: Lowest first. What stands on a floor may import from it and from those below.
FLOORS = (
    "errors",
    "extras",
    "declare",
    "load",
    "network",
    "device",
    "runs",
    "analyse",
    "show",
    "study",
    "commands",
)
#: The only file that may import the benchmarks: its command.
BENCH = "fena_sim.commands.bench"
#: Modules that only gather public names, for users; nothing inside imports them.
FACADES = ("stimulus", "measure", "epochs", "plot", "sweep", "export", "claims", "cli")


def modules(root):
    """{dotted name: path} of the Python files below `root`."""
    found = {}
    for package in ("fena_sim", "brian2_dense"):
        for path in (root / package).rglob("*.py"):
            parts = path.relative_to(root).with_suffix("").parts
            found[".".join(parts).removesuffix(".__init__")] = path
    return found


def arrows(root):
    """(importing module, imported module) of all imports between the modules of both packages."""
    known = modules(root)
    for name, path in known.items():
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from ((name, a.name) for a in node.names if a.name in known)
            elif isinstance(node, ast.ImportFrom):
                parts = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parts * bool(node.level), *[node.module] * bool(node.module)])
                for alias in node.names:
                    target = f"{base}.{alias.name}"
                    if target in known or base in known:
                        yield name, target if target in known else base


def wrong(root):
    """Arrows that point up, from the inside to the edge, or from brian2_dense to fena_sim; in words."""
    found = set()
    for source, target in arrows(root):
        here, there = (name.split(".") for name in (source, target))
        if here[0] == "brian2_dense":
            found |= {f"{source} -> {target}"} if there[0] == "fena_sim" else set()
        elif there[0] == "fena_sim" and len(there) > 1 and here[-1] != "__main__":
            if there[1] == "bench":
                allowed = source == BENCH or here[1] == "bench"
            elif here[1:2] == ["bench"]:
                allowed = there[1] in FLOORS and there[1] != "commands"
            elif len(here) == 2 and here[1] in FACADES:
                allowed = there[1] in FLOORS
            else:
                allowed = there[1] in FLOORS and FLOORS.index(there[1]) <= FLOORS.index(here[1])
            found |= set() if allowed else {f"{source} -> {target}"}
    return sorted(found)


def circle(root):
    """Modules that import each other in a circle; None if there is none."""
    graph = {}
    for source, target in arrows(root):
        if source != target:
            graph.setdefault(source, set()).add(target)
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return error.args[1]
    return None


def test_no_arrow_points_up():
    assert wrong(ROOT) == []


def test_there_is_no_circle():
    assert circle(ROOT) is None


def test_every_folder_is_a_floor():
    folders = {path.parent.name for path in (ROOT / "fena_sim").glob("*/__init__.py")}
    files = {path.stem for path in (ROOT / "fena_sim").glob("*.py")}
    assert folders == {*FLOORS, "bench"} - {"errors", "extras"}
    assert files == {*FACADES, "errors", "extras", "__init__", "__main__"}


@pytest.fixture
def tree(tmp_path):
    """A function that adds a line to a file of a small tree, which is right without it."""
    lines = {
        "fena_sim/declare/model.py": "",
        "fena_sim/network/build.py": "from ..declare import model",
        "fena_sim/runs/plan.py": "from ..network.build import thing",
        "brian2_dense/device.py": "from . import kernel",
        "brian2_dense/kernel.py": "",
    }
    for file, text in lines.items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(text + "\n")

    def add(file, line):
        with open(tmp_path / file, "a") as opened:
            opened.write(line + "\n")
        return tmp_path

    return add


@pytest.mark.parametrize(
    "file, line, arrow",
    [
        ("fena_sim/declare/model.py", "from ..runs import plan", "declare.model -> fena_sim.runs"),
        (
            "fena_sim/network/build.py",
            "def f():\n    import fena_sim.runs.plan",
            "-> fena_sim.runs",
        ),
        ("brian2_dense/kernel.py", "from fena_sim.declare import model", "-> fena_sim.declare"),
    ],
)
def test_a_planted_arrow_is_found(tree, file, line, arrow):
    assert wrong(tree("fena_sim/declare/model.py", "")) == []
    (found,) = wrong(tree(file, line))
    assert arrow in found


def test_a_planted_circle_is_found(tree):
    assert circle(tree("brian2_dense/kernel.py", "")) is None
    assert set(circle(tree("brian2_dense/kernel.py", "from . import device"))) == {
        "brian2_dense.device",
        "brian2_dense.kernel",
    }


def test_brian2_dense_needs_no_fena_sim_and_changes_no_preference(tmp_path):
    """In a folder that holds brian2_dense alone."""
    (tmp_path / "brian2_dense").symlink_to(ROOT / "brian2_dense")
    code = (
        "import sys; sys.modules['fena_sim'] = None\n"
        "import brian2; before = dict(brian2.prefs)\n"
        "import brian2_dense\n"
        "assert dict(brian2.prefs) == before\n"
        "brian2.set_device('cpp_dense', build_on_run=False); print(brian2_dense.__file__)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert str(tmp_path) in ran.stdout
