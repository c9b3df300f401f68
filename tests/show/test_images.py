"""What panels look like, against stored pictures of data in closed form
(matplotlib.testing.compare, root mean square of grey values). A picture is renewed by `python
tests/show/test_images.py`, to be looked at before it is committed.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.testing.compare import compare_images

from fena_sim.plot import COLUMN_WIDTH, PAGE_WIDTH, new_figure, panels, sheet

sys.path.insert(0, str(Path(__file__).parent))
from test_waves import network, oddball_figure  # noqa: E402  (a helper of this folder)

BASELINE = Path(__file__).parent / "baseline"
#: Between machines text differs by FreeType's version; a curve moved by a tenth differs by more
#: (tested).
TOLERANCE, DPI = 8.0, 100
TOKENS = np.linspace(100, 3900, 20)


def curve(values, **coords):
    ((name, members),) = coords.items()
    return xr.DataArray(
        np.asarray(values).T, dims=("tokens", name), coords={"tokens": TOKENS, name: members}
    )


def training_panels(shift=0.0):
    """Settling, errors, precision and energy of three networks, all exponentials in the number of
    tokens.
    """
    falls = [np.exp(-TOKENS / (800 + 200 * n)) + shift for n in range(3)]
    with sheet():
        figure = new_figure(PAGE_WIDTH, 50)
        axes = figure.subplots(1, 4)
        panels.settling(
            axes[0],
            [curve([20 * f, 30 * f + 2, 40 * f + 4], quantile=[0.25, 0.5, 0.75]) for f in falls],
        )
        panels.errors(axes[1], [curve([f + 0.02, 0.3 * f + 0.004], level=[0, 1]) for f in falls])
        panels.precision(
            axes[2], [curve([1 / (f + 0.1), 2 / (f + 0.1)], level=[0, 1]) for f in falls]
        )
        panels.energy(axes[3], [curve([30 * f, 12 * f], moment=["first", "last"]) for f in falls])
        panels.level_legend(figure, [0, 1])
    return figure


def bars(shift=0.0):
    """A comparison of two conditions, and accuracies beside n-gram tables."""
    with sheet():
        figure = new_figure(COLUMN_WIDTH, 50)
        axes = figure.subplots(1, 2)
        values = pd.DataFrame(
            {"old": [0.9 - shift, 0.8 - shift, 0.95 - shift], "new": [0.7, 0.6, 0.65]}
        )
        panels.comparison(axes[0], values, {"old": "old", "new": "new"}, "accuracy", (0.95, "C12"))
        table = pd.DataFrame({"accuracy": [0.1, 0.4]}, index=["unigram", "bigram"])
        panels.against_ngrams(axes[1], [0.9 - shift, 0.8, 0.85], table, 0.25)
    return figure


def oddball(shift=0.0):
    """The whole figure, of three networks that answer with exponentials."""
    return oddball_figure().figure(
        [network(1.0 + shift), network(1.2 + shift), network(1.5 + shift)], ["oddball"]
    )


PICTURES = {"training_panels": training_panels, "bars": bars, "oddball": oddball}


def write(figure, folder, name):
    path = Path(folder) / f"{name}.png"
    with sheet():
        figure.savefig(path, dpi=DPI, metadata={"Software": None})
    return path


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_are_as_they_were(name, tmp_path):
    problem = compare_images(
        str(BASELINE / f"{name}.png"), str(write(PICTURES[name](), tmp_path, name)), tol=TOLERANCE
    )
    assert problem is None, problem


@pytest.mark.parametrize("name", PICTURES)
def test_a_change_of_a_tenth_would_be_seen(name, tmp_path):
    changed = write(PICTURES[name](shift=0.1), tmp_path, name)
    assert compare_images(str(BASELINE / f"{name}.png"), str(changed), tol=TOLERANCE) is not None


def test_there_is_a_baseline_for_every_picture_and_no_other():
    assert {path.stem for path in BASELINE.glob("*.png")} == set(PICTURES)


if __name__ == "__main__":
    BASELINE.mkdir(exist_ok=True)
    for key, draw in PICTURES.items():
        print(write(draw(), BASELINE, key))
