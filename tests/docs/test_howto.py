"""Oracle: every how-to page runs as it stands, top to bottom, in a folder that holds the shipped
files.
"""

import re
import shutil

import pytest
from pages import ROOT, blocks, commands, execute, left_out, script

PAGES = sorted(path for path in (ROOT / "docs" / "howto").glob("*.md") if path.name != "README.md")
#: Pages that kill a process, which must then be one of its own.
KILLS = ("resume",)
#: Pages that need a package which the core does without.
PACKAGES = {"test-clusters": "mne"}
#: What a page must have shown.
SHOWS = {
    "change-a-parameter": [r"# my_model", r"10\. ms 0\.\d+", r"20\. ms 0\.\d+"],
    "compare-models": [r"difference .*n = 3", r"figures/fena/oddball\.pdf"],
    "connect-populations": [
        r"probability 0\.1 where i != j",
        r"about 632",
        r"in-degree 8",
        r"200 given pairs; delay an array of shape \(200,\)",
    ],
    "from-your-experiment": [
        r"largest shift \d+\.?\d* [mu]s",
        r"0 +0\.500 +low +standard",
        r"\{'standard': 4\d, 'deviant': 1\d\}",
        r"pictures/evoked-oddball-trial_type\.pdf",
        r"onset\tduration\ttrial_type\t",
    ],
    "known-models": [
        r"switches on the way up +0\.\d+",
        r"figures/made/wilson_cowan\.png",
        r"repetition suppression +0\.[2-9]",
        r"no_feedback \[",
        r"SR: 2\d\d\.\d Hz, CV 0\.[01]",
    ],
    "measure-mismatch": [
        r"2 repetition_suppression .*n = 2",
        r"figures/made/oddball\.png",
        r"adaptation prediction error",
    ],
    "measure-signals": [
        r"K\. Measured signals of deviance",
        r"sent deviant - standard -?\d+\.\d+",
        r"spikes deviant - standard -?\d",
        r"sum of the absolute value of state_1\.feedback, error_1\.prediction, prior_1\.from_own",
        r"\('time', 'sent_unit'\)",
    ],
    "own-signals": [
        r"attended 0\.\d+ not attended 0\.\d+",
        r"[1-9]\d* spikes arrive, [1-9]\d* go on",
    ],
    "own-figures": [
        r"figures/made/evoked-exam-contrast\.pdf",
        r"figures/made/weights-monday\.png",
        r"spikes of blocks monday, exam: left out, no spikes",
        r"pictures/my_figure\.svg",
        r"pictures/responses\.png",
    ],
    "record-spikes": [r"[1-9]\d* spikes of \d+ neurons", r"[1-9]\d* of them while a was on"],
    "record-weights": [
        r"\[ *0 100 200 300\] tokens",
        r"weights after 100 tokens: \d+ x \d+",
        r"largest change from unit \d+ to unit \d+",
    ],
    "resume": [r"my_oddball +my_model +0 .*finished"],
    "scripting": [r"exit code 2", r"nothing\.py", r"10\. ms", r"70 tokens done"],
    "several-modalities": [
        r"sounds \['a', '', 'f'\] lead by \[0\.1, 0\.1, 0\.1\]",
        r"after a sound 0\.[1-9]",
        r"omitted: the shared level expects (?!0\.00)\d\.\d+",
        r"alone: the shared level expects 0\.00",
    ],
    "several-seeds": [r"n = 5\)"],
    "test-clusters": [
        r"\{'oddball/standard': \d, 'oddball/deviant': \d\}",
        r"dropped: \[",
        r"wrote oddball-epo\.fif",
        r"cluster from \d+ to \d+ ms, p = 0\.0",
        r"[1-9]\d* of \d+ clusters within the network of seed 0",
    ],
    "use-an-events-table": [
        r"1 +1\.25 +0\.2 +house",
        r"largest shift 0\.4 ms",
        r"\['1', '2', '1'\] \[100\. 250\. 400\.\] ms",
        r"1\.25\t0\.2\thouse\tn/a\tfalse",
    ],
}


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_page_runs(page, tmp_path, server):
    if page.stem in PACKAGES:
        pytest.importorskip(PACKAGES[page.stem], reason=f"needs the extra {PACKAGES[page.stem]}")
    for folder in ("models", "protocols", "figures"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=left_out)
    path = commands(tmp_path / "bin", None if page.stem in KILLS else server)
    code, output = execute(script(page), tmp_path, path)
    assert code == 0, output
    assert "Traceback" not in output, output
    for pattern in SHOWS[page.stem]:
        assert re.search(pattern, output), (pattern, output)


def test_a_page_without_code_would_be_no_howto():
    assert PAGES and all(blocks(page) for page in PAGES)


def test_the_index_names_every_page():
    index = (ROOT / "docs" / "howto" / "README.md").read_text()
    assert {path.name for path in PAGES} <= set(re.findall(r"\(([\w-]+\.md)\)", index))
