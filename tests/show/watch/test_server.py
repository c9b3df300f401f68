"""Oracle: the documented contract. Its own page and data, to this machine, under its own address,
to who knows its token; nothing else.
"""

import http.client
import json
import math
import shutil
import signal
import socket
import subprocess
import sys
import threading
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

import fena_sim as fs
from fena_sim.commands.main import main
from fena_sim.runs.live.reader import RunReader
from fena_sim.show.watch.server import make_server

#: Without a compiler, so that it begins at once.
SHORT = """
from brian2 import ms
from fena_sim import Block, FixedPace, Protocol
from fena_sim.stimulus import MotifGrammar

def protocol():
    stream, pace = MotifGrammar().training(60, seed=1), FixedPace(duration=16*ms, blank=4*ms)
    return Protocol(name="short", blocks=[Block(name="before", stream=stream[:6], pace=pace, controls=dict(plasticity_gain=0.0)),
                                          Block(name="training", stream=stream, pace=pace)])
"""
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def serving():
    """A function: a server of a path, answering in a thread."""
    servers = []

    def serve(path):
        server = make_server(path)
        threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        ).start()
        servers.append(server)
        return server

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def ask(server, path, method="GET", **headers):
    """Asks as the page's script does, with the token, unless `headers` have another Authorization."""
    headers = {"Authorization": f"Bearer {server.token}", **headers}
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=300)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.read(), dict(answer.getheaders())


def test_it_serves_its_page_the_list_and_states(serving, uninterrupted):
    server = serving(uninterrupted.folder.parent)
    status, page, headers = ask(server, "/")
    assert (
        status == 200
        and b"fena watch" in page
        and "connect-src 'self'" in headers["Content-Security-Policy"]
    )
    assert headers["X-Content-Type-Options"] == "nosniff" and headers["Cache-Control"] == "no-store"
    runs = json.loads(ask(server, "/runs")[1])["runs"]
    assert [run["key"] for run in runs] == [uninterrupted.id]
    state = json.loads(ask(server, f"/state?run={uninterrupted.id}")[1])
    assert state["id"] == uninterrupted.id and state["kind"] == "finished"
    assert ask(server, "/", method="HEAD")[1] == b""


def test_it_serves_nothing_else(serving, uninterrupted):
    server = serving(uninterrupted.folder.parent)
    for path in (
        "/manifest.json",
        f"/{uninterrupted.id}/manifest.json",
        "/../../etc/passwd",
        "/state",
        "/state?run=..",
        "/state?run=/etc",
        f"/state?run=../{uninterrupted.folder.parent.name}/{uninterrupted.id}",
        "/favicon.ico",
    ):
        assert ask(server, path)[0] == 404, path
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        assert ask(server, "/runs", method=method)[0] == 501


@pytest.mark.parametrize(
    "host, expected",
    [
        ("127.0.0.1:{}", 200),
        ("localhost:{}", 200),
        ("evil.example", 403),
        ("evil.example:{}", 403),
        ("127.0.0.1", 403),
        ("127.0.0.1:1", 403),
        ("", 403),
        ("127.0.0.1.evil.example:{}", 403),
    ],
)
def test_a_name_that_another_site_lets_point_here_is_refused(
    serving, uninterrupted, host, expected
):
    server = serving(uninterrupted.folder)
    status, body, _ = ask(server, "/runs", Host=host.format(server.server_address[1]))
    assert status == expected and (expected == 200 or uninterrupted.id.encode() not in body)


PATHS = ("/", "/runs", "/state?run={}", "/manifest.json", "/favicon.ico", "//", "/?token", "*")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "wrong", ["", "Bearer ", "Bearer x", "Basic {}", "Bearer {}x", "bearer é", "{}\xff"]
)
def test_without_its_token_it_refuses_everything(serving, tmp_path, method, wrong):
    server = serving(tmp_path)
    wrong = wrong.format(server.token)
    for path in PATHS:
        path = path.format(tmp_path.name)
        status, body, headers = ask(server, path, method, Authorization=wrong)
        assert status == 403, (path, wrong)
        assert str(tmp_path).encode() not in body and "Set-Cookie" not in headers
        assert server.token not in body.decode() + str(headers)


@pytest.mark.parametrize("wrong", ["", "x", "{}x", "é", "%ff", "%00", "{}&token=", "x&token={}"])
def test_another_token_in_the_address_is_refused(serving, tmp_path, wrong):
    server = serving(tmp_path)
    for path in ("/?token=", "/runs?token="):
        address = path + urllib.parse.quote(wrong.format(server.token), safe="%&=")
        expected = 200 if wrong == "{}&token=" else 403  # the first one counts; empty ones do not
        assert ask(server, address, Authorization="")[0] == expected, address


def test_its_address_holds_a_token_that_goes_nowhere_else(serving, tmp_path, capfd):
    servers = [serving(tmp_path) for _ in range(2)]
    assert len({server.token for server in servers}) == 2
    for server in servers:
        address = urllib.parse.urlsplit(server.url)
        assert urllib.parse.parse_qs(address.query) == {"token": [server.token]}
        assert len(server.token) >= 43, "256 bits, six in each character"
        status, page, headers = ask(server, f"/?{address.query}", Authorization="")
        assert status == 200 and server.token not in page.decode() + str(headers)
        assert headers["Referrer-Policy"] == "no-referrer"
        assert ask(server, f"/runs?{address.query}", Authorization="")[0] == 200
    assert ask(servers[0], f"/?token={servers[1].token}", Authorization="")[0] == 403
    assert capfd.readouterr() == ("", "")


def test_open_gives_the_browser_no_argument_with_the_token(tmp_path, monkeypatch, capsys):
    """The arguments of a process can be read by every user of the machine."""
    monkeypatch.chdir(tmp_path)
    opened = []

    def browse(address):
        file = Path(urllib.request.url2pathname(urllib.parse.urlsplit(address).path))
        opened.append((address, file, file.stat().st_mode & 0o777, file.read_text()))
        raise KeyboardInterrupt

    monkeypatch.setattr("webbrowser.open", browse)
    with pytest.raises(SystemExit) as stopped:
        main(["watch", "--open"])
    ((address, file, mode, text),) = opened
    url = next(w for w in capsys.readouterr().out.split() if w.startswith("http://127.0.0.1:"))
    token = url.partition("?token=")[2]
    assert stopped.value.code == 0
    assert address.startswith("file:///") and token not in address and mode == 0o600
    assert f"url={url}" in text and not file.exists()


def test_it_listens_on_the_loopback_alone(serving, uninterrupted):
    server = serving(uninterrupted.folder)
    assert server.socket.getsockname()[0] == "127.0.0.1"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(
                ("192.0.2.1", 9)
            )  # sends nothing; tells which address this machine would use
            other = probe.getsockname()[0]
        except OSError:
            pytest.skip("this machine has no other address than the loopback")
    with pytest.raises(OSError):
        socket.create_connection((other, server.server_address[1]), timeout=2)


@pytest.mark.parametrize("below", [".", "runs"])
def test_a_run_that_begins_later_is_found(serving, uninterrupted, tmp_path, monkeypatch, below):
    """Also where the folder of runs is made by the first one."""
    monkeypatch.setattr("fena_sim.show.watch.server.FRESH_LIST", 0.0)
    server = serving(tmp_path / below)
    assert json.loads(ask(server, "/runs")[1])["runs"] == []
    shutil.copytree(uninterrupted.folder, tmp_path / below / "later")
    assert [run["key"] for run in json.loads(ask(server, "/runs")[1])["runs"]] == ["later"]
    shutil.rmtree(tmp_path / below if below == "runs" else tmp_path / "later")
    status, body, _ = ask(server, "/state?run=later")
    assert status == 404 and "error" in json.loads(body)


@pytest.mark.parametrize(
    "arguments, told",
    [(["file"], "there is no such folder"), ([".", "--port", "taken"], "cannot be had")],
)
def test_bad_input_is_one_clear_error(tmp_path, monkeypatch, capsys, arguments, told):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("no folder")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        arguments = [str(taken.getsockname()[1]) if a == "taken" else a for a in arguments]
        with pytest.raises(SystemExit) as stopped:
            main(["watch", *arguments])
    captured = capsys.readouterr()
    assert stopped.value.code in (2, 4) and told in captured.err and "Traceback" not in captured.err


class Started:
    """A `fena` command in a process of its own."""

    def __init__(self, *arguments, cwd):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "fena_sim", *map(str, arguments)],
            cwd=cwd,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )

    def end(self, how=signal.SIGINT):
        self.process.send_signal(how)
        return self.process.communicate(timeout=300)


@pytest.fixture
def start(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PYTHONUNBUFFERED", "1")
    running = []

    def begin(*arguments):
        running.append(Started(*arguments, cwd=tmp_path))
        return running[-1]

    yield begin
    for each in running:
        if each.process.poll() is None:
            each.process.kill()
        each.process.communicate(timeout=300)


def test_ctrl_c_ends_it_cleanly(start, uninterrupted):
    watching = start("watch", uninterrupted.folder)
    line = watching.process.stdout.readline()
    address = next(word for word in line.split() if word.startswith("http://127.0.0.1:"))
    assert "?token=" in address
    assert urllib.request.urlopen(address, timeout=300).status == 200
    out, err = watching.end()
    assert watching.process.returncode == 0 and "Traceback" not in err


@pytest.mark.xdist_group("browser")
def test_the_page_follows_a_run_that_starts_is_killed_and_goes_on(
    start, serving, tab, tmp_path, monkeypatch
):
    monkeypatch.setattr("fena_sim.show.watch.server.FRESH_LIST", 0.2)
    (tmp_path / "short.py").write_text(SHORT)
    command = (
        "run",
        "short.py",
        "--model",
        ROOT / "models" / "fena.py",
        "--device",
        "runtime",
        "--out",
        "runs",
        "--quiet",
        "--chunk-tokens",
        "3",
        "--set",
        "model.sizes=(8,6,5)",
    )
    (tmp_path / "runs").mkdir()
    server = serving(tmp_path / "runs")
    opened = tab().open(server.url)
    assert opened.js("document.getElementById('status').textContent") == "Waiting for a run."
    run = start(*command)
    opened.wait("state && state.block === 'training' && state.blocks[1].done > 3")
    opened.wait("[...document.querySelectorAll('[data-quantity]')].every(figure => !figure.hidden)")
    assert opened.js("document.querySelector('h1').textContent") == "short on fena, seed 0"
    assert opened.js("document.getElementById('in-block').textContent") == "training"
    before, picture = (
        opened.js("state.done"),
        opened.js("document.querySelector('canvas').toDataURL()"),
    )
    opened.wait(f"state.done > {before} && state.rate > 0 && state.left > 0")
    assert opened.js("document.querySelector('canvas').toDataURL()") != picture
    assert opened.js("document.getElementById('progress').value") == pytest.approx(
        opened.js("state.done / state.total")
    )
    run.end(signal.SIGKILL)
    opened.wait("state.kind === 'interrupted'")
    assert "goes on from the last checkpoint" in opened.js(
        "document.getElementById('status').textContent"
    )
    stopped = opened.js("state.done")
    start(*command)
    opened.wait(f"state.kind === 'running' && state.done > {stopped}")
    opened.wait("state.kind === 'finished'", seconds=240)
    assert opened.js(
        "state.done === state.total && document.getElementById('status').textContent === 'finished'"
    )
    (folder,) = (tmp_path / "runs").iterdir()
    assert (
        opened.js("state.blocks[1].history.iterations.map(p => p[1])")
        == fs.open_run(folder).tokens("training")["iterations"].values.tolist()
    )
    picture = opened.js("document.querySelector('canvas').toDataURL()")
    opened.choose("#block", "before")
    assert opened.js("document.querySelector('canvas').toDataURL()") != picture
    assert opened.problems == []
    own = server.url.partition("?")[0]
    assert all(address.startswith((own, "data:")) for address in opened.requests)
    assert sum(server.token in address for address in opened.requests) == 1, "of the page itself"


@pytest.mark.xdist_group("browser")
def test_the_page_says_when_nobody_answers_and_comes_back_with_the_token_alone(tab, uninterrupted):
    server = make_server(uninterrupted.folder)
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
    )
    thread.start()
    opened = tab().open(server.url)
    opened.wait("state && state.kind === 'finished'")
    server.shutdown()
    server.server_close()
    opened.wait("!document.getElementById('problem').hidden")
    assert "does not answer" in opened.js("document.getElementById('problem').textContent")
    again = make_server(uninterrupted.folder, server.server_address[1])
    threading.Thread(
        target=again.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
    ).start()
    opened.wait("document.getElementById('problem').textContent.includes('started again')")
    again.token = server.token
    opened.wait("document.getElementById('problem').hidden")
    again.shutdown()
    again.server_close()


@pytest.mark.xdist_group("browser")
@pytest.mark.parametrize("dark", [False, True])
def test_on_a_phone_the_page_does_not_scroll_sideways(serving, tab, uninterrupted, dark):
    opened = tab(width=360, height=740, phone=True, dark=dark).open(
        serving(uninterrupted.folder).url
    )
    opened.wait("document.querySelectorAll('[data-quantity]:not([hidden])').length === 4")
    assert opened.js("document.documentElement.scrollWidth") <= 360
    assert opened.problems == []


def test_many_readers_at_once_share_what_was_read(serving, uninterrupted, monkeypatch):
    monkeypatch.setattr("fena_sim.show.watch.server.FRESH_STATE", math.inf)
    read, reads, answers = RunReader.read, [], []
    monkeypatch.setattr(RunReader, "read", lambda self: reads.append(self) or read(self))
    server = serving(uninterrupted.folder)
    ask(server, "/runs")
    threads = [
        threading.Thread(target=lambda: answers.append(ask(server, "/state?run=.")[0]))
        for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 20 and len(reads) == 1
