"""Runs whose every text is hostile, and reports of tiny runs."""

import json
import shutil

import pytest

from fena_sim.runs.store.manifest import write_manifest
from fena_sim.show.report.page import report

HOSTILE = (
    "</script><script>alert(1)</script>",
    '"><img src=x onerror=alert(2)>',
    "<!--<script>",
    "' onload='alert(3)",
    "{{ 7*7 }}",
    "\u2028</title></style><b>bold</b>",
    "[link](http://localhost:9/x) ![i](http://localhost:9/y)",
    "$\\frac{1}$ \\u003c",
)


@pytest.fixture
def hostile(uninterrupted, tmp_path):
    """A run folder with hostile symbols, descriptions, command, versions, device and status."""
    folder = tmp_path / "hostile"
    shutil.copytree(uninterrupted.folder, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    texts = " ".join(HOSTILE)
    symbols = [f"{HOSTILE[k % len(HOSTILE)]}{k}" for k in range(16)]
    manifest["vocabulary"]["symbols"] = symbols
    manifest["vocabulary"]["kind"] = texts
    manifest["model"]["description"] = manifest["inputs"]["model"]["description"] = texts
    manifest["protocol"].update(description=texts, measured_signal=texts, name=HOSTILE[0])
    manifest.update(
        command=["fena", "run", *HOSTILE],
        device=texts,
        machine=texts,
        started=texts,
        status=f"stopped: {texts}",
    )
    manifest["versions"][HOSTILE[1]] = texts
    manifest["git"] = {"commit": HOSTILE[1], "changed": False}
    del manifest["checksums"]  # as of an earlier version, or the tables below would be refused
    write_manifest(folder, manifest)
    for path in (folder / "events").glob("*.tsv"):
        head, *lines = path.read_text().splitlines()
        column = head.split("\t").index("symbol")
        rows = [line.split("\t") for line in lines]
        for k, row in enumerate(rows):
            row[column] = '"' + symbols[k % 16].replace('"', '""') + '"'
        path.write_text("\n".join([head, *("\t".join(row) for row in rows)]) + "\n")
    return folder


@pytest.fixture(scope="session")
def page(uninterrupted, tmp_path_factory):
    """The report of a tiny run, as a file."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(report(uninterrupted.folder))
    return path
