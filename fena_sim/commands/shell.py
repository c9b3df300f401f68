"""How `fena` behaves in a shell: commands that are imported when they are asked for, exit codes,
mistakes without a traceback, --verbose for every command.
"""

import errno
import logging
import os
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module

import click

from ..errors import FenaError, FenaWarning, NonFiniteError, ResourceError, clipped
from ..load import shipped
from .plain import readable, write_plainly

#: What scripts may rely on; every other failure is one of these.
EXIT_CODES = {
    0: "done",
    1: "a defect of fena (with a traceback), or the reader of a pipe went away",
    2: "a mistake in a command, a file or a value, or a damaged run; nothing was run",
    3: "a state or weight became NaN or infinite",
    4: "not enough memory or disk space",
    5: "a point of a sweep failed, or a variable of a certificate is too far from stock C++",
    130: "interrupted; the same command goes on from the last checkpoint",
    143: "terminated (SIGTERM); the same command goes on from the last checkpoint",
}
DEFECT, INPUT, NOT_FINITE, RESOURCES, PARTLY, INTERRUPTED, TERMINATED = 1, 2, 3, 4, 5, 130, 143
#: What the operating system says when something does not fit.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.ENOMEM)
#: In the environment of a shell that completes: where click looks for it.
COMPLETE = "_FENA_COMPLETE"
#: Options of every command.
HELP = ["-h", "--help"]
VERBOSE = "fena_sim.verbose"
#: Networks that one command may run: each has a folder.
SEEDS = click.IntRange(1, 100_000)


class Terminated(KeyboardInterrupt):
    """The process was asked to end (SIGTERM), as batch systems do; it ends as by Ctrl-C."""


def exit_code(error: BaseException) -> int:
    """The exit code of an exception: of a FenaError, an OSError or a KeyboardInterrupt."""
    if isinstance(error, KeyboardInterrupt):
        return TERMINATED if isinstance(error, Terminated) else INTERRUPTED
    if isinstance(error, NonFiniteError):
        return NOT_FINITE
    cause = error.__cause__ if isinstance(error, ResourceError) else error
    if isinstance(
        cause, OSError
    ):  # a ResourceError may also say that a folder cannot be made where a file is
        return RESOURCES if cause.errno in FULL else INPUT
    return RESOURCES if isinstance(error, ResourceError) else INPUT


@contextmanager
def stopping_at_once() -> Iterator[None]:
    """Inside, Ctrl-C and SIGTERM end the process here and now, as safe as any kill, instead of when
    the runs in its threads are done.
    """
    import psutil
    from rich.console import Console

    def stop(number, frame):
        error = Terminated() if number == signal.SIGTERM else KeyboardInterrupt()
        try:
            Console(stderr=True).show_cursor()
            click.echo(_message(error), err=True)
        finally:  # also where nobody reads any more
            for child in psutil.Process().children(recursive=True):  # compiled networks
                child.kill()
            os._exit(exit_code(error))

    with _handling(stop, signal.SIGINT, signal.SIGTERM):
        yield


@contextmanager
def _handling(handler, *numbers):
    """Inside, `handler` takes these signals; only the main thread can ask for that."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, earlier in before.items():
            # None: a handler that was not set by Python
            signal.signal(number, signal.SIG_DFL if earlier is None else earlier)


def _terminate(number, frame):
    raise Terminated


class ModelOrProtocol(click.Path):
    """A file, or the name of a shipped one; see :func:`fena_sim.load.shipped.find`.

    Parameters
    ----------
    kind : str
        "models" or "protocols".
    """

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str:
        return str(shipped.find(os.fspath(value), self.kind))


class CommandFiles(Mapping):
    """The commands in this package by name: NAME is `command` in NAME.py, which is imported when the
    command is asked for. Each takes --verbose.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names

    def __getitem__(self, name: str) -> click.Command:
        if name not in self._names:
            raise KeyError(name)
        command = import_module(f".{name}", __package__).command
        _equip(command)
        return command

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class Commands(click.Group):
    """A group whose commands end in one message and an exit code where the user can help it."""

    def invoke(self, context: click.Context) -> object:
        try:
            with _handling(_terminate, signal.SIGTERM):
                return super().invoke(context)
        except (FenaError, OSError, KeyboardInterrupt) as error:
            if isinstance(error, OSError) and error.errno == errno.EPIPE:
                raise  # click closes the streams quietly
            if context.meta.get(VERBOSE):
                traceback.print_exc()
            click.echo(_message(error), err=True)
            context.exit(exit_code(error))
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise  # click's own
        except Exception as error:
            if _is_name_of_no_file(error):
                click.echo(_message(error), err=True)
                context.exit(INPUT)
            # A defect. Python would leave the traceback to sys.excepthook, which Brian2 replaces by
            # one that speaks of a log file.
            traceback.print_exc()
            context.exit(DEFECT)


def _is_name_of_no_file(error):
    """Whether it is a name that the system's encoding of file names does not have."""
    encoding = sys.getfilesystemencoding()
    return isinstance(error, UnicodeEncodeError) and error.encoding == encoding != "utf-8"


def _message(error):
    if isinstance(error, UnicodeEncodeError):
        return (
            f"error: this locale cannot name a file {error.object!r}\n"
            f"  where: file names are {error.encoding}\n"
            "  fix:   set PYTHONUTF8=1, or a locale with UTF-8, e.g. LC_ALL=C.UTF-8"
        )
    if isinstance(error, KeyboardInterrupt):
        how = "terminated" if isinstance(error, Terminated) else "interrupted"
        return f"{how}: the same command goes on from the last checkpoint"
    if isinstance(error, FenaError) or not getattr(error, "filename", None):
        return f"error: {error}"
    return f"error: {error.strerror}\n  where: {error.filename}\n  fix:   give another path, or make this one accessible"


def _show_warning(message, category, *place, **options):
    """Ours without the line of code that it came from, once for every command."""
    if issubclass(category, FenaWarning):
        click.echo(f"warning: {message}", err=True)
    else:
        _python_shows(message, category, *place, **options)


_python_shows = warnings.showwarning


def _equip(command):
    """Give a command -h and --verbose, also where it is invoked without its parent."""
    command.context_settings.setdefault("help_option_names", HELP)
    if isinstance(command, click.Group):
        for below in command.commands.values():
            _equip(below)
    elif not any(p.name == "verbose" for p in command.params):
        command.params.append(
            click.Option(
                ["--verbose", "verbose"],
                is_flag=True,
                is_eager=True,
                expose_value=False,
                callback=_be_verbose,
                help="Brian2's log, and the traceback of an error.",
            )
        )


def _be_verbose(context, parameter, value):
    if value:
        from brian2 import BrianLogger

        context.meta[VERBOSE] = True
        BrianLogger.log_level_debug()


def describe_exit_codes() -> str:
    """The exit codes, for the end of `fena --help`."""
    return "\b\nExit codes:\n" + "\n".join(
        f"  {code:<4} {meaning}" for code, meaning in EXIT_CODES.items()
    )


def run_main(command: click.Command, arguments: Sequence[str] | None) -> None:
    """Run the root command as `fena`; ends the process with an exit code."""
    # As Brian2 does when it is imported, which would then put its own in the place of ours.
    logging.captureWarnings(True)
    warnings.showwarning = _show_warning
    write_plainly()
    arguments = sys.argv[1:] if arguments is None else arguments
    if sys.getfilesystemencoding() == "utf-8":  # elsewhere such characters are names of files
        for argument in arguments:
            if any("\udc80" <= character <= "\udcff" for character in argument):
                error = FenaError(
                    f"{clipped(argument)} holds bytes that are no text",
                    where="the command",
                    fix="write it in UTF-8",
                )
                click.echo(_message(error), err=True)
                sys.exit(INPUT)
    # For manifests and pages; Brian2, too, writes them down, and stops where it cannot.
    sys.argv = [readable(argument) for argument in sys.argv]
    command.main(args=arguments, prog_name="fena", complete_var=COMPLETE, standalone_mode=True)
