"""Oracle: the version is written once, in fena_sim/__init__.py; what must repeat it agrees with it."""

import re
from pathlib import Path

import fena_sim

ROOT = Path(__file__).resolve().parents[1]


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_package_takes_it_from_there():
    assert "version = attr: fena_sim.__version__\n" in text("setup.cfg")


def test_the_citation_and_the_changelog_agree():
    (version,) = re.findall(r"^version: (.+)$", text("CITATION.cff"), re.M)
    (date,) = re.findall(r"^date-released: (.+)$", text("CITATION.cff"), re.M)
    assert version == fena_sim.__version__
    released = re.findall(r"^## \[(\d.*)\] - (\d{4}-\d\d-\d\d)$", text("CHANGELOG.md"), re.M)
    assert released[0] == (version, date), "the newest release of CHANGELOG.md"


def test_the_changelog_has_a_place_for_what_comes():
    heads = re.findall(r"^## (.+)$", text("CHANGELOG.md"), re.M)
    assert heads[0] == "[Unreleased]"
