"""Oracle: the documented contract of the `fena` command (README, `--help`, exit codes, names in the
JSON).
"""

import json
from pathlib import Path

import numpy as np
import pytest
from brian2 import ms
from click.testing import CliRunner

import fena_sim as fs
from fena_sim.commands.main import cli, main
from fena_sim.errors import DeclarationError
from fena_sim.load.set_option import parse_settings, parse_value
from fena_sim.measure import accuracy, bits

ROOT = Path(__file__).resolve().parents[2]


def refused(capsys, *arguments):
    with pytest.raises(SystemExit) as stopped:
        main([str(a) for a in arguments])
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return stopped.value.code, captured.err


@pytest.fixture
def small():
    """Settings that make first_contact small enough for a test."""
    return [
        "--set",
        "protocol.tokens=300",
        "--set",
        "protocol.test_tokens=300",
        "--set",
        "model.sizes=(8,6,5)",
    ]


def test_list_names_every_shipped_file():
    listed = json.loads(CliRunner().invoke(cli, ["list", "--json"]).output)
    for kind in ("models", "protocols"):
        assert {e["name"] for e in listed[kind]} == {
            p.stem
            for p in (ROOT / kind).glob("*.py")
            if p.stem not in ("fena_events", "fena_parts")
        }
        assert all(Path(e["path"]).is_file() for e in listed[kind])


@pytest.mark.compile
def test_run_ends_with_one_line_of_json(tmp_path, small, capsys):
    command = [
        "run",
        str(ROOT / "protocols/first_contact.py"),
        "--seeds",
        "2",
        "--out",
        str(tmp_path),
        "--json",
        "--quiet",
        *small,
    ]
    outputs = []
    for _ in range(2):  # the second call finds both runs finished
        with pytest.raises(SystemExit) as stopped:
            main(command)
        assert stopped.value.code == 0
        captured = capsys.readouterr()
        assert captured.err == "", "--quiet"
        outputs.append(json.loads(captured.out.strip().splitlines()[-1]))
    first, second = outputs
    assert first == second
    assert (
        first["device"] == "dense"
        and first["seeds"] == [0, 1]
        and first["tokens"] == 300 * 6 + 300 + 60 * 2
    )
    assert len(first["error_ratio"]) == 4
    runs = [fs.open_run(folder) for folder in first["runs"]]
    assert first["run"] == str(runs[0].folder)
    per_run = [np.median(r.tokens("untrained")["iterations"]) for r in runs]
    assert first["iterations_untrained"] == np.median(per_run)
    for level, of_level in zip((1, 2), first["knock_out"], strict=True):
        per_run = [accuracy(r, f"without_{level}") for r in runs]
        assert of_level == np.median(per_run)
    assert first["bits_frozen"] == np.median([bits(r, "familiar") for r in runs])
    assert {
        "accuracy_frozen",
        "accuracy_online",
        "accuracy_novel",
        "iterations_trained",
        "tokens_per_second",
    } <= set(first)
    assert not np.array_equal(
        runs[0].events("training")["token"], runs[1].events("training")["token"]
    )


@pytest.mark.compile
def test_set_batch_presents_streams_side_by_side(tmp_path, small):
    """Each stream of first_contact has tokens of its own; the model and the protocol hear of the
    batch.
    """
    result = CliRunner().invoke(
        cli,
        [
            "run",
            str(ROOT / "protocols/first_contact.py"),
            "--out",
            str(tmp_path),
            "--json",
            "--quiet",
            *small,
            "--set",
            "batch=2",
            "--set",
            "protocol.tokens=100",
        ],
    )
    printed = json.loads(result.stdout.strip().splitlines()[-1])
    run = fs.open_run(printed["run"])
    assert printed["tokens"] == 2 * (100 + 300 * 6 + 60 * 2)
    one, other = run.streams
    assert not np.array_equal(one.events("training")["token"], other.events("training")["token"])
    right = [
        (s.tokens("familiar")["probability"].values.argmax(1) == s.events("familiar")["token"])[
            1:
        ].mean()
        for s in run.streams
    ]
    assert printed["accuracy_frozen"] == pytest.approx(np.median(right))


def test_a_batch_needs_a_protocol_of_streams(tmp_path, capsys):
    code, message = refused(
        capsys,
        "run",
        ROOT / "protocols/read_text.py",
        "--out",
        tmp_path,
        "--quiet",
        "--set",
        "batch=2",
    )
    assert code == 2 and "1 stream, the model asks for 2" in message
    assert not list(tmp_path.iterdir())


@pytest.mark.compile
def test_set_reaches_the_parameters(tmp_path, small):
    values = ["--set", "level.2.tau=20*ms", "--set", "W_1.share=0", "--set", "protocol.tokens=300"]
    result = CliRunner().invoke(
        cli,
        [
            "run",
            str(ROOT / "protocols/first_contact.py"),
            "--out",
            str(tmp_path),
            "--json",
            "--device",
            "dense64",
            "--quiet",
            *small,
            *values,
        ],
    )
    run = fs.open_run(json.loads(result.stdout.strip().splitlines()[-1])["run"])
    before, after = run.state("untrained"), run.state("training")
    assert after["state_2.tau"] == 0.02 and after["state_1.tau"] == 0.014
    np.testing.assert_array_equal(before["W_1.w"], after["W_1.w"])
    assert not np.array_equal(before["W_2.w"], after["W_2.w"])


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--set", "level.2.tua=20*ms"], ["level.2.tua", "level.2.tau"]),
        (["--set", "level.2.tau=20"], ["state_2.tau", "14. ms"]),
        (["--set", "level.2.tau=20*mV"], ["state_2.tau"]),
        (["--set", "protocol.token=3"], ["token", "tokens"]),
        (["--set", "nonsense"], ["key=value"]),
        (["--set", "protocol.tokens=0"], ["at least 1", "0"]),
        (["--model", "models/fenna.py"], ["fenna.py"]),
        (["--device", "gpu"], ["gpu", "cpp"]),
        (["--from", "nowhere"], ["nowhere"]),
    ],
)
def test_a_mistake_gets_one_message_and_writes_nothing(
    arguments, words, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(ROOT)
    code, message = refused(
        capsys,
        "run",
        "protocols/first_contact.py",
        "--out",
        tmp_path / "runs",
        "--quiet",
        *arguments,
    )
    assert code == 2
    assert all(word in message for word in words), message
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    "content, words",
    [(None, ["nothere.txt"]), (b"short", ["characters"]), (b"\xff\xfe", ["UTF-8"])],
)
def test_a_text_that_cannot_be_read_is_refused(content, words, tmp_path, capsys):
    path = tmp_path / "nothere.txt"
    if content is not None:
        path.write_bytes(content)
    code, message = refused(
        capsys,
        "run",
        ROOT / "protocols/read_text.py",
        "--set",
        f"protocol.path={path}",
        "--out",
        tmp_path / "runs",
        "--quiet",
    )
    assert code == 2 and all(word in message for word in words), message
    assert not (tmp_path / "runs").exists()


def test_missing_protocol_names_the_nearest(tmp_path, capsys):
    code, message = refused(
        capsys, "run", ROOT / "protocols/first_contakt.py", "--out", tmp_path / "runs"
    )
    assert code == 2 and "first_contact.py" in message


@pytest.mark.parametrize(
    "text, value",
    [
        ("20*ms", 20 * ms),
        ("3e-5/ms", 3e-5 / ms),
        ("-2", -2),
        ("(8, 6)", (8, 6)),
        ("True", True),
        ("frozen", "frozen"),
        ("2*(3+1)", 8),
        ("a.txt", "a.txt"),
        ("/data/a b.txt", "/data/a b.txt"),
    ],
)
def test_values(text, value):
    assert parse_value(text) == value


def test_values_that_make_no_sense():
    for text in ("20*ms + 3", "1/0"):
        with pytest.raises(DeclarationError):
            parse_value(text)


def test_settings_go_where_their_key_says():
    settings = parse_settings(["protocol.a=1", "model.b=2*ms", "c.d=3"])
    assert (
        settings.protocol == {"a": 1}
        and settings.model == {"b": 2 * ms}
        and settings.parameters == {"c.d": 3}
    )


def test_describe_and_picture(tmp_path):
    path = tmp_path / "fena.png"
    result = CliRunner().invoke(
        cli, ["describe", str(ROOT / "models/fena.py"), "--picture", str(path)]
    )
    assert result.exit_code == 0, result.output
    assert "state_2" in result.output and path.stat().st_size > 10_000


def test_describe_lists_what_a_protocol_measures(tmp_path):
    path = tmp_path / "measuring.py"
    path.write_text(
        "from fena_sim import Block, Protocol, Signal\n"
        "from fena_sim.stimulus import TokenStream, one_hot\n\n\n"
        "def protocol(threshold=0.5):\n"
        "    stream = TokenStream.from_list('ab', one_hot('ab'))\n"
        "    signal = Signal('error_0', 'error', threshold=threshold)\n"
        "    blocks = [Block(name='b', stream=stream)]\n"
        "    return Protocol(name='measuring', blocks=blocks, measured={'mmn': signal})\n"
    )
    command = ["describe", str(ROOT / "models/fena.py"), "--protocol", str(path)]
    command += ["--set", "protocol.threshold=0.25"]
    result = CliRunner().invoke(cli, command)
    assert result.exit_code == 0, result.output
    assert "`mmn`" in result.output and "both, above 0.25" in result.output
    said = json.loads(CliRunner().invoke(cli, [*command, "--json"]).output)
    assert said["measured"]["mmn"]["threshold"] == "0.25"


def test_describe_as_json_says_what_parameters_mean():
    result = CliRunner().invoke(cli, ["describe", str(ROOT / "models/fena.py"), "--json"])
    said = json.loads(result.output)
    assert said["parameters"]["state_2.tau"] == "14. ms"
    assert said["meanings"]["state_2.tau"] == "time constant of the states"
    assert set(said["meanings"]) == set(said["parameters"])
