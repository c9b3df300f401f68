"""Oracle: `fena new --help`. What is written loads, names what it should, and needs nothing that is
not beside it; a copy differs from its original in the name and the model alone.
"""

import difflib
from pathlib import Path

import pytest
import tiny

import fena_sim as fs
from fena_sim.commands.new import write
from fena_sim.errors import DeclarationError, RunFolderError, UnknownNameError

ROOT = Path(__file__).resolve().parents[2]
MODELS = [path.stem for path in tiny.SHIPPED]
PROTOCOLS = sorted(path.stem for path in (ROOT / "protocols").glob("*.py"))


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(folder="."):
    return {path.name for path in Path(folder).glob("*.py")}


def changes(copy, original):
    """(old, new) of the lines in which a copy differs."""
    lines = [Path(path).read_text().splitlines() for path in (original, copy)]
    found = [line for line in difflib.ndiff(*lines) if line[0] in "+-"]
    return [line[2:].strip() for line in found if line[0] == "-"], [
        line[2:].strip() for line in found if line[0] == "+"
    ]


def test_a_protocol_brings_its_model():
    assert write("protocol", "my_oddball") == [
        Path("my_oddball.py"),
        Path("fena.py"),
        Path("fena_events.py"),
        Path("fena_parts.py"),
    ]
    assert Path("fena.py").read_bytes() == (ROOT / "models/fena.py").read_bytes()
    file = fs.load_protocol("my_oddball.py")
    assert Path(file.model).resolve() == Path("fena.py").resolve()
    model = fs.load_model(file.model, file.protocol.vocabulary.size)
    (probe,) = file.protocol.blocks[0].probes
    assert probe.population in [p.name for p in model.populations]


def test_a_model_that_is_here_is_used_and_not_copied(here):
    write("model", "fena", "models")
    assert write("protocol", "one") == [Path("one.py")]
    assert fs.load_protocol("one.py").model.endswith("/models/fena.py")
    assert write("protocol", "two", "protocols") == [Path("protocols/two.py")]
    model = fs.load_protocol("protocols/two.py").model
    assert Path(model).resolve() == here / "models/fena.py"


def test_a_model_that_was_brought_is_not_overwritten():
    write("protocol", "one")
    Path("fena.py").write_text("# mine")
    assert write("protocol", "two") == [Path("two.py")]
    assert Path("fena.py").read_text() == "# mine"


def test_inside_the_checkout_the_shipped_model_is_named(monkeypatch, here):
    monkeypatch.setattr("fena_sim.load.shipped.HOME", here)
    write("model", "fena", "models")
    assert write("protocol", "mine", here / "protocols") == [here / "protocols/mine.py"]
    assert 'MODEL = "../models/fena.py"' in (here / "protocols/mine.py").read_text()


def test_a_shipped_model_may_be_named_and_brings_what_it_imports():
    written = write("protocol", "mine", model="fena_errors_only")
    assert written[0] == Path("mine.py")
    variants = {"fena_errors_only.py", "fena_gaussian.py", "fena_flat_memory.py"}
    assert {"mine.py", "fena_parts.py", *variants} == names()
    assert fs.load_model(fs.load_protocol("mine.py").model).name == "fena_errors_only"


@pytest.mark.parametrize("name", MODELS)
def test_a_copy_of_a_shipped_model(name):
    written = write("model", "mine", "folder", start=name)
    assert written[0] == Path("folder/mine.py")
    old, new = changes("folder/mine.py", ROOT / f"models/{name}.py")
    assert old and new == [line.replace(f'"{name}"', '"mine"') for line in old] != old
    model = fs.load_model("folder/mine.py")
    assert model.name == "mine"
    for helper in names("folder") - {"mine.py"}:
        assert (Path("folder") / helper).read_bytes() == (ROOT / "models" / helper).read_bytes()
    original = fs.load_model(ROOT / f"models/{name}.py")
    assert model.parameters() == original.parameters()


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_copy_of_a_shipped_protocol(name):
    write("protocol", "mine", start=name)
    old, new = changes("mine.py", ROOT / f"protocols/{name}.py")
    model = Path(fs.load_protocol(ROOT / f"protocols/{name}.py").model).name
    changed = {
        f'name="{name}",': 'name="mine",',
        f'MODEL = "../models/{model}"': f'MODEL = "{model}"',
    }
    assert dict(zip(old, new, strict=True)) == changed
    file = fs.load_protocol("mine.py")
    assert file.protocol.name == "mine"
    assert Path(file.model).resolve() == Path(model).resolve()
    assert Path(model).read_bytes() == (ROOT / "models" / model).read_bytes()


def test_a_copy_for_another_model():
    write("model", "small")
    assert write("protocol", "mine", "sub", "small.py", "first_contact") == [Path("sub/mine.py")]
    assert 'MODEL = "../small.py"' in Path("sub/mine.py").read_text()


def test_a_copy_of_a_file_of_ones_own():
    Path("own.py").write_text(
        'from fena_sim import Hierarchy\nfrom part import population\n\n\ndef hierarchy(*, é="é", name="own"): return "own"\n'
    )
    Path("part.py").write_text("import deeper\n")
    Path("deeper.py").write_text("import part\n")
    assert set(write("model", "copy", "sub", start="own.py")) == {
        Path("sub/copy.py"),
        Path("sub/part.py"),
        Path("sub/deeper.py"),
    }
    assert Path("sub/copy.py").read_text() == Path("own.py").read_text().replace(
        'name="own"', 'name="copy"'
    )


def test_a_name_that_the_copy_needs_for_another_file_is_refused():
    for arguments in (
        ("model", "fena_gaussian", ".", None, "fena_errors_only"),
        ("protocol", "delay_loop", ".", None, "delay_loop"),
        ("protocol", "fena"),
    ):
        with pytest.raises(DeclarationError, match="of this name"):
            write(*arguments)
    assert names() == set()


def test_what_cannot_be_copied_is_refused():
    Path("broken.py").write_text("def (")
    Path("fena_sim.py").mkdir()
    for arguments, error in (
        (("model", "x", ".", None, "nothing"), UnknownNameError),
        (("model", "x", ".", None, "nothing.py"), UnknownNameError),
        (("model", "x", ".", None, "first_contact"), UnknownNameError),
        (("model", "x", ".", None, "broken.py"), DeclarationError),
        (("model", "x", ".", None, "fena_sim.py"), UnknownNameError),
        (("protocol", "x", ".", "nothing"), UnknownNameError),
        (("protocol", "broken", ".", None, "oddball"), RunFolderError),
    ):
        with pytest.raises(error):
            write(*arguments)
    assert names() == {"broken.py", "fena_sim.py"}
