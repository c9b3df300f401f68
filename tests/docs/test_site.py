"""Oracle: what a website promises. Every link of every page of the built site leads to a file of the
site, and a page with a broken link does not build.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from pages import ROOT, left_out

pytest.importorskip("material", reason="needs the extra docs: make site")
LINK = re.compile(r'(?:href|src)="?([^\s">]+)')


def build(checkout, out):
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", out],
        cwd=checkout,
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    out = tmp_path_factory.mktemp("site") / "site"
    finished = build(ROOT, out)
    assert finished.returncode == 0, finished.stderr
    return out


def test_every_link_leads_to_a_file_of_the_site(site):
    pages = list(site.rglob("*.html"))
    assert len(pages) > 30
    for page in pages:
        if page.name == "404.html":  # written for the root of a server
            continue
        for link in LINK.findall(page.read_text(encoding="utf-8")):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or not parts.path:
                continue
            target = (page.parent / unquote(parts.path)).resolve()
            assert target.is_file() or (target / "index.html").is_file(), (page.name, link)


def test_links_out_of_docs_lead_to_the_same_text(site):
    speed = (site / "speed.html").read_text(encoding="utf-8")
    assert "source/fena_sim/bench/networks.py.html" in speed and 'href="benchmarks.html"' in speed
    source = (site / "source" / "brian2_dense" / "kernel.py.html").read_text(encoding="utf-8")
    assert "PLACEHOLDER" in source
    start = (site / "index.html").read_text(encoding="utf-8")
    assert 'src="figures/story.png"' in start and 'href="tutorial.html"' in start


@pytest.mark.parametrize("link", ["nothing.md", "../fena_sim/nothing.py"])
def test_a_broken_link_is_an_error(tmp_path, link):
    shutil.copytree(ROOT, tmp_path / "copy", ignore=left_out)
    page = tmp_path / "copy" / "docs" / "model.md"
    page.write_text(page.read_text() + f"\n[broken]({link})\n")
    finished = build(tmp_path / "copy", tmp_path / "site")
    assert finished.returncode != 0 and Path(link).name in finished.stderr
