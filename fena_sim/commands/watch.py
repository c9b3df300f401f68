"""The command `fena watch`."""

import signal
import webbrowser
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
    if opened:
        webbrowser.open(server.url)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # Brian2's own is for its simulations
    try:
        server.serve_forever(poll_interval=0.2)
    except KeyboardInterrupt:
        click.echo("ended", err=True)
    finally:
        server.server_close()
