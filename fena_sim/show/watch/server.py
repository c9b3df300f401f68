"""A server that only this machine can reach, and on it only who knows its token: the page of
`fena watch`, and the state of runs as JSON.
"""

import hmac
import json
import secrets
import threading
import time
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from ...errors import FenaError, ResourceError
from ...runs.live.reader import RunReader, started_text
from ...runs.store.find import find_runs
from ...runs.store.run import Run
from ..report.render import render

ADDRESS = "127.0.0.1"
#: Seconds for which what was found or read serves every page that asks.
FRESH_LIST, FRESH_STATE = 3.0, 0.4
FACTS = [
    ("in-block", "Block"),
    ("token", "Token"),
    ("done", "Tokens of the run"),
    ("rate", "Pace"),
    ("left", "Time left"),
    ("device", "Device"),
    ("started", "Started (UTC)"),
    ("sessions", "Sessions"),
]
CHARTS = [
    ("iterations", "Settling iterations per token"),
    ("error", "Squared error per unit"),
    ("precision", "Precision"),
    ("free energy", "Free energy (nat)"),
]


class Watched:
    """The runs at or below a path, read for all pages by turns.

    Parameters
    ----------
    path : path
        A run folder, or a folder in which runs are or will be; it need not be there yet.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.runs: dict[str, Run] = {}
        self.skipped: Sequence[str] = []
        self.listed: float | None = None
        self.readers: dict[str, RunReader] = {}
        self.states: dict[str, tuple[float, dict]] = {}
        self.lock = threading.Lock()
        self.list()  # raises what is wrong with the path

    def list(self) -> Sequence[dict[str, str]]:
        """[{"key", "label"}] of all runs, the one that began last first."""
        with self.lock:
            if self.listed is None or time.monotonic() - self.listed > FRESH_LIST:
                runs, self.skipped = (
                    find_runs(self.path) if self.path.exists() else ([], [])
                )  # the first run makes the folder
                found = {str(run.folder.relative_to(self.path)): run for run in runs}
                self.runs = dict(
                    sorted(
                        found.items(), key=lambda item: item[1].manifest["started"], reverse=True
                    )
                )
                self.listed = time.monotonic()
            return [
                {"key": key, "label": f"{run.id}, {started_text(run.manifest['started'])}"}
                for key, run in self.runs.items()
            ]

    def state(self, key: str) -> dict:
        """The state of a run that `list` named, see `RunReader.read`; KeyError for any other."""
        with self.lock:
            folder = self.runs[key].folder
            known = self.states.get(key)
            if known is not None and time.monotonic() - known[0] <= FRESH_STATE:
                return known[1]
            state = self.readers.setdefault(key, RunReader(folder)).read()
            self.states[key] = time.monotonic(), state
            return state


def make_server(path: str | Path, port: int = 0) -> "_Server":
    """A server of the runs at `path`, not yet serving.

    Parameters
    ----------
    path : path
    port : int
        0 takes any that is free.

    Returns
    -------
    http.server.ThreadingHTTPServer
        Bound to 127.0.0.1. `server.url` is the page's address, which ends in ``?token=TOKEN``: to
        whoever does not know `server.token` the server refuses everything.

    Raises
    ------
    RunFolderError
        If the path is a file, or a run folder that cannot be used.
    ResourceError
        If the port cannot be had.
    """
    watched = Watched(path)
    try:
        server = _Server((ADDRESS, port), _Handler)
    except (OSError, OverflowError) as error:
        raise ResourceError(
            f"port {port} cannot be had: {error}",
            where=ADDRESS,
            fix="leave --port out to take any that is free",
        ) from error
    server.watched = watched
    server.token = secrets.token_urlsafe(32)
    server.url = f"http://{ADDRESS}:{server.server_address[1]}/?token={server.token}"
    server.page, server.policy = render(
        "watch.html",
        "watch.js",
        connect="'self'",
        title="fena watch",
        place=str(Path(path).resolve()),
        facts=FACTS,
        charts=CHARTS,
    )
    return server


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    watched: Watched
    token: str
    url: str
    page: str
    policy: str

    def handle_error(self, request, client_address):
        """A reader that goes away in the middle of an answer is no news."""


class _Handler(BaseHTTPRequestHandler):
    server_version, sys_version = "fena", ""
    timeout = 10

    def do_GET(self):
        if (
            self.headers.get("Host") not in self._names()
        ):  # a name that another site lets point here (DNS rebinding)
            self._answer(403, {"error": "this server answers to its own address alone"})
            return
        address = urlsplit(self.path)
        if not self._allowed(address.query):
            self._answer(403, {"error": "open the address that fena watch printed, with its token"})
        elif address.path == "/":
            self._send(200, self.server.page.encode(), "text/html; charset=utf-8")
        elif address.path == "/runs":
            self._json(lambda: {"runs": self.server.watched.list()})
        elif address.path == "/state":
            self._json(
                lambda: self.server.watched.state(parse_qs(address.query).get("run", [""])[0])
            )
        else:
            self._answer(404, {"error": "there is no such page"})

    do_HEAD = do_GET

    def _allowed(self, query):
        """Whether the token is in the address, as people open it, or in the header that the page's
        script sends. A cookie would also go to servers of other users, on other ports.
        """
        given = parse_qs(query).get("token") or [
            self.headers.get("Authorization", "").removeprefix("Bearer ")
        ]
        return hmac.compare_digest(given[0].encode(), self.server.token.encode())

    def _names(self):
        port = self.server.server_address[1]
        return {f"{name}:{port}" for name in (ADDRESS, "localhost")}

    def _json(self, make):
        try:
            self._answer(200, make())
        except KeyError:
            self._answer(404, {"error": "there is no such run here (any more)"})
        except FenaError as error:
            self._answer(404, {"error": str(error.what)})

    def _answer(self, code, data):
        self._send(code, json.dumps(data, allow_nan=False).encode(), "application/json")

    def _send(self, code, body, kind):
        self.send_response(code)
        for name, value in (
            ("Content-Type", kind),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            ("Content-Security-Policy", self.server.policy),
            ("X-Content-Type-Options", "nosniff"),
            ("X-Frame-Options", "DENY"),
            ("Referrer-Policy", "no-referrer"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
        ):
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *arguments):
        """Nothing: the terminal is the user's."""
