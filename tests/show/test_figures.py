"""Figures and panels. Oracles: the measures that were handed in, read back from the artists, and
the figure contract (NEEDS, figure(runs, ...), labelled axes, readable size, no overlap, no simulation).
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from fena_sim.errors import StimulusError
from fena_sim.load.user_file import load_file
from fena_sim.measure import energy_curve, error_course, error_curve, settling_curve
from fena_sim.plot import level_colour, new_figure, panels, sheet, traces

CLAIMS = Path(__file__).resolve().parents[2] / "protocols" / "claims"


def drawn(figure):
    with sheet():
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
    return canvas.get_renderer()


@pytest.mark.parametrize("n", [1, 3])
def test_all_axes_are_labelled(script, networks, n):
    for ax in script.figure(networks[:n]).axes:
        below = ax.get_xlabel() or any(t.get_text() for t in ax.get_xticklabels())
        shares = ax.get_shared_x_axes().get_siblings(ax), ax.get_shared_y_axes().get_siblings(ax)
        assert below or any(other.get_xlabel() for other in shares[0])
        assert any(other.get_ylabel() for other in shares[1])


@pytest.mark.parametrize("n", [1, 3])
def test_text_is_readable_on_the_page_and_apart(script, networks, n):
    figure = script.figure(networks[:n])
    renderer = drawn(figure)
    shown = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text()]
    assert all(text.get_fontsize() >= 6 for text in shown)
    # Ticks beyond the limits of an axis keep labels that are never painted.
    ticks = {id(t) for ax in figure.axes for t in (*ax.get_xticklabels(), *ax.get_yticklabels())}
    boxes = [(t, t.get_window_extent(renderer)) for t in shown if id(t) not in ticks]
    boxes = [(t, box) for t, box in boxes if box.width > 0]
    for i, (text, box) in enumerate(boxes):
        assert box.x0 >= 0 and box.y0 >= 0, text.get_text()
        assert box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1, text.get_text()
        for other, its_box in boxes[:i]:
            assert not box.overlaps(its_box), (text.get_text(), other.get_text())


def test_figures_come_from_the_blocks_that_they_are_given(script, networks):
    """A run that refuses every other block is enough. Figures of one protocol name theirs."""
    run = networks[0]
    named = [needs.name for needs in script.needs.values() if needs.name]

    def only(read):
        def reading(block):
            assert block in (*named, *script.given)
            return read(block)

        return reading

    narrow = type(run)(**vars(run))
    narrow.events, narrow.tokens, narrow.traces = map(only, (run.events, run.tokens, run.traces))
    script.figure([narrow])


def axes():
    return new_figure().subplots()


def test_several_networks_are_thin_lines_and_a_bold_median(networks):
    curves = [settling_curve(run, bins=10) for run in networks]
    ax = axes()
    panels.settling(ax, curves)
    *thin, bold = ax.get_lines()
    medians = [curve.sel(quantile=0.5).to_numpy() for curve in curves]
    for line, median in zip(thin, medians, strict=True):
        np.testing.assert_array_equal(line.get_ydata(), median)
        assert line.get_linewidth() < bold.get_linewidth()
    np.testing.assert_array_equal(bold.get_ydata(), np.median(medians, axis=0))
    np.testing.assert_allclose(bold.get_xdata(), curves[0]["tokens"])


def test_quartiles_are_a_band_of_medians_over_networks(networks):
    curves = [settling_curve(run, bins=10) for run in networks]
    ax = axes()
    panels.settling(ax, curves)
    (band,) = ax.collections
    corners = {(round(x, 6), round(y, 6)) for x, y in band.get_paths()[0].vertices}
    for quantile in (0.25, 0.75):
        edge = np.median([curve.sel(quantile=quantile) for curve in curves], axis=0)
        assert {
            (round(x, 6), round(y, 6)) for x, y in zip(curves[0]["tokens"].to_numpy(), edge)
        } <= corners


def test_energy_shows_what_settling_takes_away(networks):
    curves = [energy_curve(run, bins=10) for run in networks]
    ax = axes()
    panels.energy(ax, curves)
    lines = [line for line in ax.get_lines() if line.get_linewidth() > 1]
    for line, moment in zip(lines, ("first", "last"), strict=True):
        np.testing.assert_array_equal(
            line.get_ydata(), np.median([c.sel(moment=moment) for c in curves], axis=0)
        )
    assert lines[0].is_dashed() and not lines[1].is_dashed()
    assert "(nat)" in ax.get_ylabel()


def test_a_course_is_in_milliseconds_and_leaves_out_zeros(networks):
    curve = error_course(networks[0], "traces_after")
    curve[:3, 0] = 0.0
    ax = axes()
    panels.course(ax, [curve])
    assert ax.get_yscale() == "log"
    for level, line in enumerate(ax.get_lines()):
        assert line.get_color() == level_colour(level)
        np.testing.assert_allclose(line.get_xdata(), np.arange(48), atol=1e-9)
    shown = ax.get_lines()[0].get_ydata()
    assert np.isnan(shown[:3]).all()
    np.testing.assert_array_equal(shown[3:], curve[3:, 0])


@pytest.mark.parametrize("script", ["settling_dashboard"], indirect=True)
def test_the_dashboard_needs_no_traces(script, networks):
    assert len(script.figure(networks).axes) == 6
    untraced = type(networks[0])(**{**vars(networks[0]), "blocks": ["training"]})
    assert len(script.figure([untraced, *networks[1:]]).axes) == 4
    assert len(script.figure([untraced]).axes) == 4


def test_claim_c19_finds_on_the_dashboard_what_it_looks_for(networks):
    claim = load_file(CLAIMS / "c19_watching.py", "claim")
    assert claim.drawn(networks[0])
    claim.PANELS["nothing of this name"] = False
    assert not claim.drawn(networks[0])


def test_levels_keep_their_colour_on_a_log_axis(networks):
    curve = error_curve(networks[0], bins=10)
    ax = axes()
    panels.errors(ax, [curve])
    assert ax.get_yscale() == "log"
    for level, line in enumerate(ax.get_lines()):
        assert line.get_color() == level_colour(level)
        np.testing.assert_array_equal(line.get_ydata(), curve.sel(level=level))


@pytest.mark.parametrize("script", ["settling_dashboard"], indirect=True)
def test_courses_before_and_after_training_are_of_their_blocks(script, networks):
    axes = script.figure(networks).axes[4:]
    for ax, when in zip(axes, ("before", "after"), strict=True):
        assert ax.get_title() == f"{when} training"
        lines = iter(ax.get_lines())
        for level in range(3):
            courses = [error_course(run, f"traces_{when}").sel(level=level) for run in networks]
            for expected in (*courses, np.median(courses, axis=0)):
                np.testing.assert_array_equal(next(lines).get_ydata(), expected)


@pytest.mark.parametrize("script", ["token_traces"], indirect=True)
def test_traces_before_and_after_training_are_of_their_blocks(script, networks):
    axes = np.reshape(script.figure(networks).axes, (-1, 2))
    names = [ax.get_ylabel().split() for ax in axes[:, 0]]
    for column, when in zip(axes.T, ("before", "after"), strict=True):
        assert column[0].get_title() == f"{when} training"
        onset = networks[0].events(f"traces_{when}")["onset"].iloc[1]
        for ax, (kind, level) in zip(column, names, strict=True):
            variable = {"state": "r", "error": "error"}[kind]
            probe = networks[0].traces(f"traces_{when}")[f"{kind}_{level}.{variable}"]
            units = ax.get_lines()[:-1]
            at_onset = np.abs(units[0].get_xdata()).argmin()
            shown = [line.get_ydata()[at_onset] for line in units]
            np.testing.assert_array_equal(shown, probe.sel(time=onset, method="nearest"))


@pytest.mark.parametrize("script", ["generalisation"], indirect=True)
def test_novel_combinations_stand_beside_tables_of_novel_combinations(script, networks):
    """Accuracies and the unigram, which is the commonest token, counted here."""
    accuracy, unigram = {"familiar": [], "held_out": []}, []
    for run in networks:
        for block, found in accuracy.items():
            events = run.events(block)
            inside = (events["position"] >= 1) & (events["novel"] == (block == "held_out"))
            choice = run.tokens(block)["prediction"].to_numpy().argmax(axis=1)
            found.append((choice == events["token"])[inside].mean())
        commonest = run.events("training")["token"].value_counts().idxmax()
        unigram.append((events["token"] == commonest)[inside].mean())  # of the held-out block
    ax = script.figure(networks).axes[2]
    (dots,) = [line.get_ydata() for line in ax.get_lines() if line.get_marker() == "o"]
    assert accuracy["held_out"] != accuracy["familiar"]
    assert dots.tolist() == accuracy["held_out"]
    heights = [bar.get_height() for bar in ax.patches]
    assert heights[-1] == np.median(accuracy["held_out"])
    assert heights[0] == pytest.approx(np.mean(unigram))


def test_every_network_is_a_dot():
    values = pd.DataFrame({"familiar": [0.9, 0.8, 0.95], "novel": [0.7, 0.6, 0.65]})
    ax = axes()
    panels.comparison(ax, values, {"familiar": "old", "novel": "new"}, "accuracy", (0.95, "C12"))
    dots = [line.get_ydata().tolist() for line in ax.get_lines() if line.get_marker() == "o"]
    assert dots == [[0.9, 0.8, 0.95], [0.7, 0.6, 0.65]]
    assert [bar.get_height() for bar in ax.patches] == [0.9, 0.65]


def test_ngram_bars_are_the_table():
    table = pd.DataFrame({"accuracy": [0.1, 0.4]}, index=["unigram", "bigram"])
    ax = axes()
    panels.against_ngrams(ax, [0.9, 0.8, 0.85], table, 0.25)
    assert [bar.get_height() for bar in ax.patches] == [0.1, 0.4, 0.85]
    names = [label.get_text() for label in ax.get_xticklabels()]
    assert names == ["unigram", "bigram", "FENA"]


def test_a_trace_shows_its_units_and_their_rms(networks):
    run = networks[0]
    events = traces.omission(run.events("traces_after"))
    assert events["token"].tolist() == [1, -1, 2]
    probe = run.traces("traces_after")["error_1.error"]
    ax = axes()
    traces.trace(ax, probe, events, level=1)
    *units, rms = ax.get_lines()
    assert len(units) == probe.sizes["error_1_unit"]
    shown = np.stack([line.get_ydata() for line in units], axis=1)
    assert len(shown) in (174, 175)  # three tokens of 58 ms, one sample per ms
    np.testing.assert_allclose(rms.get_ydata() ** 2, (shown**2).mean(axis=1))
    at_onset = np.abs(rms.get_xdata()).argmin()
    sample = probe.sel(time=events["onset"].iloc[0], method="nearest")
    np.testing.assert_array_equal(shown[at_onset], sample)


def test_an_omission_follows_a_presented_token():
    events = pd.DataFrame({"token": [-1, -1, 3, -1]})
    assert traces.omission(events)["token"].tolist() == [3, -1]


def test_traces_without_an_omission_or_samples_say_so(networks):
    run = networks[0]
    with pytest.raises(StimulusError, match="no omitted token"):
        traces.omission(run.events("familiar"))
    probe = run.traces("traces_after")["error_1.error"]
    with pytest.raises(StimulusError, match="no sample"):
        traces.trace(axes(), probe, run.events("training"), level=1)


def test_a_softmax_at_level_0_changes_no_figure(script, networks, softmax_networks):
    """Figures show the same of a network that states probabilities, the softmax of what the other
    one predicts.
    """

    def shown(runs):
        figure = script.figure(runs)
        return [line.get_xydata() for ax in figure.axes for line in ax.get_lines()], [
            (bar.get_x(), bar.get_height()) for ax in figure.axes for bar in ax.patches
        ]

    (lines, bars), (others, other_bars) = map(shown, (networks, softmax_networks))
    assert lines
    for one, other in zip(lines, others, strict=True):
        np.testing.assert_array_equal(one, other)
    assert bars == other_bars
