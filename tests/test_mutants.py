"""The planted defects of `mutants.py` still fit the code that they change, without running them.
Contract: its docstrings.
"""

import ast
import shutil

import mutants
import pytest


@pytest.mark.parametrize("mutant", mutants.ALL, ids=lambda mutant: mutant.name)
def test_it_can_be_planted(mutant):
    before = (mutants.ROOT / mutant.file).read_text(encoding="utf-8")
    assert before.count(mutant.old) == 1
    assert ast.dump(ast.parse(mutant.changed())) != ast.dump(ast.parse(before))


@pytest.mark.parametrize("mutant", mutants.ALL, ids=lambda mutant: mutant.name)
def test_its_tests_exist(mutant):
    for test in mutant.tests:
        file, _, function = test.partition("::")
        found = {
            node.name
            for node in ast.parse((mutants.ROOT / file).read_text(encoding="utf-8")).body
            if isinstance(node, ast.FunctionDef)
        }
        assert not function or function.partition("[")[0] in found, test


def test_names_are_unique():
    assert len({mutant.name for mutant in mutants.ALL}) == len(mutants.ALL)


@pytest.mark.parametrize("old", ["there is no such text", "mask"])
def test_a_text_that_does_not_fit_is_refused(old):
    with pytest.raises(ValueError, match="not once"):
        mutants.Mutant("wrong", "fena_sim/analyse/select.py", old, "", "tests").changed()


def test_a_page_says_what_caught_what_and_nothing_that_changes_from_run_to_run():
    two = [mutants.Mutant(name, "a.py", "1", "2", "tests") for name in ("one | two", "three")]
    seen = "tests/x/test_y.py::test_z[a-b|c]"

    def written(seconds):
        outcomes = [mutants.Outcome(seen, "assert 1", seconds), mutants.Outcome(None, "", seconds)]
        return mutants.page(two, outcomes)

    assert written(1.0) == written(7.0)
    assert "1 of 2 were caught" in written(1.0)
    assert written(1.0).splitlines()[-2:] == [
        r"| one \| two | `a.py` | `x/test_y.py::test_z[a-b\|c]` |",
        "| three | `a.py` | **nothing** |",
    ]


@pytest.mark.slow
def test_caught_survived_and_broken_are_told_apart(tmp_path):
    """On a tree of three files, in which all that can happen is known; pytest has the project's
    settings.
    """
    original, cache = tmp_path / "original", tmp_path / "cache"
    original.mkdir()
    shutil.copy(mutants.ROOT / "pyproject.toml", original)
    (original / "thing.py").write_text("def two():\n    return 1 + 1\n")
    (original / "test_sees.py").write_text(
        "import thing\ndef test_first(): pass\ndef test_two(): assert thing.two() == 2\n"
    )
    (original / "test_blind.py").write_text(
        "import thing\ndef test_three(): assert thing.two() < 3\n"
    )

    def outcome(new, *tests):
        return mutants.try_mutant(
            mutants.Mutant("m", "thing.py", "1 + 1", new, tests), original, tmp_path / "copy", cache
        )

    caught = outcome("1 - 1", "test_blind.py", "test_sees.py")
    assert caught.failed == "test_sees.py::test_two" and "assert 0 == 2" in caught.why
    assert outcome("1 - 1", "test_blind.py").failed is None
    assert "return 1 + 1" in (original / "thing.py").read_text()
    with pytest.raises(RuntimeError, match="cannot be run"):
        outcome("(", "test_sees.py")
