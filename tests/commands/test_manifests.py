"""Oracle: the documented contract. A folder whose manifest is of any shape is named, never ends in a
traceback, and does not stop a command from showing the other runs.
"""

import json
import shutil
from pathlib import Path

import handmade
import pytest
import small
from hypothesis import given, settings
from hypothesis import strategies as st

import fena_sim as fs
from fena_sim.commands.main import main
from fena_sim.errors import FenaError, RunFolderError
from fena_sim.runs.store.find import find_runs, stored_runs
from fena_sim.runs.store.manifest import read_manifest
from fena_sim.show.watch.server import Watched

#: What may stand in the place of a manifest; None is a folder of that name.
TEXTS = {
    "empty": b"",
    "empty object": b"{}",
    "list": b"[]",
    "null": b"null",
    "number": b"17",
    "text": b'"manifest"',
    "cut": b'{"status": "fini',
    "nested lists": b"[" * 200_000,
    "nested objects": b'{"a":' * 200_000,
    "nested as far as JSON reads": b'{"status":' + b"[" * 900 + b"]" * 900 + b"}",
    "a huge number": b'{"seed": ' + b"9" * 5000 + b"}",
    "no UTF-8": b'{"status": "\xff"}',
    "half of a character": b'{"status": "\\ud800"}',
    "zeros": b"\0" * 4096,
    "folder": None,
}
#: Entries, and what they may be in the place of what they are.
ENTRIES = [
    *(("status",), ("seed",), ("device",), ("started",), ("blocks",), ("inputs",), ("model",)),
    *(("protocol",), ("vocabulary",), ("versions",), ("command",), ("start",), ("git",)),
    *(("wall_time_s",), ("tokens_per_second",), ("inputs_hash",), ("sessions",), ("checksums",)),
    *(("machine",), ("blocks", 0), ("blocks", 0, "name"), ("blocks", 0, "tokens")),
    *(("blocks", 0, "start_from"), ("blocks", 0, "probes"), ("model", "name"), ("model", "batch")),
    *(("model", "dt"), ("model", "parameters"), ("model", "populations"), ("model", "meanings")),
    *(("protocol", "name"), ("protocol", "description"), ("protocol", "options")),
    *(("vocabulary", "symbols"), ("vocabulary", "codes"), ("vocabulary", "kind")),
    *(("inputs", "engine"), ("inputs", "controls"), ("inputs", "model"), ("inputs", "protocol")),
    *(("inputs", "model", "populations"), ("inputs", "model", "readouts")),
    *(
        ("inputs", "model", "settling"),
        ("inputs", "model", "dt"),
        ("inputs", "model", "likelihood"),
    ),
    *(("inputs", "model", "populations", 0, key) for key in ("name", "level", "size", "equations")),
    *(("inputs", "model", "populations", 0, key) for key in ("links", "parameters", "on")),
    *(("inputs", "model", "readouts", 0, key) for key in ("name", "variables")),
    *(("inputs", "protocol", "blocks"), ("inputs", "protocol", "blocks", 0)),
    *(("inputs", "protocol", "blocks", 0, key) for key in ("name", "probes", "pace", "controls")),
    *(("inputs", "protocol", "blocks", 0, "omission_gate"),),
    *(("inputs", "protocol", "blocks", 0, "pace", key) for key in ("type", "duration", "blank")),
    *(("inputs", "protocol", "blocks", 0, "probes", 0, key) for key in ("population", "units")),
    *(("inputs", "protocol", "blocks", 0, "probes", 0, key) for key in ("interval", "window")),
]
VALUES = [
    *(None, True, 0, -1, 10**30, 1e300, float("nan"), "", "a", "../../x", "\0", "\x1b[2J", "1;2"),
    *([], [None], [[]], ["a"], [1], [{}], {}, {"a": None}, {"type": "x"}, {"value": "1"}),
    "remove",
]


def call(capsys, *arguments):
    """(exit code, standard output, standard error) of a command in this process."""
    with pytest.raises(SystemExit) as stopped:
        main([str(a) for a in arguments])
    captured = capsys.readouterr()
    return stopped.value.code, captured.out, captured.err


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with a good run in runs/, and one that is to be spoilt."""
    monkeypatch.chdir(tmp_path)
    small.write(tmp_path / "runs" / "good")
    shutil.copytree("runs/good", "runs/bad")
    return tmp_path


def replace(folder, content):
    path = folder / "manifest.json"
    path.unlink()
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_manifest_of_any_shape_is_named_and_the_others_are_shown(here, text, capsys):
    bad = here / "runs" / "bad"
    replace(bad, text)
    for read in (fs.open_run, read_manifest):
        with pytest.raises(RunFolderError, match="manifest.json") as caught:
            read(bad)
        assert str(bad) in str(caught.value) and len(str(caught.value)) < 1000
    runs, skipped = find_runs(here / "runs")
    assert [run.id for run in runs] == ["good"] and len(skipped) == 1 and str(bad) in skipped[0]
    assert [run.id for run in stored_runs(here / "runs")[0]] == ["good"]
    code, out, err = call(capsys, "list", "runs", "--json")
    assert code == 0 and [run["name"] for run in json.loads(out)["runs"]] == ["good"]
    assert "runs/bad" in err
    assert [run["key"] for run in Watched(here / "runs").list()] == ["good"]
    code, _, err = call(capsys, "report", "runs", "-o", "r.html")
    assert code == 0 and "bad" in Path("r.html").read_text()
    code, out, _ = call(capsys, "check", "runs")
    assert code == 2 and "runs/bad" in out and "runs/good: whole" in out
    for command in (
        ["export", "runs/bad", "--csv", "csv"],
        ["report", "runs/bad"],
        ["figures", "runs/bad"],
        ["watch", "runs/bad"],
        ["check", "runs/bad"],
    ):
        code, out, err = call(capsys, *command)
        assert code == 2 and "runs/bad" in out + err and "Traceback" not in err
    assert not Path("csv").exists()


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_no_run_starts_from_it_or_in_it(here, text, capsys, monkeypatch):
    from fena_sim.device.runtime import RuntimeDevice

    def refuse(*_):
        raise AssertionError("a network was built")

    monkeypatch.setattr(RuntimeDevice, "build", refuse)
    replace(here / "runs" / "bad", text)
    model = fs.load_model(small.handmade.fs.__path__[0] + "/../models/fena.py", 4, sizes=(3,))
    from fena_sim.runs.execute import Execution
    from fena_sim.runs.plan import Plan
    from fena_sim.stimulus import TokenStream, one_hot

    stream = TokenStream.from_ids([0, 1], one_hot(list("abcd")))
    plan = Plan.of(
        model, fs.Protocol(name="p", blocks=[fs.Block(name="b", stream=stream)]), device="runtime"
    )
    (here / "runs" / "bad").rename(here / "runs" / plan.name)
    with pytest.raises(RunFolderError, match="manifest.json") as caught:
        Execution(plan, here / "runs").run()
    assert plan.name in str(caught.value)


def spoil(manifest, entry, value):
    *path, last = entry
    place = manifest
    for key in path:
        place = place[key]
    if value == "remove":
        place.pop(last)
    else:
        place[last] = value


@settings(max_examples=25, derandomize=True)
@given(st.sampled_from(ENTRIES), st.sampled_from(VALUES), st.booleans())
def test_an_entry_of_any_kind_gives_no_traceback(tmp_path_factory, entry, value, recorded):
    """Of a run of another version, say, whose checksums fit."""
    folder = tmp_path_factory.mktemp("any") / "run"
    run = small.write(folder)
    if not recorded:
        handmade.edit(folder, lambda manifest: manifest.pop("checksums"))
        shutil.rmtree(folder / "checksums")
    try:
        handmade.edit(folder, lambda manifest: spoil(manifest, entry, value))
    except KeyError:
        return
    try:
        run = fs.open_run(folder)
        small.everything(run)
        assert isinstance(run.seed, int) and repr(run)
        run.vocabulary, run.likelihood, run.streams  # noqa: B018
    except FenaError as error:
        assert str(folder) in str(error)


@settings(max_examples=10, derandomize=True)
@given(st.sampled_from(ENTRIES), st.sampled_from(VALUES))
def test_no_command_ends_in_a_traceback(tmp_path_factory, entry, value):
    import contextlib
    import io

    folder = tmp_path_factory.mktemp("any") / "run"
    small.write(folder)
    handmade.edit(folder, lambda manifest: spoil(manifest, entry, value))
    for command in (
        ["list", "runs", "--runs", folder.parent],
        ["check", folder],
        ["export", folder, "--csv", folder.parent / "csv"],
        ["report", folder, "-o", folder.parent / "r.html"],
    ):
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            with pytest.raises(SystemExit) as stopped:
                main([str(a) for a in command])
        assert stopped.value.code in (0, 2) and "Traceback" not in said.getvalue()
    from fena_sim.runs.live.reader import RunReader

    with contextlib.suppress(RunFolderError):
        RunReader(folder).read()
