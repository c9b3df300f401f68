"""Oracle: the contract. Whatever a run of any protocol holds, each standard figure is drawn, or a
FenaError says in words why it is not; a figure has labelled axes and a caption.
"""

import handmade
import made
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from fena_sim.errors import FenaError
from fena_sim.show.standard.drawn import NotDrawn
from fena_sim.show.standard.figures import STANDARD

LABELS = {
    "text": lambda rng, n: rng.choice(["face $1", "house"], n),
    "gap": lambda rng, n: np.where(rng.random(n) < 0.3, np.nan, rng.integers(0, 2, n)),
    "flag": lambda rng, n: rng.random(n) < 0.5,
    "many": lambda rng, n: rng.random(n),
    "empty": lambda rng, n: [""] * n,
}


@st.composite
def protocols(draw):
    """(seed, tokens, gapless, omit, labels, kinds of recordings)."""
    return dict(
        seed=draw(st.integers(0, 2**16)),
        n=draw(st.integers(1, 12)),
        blank=draw(st.sampled_from([0.0, 0.01])),
        omit=draw(st.sampled_from([0.0, 0.3, 1.0])),
        labels=draw(st.sets(st.sampled_from(sorted(LABELS)))),
        recorded=draw(st.sets(st.sampled_from(["samples", "spikes", "weights"]))),
        step=draw(st.sampled_from([1e-3, 2e-2, 5e-2])),
    )


def build(folder, seed, n, blank, omit, labels, recorded, step):
    rng = np.random.default_rng(seed)
    tokens = np.where(rng.random(n) < omit, -1, rng.integers(0, 4, n))
    shown = 0.05 - blank
    columns = {name: LABELS[name](rng, n) for name in labels}
    table = handmade.events(blank + 0.05 * np.arange(n), tokens, blank, shown, **columns)
    found = xr.Dataset()
    if "samples" in recorded:
        values = rng.normal(size=(max(2, round(0.05 * n / step)), 3))
        found = handmade.traces(step, cells__r=values)
    if "spikes" in recorded:
        count = rng.integers(0, 20)
        times = np.sort(rng.uniform(0, 0.05 * n, count))
        found = found.assign(made.spiking(times, rng.integers(0, 3, count)))
    if "weights" in recorded:
        moments = np.arange(rng.integers(1, 4))
        found = found.merge(made.weights(rng.normal(size=(len(moments), 4)), moments))
    return made.write(
        folder,
        {"own_name": (table, found if recorded else None, handmade.kept(n))},
        spikes=["cells"] * ("spikes" in recorded),
        synapses=["W"] * ("weights" in recorded),
        readouts=[
            {"name": "error", "variables": ["cells.r", "cells.r"]},
            {"name": "state", "variables": ["cells.r"]},
        ],
    )


@pytest.mark.slow
@settings(max_examples=15, deadline=None, derandomize=True)
@given(about=protocols())
def test_every_figure_is_drawn_or_says_why_not(about, tmp_path_factory):
    run = build(tmp_path_factory.mktemp("any") / "run", **about)
    for kind in STANDARD:
        if kind.missing([run], "own_name"):
            continue
        try:
            drawn = list(kind.draw([run], "own_name"))
        except FenaError as error:
            assert error.what and error.fix
            continue
        for one in drawn:
            if isinstance(one, NotDrawn):
                assert one.error.what and one.error.fix
                continue
            assert one.caption.endswith(".") and "own_name" in one.caption
            assert one.figure.axes
            for ax in one.figure.axes:
                assert ax.get_ylabel()
                assert ax.get_xlabel() or "spikes" in one.name or ax.get_label() == "<colorbar>"
