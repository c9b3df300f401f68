"""Processes of `python` and `fena` without the seconds of importing: a server that has imported
fena_sim forks one per request.

`python forks.py SOCKET` serves. `python -S -E forks.py SOCKET ARGUMENTS` asks, and is otherwise like
`python ARGUMENTS` for a script, `-c` or `-m fena_sim`: same folder, environment, streams and exit
code. Whoever kills it kills the fork; other signals do not reach it.
"""

import os
import select
import signal
import socket
import sys


def ask(path, arguments):
    """Run in a fork of the server; returns the exit code."""
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(path)
        environment = [f"{name}={value}" for name, value in os.environ.items()]
        text = "\0".join([os.getcwd(), str(len(arguments)), *arguments, *environment]).encode()
        socket.send_fds(server, [len(text).to_bytes(4, "big")], [0, 1, 2])
        server.sendall(text)
        return int(server.recv(16) or b"1")


def serve(path):
    import matplotlib.backends.backend_agg  # noqa: F401  (for the forks)
    import matplotlib.backends.backend_pdf  # noqa: F401  (for the forks)
    import matplotlib.backends.backend_svg  # noqa: F401  (for the forks)

    import fena_sim

    for name in fena_sim.__all__:  # what they need is imported when they are first asked for
        getattr(fena_sim, name)

    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        while True:
            client, _ = server.accept()
            if os.fork() == 0:
                process = os.fork()  # the one asked for; its parent waits for it and answers
                if process == 0:
                    _become(client)
                _answer(client, process)
                os._exit(0)
            client.close()
            try:
                while os.waitpid(-1, os.WNOHANG) != (0, 0):  # those that have answered
                    pass
            except ChildProcessError:
                pass


def _answer(client, process):
    """Tell the exit code of a process; end it if nobody is there any more to be told."""
    ended, waiting = os.pidfd_open(process), select.poll()
    waiting.register(ended, select.POLLIN)
    waiting.register(client, select.POLLRDHUP)  # not POLLIN: what was asked for may be unread
    if ended not in dict(waiting.poll()):
        os.kill(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    try:
        client.sendall(str(os.waitstatus_to_exitcode(status) % 256).encode())
    except BrokenPipeError:
        pass


def _become(client):
    head, streams, _, _ = socket.recv_fds(client, 4, 3)
    text = b""
    while len(text) < int.from_bytes(head, "big"):
        text += client.recv(1 << 16)
    client.close()
    cwd, n, *rest = text.decode().split("\0")
    arguments, environment = rest[: int(n)], rest[int(n) :]
    for stream, number in zip(streams, (0, 1, 2), strict=True):
        os.dup2(stream, number)
    # Python's own would remember whether they were files, which can be wound back.
    for name, number in (("stdout", 1), ("stderr", 2)):
        by_line = 1 if number == 2 or os.isatty(number) else -1
        as_before = {key: getattr(getattr(sys, name), key) for key in ("encoding", "errors")}
        setattr(sys, name, open(number, "w", buffering=by_line, closefd=False, **as_before))
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(dict(item.split("=", 1) for item in environment))
    code = 1
    try:
        _run(arguments)
        code = 0
    except SystemExit as stopped:
        code = stopped.code if isinstance(stopped.code, int) else 0 if stopped.code is None else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _run(arguments):
    import runpy
    import warnings

    if os.environ.get("PYTHONWARNINGS") == "ignore":  # otherwise read when Python starts
        warnings.simplefilter("ignore")
    if arguments[0] == "-c":
        sys.argv = ["-c", *arguments[2:]]
        sys.path.insert(0, "")
        exec(arguments[1], {"__name__": "__main__"})
    elif arguments[:2] == ["-m", "fena_sim"]:
        from fena_sim.commands.main import main

        sys.argv = ["fena", *arguments[2:]]
        main()
    else:
        sys.argv = arguments
        sys.path.insert(0, os.path.dirname(os.path.abspath(arguments[0])))
        runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "__main__":
    if len(sys.argv) == 2:
        serve(sys.argv[1])
    else:
        sys.exit(ask(sys.argv[1], sys.argv[2:]))
