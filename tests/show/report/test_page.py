"""Oracle: the documented contract of `fena report`, and an HTML parser that is not the template's
author.
"""

import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import attrs
import handmade
import pytest
import tiny

import fena_sim as fs
from fena_sim.commands.main import main
from fena_sim.show.report.page import report, write_report

HOSTILE_TAGS = {"img", "b", "iframe", "object", "embed", "form", "base", "a:http"}


class Seen(HTMLParser):
    """Tags, ids, references and visible text of a page."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.ids, self.links, self.handlers, self.words, self.inside = (
            [],
            [],
            [],
            [],
            [],
            [],
        )
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append(tag)
        self.inside.append(tag)
        self.ids += [attributes["id"]] if "id" in attributes else []
        self.links += [
            attributes[name]
            for name in ("href", "src", "xlink:href", "action")
            if name in attributes
        ]
        self.handlers += [name for name in attributes if name.startswith("on")]

    def handle_endtag(self, tag):
        while self.inside and self.inside.pop() != tag:
            pass

    def handle_data(self, data):
        if not {"script", "style"} & set(self.inside):
            self.words.append(data)


def test_a_page_refers_to_nothing_outside_itself(page):
    text = page.read_text()
    seen = Seen(text)
    assert all(link.startswith(("#", "data:,")) for link in seen.links), seen.links
    assert len(seen.ids) == len(set(seen.ids))
    targets = {link[1:] for link in seen.links if link.startswith("#")}
    assert targets <= set(seen.ids), targets - set(seen.ids)
    assert (
        "default-src 'none'" in html.unescape(text)
        and "@import" not in text
        and "url(http" not in text
    )


def test_a_page_tells_what_was_run(page, uninterrupted):
    words = " ".join("".join(Seen(page.read_text()).words).split())
    manifest = uninterrupted.manifest
    for said in (
        "everything on fena",
        uninterrupted.id,
        manifest["started"].replace("T", " "),
        manifest["git"]["commit"][:10],
        f"brian2 {manifest['versions']['brian2']}",
        "dense64",
        "error_0",
        "learning",
        "noisy_paced",
        "finished",
        "temperature 0.02",
        "self-paced: 4 ms to 48 ms",
        "A. Model summary",
        "J. Initial values",
    ):
        assert said in words, said


def test_hostile_text_is_shown_and_does_nothing(hostile):
    text = report(hostile)
    seen = Seen(text)
    assert (
        seen.tags.count("script") == 2 and not HOSTILE_TAGS & set(seen.tags) and not seen.handlers
    )
    assert all(link.startswith(("#", "data:,")) for link in seen.links), seen.links
    words = "".join(seen.words)
    assert (
        '"><img src=x onerror=alert(2)>' in words
        and "</script><script>alert(1)</script>" in words
        and "{{ 7*7 }}" in words
    )
    data = json.loads(
        re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)[1]
    )
    symbols = json.loads((hostile / "manifest.json").read_text())["vocabulary"]["symbols"]
    assert [s for s in data[0][0]["tokens"]["symbol"] if s is not None] == [
        s for k, s in enumerate(symbols[:9]) if k != 3
    ]


def test_the_numbers_come_from_the_protocol_file_that_is_given(uninterrupted, tmp_path):
    file = tmp_path / "mine.py"
    file.write_text("def summary(runs): return {'my_number': 41.5 + len(runs)}")
    seen = Seen(report(uninterrupted.folder, protocol=file))
    assert "my number" in seen.words and "42.5" in seen.words
    file.write_text("def summary(runs): return {'x': 1/0}")
    assert "ZeroDivisionError" in "".join(Seen(report(uninterrupted.folder, protocol=file)).words)


def test_a_protocol_name_from_a_manifest_reaches_no_other_folder(
    uninterrupted, hostile, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "protocols").mkdir()
    (tmp_path / "evil.py").write_text("raise SystemExit('executed')")
    command = ["fena", "run", str(tmp_path / "evil.py")]
    handmade.edit(
        hostile,
        lambda manifest: manifest["protocol"].update(name="../evil"),
        status="finished",
        command=command,
    )
    report(hostile)


def test_an_unfinished_run_says_so_and_shows_what_there_is(interrupted_run):
    folder = interrupted_run(
        tiny.everything(), 4
    )  # the 9 tokens of the first block in chunks of 3, and one chunk more
    words = " ".join("".join(Seen(report(folder)).words).split())
    assert (
        "is not finished (interrupted" in words
        and "in block paced" in words
        and "of 23 tokens done" in words
    )
    assert "squared error, level 0" in words and "not finished" in words
    assert Path(folder, "manifest.json").exists()


def test_a_run_that_has_barely_begun_has_a_page(interrupted_run):
    words = "".join(Seen(report(interrupted_run(tiny.one_block(), 1))).words)
    assert "3 of 12 tokens done" in words and "Model fena" in words


@pytest.mark.compile
def test_networks_of_a_folder_are_summarised_with_their_spread(tiny_fena, tmp_path):
    for seed in (0, 1, 2):
        fs.run(tiny_fena, tiny.one_block(), seed=seed, device="dense64", out=tmp_path / "deeper")
    fs.run(tiny_fena, tiny.everything(), seed=0, device="dense64", out=tmp_path)
    text = report(tmp_path)
    words = " ".join("".join(Seen(text).words).split())
    assert (
        "4 runs in" in words
        and "median over networks" in words
        and "everything on fena" in words
        and "one_block on fena" in words
    )
    errors = [
        float(run.tokens("learning")["precision"][:, 0].mean())
        for run in map(fs.open_run, (tmp_path / "deeper").iterdir())
    ]
    assert f"{sorted(errors)[1]:.3g}" in words
    assert text.count("Tables: populations") == 1, "one model, described once"


@pytest.mark.compile
def test_of_streams_side_by_side_the_first_is_shown(tmp_path):
    batch = attrs.evolve(tiny.model(), batch=2)
    protocol = fs.Protocol(
        name="two",
        blocks=[
            fs.Block(
                name="learning",
                stream=[tiny.stream(9), tiny.stream(9, 1)],
                probes=[fs.Probe("state_1", "r")],
            )
        ],
    )
    run = fs.run(batch, protocol, device="dense64", out=tmp_path)
    words = "".join(Seen(report(run.folder)).words)
    assert "The first of 2 streams side by side." in words


@pytest.mark.parametrize(
    "arguments, told",
    [
        (["nowhere"], "there is no such folder"),
        (["empty"], "there is no run in this folder"),
        (["bad"], "not a run folder"),
    ],
)
def test_bad_input_is_one_clear_error(tmp_path, monkeypatch, capsys, arguments, told):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "manifest.json").write_text("{")
    with pytest.raises(SystemExit) as stopped:
        main(["report", *arguments])
    captured = capsys.readouterr()
    assert stopped.value.code == 2 and told in captured.err and "Traceback" not in captured.err
    assert not (tmp_path / "report.html").exists()


def test_the_command_writes_the_page(uninterrupted, tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["report", str(uninterrupted.folder), "-o", str(tmp_path / "x.html")])
    assert stopped.value.code == 0 and "wrote" in capsys.readouterr().err
    assert (tmp_path / "x.html").read_text().startswith("<!DOCTYPE html>")
    assert write_report(uninterrupted.folder, tmp_path / "y.html") == tmp_path / "y.html"
