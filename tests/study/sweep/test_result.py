"""Oracle: outcomes written by hand, and what a reader of a figure needs: labels with units, one
panel per number, legible text.
"""

import itertools
import json

import numpy as np
import pytest
import xarray as xr

from fena_sim.errors import ProtocolError
from fena_sim.measure import summarise
from fena_sim.study.sweep.figure import draw, numbers
from fena_sim.study.sweep.work import as_numbers
from fena_sim.sweep import Outcome, Point, Sweep, collect, parse_grid, save_sweep

GRIDS = {
    1: ["level.1.tau=10*ms,14*ms,20*ms"],
    2: ["level.1.tau=10*ms,14*ms,20*ms", "protocol.gain=0.5,1"],
    3: ["level.1.tau=10*ms,14*ms,20*ms", "protocol.gain=0.5,1", "model.sizes=(8,6,5),(16,8,5)"],
}
SEEDS = [0, 1, 2, 3]


def value(place, seed):
    """Different at every point."""
    return 100.0 * seed + sum(10.0**-k * n for k, n in enumerate(place))


def sweep_of(dimensions, failed=()):
    axes = parse_grid(GRIDS[dimensions])
    places = list(itertools.product(*(range(len(axis.texts)) for axis in axes)))
    points, outcomes = [], {}
    for seed in SEEDS:
        for place in places:
            grid = tuple(axis.settings[n] for axis, n in zip(axes, place, strict=True))
            point = Point(
                number=len(points),
                protocol="/p.py",
                model="/m.py",
                settings=grid,
                grid=grid,
                seed=seed,
                device="dense",
                out="/o",
            )
            points.append(point)
            v = value(place, seed)
            outcomes[point.number] = (
                Outcome(
                    point.number,
                    run=f"run{point.number}",
                    numbers={"accuracy": {"": v}, "error": {"0": v + 1, "1": v + 2}},
                )
                if (place, seed) not in failed
                else Outcome(
                    point.number,
                    error=dict(kind="NonFiniteError", what="too fast", where=None, fix=None),
                )
            )
    return Sweep(
        axes=axes, seeds=SEEDS, points=points, name="sweep-p-m-0", device="dense"
    ), outcomes


def test_every_number_stands_at_its_place():
    data = collect(*sweep_of(3))
    assert data["accuracy"].dims == ("level.1.tau", "protocol.gain", "model.sizes", "seed")
    assert data["error"].dims == (*data["accuracy"].dims, "error_item") and data[
        "error_item"
    ].values.tolist() == ["0", "1"]
    for place in itertools.product(range(3), range(2), range(2)):
        at = data.isel(
            dict(zip(("level.1.tau", "protocol.gain", "model.sizes"), place, strict=True))
        )
        np.testing.assert_array_equal(at["accuracy"], [value(place, seed) for seed in SEEDS])
        np.testing.assert_array_equal(
            at["error"].sel(error_item="1"), [value(place, seed) + 2 for seed in SEEDS]
        )
    assert (
        data["level.1.tau"].values.tolist() == [10, 14, 20]
        and data["level.1.tau"].attrs["units"] == "ms"
    )
    assert data["model.sizes"].values.tolist() == ["(8,6,5)", "(16,8,5)"]


def test_files_hold_the_same_and_say_what_failed(tmp_path):
    sweep, outcomes = sweep_of(2, failed=[((1, 1), 2)])
    listing, data = save_sweep(tmp_path, sweep, outcomes, ["fena"])
    with xr.open_dataset(tmp_path / "result.nc") as read:
        for name in data.variables:
            np.testing.assert_array_equal(
                read[name].values.astype(data[name].dtype), data[name].values
            )
        assert read["level.1.tau"].attrs["units"] == "ms"
        assert np.argwhere(np.isnan(read["accuracy"].values)).tolist() == [[1, 1, 2]]
        assert (
            str(read["failure"][1, 1, 2].values) == "too fast"
            and str(read["run_folder"][1, 1, 2].values) == ""
        )
    assert json.loads((tmp_path / "sweep.json").read_text()) == listing
    (bad,) = [p for p in listing["points"] if p["status"] == "failed"]
    assert (
        bad["settings"] == ["level.1.tau=14*ms", "protocol.gain=1"]
        and bad["seed"] == 2
        and bad["error"]["what"] == "too fast"
    )
    assert (listing["finished"], listing["failed"]) == (23, 1)


@pytest.mark.parametrize(
    "grid, values",
    [
        ("protocol.stimulus_seed=3000000000,4000000000", [3e9, 4e9]),
        ("protocol.stimulus_seed=7,2147483647", [7, 2147483647]),
        ("protocol.durations=(40,60)*ms,(50,70)*ms", ["(40,60)*ms", "(50,70)*ms"]),
    ],
)
def test_every_grid_that_is_accepted_can_be_saved(grid, values, tmp_path):
    (axis,) = parse_grid([grid])
    points = [
        Point(
            number=n,
            protocol="/p.py",
            model="/m.py",
            settings=(text,),
            grid=(text,),
            seed=0,
            device="dense",
            out="/o",
        )
        for n, text in enumerate(axis.settings)
    ]
    sweep = Sweep(axes=[axis], seeds=[0], points=points, name="sweep-p-m-0", device="dense")
    save_sweep(
        tmp_path,
        sweep,
        {n: Outcome(n, run=f"run{n}", numbers={"accuracy": {"": n + 0.5}}) for n in (0, 1)},
        ["fena"],
    )
    with xr.open_dataset(tmp_path / "result.nc") as read:
        assert read[axis.key].values.tolist() == values and read["accuracy"].values.tolist() == [
            [0.5],
            [1.5],
        ]
        draw(read.load())
    assert json.loads((tmp_path / "sweep.json").read_text())["grid"] == {axis.key: list(axis.texts)}


def test_the_listing_is_there_when_the_dataset_cannot_be_written(tmp_path, monkeypatch):
    def full(self, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(xr.Dataset, "to_netcdf", full)
    with pytest.raises(OSError):
        save_sweep(tmp_path, *sweep_of(1), ["fena"])
    assert json.loads((tmp_path / "sweep.json").read_text())["finished"] == 12


def test_numbers_of_a_summary():
    assert as_numbers(
        {"a": np.float32(0.5), "b": [1, 2], "c": {"x": np.int64(3)}, "d": [4.0], "e": []}, "p.py"
    ) == {"a": {"": 0.5}, "b": {"0": 1.0, "1": 2.0}, "c": {"x": 3.0}, "d": {"": 4.0}, "e": {}}
    for wrong in (
        {"a": "text"},
        {"a": {"x": {"y": 1}}},
        {"a": None},
        {"a": [[1, 2], [3, 4]]},
        {"run_folder": 1},
        {"seed": 1},
        {"a/b": 1},
        {"double": 1},
    ):
        with pytest.raises(ProtocolError) as refused:
            as_numbers(wrong, "p.py")
        assert refused.value.where == "p.py" and refused.value.fix


def test_over_one_key_a_line_is_the_median_and_a_band_its_interval():
    data = collect(*sweep_of(1, failed=[((2,), seed) for seed in SEEDS]))
    axes = draw(data).axes
    assert [ax.get_ylabel() for ax in axes] == ["accuracy", "error"] and {
        ax.get_xlabel() for ax in axes
    } == {"level.1.tau (ms)"}
    (line,) = axes[0].lines
    np.testing.assert_array_equal(line.get_xdata(), [10, 14])  # no network finished at 20 ms
    expected = [summarise([value((n,), seed) for seed in SEEDS]) for n in (0, 1)]
    np.testing.assert_allclose(line.get_ydata(), [s.median for s in expected])
    band = axes[0].collections[0].get_paths()[0].vertices
    assert {*np.round(band[:, 1], 9)} >= {
        *np.round([s.low for s in expected] + [s.high for s in expected], 9)
    }
    assert [text.get_text() for text in axes[1].get_legend().get_texts()] == ["0", "1"]


@pytest.mark.parametrize("dimensions, panels", [(2, 3), (3, 6)])
def test_over_more_keys_a_map_shows_the_median(dimensions, panels):
    data = collect(*sweep_of(dimensions, failed=[((0,) * dimensions, seed) for seed in SEEDS]))
    fig = draw(data)
    maps = [ax for ax in fig.axes if ax.images]
    assert len(maps) == panels
    shown = maps[0].images[0].get_array()
    assert np.ma.getmaskarray(shown).sum() == 1 and np.ma.getmaskarray(shown)[0, 0], (
        "nothing finished there"
    )
    rest = (0,) * (dimensions - 2)
    for x, y in ((1, 0), (2, 1)):
        assert shown[y, x] == np.median([value((x, y, *rest), seed) for seed in SEEDS])
    left = maps[-2] if dimensions == 3 else maps[0]
    assert left.get_xlabel() == "level.1.tau (ms)" and left.get_ylabel() == "protocol.gain"
    assert [t.get_text() for t in left.get_xticklabels()] == ["10", "14", "20"]
    if dimensions == 3:
        assert [ax.get_title() for ax in maps[:2]] == [
            "model.sizes: (8,6,5)",
            "model.sizes: (16,8,5)",
        ]
        assert maps[0].images[0].get_clim() == maps[1].images[0].get_clim(), (
            "one scale for one number"
        )
    assert maps[0].images[0].get_cmap().name == "viridis"


def test_nothing_to_draw():
    assert (
        numbers(collect(*sweep_of(1, failed=[((n,), seed) for n in range(3) for seed in SEEDS])))
        == []
    )
