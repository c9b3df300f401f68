"""Standard figures. Oracle: runs written by hand, whose responses, rates, means and weights are known;
they are read back from the artists. Rates: counted spike by spike.
"""

import handmade
import made
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from fena_sim.errors import FenaError
from fena_sim.plot import Needs, new_figure, sheet
from fena_sim.show.needs import Recorded
from fena_sim.show.standard.drawn import scaled
from fena_sim.show.standard.evoked import evoked_figures, labels
from fena_sim.show.standard.over_tokens import over_tokens_figure, settling_figure, share_settled
from fena_sim.show.standard.spikes import _Spikes, rates, spike_figure
from fena_sim.show.standard.weights import weight_figure

N, ASYNCHRONY, BLANK = 12, 50, 10  # ms
COLOURS = np.array(["red", "blue", "blue"] * 4)
TOKENS = np.array([0, 1, 2, 3] * 3)
OMITTED = (5, 8)


def bump(size, since=3):
    """A response of one millisecond, `since` ms after the onset of each token; (time,)."""
    values = np.zeros(N * ASYNCHRONY)
    values[BLANK + ASYNCHRONY * np.arange(N) + since] = size
    return values


def network(folder, seed):
    """Unit k of cells answers 3 ms after an onset with (k + 1)(seed + 1), to "red" tokens twice that."""
    tokens = TOKENS.copy()
    tokens[list(OMITTED)] = -1
    table = handmade.events(
        (BLANK + ASYNCHRONY * np.arange(N)) / 1000, tokens, BLANK / 1000, colour=COLOURS
    )
    size = np.where(COLOURS == "red", 2.0, 1.0) * (seed + 1)
    values = np.stack([(k + 1) * bump(size) for k in range(2)], axis=1)
    recorded = handmade.traces(1e-3, cells__r=values, mistakes__e=-values)
    populations = [
        handmade.population("cells", 0, "r", 2),
        handmade.population("mistakes", 0, "e", 2),
    ]
    return made.write(
        folder / f"run{seed}",
        {"viewing": (table, recorded, None)},
        seed=seed,
        populations=populations,
        roles={"mistakes": "error"},
    )


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("networks")
    return [network(folder, seed) for seed in range(3)]


def lines(ax):
    """[(colour, width, x, y)] of the curves, without lines across the panel."""
    found = [(li.get_color(), li.get_linewidth(), *li.get_data()) for li in ax.get_lines()]
    return [line for line in found if len(line[2]) > 2]


def test_responses_by_a_label_are_locked_to_the_onset_and_shown_for_every_network(networks):
    (drawn,) = evoked_figures(networks, "viewing", "colour")
    assert drawn.name == "evoked-viewing-colour"
    cells, mistakes = drawn.figure.axes
    # Mean over units of (1, 2), and mean square; blue is averaged over presented tokens alone.
    for ax, unit in ((cells, lambda size: 1.5 * size), (mistakes, lambda size: 2.5 * size**2)):
        curves = lines(ax)
        assert len(curves) == 8  # two conditions, three networks and their median
        for condition, size in enumerate((1.0, 2.0)):  # blue, red
            of = curves[4 * condition : 4 * condition + 4]
            for seed, (_, width, x, y) in enumerate(of[:3]):
                assert width < of[3][1]
                np.testing.assert_allclose(x[y != 0], [3.0], atol=1e-9)
                np.testing.assert_allclose(y.max(), unit(size * (seed + 1)))
            np.testing.assert_allclose(of[3][3].max(), unit(size * 2))
    assert (cells.get_ylabel(), mistakes.get_ylabel()) == (
        "mean over units",
        "mean square over units",
    )
    assert cells.get_xlabel() == "time from the token's onset (ms)"
    assert "blue 5, red 4" in drawn.caption and "3 networks" in drawn.caption


def test_windows_are_from_the_blank_to_the_next_onset_and_what_is_dropped_is_said(networks):
    """The last token of 12 has 40 ms after its onset, of the 50 that others have."""
    *_, drawn = evoked_figures(networks, "viewing")
    assert drawn.name == "evoked-viewing-presented"
    (_, _, time, _), *_ = lines(drawn.figure.axes[0])
    np.testing.assert_allclose(time, np.arange(-10, 50), atol=1e-9)
    assert "1 tokens per network were dropped" in drawn.caption
    assert "presented 9, omitted 2" in drawn.caption


def test_labels_of_few_values_are_shown_and_omissions():
    tokens = np.array([0, 1, -1, 0])
    table = handmade.events(
        0.01 + 0.05 * np.arange(4),
        tokens,
        few=["x", "y", "z", "x"],
        one=["x", "x", "y", "x"],  # another value for the omitted token alone
        many=np.arange(4.0),
        gaps=[1.0, np.nan, 2.0, 3.0],
    )
    assert labels([table]) == ["symbol", "few", "many", "gaps", "presented"]
    more = handmade.events(0.05 * np.arange(8), [0] * 8, number=np.arange(8))
    assert labels([more]) == ["presented"]
    assert labels([table, more]) == ["presented"]


def test_a_label_that_is_not_there_or_has_many_values_is_named(networks, tmp_path):
    (left,) = evoked_figures(networks, "viewing", "color")
    assert "no label 'color'" in left.error.what and "colour" in left.error.fix
    table = handmade.events(0.01 + 0.05 * np.arange(20), [0] * 20, number=np.arange(20))
    recorded = handmade.traces(1e-3, cells__r=np.zeros((1000, 2)))
    run = made.write(tmp_path / "run", {"own": (table, recorded, None)})
    (left,) = evoked_figures([run], "own", "number")
    assert "20 values" in left.error.what


def test_a_label_that_cannot_be_shown_hides_no_other(tmp_path):
    """Of label "edge", one of two "x" tokens is the first of the block, before which there is no
    sample, and the other the last one, in which the recording stopped.
    """
    table = handmade.events(
        0.01 + 0.05 * np.arange(8), [0] * 8, edge=list("xyyyyyyx"), middle=list("aabbaabb")
    )
    recorded = handmade.traces(1e-3, start=0.008, cells__r=np.ones((360, 2)))
    run = made.write(tmp_path / "run", {"own": (table, recorded, None)})
    left, drawn = evoked_figures([run], "own")
    assert left.name == "evoked-own-edge" and "2 of 2 tokens of condition 'x'" in left.error.what
    assert drawn.name == "evoked-own-middle" and "a 3, b 3" in drawn.caption


def test_a_condition_of_few_tokens_keeps_its_last_one_in_a_shorter_window(networks):
    """Of symbol d there are three tokens, the last of which ends with the block, 40 ms after its
    onset.
    """
    drawn, *_ = evoked_figures(networks, "viewing")
    assert drawn.name == "evoked-viewing-symbol" and "d 3" in drawn.caption
    (_, _, time, _), *_ = lines(drawn.figure.axes[0])
    np.testing.assert_allclose(time, np.arange(-10, 40), atol=1e-9)


def test_readouts_over_tokens_are_means_over_bins_with_units(tmp_path):
    """Ten tokens make two bins of five; token 7 was omitted."""
    tokens = np.array([0] * 7 + [-1, 0, 0])
    table = handmade.events(0.01 + 0.05 * np.arange(10), tokens)
    kept = xr.Dataset(
        {
            "iterations": ("event", np.arange(10)),
            "error": (
                ("event", "level"),
                np.stack([1.0 + np.arange(10) ** 2, 100 * np.ones(10)], 1),
            ),
            "depth": (("event", "unit"), 1e-4 * np.outer(np.arange(10) ** 2, [1, 3])),
        }
    )
    readouts = [
        {"name": "error", "variables": ["cells.r", "above.r"]},
        {"name": "depth", "variables": ["other.v"]},
    ]
    populations = [
        handmade.population("cells", 0, "r"),
        handmade.population("above", 1, "r"),
        handmade.population("other", 0, "v", 2, "volt"),
    ]
    run = made.write(
        tmp_path / "run", {"own": (table, None, kept)}, populations=populations, readouts=readouts
    )
    (drawn,) = over_tokens_figure([run], "own")
    errors, depth = drawn.figure.axes
    (_, _, x, low), (_, _, _, high) = lines_of_two(errors)
    np.testing.assert_allclose(x, [2.5, 7.5])
    np.testing.assert_allclose(low, [1 + 6.0, 1 + np.mean([25, 36, 64, 81])])
    np.testing.assert_allclose(high, 100)
    ((_, _, _, volts),) = lines_of_two(depth)
    np.testing.assert_allclose(volts, [0.2 * 6.0, 0.2 * np.mean([25, 36, 64, 81])])
    assert depth.get_ylabel() == "depth (mV)"
    assert errors.get_xlabel() == "tokens since the block's start"
    (settled,) = settling_figure([run], "own")
    assert "own" in settled.caption


def test_populations_of_one_level_are_one_curve(tmp_path):
    table = handmade.events(0.01 + 0.05 * np.arange(10), [0] * 10)
    kept = xr.Dataset(
        {
            "iterations": ("event", np.arange(10)),
            "error": (("event", "level"), np.outer(np.ones(10), [1.0, 3.0])),
        }
    )
    readouts = [{"name": "error", "variables": ["cells.r", "cells.r"]}]
    run = made.write(tmp_path / "run", {"own": (table, None, kept)}, readouts=readouts)
    (drawn,) = over_tokens_figure([run], "own")
    ((_, _, _, y),) = lines_of_two(drawn.figure.axes[0])
    np.testing.assert_allclose(y, 2)


def lines_of_two(ax):
    return [
        (li.get_color(), li.get_linewidth(), *li.get_data())
        for li in ax.get_lines()
        if len(li.get_xdata()) == 2
    ]


def test_the_share_of_settled_tokens_is_their_cumulative_count():
    ax = new_figure().subplots()
    share_settled(ax, [np.array([0, 2, 2, 3])])
    (line,) = ax.get_lines()
    assert line.get_xdata().tolist() == [0, 1, 2, 3]
    assert line.get_ydata().tolist() == [0.25, 0.25, 0.75, 1.0]


@settings(max_examples=50, deadline=None, derandomize=True)
@given(
    times=st.lists(st.integers(0, 199), max_size=30),
    onsets=st.lists(st.integers(0, 199), min_size=1, max_size=5, unique=True),
)
def test_rates_count_every_spike_in_its_bin(times, onsets):
    """On a grid of 1 ms, bins of 5 ms from -10 to 20 ms, of four units."""
    edges = 5e-3 * np.arange(-2, 5)
    spikes = _Spikes(np.array(times) * 1e-3, np.zeros(len(times), int), np.arange(4))
    found = rates(spikes, np.array(onsets) * 1e-3, edges, 0.2)
    whole = [onset for onset in onsets if onset >= 10 and onset + 20 <= 200]
    if not whole:
        assert np.isnan(found).all()
        return
    expected = [
        sum(onset + low <= t < onset + low + 5 for t in times for onset in whole)
        / (len(whole) * 4 * 5e-3)
        for low in range(-10, 20, 5)
    ]
    np.testing.assert_allclose(found, expected)


def test_a_raster_shows_the_spikes_of_the_first_network_and_rates_all(tmp_path):
    """In every network, unit `seed` of three fires 20 ms after each onset."""
    runs = []
    for seed in range(2):
        table = handmade.events(0.01 + 0.05 * np.arange(12), [0] * 12)
        times = table["onset"].to_numpy() + 0.02
        recorded = xr.Dataset(made.spiking(times, [seed] * 12))
        blocks = {"own": (table, recorded, None)}
        runs.append(made.write(tmp_path / f"run{seed}", blocks, seed=seed, spikes=["cells"]))
    (drawn,) = spike_figure(runs, "own")
    raster, rate = drawn.figure.axes
    (marks,) = raster.get_lines()
    np.testing.assert_allclose(marks.get_xdata(), 0.03 + 0.05 * np.arange(10))  # ten tokens
    assert set(marks.get_ydata()) == {0}
    for _, _, x, y in lines(rate):
        assert x[np.argmax(y)] == pytest.approx(20)
        assert y.max() == pytest.approx(1 / 3 / 1e-3)  # a spike in one of three units, bins of 1 ms
    assert rate.get_ylabel() == "rate per unit (Hz)" and "bins of 1 ms" in drawn.caption


def test_weights_over_tokens_single_and_root_mean_square(tmp_path):
    runs = []
    for seed in range(2):
        values = (seed + 1) * np.array([[3.0, 4.0], [6.0, 8.0], [0.0, 2.0]])
        table = handmade.events(0.01 + 0.05 * np.arange(20), [0] * 20)
        recorded = made.weights(values, [0, 10, 20])
        blocks = {"own": (table, recorded, None)}
        runs.append(made.write(tmp_path / f"run{seed}", blocks, seed=seed, synapses=["W"]))
    (drawn,) = weight_figure(runs, "own")
    single, norm = drawn.figure.axes
    first, second, median = lines(single)
    assert (first[3].tolist(), second[3].tolist()) == ([3, 6, 0], [4, 8, 2])
    assert median[3].tolist() == [3.5, 7, 1]
    of = np.sqrt([12.5, 50, 2])
    for (_, _, x, y), expected in zip(lines(norm), (of, 2 * of, 1.5 * of), strict=True):
        assert x.tolist() == [0, 10, 20]
        np.testing.assert_allclose(y, expected)
    assert single.get_xlabel() == norm.get_xlabel() == "tokens since the block's start"
    assert "seed 0" in drawn.caption


def test_values_take_the_prefix_that_keeps_them_above_a_tenth():
    assert scaled(handmade.VOLT, [np.array([0.5])]) == (1.0, " (V)")
    assert scaled(handmade.VOLT, [np.array([-0.07, 0.01])]) == (1000.0, " (mV)")
    factor, unit = scaled(handmade.VOLT, [np.array([3e-5])])
    assert factor == pytest.approx(1e6) and unit == " (µV)"
    assert scaled("1", [np.array([1e-5])]) == (1.0, "")


def test_what_a_block_lacks_is_said_in_words(networks):
    run = networks[0]
    assert Recorded.of(run, "viewing").samples == ["cells.r", "mistakes.e"]
    assert (
        Needs(samples=["*.e"], omissions=True, labels={"colour": ("red",)}).missing(run, "viewing")
        == []
    )
    for needs, words in (
        (Needs(name="other"), "the name 'other'"),
        (Needs(samples=["state_*"]), "samples of state_*"),
        (Needs(spikes=True), "spikes"),
        (Needs(synapses=True), "variables of synapses"),
        (Needs(readouts=["error"]), "the readout error of the model"),
        (Needs(settling=True), "criterion of settling in the model"),
        (Needs(learning=False), "plasticity off"),
        (Needs(labels={"role": ()}), "the label 'role'"),
        (Needs(labels={"colour": ("red", "green")}), "tokens whose colour is 'green'"),
    ):
        assert needs.missing(run, "viewing") == [words]
    assert str(Needs(labels={"role": ("deviant",)}, spikes=True)) == (
        "a block with tokens whose role is 'deviant' and spikes"
    )


@pytest.mark.parametrize("n", [1, 3])
def test_text_is_readable_and_apart(networks, n):
    for drawn in evoked_figures(networks[:n], "viewing"):
        with sheet():
            canvas = FigureCanvasAgg(drawn.figure)
            canvas.draw()
        texts = [t for t in drawn.figure.findobj(Text) if t.get_visible() and t.get_text()]
        assert all(text.get_fontsize() >= 6 for text in texts)
        ticks = {
            id(t)
            for ax in drawn.figure.axes
            for t in (*ax.get_xticklabels(), *ax.get_yticklabels())
        }
        boxes = [t.get_window_extent(canvas.get_renderer()) for t in texts if id(t) not in ticks]
        boxes = [box for box in boxes if box.width > 0]
        for i, box in enumerate(boxes):
            assert not any(box.overlaps(other) for other in boxes[:i])


def test_a_block_whose_tokens_were_all_omitted_has_no_settling(tmp_path):
    table = handmade.events(0.01 + 0.05 * np.arange(4), [-1] * 4)
    run = made.write(tmp_path / "run", {"own": (table, None, handmade.kept(4))})
    with pytest.raises(FenaError, match="presents no token"):
        list(settling_figure([run], "own"))
