"""C19: what one watches in place of a loss curve."""

import io
from tempfile import TemporaryDirectory

import attrs
import numpy as np
from networks import PROTOCOLS, first_contact
from rich.console import Console

from fena_sim import run
from fena_sim.claims import Measured, Threshold, once
from fena_sim.load.user_file import load_file
from fena_sim.measure import share
from fena_sim.runs.live.progress import Display
from fena_sim.runs.live.view import number

ID = "C19"
CLAIM = "There is no loss curve: one watches the settling, while it runs and afterwards."
DEFINITION = """While it runs: the first 40 tokens of training of models/fena.py, one network. Of settling iterations, free
energy, and error and precision of every level: the share that the picture for a terminal of 80 columns names and shows with the
value of the last tokens and a history that is not empty, and the share whose value is in the line for a log; lines of the
picture, of 24 that a terminal has. Afterwards: share of networks from whose stored run figures/settling_dashboard.py draws
settling iterations, error and precision (one line per level) and free energy over training, each with finite data."""
WIDTH, HEIGHT, TOKENS = 80, 24, 40
BARS = set("▁▂▃▄▅▆▇█")
#: How the axes of the dashboard are named, and whether they hold a line per level.
PANELS = {
    "settling iterations": False,
    "squared error": True,
    "learned precision": True,
    "free energy": False,
}


def experiments(seed, quick):
    return {"network": first_contact(seed, quick)}


def check(seeds, quick):
    view, log = watched(seeds[0])
    levels = sorted({level for _, level in view.histories if level is not None})
    expected = [
        ("iterations", None),
        ("free energy", None),
        *[(q, level) for level in levels for q in ("error", "precision")],
    ]
    picture = printed(view.table())
    shown, written = (
        [pictured(picture, view, key) for key in expected],
        [logged(log, view, key) for key in expected],
    )
    return [
        Measured(
            "share of quantities in the picture of the running network",
            once(np.mean(shown)),
            Threshold(">=", 1),
        ),
        Measured(
            "share of quantities in the line of a log", once(np.mean(written)), Threshold(">=", 1)
        ),
        Measured("levels in the picture", once(len(levels)), Threshold(">=", 3)),
        Measured("lines of the picture", once(len(picture)), Threshold("<=", HEIGHT)),
    ]


def watched(seed):
    """A short run as it is shown: its RunView at the end, and the last line of its log."""
    experiment = first_contact(seed, quick=True)
    training = next(block for block in experiment.protocol.blocks if block.name == "training")
    gain = training.controls["plasticity_gain"][:TOKENS]
    short = attrs.evolve(
        training, stream=training.stream[:TOKENS], controls=dict(plasticity_gain=gain)
    )
    stream = io.StringIO()
    with TemporaryDirectory() as folder, Display(stream=stream) as display:
        progress = display.for_run()
        run(
            experiment.hierarchy(),
            attrs.evolve(experiment.protocol, blocks=[short]),
            seed=seed,
            out=folder,
            progress=progress,
        )
    return progress.view, [line for line in stream.getvalue().splitlines() if "iterations" in line][
        -1
    ]


def printed(renderable):
    """What a terminal shows: list of lines."""
    stream = io.StringIO()
    Console(file=stream, width=WIDTH, highlight=False).print(renderable)
    return stream.getvalue().rstrip().splitlines()


def pictured(lines, view, key):
    """Whether the picture names a quantity beside its value and its history."""
    quantity, level = key
    name = quantity if level is None else f"{quantity} {level}"
    if key not in view.histories:
        return False
    value = number(view.histories[key].latest)
    after = [line.partition(name)[2].split() for line in lines if name in line]
    return any(len(words) > 1 and words[0] == value and set(words[1]) <= BARS for words in after)


def logged(line, view, key):
    """Whether the log's line holds the quantity, with the value of this level at its place."""
    quantity, level = key
    values = next(
        (
            part.removeprefix(quantity).split()
            for part in line.split("; ")
            if part.startswith(quantity)
        ),
        [],
    )
    return key in view.histories and values[level or 0 :][:1] == [
        number(view.histories[key].latest)
    ]


def measure(runs, quick):
    return [
        Measured(
            "share of networks whose stored run gives the dashboard",
            share([drawn(r) for r in runs["network"]]),
            Threshold(">=", 1),
        )
    ]


def drawn(run):
    """Whether the dashboard holds every panel, with a line per level where there should be one."""
    axes = [
        ax
        for ax in figure({"network": [run]}).axes
        if ax.get_xlabel().startswith("training tokens")
    ]
    levels = run.tokens("training").sizes["level"]
    for start, by_level in PANELS.items():
        lines = [
            line
            for ax in axes
            if ax.get_ylabel().startswith(start)
            for line in ax.get_lines()
            if len(line.get_xdata()) > 1
            and np.isfinite(np.asarray(line.get_ydata(), dtype=float)).all()
        ]
        if len(lines) < (levels if by_level else 1):
            return False
    return True


def figure(runs):
    """The settling dashboard."""
    of = runs["network"]
    traced = [b for b in ("traces_before", "traces_after") if all(b in run.blocks for run in of)]
    dashboard = load_file(PROTOCOLS.parent / "figures" / "settling_dashboard.py", "figure")
    return dashboard.figure(of, ["training"], traced)
