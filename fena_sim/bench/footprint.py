"""Peak memory of this process and of a compiled network that it starts, from Linux's /proc.

`ru_maxrss` will not do: a child inherits the peak of the process that started it, and a process
cannot forget its own. VmHWM (peak resident bytes) begins anew with every program and can be reset
by writing 5 to /proc/self/clear_refs (see proc(5)).
"""

import ctypes
import gc
import re
import threading
import time
from pathlib import Path

import psutil

#: Seconds between two looks at the children. The peak never falls, so only the last of these can be
#: missed.
INTERVAL = 0.002


def reset_peak() -> int:
    """Let this process's peak begin at what is resident now, and return that (bytes).

    Memory that was freed, but that the C library keeps for the next request, is given back first.
    """
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's
    if trim is not None:
        trim(0)
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return peak()


def peak() -> int:
    """Peak resident bytes of this process since `reset_peak`, or since it began."""
    return _status("self")[1]


class WatchChildren:
    """While entered, follows the peak resident bytes of child processes that run the program
    `name`.

    `peak` is the largest seen in bytes, 0 if no such child ran. Only a child that already executes
    the program counts: before that it shares the memory of this process.
    """

    def __init__(self, name: str) -> None:
        self.name, self.peak = name, 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._stop.set()
        self._thread.join()

    def _watch(self):
        parent = psutil.Process()
        while not self._stop.is_set():
            for child in parent.children():
                try:
                    name, size = _status(child.pid)
                except (OSError, ValueError):  # it has just ended
                    continue
                if name == self.name:
                    self.peak = max(self.peak, size)
            time.sleep(INTERVAL)


def _status(pid):
    """(program name, peak resident bytes) of a process; ValueError if it is a zombie."""
    text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    found = re.search(r"^VmHWM:\s+(\d+) kB", text, re.MULTILINE)
    if found is None:
        raise ValueError(f"process {pid} has no memory any more")
    return re.search(r"^Name:\s+(.*)$", text, re.MULTILINE)[1], int(found[1]) * 1024
