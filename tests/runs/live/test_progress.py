"""The live view (claim C19). Oracles: the stored run, by the measures; hand-computed histories; a
clock that tells what it is told.
"""

import io
import itertools

import numpy as np
import pytest
import tiny
import xarray as xr

import fena_sim as fs
from fena_sim.measure import free_energy, level_errors
from fena_sim.runs.live.progress import REDRAW, REPORT, Display, Silent
from fena_sim.runs.live.readings import readings_of_block
from fena_sim.runs.live.view import CELLS, History, RunView, number, sparkline
from fena_sim.runs.plan import Plan

LEVELS = range(4)


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def never_too_soon():
    """A clock for which everything may be written."""
    return itertools.count(0.0, 2 * REPORT).__next__


class Heard(Silent):
    """Keeps what a run tells its progress: [(block, done, total, readings)]."""

    def __init__(self):
        super().__init__()
        self.chunks = []

    def chunk(self, block, done, total, tokens, seconds, readings):
        super().chunk(block, done, total, tokens, seconds, readings)
        self.chunks.append((block, done, total, readings))


def readings(n=4, value=1.0):
    """Of `n` tokens, all equal to `value`."""
    keys = [
        ("iterations", None),
        ("free energy", None),
        *((q, level) for q in ("error", "precision") for level in LEVELS),
    ]
    return {key: np.full(n, value) for key in keys}


@pytest.fixture(scope="module")
def shown(tiny_fena, tmp_path_factory):
    """(text, run) of `tiny.everything()` watched on a terminal and in a file, by {"terminal",
    "file"}.
    """
    found = {}
    for name, stream in (("terminal", Terminal()), ("file", io.StringIO())):
        with Display(stream=stream, clock=never_too_soon()) as display:
            run = fs.run(
                tiny_fena,
                tiny.everything(),
                device="dense64",
                out=tmp_path_factory.mktemp(name),
                chunk_tokens=6,
                progress=display.for_run(),
            )
        found[name] = stream.getvalue(), run
    return found


@pytest.mark.compile
def test_watching_changes_no_byte(shown, uninterrupted, fingerprint, tidy):
    for _, run in shown.values():
        assert fingerprint(run.folder) == fingerprint(uninterrupted.folder)
        tidy(run.folder)


@pytest.mark.compile
def test_a_terminal_shows_the_settling(shown):
    text, _ = shown["terminal"]
    words = [
        "iterations",
        "free energy",
        "tokens/s",
        "left",
        *(f"{q} {level}" for q in ("error", "precision") for level in LEVELS),
    ]
    assert all(word in text for word in words)
    assert set("▁▂▃▄▅▆▇█") & set(text) and "\x1b[" in text


@pytest.mark.compile
def test_a_file_gets_plain_lines(shown):
    text, run = shown["file"]
    assert text.isascii() and not set(text) & {"\x1b", "\r"}
    lines = [line for line in text.splitlines() if "iterations" in line]
    last = [line for line in lines if ": learning 9/9," in line][0]
    tokens, settled = (
        run.tokens("learning").isel(event=slice(6, 9)),
        free_energy(run, "learning")[6:, 1],
    )
    errors = [
        tokens["onset_error"][:, 0].values.mean(),
        *tokens["error"][:, 1:].values.mean(axis=0),
    ]
    assert last.split("; ")[1:] == [
        f"iterations {number(np.median(tokens['iterations']))}",
        f"free energy {number(settled.values.mean())} nat",
        f"error {' '.join(map(number, errors))}",
        f"precision {' '.join(map(number, tokens['precision'].values.mean(axis=0)))}",
    ]


def test_of_streams_side_by_side_settling_is_the_median_and_all_else_the_mean():
    errors = np.arange(24.0).reshape(2, 3, 4)
    tokens = xr.Dataset(
        {
            "iterations": (("event", "stream"), [[1, 2, 9], [40, 4, 4]]),
            "error": (("event", "stream", "level"), errors),
        }
    )
    found = readings_of_block(tiny.model().with_parameter("batch", 3), tokens)
    assert found.pop(("iterations", None)).tolist() == [2, 4]
    for level in LEVELS:
        np.testing.assert_allclose(found.pop(("error", level)), errors.mean(axis=1)[:, level])
    assert not found


@pytest.mark.compile
def test_readings_are_those_of_the_stored_run(tiny_fena, tmp_path):
    """Fixed and self-paced, chunk by chunk."""
    heard = Heard()
    run = fs.run(
        tiny_fena, tiny.everything(), device="dense64", out=tmp_path, chunk_tokens=4, progress=heard
    )
    for name in run.blocks:
        parts = [r for block, _, _, r in heard.chunks if block == name]
        found = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
        tokens = run.tokens(name)
        given = run.events(name)["token"].to_numpy() >= 0  # measures leave omitted tokens out
        np.testing.assert_array_equal(found["iterations", None], tokens["iterations"])
        np.testing.assert_allclose(
            found["free energy", None], free_energy(run, name).sel(moment="last")
        )
        for level in LEVELS:
            np.testing.assert_allclose(
                found["error", level][given], level_errors(run, name).sel(level=level)[given]
            )
            np.testing.assert_allclose(found["precision", level], tokens["precision"][:, level])


@pytest.mark.compile
def test_streams_side_by_side_are_averaged(tmp_path):
    heard = Heard()
    protocol = fs.Protocol(
        name="two", blocks=[tiny.block(stream=[tiny.stream(5, 0), tiny.stream(5, 1)])]
    )
    run = fs.run(
        tiny.model().with_parameter("batch", 2),
        protocol,
        device="dense64",
        out=tmp_path,
        progress=heard,
    )
    ((_, done, total, found),) = heard.chunks
    assert done == total == 5
    tokens = run.tokens("learning").mean("stream")
    np.testing.assert_allclose(
        found["iterations", None], tokens["iterations"]
    )  # the median of two is their mean
    np.testing.assert_allclose(found["error", 0], tokens["onset_error"][:, 0])
    np.testing.assert_allclose(found["error", 2], tokens["error"][:, 2])
    energies = [free_energy(stream, "learning").sel(moment="last") for stream in run.streams]
    np.testing.assert_allclose(found["free energy", None], np.mean(energies, axis=0))


def test_what_is_not_read_out_is_left_out(tmp_path):
    """Without readouts and settling nothing but the pace is known, and that is shown."""
    cause = fs.Population(
        name="cause", size=16, level=1, equations="dr/dt = (gate*token_code - r)/(9*ms) : 1"
    )
    heard, stream = Heard(), Terminal()
    fs.run(
        fs.Hierarchy(name="bare", populations=[cause]),
        tiny.one_block(3, probes=()),
        device="runtime",
        out=tmp_path / "a",
        progress=heard,
    )
    assert heard.chunks[-1][3] == {}
    with Display(stream=stream, clock=never_too_soon()) as display:
        fs.run(
            fs.Hierarchy(name="bare", populations=[cause]),
            tiny.one_block(3, probes=()),
            device="runtime",
            out=tmp_path / "b",
            progress=display.for_run(),
        )
    assert "learning 3/3" in stream.getvalue() and "iterations" not in stream.getvalue()


@pytest.mark.compile
def test_quiet_says_nothing(tiny_fena, tmp_path, capfd):
    for stream in (Terminal(), io.StringIO()):
        with Display(quiet=True, stream=stream) as display:
            fs.run(
                tiny_fena,
                tiny.one_block(3),
                device="dense64",
                out=tmp_path / type(stream).__name__,
                progress=display.for_run(),
            )
        assert stream.getvalue() == "" and capfd.readouterr() == ("", "")


def plan(seed=0, tokens=4000):
    """A plan of one block."""
    protocol = tiny.one_block(tokens, name="training", probes=())
    return Plan.of(tiny.model(), protocol, seed, "runtime")


def test_fast_chunks_do_not_flood_a_log():
    stream, clock = io.StringIO(), Clock()
    with Display(stream=stream, clock=clock) as display:
        progress = display.for_run()
        progress.begin(plan(), "folder")
        before = stream.getvalue().count("\n")
        for chunk in range(1000):
            clock.now = chunk * REPORT / 100
            progress.chunk("training", 4 * (chunk + 1), 4000, 4, 0.1, readings())
    assert stream.getvalue().count("\n") - before == 10  # at 0, REPORT, ..., 9 REPORT


def test_fast_chunks_do_not_flood_a_terminal():
    stream, clock = Terminal(), Clock()
    with Display(stream=stream, clock=clock) as display:
        progress = display.for_run()
        progress.begin(plan(), "folder")
        pictures = 0
        for chunk in range(100):
            before = len(stream.getvalue())
            clock.now = 10 + chunk * REDRAW / 10
            progress.chunk("training", 4 * (chunk + 1), 4000, 4, 0.1, readings())
            pictures += len(stream.getvalue()) > before
    assert pictures == 10


def test_runs_that_do_not_fit_the_screen_get_a_line_each(monkeypatch):
    monkeypatch.setenv("LINES", "25")
    monkeypatch.setenv("COLUMNS", "120")

    def picture(seeds):
        display = Display(stream=Terminal(), clock=Clock())
        for seed in range(seeds):
            progress = display.for_run()
            progress.begin(plan(seed), "folder")
            progress.chunk("training", 4, 4000, 4, 0.1, readings())
        with display.console.capture() as captured:
            display.console.print(display.picture())
        return captured.get().splitlines()

    full = picture(4)  # each takes a line, one for the network, one for each of four levels
    assert len(full) == 24 and sum("precision 3" in line for line in full) == 4
    assert len(picture(5)) == 5 and all(f"seed {n}" in line for n, line in enumerate(picture(5)))


def test_a_finished_run_leaves_the_screen_and_a_failed_one_stays():
    stream = Terminal()
    with Display(stream=stream) as display:
        first, second = display.for_run(), display.for_run()
        first.begin(plan(0), "folder"), second.begin(plan(1), "folder")
        first.end()
        assert [view.label for view in display.views] == ["one_block seed 1"]
        second.end()
    with pytest.raises(KeyError), Display(stream=stream) as display:
        display.for_run().begin(plan(2), "folder")
        raise KeyError
    assert not display.live.transient


def test_the_time_left_counts_the_whole_run():
    view = RunView("run", {"a": 100, "b": 300}, batch=2)
    view.add(
        "b", 100, {}, 50.0
    )  # the first block was finished earlier: 200 of 400 tokens of 2 streams at 25 per second each
    assert view.line() == "run: b 100/300, 50% of the run, 50 tokens/s, 0:00:08 left"


def test_a_history_does_not_depend_on_the_chunks():
    values = np.random.default_rng(0).gamma(2, size=10 * CELLS)
    whole, pieces = History("error", len(values)), History("error", len(values))
    whole.add(values, 0)
    for first in range(0, len(values), 7):
        pieces.add(values[first : first + 7], first)
    np.testing.assert_allclose(whole.values, values.reshape(CELLS, 10).mean(axis=1))
    np.testing.assert_allclose(pieces.values, whole.values)
    assert pieces.latest == pytest.approx(values[7 * (len(values) // 7) :].mean())


def test_a_history_of_a_short_or_resumed_block():
    short = History("iterations", 3)
    short.add(np.array([9.0, 5.0, 1.0]), 0)
    assert short.sparkline() == "█▅▁" and short.latest == 5
    resumed = History("iterations", 3)
    resumed.add(np.array([1.0]), 2)
    assert resumed.sparkline() == "  ▅"


def test_a_sparkline_spans_its_scale():
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█"
    assert sparkline([1, 10, 100], logarithmic=True) == "▁▅█"
    assert sparkline([1, 2], scale=[0, 7.9]) == "▂▃"
    assert sparkline([np.nan, 1, np.inf, 2]) == " ▁ █" and sparkline([np.nan] * 2) == "  "
    assert sparkline([0.0, 1, 3], logarithmic=True) == " ▁█"
    assert sparkline([1, 1.005, 1]) == "▅▅▅" and sparkline([0, 0]) == "▅▅"


def test_a_block_that_has_just_begun_says_where_it_is():
    view = RunView("run", {"a": 2, "b": 2})
    view.add("a", 2, readings(2), 1.0)
    view.build("b")
    assert view.line() == "run: b, building the network, 50% of the run, 1 tokens/s, 0:00:02 left"


def test_a_new_block_keeps_the_scale_of_the_run():
    view = RunView("run", {"training": 2, "frozen": 2})
    view.add("training", 2, {("iterations", None): np.array([40.0, 8.0])}, 1.0)
    view.add("frozen", 2, {("iterations", None): np.array([8.0, 8.1])}, 1.0)
    assert view.histories["iterations", None].sparkline() == "▁▁"


@pytest.mark.parametrize(
    "value, text",
    [
        (0.123456, "0.123"),
        (7.5, "7.5"),
        (12345.6, "12,346"),
        (-1234.4, "-1,234"),
        (0.000297, "3.0e-04"),
        (0, "0"),
        (np.inf, "-"),
        (np.nan, "-"),
    ],
)
def test_numbers_are_short(value, text):
    assert number(value) == text
