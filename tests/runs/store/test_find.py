"""Oracle: the documented contract. Runs are grouped by everything that went in but the seed, and
what is no run is named.
"""

import itertools
import shutil

import handmade
import pytest
import tiny

import fena_sim as fs
from fena_sim.errors import RunFolderError
from fena_sim.runs.store.find import find_runs, group_runs, stored_runs
from fena_sim.show.report.blocks import block_rows


@pytest.fixture
def copies(uninterrupted, tmp_path):
    """A function: a copy of a tiny run whose manifest was changed."""

    def copy(name, change=lambda manifest: None):
        folder = tmp_path / "deep" / name
        shutil.copytree(uninterrupted.folder, folder)
        handmade.edit(folder, change)
        return folder

    return copy


def seed(number):
    def change(manifest):
        manifest["seed"] = manifest["inputs"]["seed"] = number
        manifest["inputs"]["protocol"]["blocks"][0]["stream"]["events"] = {
            "array": f"{number:032x}"
        }  # its own tokens

    return change


def device(manifest):
    manifest["device"] = manifest["inputs"]["device"] = "cpp"


def shorter(manifest):
    manifest["blocks"][0]["tokens"] = 5


def other_tokens(manifest):
    """As `--set protocol.p_deviant=0.2` makes them: nothing else in the manifest tells."""
    seed(0)(manifest)
    manifest["protocol"]["options"] = {"p_deviant": "0.2"}


def on_from(trained, experiment="e"):
    def change(manifest):
        manifest["start"] = {
            "run": f"training-fena-seed{trained}-0123456789",
            "block": "training",
            "step": 5000,
            "experiment": experiment * 32,
        }

    return change


def test_networks_that_differ_by_their_seed_are_one_group_and_all_else_is_another(copies, tmp_path):
    for name, change in (
        ("b", seed(1)),
        ("a", seed(0)),
        ("c", device),
        ("d", shorter),
        ("e", other_tokens),
        ("f", on_from(3)),
        ("g", on_from(3, "d")),  # from networks that were trained otherwise
    ):
        copies(name, change)
    runs, skipped = find_runs(tmp_path)
    assert [run.id for run in runs] == [*"abcdefg"] and skipped == []
    groups = group_runs(runs)
    assert sorted([run.id for run in group.runs] for group in groups) == [
        ["a", "b"],
        *([name] for name in "cdefg"),
    ]
    differs = {group.first.id: group.differs for group in groups}
    assert (
        "device dense64" in differs["a"]
        and "device cpp" in differs["c"]
        and "tokens of learning 5" in differs["d"]
    )
    assert (
        "protocol.p_deviant 0.2" in differs["e"]
        and "start training of training-fena eeeeeeee" in differs["f"]
    )
    blocks = {run.id: block_rows(run) for run in runs}
    assert (blocks["a"][0].start_from, blocks["a"][0].begin) == ("initial", 0)
    learning, paced = blocks["f"][:2]
    assert paced.begin == pytest.approx(5.0 + learning.duration), "blocks follow one another"
    assert (blocks["f"][0].start_from, blocks["f"][0].begin) == (
        "training-fena-seed3-0123456789:training",
        pytest.approx(5.0),
    )


def test_one_group_differs_from_nothing(copies, tmp_path):
    copies("a")
    (group,) = group_runs(find_runs(tmp_path)[0])
    assert group.differs == [] and group.title == "everything on fena"


def test_what_is_no_run_is_named_and_does_not_stop_the_others(copies, tmp_path):
    copies("a")
    for name, text in (("b", "{"), ("c", "[]"), ("d", '{"status": "finished"}')):
        (tmp_path / name).mkdir()
        (tmp_path / name / "manifest.json").write_text(text)
    runs, skipped = find_runs(tmp_path)
    assert [run.id for run in runs] == ["a"]
    assert [line.partition(":")[0] for line in skipped] == [str(tmp_path / name) for name in "bcd"]
    with pytest.raises(RunFolderError, match="must contain .*'inputs'"):
        find_runs(tmp_path / "d")
    with pytest.raises(RunFolderError, match="no such folder"):
        find_runs(tmp_path / "nowhere")


def ids(path):
    return [run.id for run in find_runs(path)[0]]


def test_runs_behind_links_are_found_once(tmp_path):
    handmade.write(tmp_path / "elsewhere" / "a", {})
    handmade.write(tmp_path / "other" / "deep" / "b", {})
    runs = tmp_path / "runs"
    handmade.write(runs / "c", {})
    (runs / "linked").symlink_to(tmp_path / "elsewhere" / "a")
    (runs / "twice").symlink_to(tmp_path / "elsewhere" / "a")
    (runs / "folder").symlink_to(tmp_path / "other")
    (runs / "again").symlink_to("c")
    (runs / "gone").symlink_to("nowhere")
    (tmp_path / "all").symlink_to("runs")
    for path in (runs, tmp_path / "all"):
        assert ids(path) == ["a", "b", "c"]
        assert sorted(run.id for run in stored_runs(path)[0]) == ["a", "c"], "those directly in it"
    (named,) = (run.folder for run in find_runs(runs)[0] if run.id == "c")
    assert named == runs / "c", "without a link where there is one"


def test_links_in_a_circle_or_upwards_end(tmp_path):
    runs = tmp_path / "runs"
    handmade.write(runs / "deep" / "a", {})
    handmade.write(tmp_path / "beside", {})
    (runs / "deep" / "circle").symlink_to(runs)
    (runs / "up").symlink_to(tmp_path)
    (runs / "self").symlink_to("self")
    assert ids(runs) == ["a"]


def test_the_times_of_a_run_do_not_follow_the_time_of_day(tmp_path, monkeypatch):
    """Whoever asks for it, the clock was put back by a minute."""
    clock = itertools.count(2e9, -60)
    monkeypatch.setattr("time.time", lambda: next(clock))
    run = fs.run(tiny.model(), tiny.one_block(2, probes=()), device="runtime", out=tmp_path)
    assert run.manifest["wall_time_s"] >= 0 and run.manifest["tokens_per_second"] > 0
