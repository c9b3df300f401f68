"""Oracle: what was declared of every stream, found in the page by an HTML parser."""

from html.parser import HTMLParser

import numpy as np
import pytest
from brian2 import ms

import fena_sim as fs
from fena_sim.show.report.page import report
from fena_sim.show.report.streams import stream_rows
from fena_sim.stimulus import TokenStream, Vocabulary, one_hot

PICTURES = Vocabulary(symbols=("face", "house"), codes=np.array([[1.0, 0.5], [0.0, 1.0]]))
SOUNDS = one_hot("abc")
PACE = fs.FixedPace(duration=30 * ms, onset_asynchrony=80 * ms)


def protocol():
    """Both modalities; then pictures alone."""
    pictures = TokenStream.from_list(["face", None, "face"], PICTURES)
    sounds = TokenStream.from_list(["a", "<b>c</b>", "a"], one_hot(["a", "<b>c</b>"]))
    streams = {
        "picture": pictures.paced(PACE, start=20 * ms, pause=20 * ms),
        "sound": sounds.paced(PACE),
    }
    gate = {"sound": np.array([1.0, 0.5, 0.25])}
    both = fs.Block(
        name="both",
        streams=streams,
        controls={"gate": gate},
        omission_gate=0.5,
        probes=[fs.Probe("sound", "r")],
    )
    return fs.Protocol(
        name="two", blocks=[both, fs.Block(name="alone", stream=pictures, pace=PACE)]
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    leaky = "dr/dt = (gate*token_code - r)/(20*ms) : 1"
    populations = [
        fs.Population(name=name, size=2, equations=leaky) for name in ("picture", "sound")
    ]
    model = fs.Hierarchy(name="senses", populations=populations)
    return fs.run(model, protocol(), device="runtime", out=tmp_path_factory.mktemp("runs"))


class Tables(HTMLParser):
    """{label of the region: rows of texts} of a page, and all its text."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.found, self.region, self.words, self.inside = {}, "", [], False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.region = (
            dict(attributes).get("aria-label", self.region) if tag == "div" else self.region
        )
        rows = self.found.setdefault(self.region, [])
        if tag == "tr":
            rows.append([])
        elif tag in ("td", "th"):
            rows[-1].append("")
            self.inside = True

    def handle_endtag(self, tag):
        self.inside = self.inside and tag not in ("td", "th")

    def handle_data(self, data):
        self.words.append(data)
        if self.inside:
            self.found[self.region][-1][-1] += data.strip()


def test_every_stream_is_listed(run):
    page = Tables(report(run.folder))
    head, *rows = page.found["Streams"]
    assert head == ["block", "population", "tokens", "vocabulary", "timing", "gate"]
    assert [row[:4] for row in rows] == [
        ["both", "picture, paces the block", "3, 1 omitted", "2 symbols, custom codes"],
        ["both", "sound", "3", "2 symbols, one_hot codes"],
    ]
    timing = "30 ms presented, an onset every 80 ms, the first at {} ms"
    assert [row[4] for row in rows] == [timing.format(70), timing.format(50)]
    assert [row[5] for row in rows] == [
        "1; 0.5 where omitted",
        "a value per token, 0.25 to 1 at onsets",
    ]
    words = " ".join("".join(page.words).split())
    assert "both, picture face omitted face" in words
    assert "both, sound a <b>c</b> a" in words and "alone face omitted face" in words
    assert "tokens are those of the first" in words


def test_a_block_with_one_stream_lists_none(run):
    about = {block["name"]: block for block in run.manifest["inputs"]["protocol"]["blocks"]}
    assert stream_rows(run, about["alone"], "") == []


def test_jittered_onsets_and_blocks_without_tokens(run, monkeypatch):
    (about, _) = run.manifest["inputs"]["protocol"]["blocks"]
    table = run.events("both")
    table["onset"] = [0.07, 0.15, 0.3]
    monkeypatch.setattr(type(run), "events", lambda *_: table)
    assert "an onset every 80 to 150 ms" in stream_rows(run, about, "")[0].timing
    monkeypatch.setattr(type(run), "events", lambda *_: table[:0])
    assert stream_rows(run, about, "")[1].timing == "none before the block's end"
    monkeypatch.setattr(type(run), "has", lambda *_: False)
    first, second = stream_rows(run, about, "at its pace")
    assert (first.timing, second.timing) == ("at its pace", "not known yet")
    assert first.tokens is second.tokens is None and not first.first
