"""HTML in notebooks. Oracle: the tables parsed by the standard library's parser, against the
declarations; what a user wrote comes back as text, never as markup.
"""

from html.parser import HTMLParser

import handmade
import numpy as np
import pytest
from brian2 import ms

import fena_sim as fs
from fena_sim.declare.html import MOST, model_html, table
from fena_sim.stimulus import TokenStream, one_hot

NASTY = '<script src="http://x">&"\''


class Tables(HTMLParser):
    """Tags, attributes, and the cells of all rows."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.rows, self.caption = [], [], ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data):
        if self.tags[-1][0] == "caption":
            self.caption += data
        else:
            self.rows[-1][-1] += data


def test_users_text_is_escaped_and_nothing_is_fetched():
    found = Tables(table(NASTY, (NASTY, "b"), [(NASTY, 1234), (None, 2.5)]))
    assert found.caption == NASTY
    assert found.rows == [[NASTY, "b"], [NASTY, "1,234"], ["", "2.5"]]
    names = {"table", "caption", "thead", "tbody", "tr", "th", "td"}
    assert {tag for tag, _ in found.tags} == names
    assert all(set(attributes) <= {"style", "colspan"} for _, attributes in found.tags)


def test_long_tables_are_cut():
    rows = Tables(table("", ("n",), [(k,) for k in range(MOST + 5)])).rows
    assert len(rows) == MOST + 2 and rows[-1] == ["and 5 more"]


@pytest.fixture
def model():
    cause = fs.Population(name="cause", size=4, level=1, role="state", equations="r : 1")
    cells = fs.Population(name="cells", size=3, level=0, role="error", equations="x : 1")
    joins = fs.Projection(name="W", source="cause", target="cells", equations="w : 1")
    return fs.Hierarchy(
        name="small", description=NASTY, populations=[cause, cells], projections=[joins]
    )


def test_a_hierarchy_shows_its_populations_and_projections(model):
    found = Tables(model._repr_html_())
    assert model._repr_html_() == model_html(model)
    assert NASTY in found.caption
    assert found.rows == [
        ["population", "role", "level", "size"],
        ["cause", "state", "1", "4"],
        ["cells", "error", "0", "3"],
        ["projection", "joins", "plastic"],
        ["W", "cause to cells", "no"],
    ]


def test_a_protocol_shows_its_blocks():
    stream = TokenStream.from_list("ab" * 5, one_hot("ab"))
    pace = fs.FixedPace(duration=40 * ms, blank=10 * ms)
    block = dict(stream=stream, pace=pace)
    blocks = [
        fs.Block(name="lesson", probes=[fs.Probe("cells", ["x", "spikes"])], **block),
        fs.Block(name="exam", start_from="lesson", **block),
    ]
    protocol = fs.Protocol(name="school", description=NASTY, blocks=blocks)
    found = Tables(protocol._repr_html_())
    assert NASTY in found.caption
    assert found.rows == [
        ["block", "tokens", "starts from", "records"],
        ["lesson", "10", "initial", "cells: x, spikes"],
        ["exam", "10", "lesson", ""],
    ]


def test_a_run_shows_its_blocks(tmp_path):
    table = handmade.events(0.05 * np.arange(6), [0] * 6)
    recorded = handmade.traces(1e-3, state_1__r=np.zeros((300, 3)))
    blocks = {"one": (table, recorded, None), "two": (table, None, None)}
    found = Tables(handmade.write(tmp_path / "run", blocks)._repr_html_())
    assert found.caption.startswith("Run run: hand on handmade, seed 0")
    assert found.rows[1:] == [["one", "6", "initial", "state_1"], ["two", "6", "initial", ""]]
