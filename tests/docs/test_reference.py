"""Oracle: the reference is the docstrings. It is up to date, and says of every public name what its
docstring says. The constants on the page of the model are those of the model file.
"""

import difflib
import importlib
import importlib.util
import re

import pytest
from pages import ROOT

REFERENCE = ROOT / "docs" / "reference"


@pytest.fixture(scope="module")
def make():
    spec = importlib.util.spec_from_file_location("make_docs", ROOT / "docs" / "make.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_is_up_to_date(make):
    texts = make.pages()
    for name, text in texts.items():
        there = (
            (REFERENCE / name).read_text(encoding="utf-8") if (REFERENCE / name).exists() else ""
        )
        changed = "\n".join(
            difflib.unified_diff(
                there.splitlines(), text.splitlines(), "there", "now", lineterm="", n=0
            )
        )
        assert there == text, f"{name}: run `make docs`\n{changed}"
    assert {path.name for path in REFERENCE.glob("*.md")} == set(texts)


def test_the_constants_of_the_model_are_up_to_date(make):
    page = make.MODEL_PAGE.read_text(encoding="utf-8")
    assert make.model_page(page) == page, "run `make docs`"


def test_every_public_name_is_there(make):
    """With the first line of its docstring, by Python's own import."""
    for page, modules in make.PAGES.items():
        text = (REFERENCE / f"{page}.md").read_text(encoding="utf-8")
        for path in modules:
            module = importlib.import_module(path)
            for name in getattr(module, "__all__", ()):
                thing = getattr(module, name)
                if callable(thing) and thing.__doc__:
                    assert re.search(rf"^### `{name}`$", text, re.M), name
                    assert thing.__doc__.strip().splitlines()[0].strip() in text, name


def test_every_command_is_there(make):
    from fena_sim.commands.main import cli

    text = (REFERENCE / "commands.md").read_text(encoding="utf-8")
    names = [path for path, _ in make.walk(cli)]
    assert len(names) > 10 and re.findall(r"^## `(.+)`$", text, re.M) == names


def test_links_between_pages_hold():
    beside = [ROOT / folder / "README.md" for folder in ("benchmarks", "brian2_dense", "tests")]
    pages = [*ROOT.glob("*.md"), *beside, *(ROOT / "docs").rglob("*.md")]
    for page in pages:
        text = page.read_text(encoding="utf-8")
        links = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", text)
        for target in [*links, *re.findall(r'(?:href|src)="([^"#:]+)"', text)]:
            assert (page.parent / target).exists(), (page.name, target)
