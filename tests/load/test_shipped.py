"""Oracle: the documented order in which a name is looked for, in folders made for it."""

from pathlib import Path

import pytest

from fena_sim.errors import UnknownNameError
from fena_sim.load import shipped

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path):
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('"""Mine."""\n\nhierarchy = protocol = figure = None\n')
    return path


def test_in_a_checkout_they_are_where_they_are(here):
    assert shipped.HOME == ROOT
    for kind in (*shipped.KINDS, "protocols/claims"):
        assert shipped.folder(kind) == ROOT / kind
    for kind in shipped.KINDS:
        assert {file["name"] for file in shipped.files(kind)} == {
            path.stem
            for path in (ROOT / kind).glob("*.py")
            if path.stem not in ("fena_events", "fena_parts")
        }


def test_what_is_here_comes_first(here):
    write("models/fena.py")
    assert shipped.folder("models") == Path("models")
    assert shipped.files("models") == [
        {"name": "fena", "path": "models/fena.py", "summary": "Mine."}
    ]
    assert shipped.folder("protocols") == ROOT / "protocols"


@pytest.mark.parametrize(
    "text, listed",
    [
        ("def hierarchy(): ...", True),
        ("from other import hierarchy", True),
        ("from other import network as hierarchy", True),
        ("from other import *", True),
        ("hierarchy = None", True),
        ("def (", True),  # with what is wrong with it
        ("def helper():\n    def hierarchy(): ...", False),
        ("from other import hierarchy as model", False),
        ("def protocol(): ...", False),
    ],
)
def test_a_helper_is_no_model(text, listed, here):
    write("models/mine.py").write_text(text)
    write("models/fena.py")
    found = [file["name"] for file in shipped.files("models")]
    assert found == ["fena"] + ["mine"] * listed
    with pytest.raises(UnknownNameError) as caught:
        shipped.find("miine", "models")
    assert ("mine" in caught.value.fix) is listed


def test_a_name_is_looked_for_here_in_its_folder_and_among_the_shipped(here):
    assert shipped.find("first_contact", "protocols") == ROOT / "protocols/first_contact.py"
    beside = write("protocols/first_contact.py")
    assert shipped.find("first_contact", "protocols") == beside
    mine = write("first_contact.py")
    assert shipped.find("first_contact", "protocols") == mine
    assert shipped.find("oddball", "protocols") == ROOT / "protocols/oddball.py"


def test_a_folder_of_this_name_is_not_the_file(here):
    (here / "oddball").mkdir()
    assert shipped.find("oddball", "protocols") == ROOT / "protocols/oddball.py"


def test_a_path_as_from_a_checkout_is_the_shipped_file_unless_it_is_here(here):
    assert shipped.find("protocols/oddball.py", "protocols") == ROOT / "protocols/oddball.py"
    mine = write("protocols/oddball.py")
    assert shipped.find("protocols/oddball.py", "protocols") == mine


@pytest.mark.parametrize(
    "path", ["oddball.py", "models/oddball.py", "../protocols/oddball.py", "x/oddball.py"]
)
def test_any_other_path_is_only_itself(path, here):
    assert shipped.find(path, "protocols") == Path(path)
    assert shipped.find(here / path, "protocols") == here / path


def test_a_name_of_another_kind_is_none(here):
    with pytest.raises(UnknownNameError):
        shipped.find("fena", "protocols")


@pytest.mark.parametrize("path", ["my_odball", "odball", "protocols/odball.py"])
def test_a_mistyped_name_gets_the_nearest(path, here):
    write("my_oddball.py")
    with pytest.raises(UnknownNameError) as error:
        shipped.find(path, "protocols")
    nearest = "my_oddball" if path == "my_odball" else "oddball"
    assert f"did you mean '{nearest}'?" in str(error.value)
    assert path in str(error.value) and str(here) in str(error.value)


def test_the_summary_of_a_file(here):
    path = write("a.py")
    assert shipped.summary(path) == "Mine."
    path.write_text("x = 1\n")
    assert shipped.summary(path) == ""
    for content in (b"def (", b"\0", b"\xff\xfe"):
        path.write_bytes(content)
        assert "cannot be read" in shipped.summary(path)
