"""The command `fena watch`."""

import html
import signal
import tempfile
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import click


@click.command("watch")
@click.argument("path", metavar="[RUN|FOLDER]", default="runs", type=click.Path())
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    show_default=True,
    help="Port on 127.0.0.1; 0 takes any that is free.",
)
@click.option("--open", "opened", is_flag=True, help="Open the page in a browser.")
def command(path: str, port: int, opened: bool) -> None:
    """Serve a page, for this machine alone, that follows a run while it goes on (or shows a
    finished one).

    Settling iterations, error and precision of every level, block, token, pace and time left, read
    from the run's folder; the run itself is not disturbed, and may stop and go on. Of a folder of
    runs, the one that began last is shown first. Ctrl-C ends.

    The address that is printed holds a token. Without it nobody can read the page, not even other
    users of this machine.

    \b
    Examples:
      fena watch
      fena watch runs/first_contact-fena-seed0-... --open
    """
    from ..show.watch.server import make_server

    server = make_server(path, port)
    waiting = "" if Path(path).exists() else ", which is not there yet,"
    click.echo(f"watching {path}{waiting} at {server.url} (ctrl-C ends it)")
    for line in server.watched.skipped:
        click.echo(f"left out: {line}", err=True)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # Brian2's own is for its simulations
    try:
        with _in_browser(server.url) if opened else nullcontext():
            server.serve_forever(poll_interval=0.2)
    except KeyboardInterrupt:
        click.echo("ended", err=True)
    finally:
        server.server_close()


@contextmanager
def _in_browser(url: str) -> Iterator[None]:
    """Open an address in a browser by way of a file that only this user can read: the arguments of
    a process, with the token in them, are there for every user of the machine to see.
    """
    link = html.escape(url)
    with tempfile.NamedTemporaryFile(
        "w", prefix="fena_watch_", suffix=".html", encoding="ascii"
    ) as file:
        file.write(
            '<!DOCTYPE html><meta charset="utf-8"><title>fena watch</title>'
            '<meta name="referrer" content="no-referrer">'
            f'<meta http-equiv="refresh" content="0; url={link}"><a href="{link}">fena watch</a>\n'
        )
        file.flush()
        webbrowser.open(Path(file.name).as_uri())
        yield
