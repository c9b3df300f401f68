"""Oracles: `--help` and docs/howto/scripting.md as contracts, click's own parser, what a shell and
a terminal do with the output.
"""

import errno
import json
import os
import pty
import re
import select
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import psutil
import pytest

from fena_sim.commands.main import cli, main
from fena_sim.commands.new import write
from fena_sim.commands.shell import EXIT_CODES, Terminated, exit_code
from fena_sim.errors import CheckpointError, DeclarationError, NonFiniteError, ResourceError
from fena_sim.load.shipped import summary

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}


def leaves(command=cli, path=()):
    """(words, command) of everything that can be run."""
    for name, below in getattr(command, "commands", {}).items():
        yield from leaves(below, (*path, name))
    if not hasattr(command, "commands"):
        yield path, command


def parse(words):
    """What click makes of a command line, without running it. Raises click.UsageError; files need
    not be there.
    """
    command, words, context = cli, list(words), click.Context(cli, info_name="fena")
    while isinstance(command, click.Group):
        name, command, words = command.resolve_command(context, words)
        context = click.Context(command, parent=context, info_name=name)
    try:
        command.make_context(name, list(words), parent=context.parent)
    except click.BadParameter as error:
        if "does not exist" not in str(error):
            raise


def call(capsys, *arguments):
    """(exit code, standard output, standard error) of a command in this process."""
    with pytest.raises(SystemExit) as stopped:
        main([str(a) for a in arguments])
    captured = capsys.readouterr()
    return stopped.value.code, captured.out, captured.err


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with the model and the protocol that `fena new` writes, to which the tests go."""
    monkeypatch.chdir(tmp_path)
    write("model", "my_model")
    write("protocol", "my_oddball", model="my_model.py")
    return tmp_path


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The network of that protocol is in the build cache."""
    folder = tmp_path_factory.mktemp("built")
    write("model", "my_model", folder)
    write("protocol", "my_oddball", folder, folder / "my_model.py")
    with pytest.raises(SystemExit) as stopped:
        main(
            [
                "run",
                str(folder / "my_oddball.py"),
                "--out",
                str(folder / "runs"),
                "--quiet",
                "--set",
                "protocol.tokens=12",
            ]
        )
    assert stopped.value.code == 0
    return folder


# -- help ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", [(), *(path for path, _ in leaves())], ids=lambda path: " ".join(path) or "fena"
)
def test_every_command_has_help_with_examples_that_parse(path, capsys):
    code, text, _ = call(capsys, *path, "--help")
    assert code == 0 and re.search(r"^ *Examples?:$", text, re.M), text
    examples = re.findall(r"^ +fena (.+?)(?: >.*)?$", text, re.M)
    assert examples, text
    for line in examples:
        parse(shlex.split(line))


def test_the_parser_of_this_test_refuses_what_click_refuses():
    for line in (
        "run",
        "run x.py --nonsense",
        "nonsense",
        "new city x",
        "list planets",
        "completion tcsh",
    ):
        with pytest.raises(click.UsageError):
            parse(shlex.split(line))


@pytest.mark.parametrize(
    "page",
    [
        ROOT / "README.md",
        *sorted((ROOT / "docs").glob("*.md")),
        *sorted((ROOT / "docs/howto").glob("*.md")),
    ],
    ids=lambda page: page.stem,
)
def test_commands_in_the_docs_parse(page, tmp_path, monkeypatch):
    """All that stand in a line of their own, with the options that they name, where the files are
    that the page writes.
    """
    monkeypatch.chdir(tmp_path)
    for name, text in re.findall(
        r"^cat > (\S+) <<'END'\n(.*?)^END$", page.read_text(), re.M | re.S
    ):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text)
    for line in re.findall(
        r"^(?:    )?(?:\.venv/bin/)?fena ((?:[^\n\\]|\\\n)+)$", page.read_text(), re.M
    ):
        words = shlex.split(re.split(r" \|\| | 2?>|#", line.replace("\\\n", " "))[0])
        parse(["0" if word == "N" else word for word in words])  # N stands for a number


def test_verbose_is_an_option_of_every_command():
    assert all(
        "--verbose" in [flag for p in command.params for flag in p.opts] for _, command in leaves()
    )


# -- exit codes ------------------------------------------------------------------------------


def test_exit_codes_are_documented(capsys):
    page = (ROOT / "docs/howto/scripting.md").read_text()
    shown = dict(re.findall(r"^\| (\d+) \| (.+) \|$", page, re.M))
    assert shown == {str(code): meaning for code, meaning in EXIT_CODES.items()}
    text = call(capsys, "--help")[1]
    assert all(
        re.search(rf"^ +{code} +{re.escape(meaning)}$", text, re.M)
        for code, meaning in EXIT_CODES.items()
    )


@pytest.mark.parametrize(
    "error, code",
    [
        (DeclarationError("x"), 2),
        (CheckpointError("x"), 2),
        (NonFiniteError("x"), 3),
        (ResourceError("x"), 4),
        (OSError(errno.ENOSPC, "full"), 4),
        (FileNotFoundError(errno.ENOENT, "gone"), 2),
        (KeyboardInterrupt(), 130),
        (Terminated(), 143),
    ],
)
def test_every_error_has_its_code(error, code):
    assert exit_code(error) == code and code in EXIT_CODES


def test_0_and_2(here, capsys):
    assert call(capsys, "list", "runs")[0] == 0
    assert call(capsys, "run", "my_oddball.py", "--seed", "-1")[0] == 2  # ours
    assert call(capsys, "run", "my_oddball.py", "--nonsense")[0] == 2  # click's


def test_1_is_a_defect_with_a_traceback(here, python):
    code = "import fena_sim.commands.list as c, fena_sim.cli as f; c.stored_manifests = lambda folder: 1/0; f.main(['list', 'runs'])"
    finished = subprocess.run(
        [*python, "-c", code], capture_output=True, text=True, env=ENVIRONMENT
    )
    assert finished.returncode == 1 and "Traceback" in finished.stderr


def test_a_defect_shows_the_traceback_of_python_and_nothing_of_brian2(here):
    code = (
        "import brian2, fena_sim.commands.list as c, fena_sim.cli as f; "
        "c.stored_manifests = lambda folder: 1/0; f.main(['list', 'runs'])"
    )
    finished = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=ENVIRONMENT
    )
    assert finished.returncode == 1 and finished.stdout == ""
    assert finished.stderr.startswith("Traceback (most recent call last):\n")
    assert finished.stderr.endswith("\nZeroDivisionError: division by zero\n")
    assert "Brian" not in finished.stderr


def test_3_is_not_finite(built, tmp_path, capsys):
    code, _, message = call(
        capsys,
        "run",
        built / "my_oddball.py",
        "--out",
        tmp_path,
        "--quiet",
        "--set",
        "protocol.tokens=12",
        "--set",
        "W.eta=1e9/ms",
    )
    assert code == 3 and message.startswith("error:") and "Traceback" not in message


def test_4_is_a_full_disk(here, capsys, monkeypatch):
    def full(*arguments, **options):
        raise OSError(errno.ENOSPC, "No space left on device", "runs/x")

    monkeypatch.setattr("fena_sim.runs.seeds.run_seeds", full)
    code, _, message = call(capsys, "run", "my_oddball.py", "--quiet")
    assert code == 4 and "No space left" in message and "runs/x" in message


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_130_and_143_are_interruptions_that_go_on(number, code, built, here, fingerprint, capsys):
    """Ctrl-C and SIGTERM end a run at once, with its compiled network, and the same command ends it
    in the bytes of a run that was never disturbed.
    """
    arguments = ["run", "my_oddball.py", "--set", "protocol.tokens=1500", "--chunk-tokens", "50"]
    process = subprocess.Popen(
        [sys.executable, "-m", "fena_sim", *arguments],
        env=ENVIRONMENT,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    children = []
    for line in process.stderr:
        if "% of the run" in line:
            children = psutil.Process(process.pid).children(recursive=True)
            if number == signal.SIGINT:  # from a terminal it reaches all processes of a command
                os.killpg(process.pid, number)
            else:
                os.kill(process.pid, number)
            break
    rest = process.stderr.read()
    assert process.wait(timeout=300) == code, rest
    assert f"{'interrupted' if code == 130 else 'terminated'}: the same command goes on" in rest
    assert "Traceback" not in rest
    assert not psutil.wait_procs(children, timeout=300)[1]
    (folder,) = (here / "runs").iterdir()
    assert (
        list((folder / "checkpoints").iterdir())
        and not (folder / "states" / "oddball.npz").exists()
    )
    assert (
        call(capsys, *arguments, "--quiet")[0]
        == call(capsys, *arguments, "--quiet", "--out", "undisturbed")[0]
        == 0
    )
    (other,) = (here / "undisturbed").iterdir()
    assert fingerprint(folder) == fingerprint(other)


def test_every_command_ends_by_sigterm_with_a_message_and_143(here, capsys, monkeypatch):
    """Also one that runs nothing; afterwards the signal means what it meant before."""
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(
        "fena_sim.commands.list.stored_manifests",
        lambda folder: os.kill(os.getpid(), signal.SIGTERM) or signal.pause(),
    )
    code, _, message = call(capsys, "list", "runs")
    assert code == 143 and message.startswith("terminated: the same command goes on")
    assert signal.getsignal(signal.SIGTERM) is before


# -- mistakes --------------------------------------------------------------------------------

FILES = {
    "broken.py": "def protocol(:\n",
    "empty.py": "",
    "raises.py": "def protocol():\n    return {}['x']\ndef hierarchy():\n    return {}['x']\n",
    "wrong.py": "def protocol():\n    return 3\ndef hierarchy(input_size=8):\n    return 3\n",
    "no_model.py": "from fena_sim import Block, Protocol\n"
    "from fena_sim.stimulus import TokenStream, one_hot\n"
    "def protocol():\n"
    "    stream = TokenStream.from_list(['a', 'b'], one_hot(['a', 'b']))\n"
    "    return Protocol(name='no_model', blocks=[Block(name='test', stream=stream)])\n",
    "binary.py": b"\xff\xfe\x00",
    "numbers.json": "[1, 2]",
    "text.json": "no json",
    "object.json": '{"a": 1}',
    "figures/bad.py": "NEEDS = {}\n",
}
MISTAKES = [
    "run",
    "run nothing",
    "run nothing.py",
    "run protocols/nothing.py",
    "run my_oddball.py --model nothing",
    "run .",
    "run broken.py",
    "run empty.py",
    "run raises.py",
    "run wrong.py",
    "run binary.py",
    "run numbers.json",
    "run my_oddball.py --model nothing.py",
    "run my_oddball.py --model broken.py",
    "run my_oddball.py --model .",
    "run my_oddball.py --model raises.py",
    "run my_oddball.py --model wrong.py",
    "run my_oddball.py --seed x",
    "run my_oddball.py --seed -1",
    "run my_oddball.py --seeds 0",
    "run my_oddball.py --seed 1 --seeds 2",
    "run my_oddball.py --device gpu",
    "run my_oddball.py --set",
    "run my_oddball.py --set x",
    "run my_oddball.py --set =3",
    "run my_oddball.py --set state_1.tau=20",
    "run my_oddball.py --set state_1.tau=20*mV",
    "run my_oddball.py --set nothing=3",
    "run my_oddball.py --set protocol.tokens=many",
    "run my_oddball.py --set protocol.tokens=-1",
    "run my_oddball.py --set model.causes=0",
    "run my_oddball.py --set model.causes=x",
    "run my_oddball.py --set dt=0*ms",
    "run my_oddball.py --set batch=0",
    "run my_oddball.py --set batch=2",
    "run my_oddball.py --out broken.py",
    "run my_oddball.py --out broken.py/runs",
    "run my_oddball.py --from nowhere",
    "run my_oddball.py --from nowhere:block",
    "run my_oddball.py --from 'no*where'",
    "run my_oddball.py --from 'no{seed}-*:x' --seeds 2",
    "run my_oddball.py --chunk-tokens 0",
    "run my_oddball.py --explain --device gpu",
    "describe",
    "describe nothing.py",
    "describe .",
    "describe broken.py",
    "describe empty.py",
    "describe raises.py",
    "describe wrong.py",
    "describe binary.py",
    "describe my_model.py --set x",
    "describe my_model.py --set state_1.tau=1",
    "describe my_model.py --picture broken.py/x.pdf",
    "describe my_model.py --json --set model.causes=0",
    "figures",
    "figures nothing",
    "figures .",
    "figures broken.py",
    "figures --only nothing",
    "figures --only nothing.py",
    "figures --nonsense",
    "list planets",
    "list --runs",
    "new",
    "new city x",
    "new model",
    "new model 3x",
    "new model a-b",
    "new model class",
    "new model ../x",
    "new model _x",
    "new model my_model",
    "new protocol my_oddball --model my_model.py",
    "new protocol x --model nothing.py",
    "new model x --model my_model.py",
    "new model x --out broken.py",
    "new model x --from nothing",
    "new model x --from broken.py",
    "new model x --from binary.py",
    "new protocol x --from my_model",
    "new protocol fena",
    "completion",
    "completion tcsh",
    "claims C99",
    "claims c05x",
    "claims --seeds 0",
    "bench",
    "bench nothing",
    "bench speed",
    "bench speed --variants x --json x.json",
    "bench speed --networks x --json x.json",
    "bench figure",
    "bench figure nothing.json --out x.pdf",
    "bench figure text.json --out x.pdf",
    "bench figure numbers.json --out x.pdf",
    "bench show object.json",
    "bench show numbers.json",
    "bench show text.json",
    "bench show .",
    "bench training",
    "nothing",
    "--nothing",
    "certify",
    "certify nothing.py",
    "certify no_model.py",
    "certify my_oddball.py --devices x",
    "certify my_oddball.py --tokens 0",
    "certify my_oddball.py --model nothing.py",
    "doctor x",
    "run my_oddball.py --estimate --seeds 0",
    "export",
    "export nowhere --csv x",
    "report",
    "report nowhere -o x.html",
    "watch my_model.py",
    "sweep",
    "sweep my_oddball.py",
    "sweep my_oddball.py --grid x",
    "sweep my_oddball.py --grid state_1.tau=20,30",
    "sweep nothing.py --grid state_1.tau=20*ms",
]


@pytest.mark.parametrize("line", MISTAKES)
def test_a_mistake_is_answered_without_a_traceback(line, here, capsys):
    """Exit code 2, a message that says what, nothing on standard output, no file but those that
    were there.
    """
    for name, content in FILES.items():
        if name.startswith("figures") and not line.startswith("figures"):
            continue
        (here / name).parent.mkdir(exist_ok=True)
        (here / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    before = sorted(path for path in here.rglob("*") if "__pycache__" not in path.parts)
    code, out, message = call(capsys, *shlex.split(line))
    assert code == 2, message
    assert "Traceback" not in message and 10 < len(message) < 2500, message
    assert re.search(r"^(error|Error|Usage): ", message, re.M), message
    if (
        line != "describe my_model.py --picture broken.py/x.pdf"
    ):  # the description itself could be given
        assert out == ""
    assert sorted(path for path in here.rglob("*") if "__pycache__" not in path.parts) == before


@pytest.mark.parametrize(
    "line",
    [
        "run notes.txt",
        "run my_oddball.py --model notes.txt",
        "describe notes.txt",
        "sweep notes.txt --grid state_1.tau=20*ms",
        "sweep my_oddball.py --grid state_1.tau=20*ms --model notes.txt",
        "certify notes.txt",
    ],
)
def test_a_file_that_is_not_python_is_said_to_be_none(line, here, capsys):
    (here / "notes.txt").write_text("no code")
    code, out, message = call(capsys, *shlex.split(line))
    assert code == 2 and out == "" and "Traceback" not in message
    assert "not a Python file" in message and "notes.txt" in message and "NAME.py" in message
    assert not (here / "runs").exists()


def test_a_report_whose_protocol_file_is_not_python_says_so(built, here, capsys):
    (here / "notebook.ipynb").write_text("{}")
    (run,) = (built / "runs").iterdir()
    code, _, message = call(capsys, "report", run, "--protocol", "notebook.ipynb")
    assert code == 0 and "Traceback" not in message
    assert "not a Python file" in (here / "report.html").read_text()


def test_a_summary_that_fails_loses_no_run(built, tmp_path, capsys):
    text = (built / "my_oddball.py").read_text().replace('"role"', '"roles"')
    (built / "summarised.py").write_text(text)
    command = [
        "run",
        built / "summarised.py",
        "--out",
        tmp_path,
        "--quiet",
        "--set",
        "protocol.tokens=12",
    ]
    code, _, message = call(capsys, *command)
    assert (
        code == 2
        and "KeyError" in message
        and "summary()" in message
        and "Traceback" not in message
    )
    assert len(list(tmp_path.glob("my_oddball-*"))) == 1
    assert "Traceback" in call(capsys, *command, "--verbose")[2]


def test_verbose_shows_brian2_at_work(built, tmp_path, python):
    command = [
        *python,
        "-m",
        "fena_sim",
        "run",
        str(built / "my_oddball.py"),
        "--quiet",
        "--device",
        "runtime",
        "--set",
        "protocol.tokens=3",
        "--out",
    ]
    plain, verbose = (
        subprocess.run(
            [*command, str(tmp_path / out), *more], capture_output=True, text=True, env=ENVIRONMENT
        )
        for out, more in (("plain", []), ("verbose", ["--verbose"]))
    )
    assert plain.returncode == verbose.returncode == 0, verbose.stderr
    assert plain.stderr == ""
    assert re.search(r"^DEBUG +Preparing network", verbose.stderr, re.M)


# -- output ----------------------------------------------------------------------------------


def run_command(python, built, out, tokens=600):
    return [
        *python,
        "-m",
        "fena_sim",
        "run",
        str(built / "my_oddball.py"),
        "--out",
        str(out),
        "--set",
        f"protocol.tokens={tokens}",
        "--chunk-tokens",
        "50",
    ]


def on_a_terminal(command, **environment):
    """(exit code, bytes) of a process whose streams are a terminal of 24 lines and 80 columns."""
    parent, child = pty.openpty()
    process = subprocess.Popen(
        command,
        stdin=child,
        stdout=child,
        stderr=child,
        close_fds=True,
        env={**ENVIRONMENT, "TERM": "xterm", "LINES": "24", "COLUMNS": "80", **environment},
    )
    os.close(child)
    shown, end = b"", time.monotonic() + 300
    while time.monotonic() < end:
        ready = select.select([parent], [], [], 1)[0]
        try:
            part = os.read(parent, 65536) if ready else b"" if process.poll() is not None else None
        except OSError:  # Linux: the other side is closed
            break
        if part == b"":
            break
        shown += part or b""
    os.close(parent)
    return process.wait(timeout=300), shown


def test_a_terminal_shows_a_picture_that_is_redrawn(built, tmp_path):
    """A process of its own, as from a shell."""
    code, shown = on_a_terminal(run_command([sys.executable], built, tmp_path))
    assert code == 0
    assert b"\x1b[" in shown and "━".encode() in shown and b"tokens/s" in shown
    assert b"\x1b[?25l" in shown and shown.rindex(b"\x1b[?25h") > shown.rindex(b"\x1b[?25l"), (
        "the cursor comes back"
    )


def test_a_dumb_terminal_gets_no_control_character(built, tmp_path, python):
    code, shown = on_a_terminal(run_command(python, built, tmp_path), TERM="dumb")
    assert code == 0 and b"\x1b" not in shown and b"600 tokens done" in shown


def test_a_pipe_gets_few_plain_lines(built, tmp_path, python):
    finished = subprocess.run(
        run_command(python, built, tmp_path),
        capture_output=True,
        env={**ENVIRONMENT, "FORCE_COLOR": "1"},
    )
    assert finished.returncode == 0 and finished.stdout == b""
    text = finished.stderr.decode()
    assert not set(text) & {"\x1b", "\r", "\b"}
    assert 3 < len(text.splitlines()) < 20  # 12 chunks, one line per 10 s


def test_standard_output_is_for_results(built, tmp_path, python):
    finished = subprocess.run(
        [*run_command(python, built, tmp_path, 12), "--json"],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
    )
    (line,) = finished.stdout.splitlines()
    assert Path(json.loads(line)["run"]).is_dir()


def test_a_reader_that_goes_away_is_no_traceback(here, python):
    command = f"{shlex.join(python)} -m fena_sim describe my_model.py | head -1"
    finished = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, env=ENVIRONMENT
    )
    assert finished.stdout.count("\n") == 1 and "Traceback" not in finished.stderr


# -- list, describe, completion ----------------------------------------------------------------


def test_list_knows_runs(built, capsys, monkeypatch):
    monkeypatch.chdir(built)
    found = json.loads(call(capsys, "list", "runs", "--json")[1])["runs"]
    (run,) = [entry for entry in found if entry["name"].startswith("my_oddball-my_model-seed0")]
    assert (
        run["protocol"],
        run["model"],
        run["seed"],
        run["tokens"],
        run["blocks"],
        run["status"],
    ) == ("my_oddball", "my_model", 0, 12, ["oddball"], "finished")
    table = call(capsys, "list")[1]
    assert run["path"] in table and "first_contact" in table and "settling_dashboard" in table
    assert call(capsys, "list", "runs", "--runs", "nowhere")[1].strip() == "no runs in nowhere"


def test_list_survives_files_that_cannot_be_read(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "broken.py").write_text("def (")
    (tmp_path / "runs" / "cut").mkdir(parents=True)
    (tmp_path / "runs" / "cut" / "manifest.json").write_text("{")
    code, text, _ = call(capsys, "list")
    assert code == 0 and "cannot be read" in text and "no runs in runs" in text


def test_describe_as_json(here, capsys):
    found = json.loads(
        call(capsys, "describe", "my_model.py", "--json", "--set", "state_1.tau=20*ms")[1]
    )
    assert found["parameters"]["state_1.tau"] == "20. ms"
    assert [p["name"] for p in found["model"]["populations"]] == ["error_0", "state_1"]


@pytest.mark.parametrize(
    "shell, environment",
    [
        ("bash", {"COMP_WORDS": "fena des", "COMP_CWORD": "1"}),
        ("zsh", {"COMP_WORDS": "fena des", "COMP_CWORD": "1"}),
        ("fish", {"COMP_WORDS": "fena des", "COMP_CWORD": "des"}),
    ],
)
def test_completion(shell, environment, capsys, monkeypatch):
    code, text, _ = call(capsys, "completion", shell)
    assert code == 0 and "_FENA_COMPLETE" in text and f"{shell}_complete" in text
    for name, value in {**environment, "_FENA_COMPLETE": f"{shell}_complete"}.items():
        monkeypatch.setenv(name, value)
    assert "describe" in call(capsys)[1]


def test_completion_in_a_real_bash(tmp_path):
    fena = tmp_path / "fena"
    fena.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m fena_sim "$@"\n')
    fena.chmod(0o755)
    text = (
        'eval "$(fena completion bash)"; COMP_WORDS=(fena run --see); COMP_CWORD=2; '
        '$(complete -p fena | sed -E "s/.*-F ([^ ]+).*/\\1/") fena; echo "${COMPREPLY[@]}"'
    )
    finished = subprocess.run(
        ["bash", "-c", text],
        capture_output=True,
        text=True,
        env={**ENVIRONMENT, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
    )
    assert finished.stdout.split() == ["--seed", "--seeds"], finished.stderr


# -- new -----------------------------------------------------------------------------------------


def test_new_files_run_and_say_what_they_are(built, here, capsys):
    assert "to start from" in summary(here / "my_model.py")
    comments = [line for line in (here / "my_model.py").read_text().splitlines() if "#" in line]
    assert len(comments) >= 5
    code, out, _ = call(
        capsys, "run", "my_oddball.py", "--set", "protocol.tokens=12", "--quiet", "--json"
    )
    assert code == 0 and json.loads(out)["deviants"] >= 0


def test_new_in_a_folder_names_the_model_from_there(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert (
        call(capsys, "new", "model", "mine", "--out", "mine/models")[1].strip()
        == "wrote mine/models/mine.py"
    )
    assert (
        call(
            capsys,
            "new",
            "protocol",
            "test",
            "--out",
            "mine/protocols",
            "--model",
            "mine/models/mine.py",
        )[0]
        == 0
    )
    assert 'MODEL = "../models/mine.py"' in (tmp_path / "mine/protocols/test.py").read_text()


def test_nothing_is_overwritten(here, capsys):
    (here / "my_model.py").write_text("# mine")
    code, _, message = call(capsys, "new", "model", "my_model")
    assert (
        code == 2 and "exists already" in message and (here / "my_model.py").read_text() == "# mine"
    )
