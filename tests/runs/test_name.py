"""A run's name and a build's key do not depend on source bytes. Contract: `fena_sim/runs/name.py`. A copy of the tree, with a
comment appended to each of its source files, gives the names and keys of the tree itself; another ENGINE gives others.
"""

import subprocess
import sys

import mutants
import pytest

pytestmark = pytest.mark.slow

NAMES = """
import sys
sys.path.insert(0, "tests")
import tiny
from fena_sim.device.build_cache import declaration_key
from fena_sim.runs.plan import Plan
plan = Plan.of(tiny.model(), tiny.everything(), 0, "runtime")
print(plan.name)
for block in plan.blocks:
    print(declaration_key(plan.model, plan.protocol.vocabulary, block.shape, block.block.probes, ["dense64"]))
"""


def names(tree):
    """What a fresh process prints that runs in a tree."""
    ran = subprocess.run(
        [sys.executable, "-c", NAMES],
        cwd=tree,
        env={"PATH": "", "PYTHONPATH": str(tree), "HOME": str(tree)},
        capture_output=True,
        text=True,
        check=True,
    )
    return ran.stdout.split()


def test_a_comment_in_any_file_changes_no_name_and_another_engine_changes_all(tmp_path):
    mutants.copy_tree(tmp_path)
    before = names(tmp_path)
    for path in [*tmp_path.glob("fena_sim/**/*.py"), *tmp_path.glob("brian2_dense/**/*.py")]:
        path.write_text(path.read_text(encoding="utf-8") + "\n# a comment\n", encoding="utf-8")
    assert names(tmp_path) == before and len(set(before)) > 1
    engine = tmp_path / "fena_sim" / "network" / "engine.py"
    engine.write_text(engine.read_text() + "ENGINE += 1\n")
    assert not set(names(tmp_path)) & set(before)
