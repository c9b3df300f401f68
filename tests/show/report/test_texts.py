"""Oracle: the texts that went into a run."""

import csv
import json
import re
from html.parser import HTMLParser

import handmade
import jinja2
import numpy as np
import texts
import xarray as xr
from brian2 import ms
from hypothesis import given, settings

import fena_sim as fs
from fena_sim.show.export.csv import write_csv
from fena_sim.show.report.page import report
from fena_sim.show.report.render import visible
from fena_sim.show.report.traces import pack_traces
from fena_sim.stimulus import text

LINES = "One line\r\nand another,\r\nthen a lone \r, a tab\t and end.\r\n"


def of_page(page):
    """The data of a page, as its script reads them."""
    (data,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    return json.loads(data)


@settings(max_examples=25)
@given(texts.SYMBOLS, texts.LABELS)
def test_any_text_reaches_the_page(tmp_path_factory, symbols, labels):
    """In a symbol, a label, or a label's name. Values of labels are shown as text."""
    recorded = handmade.traces(1e-3, state_1__r=np.zeros((150, 1)))
    kept = xr.Dataset({"iterations": ("event", np.arange(3))})
    run = handmade.write(
        tmp_path_factory.mktemp("any") / "run",
        {"b": (texts.table(symbols, labels), recorded, kept)},
    )
    policies = jinja2.Environment(autoescape=True)
    template = '<script type="application/json" id="data">{{ data|tojson }}</script>'
    page = policies.from_string(template).render(data=[pack_traces(run, {})])
    (tokens,) = [block["tokens"] for block in of_page(page)[0]]
    assert tokens["symbol"] == symbols and set(tokens["labels"]) == set(labels)
    for name, values in labels.items():
        shown = tokens["labels"][name]
        assert shown == [v if isinstance(v, str) else s for v, s in zip(values, shown, strict=True)]


def test_a_text_with_windows_line_ends(tmp_path):
    """From the file to the tables and the page: as many rows as characters, and the same ones."""
    path = tmp_path / "text.txt"
    path.write_bytes(LINES.encode())
    stream = text(path, fold=False)
    model = fs.Hierarchy(
        name="plain",
        populations=[
            fs.Population(
                name="state_1",
                size=stream.vocabulary.size,
                equations="dx/dt = (token_code - x)/(5*ms) : 1",
            )
        ],
    )
    block = fs.Block(
        name="reading",
        stream=stream,
        pace=fs.FixedPace(duration=15 * ms, blank=5 * ms),
        probes=[fs.Probe("state_1", "x", units=0, interval=5 * ms)],
    )
    protocol = fs.Protocol(name="lines", blocks=[block])
    run = fs.run(model, protocol, device="runtime", out=tmp_path / "runs")
    events = run.events("reading")
    assert events["symbol"].tolist() == list(LINES) and len(events) == len(LINES)
    assert events["blank_onset"].tolist() == [float(f"{k * 0.02:.12g}") for k in range(len(LINES))]
    assert run.vocabulary == stream.vocabulary
    write_csv(run, tmp_path / "tables")
    with open(tmp_path / "tables" / "reading_events.csv", newline="", encoding="utf-8") as file:
        names, *rows = csv.reader(file, strict=True)
    assert [row[names.index("symbol")] for row in rows] == list(LINES)
    page = report(run.folder)
    assert of_page(page)[0][0]["tokens"]["symbol"] == list(LINES)
    # What a reader sees of them: each character in a box of its own.
    boxes = re.search(r'<p class="symbols">(.*?)</p>', page, re.S)[1]
    assert re.findall(r"<span>(.*?)</span>", boxes, re.S)[:12] == [*"One line", r"\r", r"\n", *"an"]


def test_characters_that_cannot_be_seen_are_written_out():
    shown = {"a": "a", " ": " ", "é": "é", "\r": r"\r", "\n": r"\n", "\t": r"\t", "\0": r"\x00"}
    shown |= {"\u2028": r"\u2028", "\ufeff": r"\ufeff", "\\": "\\", "'": "'", "🧠": "🧠"}
    for character, expected in shown.items():
        assert visible(character) == expected


@given(texts.TEXT)
def test_what_is_shown_of_a_text_is_all_text(given):
    """No character of it ends a line, or is another one to an HTML parser."""
    found = []
    parser = HTMLParser(convert_charrefs=True)
    parser.handle_data = found.append
    parser.feed(jinja2.Environment(autoescape=True).from_string("{{ t }}").render(t=visible(given)))
    parser.close()
    assert "".join(found) == visible(given) and len(visible(given).splitlines()) <= 1
