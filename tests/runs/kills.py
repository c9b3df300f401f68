"""Kills commands with SIGKILL at random file operations and starts each again until it ends. What
is there then must be, byte for byte, what an undisturbed command leaves.

    python tests/runs/kills.py --kills 300 [--seed N] [--only run --only report]

A command is a fork of this process, which has imported everything. A hook in it counts its file
operations (`OPERATIONS`, and every fsync), of which an undisturbed command has N; each attempt dies
at one of them, drawn from 1 to N. So do the workers of a sweep, which are forked too, here without
the server that forks them for users. Killed is the process that makes the operation, or with it all
that it has started, or in its place the next program that it starts (a compiled network, a
compiler), some milliseconds into its life. What is not killed goes on, beside the next attempt.

The model is the smallest one of the tests, on the device dense64. The claim is a stand-in of one
small network, in protocols/claims/ of the folder in which `fena claims --quick` runs. The compiler
is one that remembers, in $FENA_CACHE: the same sources give the same program without being compiled
again. Builds of their own, which begin with an empty cache, are made by `build` alone.
"""

import argparse
import contextlib
import difflib
import fcntl
import gc
import hashlib
import io
import json
import mmap
import os
import re
import resource
import shutil
import signal
import stat
import struct
import sys
import tempfile
import threading
import time
from pathlib import Path

import attrs
import numpy as np
import psutil

HERE = Path(__file__).resolve()
ROOT = HERE.parents[2]
#: Audit events of Python (docs.python.org/3/library/audit_events.html) that are file operations.
OPERATIONS = {
    *("open", "os.chmod", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir"),
    *("os.symlink", "os.truncate", "os.utime", "shutil.copyfile", "shutil.move", "shutil.rmtree"),
}
#: Where the last two of the shared numbers are.
ON_ITS_WAY, DEAD = 24, 32
PROCESS, GROUP, CHILD = VICTIMS = "the process", "it and its children", "its next child"
#: Entries of a manifest that tell of the work and not of its result.
OF_THE_WORK = ("started", "sessions", "wall_time_s", "tokens_per_second", "sha256")
#: Files that tell of the work: logs, locks, temporary files (which the system removes some day), and
#: builds, whose sources have numbers that count the networks of a process. Of these the notes are
#: compared: that they are there, and lead to a whole build.
LEFT_OUT = re.compile(r"(^|/)(log\.txt|[^/]*\.lock)$|^(tmp|cache)/")
#: Lines of pages that tell when they were written.
TIMES = re.compile(rb'<p class="kicker">fena_sim report, .*?</p>|^- Date: .*$', re.M)
#: Seconds after which a command counts as hanging, and that its orphans are given to end.
PATIENCE, GRACE = 300, 20

PROTOCOL = """
import sys
sys.path.insert(0, {tests!r})
import tiny
import fena_sim as fs

def protocol(seed=0):
    return fs.Protocol(name="small", blocks=[tiny.block("training", 6), tiny.block("after", 4, probes=())])

def summary(runs):
    return {{"iterations": [float(run.tokens("training")["iterations"].mean()) for run in runs]}}
"""
MODEL = """
import sys
sys.path.insert(0, {tests!r})
import tiny

def hierarchy(input_size=16, scale=1.0):
    return tiny.model()
"""
CLAIM = """
import sys
sys.path.insert(0, {tests!r})
import tiny
import fena_sim as fs
from fena_sim.claims import Experiment, Measured, Threshold
from fena_sim.measure import summarise
from fena_sim.plot import new_figure

ID, CLAIM, DEFINITION = "C01", "Small networks settle.", "Mean iterations per token."

def experiments(seed, quick):
    protocol = fs.Protocol(name="small", blocks=[tiny.block(n=4 if quick else 9, probes=())])
    return {{"network": Experiment(model="model.py", protocol=protocol, seed=seed)}}

def measure(runs, seeds, quick):
    values = [float(run.tokens("learning")["iterations"].mean()) for run in runs["network"]]
    return [Measured("iterations", summarise(values), Threshold("<=", 100))]

def figure(runs):
    figure = new_figure()
    figure.subplots().plot(runs["network"][0].tokens("learning")["iterations"].to_numpy())
    return figure
"""
COMPILER = """#!{python} -S
import hashlib, os, shutil, subprocess, sys
arguments = sys.argv[1:]
if "-o" not in arguments:
    os.execv({real!r}, [{real!r}, *arguments])
made = arguments[arguments.index("-o") + 1]
sources = [os.path.join(folder, name) for folder, _, names in os.walk(".") for name in names]
key = hashlib.sha256(repr(arguments).encode())
for path in sorted(p for p in sources if p.endswith((".h", ".cpp", ".cu"))):
    key.update(path.encode() + open(path, "rb").read())
known = os.path.join({kept!r}, key.hexdigest())
if not os.path.exists(known):
    code = subprocess.call([{real!r}, *arguments])
    if code:
        sys.exit(code)
    shutil.copy(made, f"{{known}}.{{os.getpid()}}")
    os.rename(f"{{known}}.{{os.getpid()}}", known)
shutil.copy(known, made)
"""


def processor_time(group):
    """Seconds of a processor that the living processes of a group, and what they waited for, have used."""
    total = 0.0
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
            if os.getpgid(process.pid) == group:
                total += sum(process.cpu_times()[:4])
    return total


@attrs.frozen
class Command:
    """A command, whether it begins with an empty cache of builds, and whether it starts programs."""

    name: str
    arguments: list[str]
    own_cache: bool = False
    starts: bool = True


def commands(finished):
    """The commands that are killed, by name; `finished` is a run that some of them show."""
    network = ["small.py", "--model", "model.py", "--device", "dense64", "--quiet"]
    made = [
        Command("run", ["run", *network, "--chunk-tokens", "2"]),
        Command("build", ["run", *network], own_cache=True),
        Command(
            "sweep", ["sweep", *network, "--grid", "level.1.tau=10*ms,14*ms", "--workers", "2"]
        ),
        Command("figures", ["figures", finished, "--only", "training", "--quiet"], starts=False),
        Command("report", ["report", finished], starts=False),
        Command("claims", "claims --quick --quiet --json rows.json --page claims.md".split()),
    ]
    return {command.name: command for command in made}


class Harness:
    """Runs commands in folders below one of its own.

    Parameters
    ----------
    folder : Path
    rng : numpy.random.Generator
    """

    def __init__(self, folder, rng):
        self.folder, self.rng = folder, rng
        # Operations so far, the one to die at, who dies, and whether it is on its way, and dead.
        self.shared = mmap.mmap(-1, 40)
        (folder / "bin").mkdir()
        self.cache = Path(os.environ.get("FENA_CACHE", folder / "cache"))
        kept, real = self.cache / "compiled", shutil.which("g++")
        kept.mkdir(parents=True, exist_ok=True)
        compiler = folder / "bin" / "g++"
        compiler.write_text(COMPILER.format(python=sys.executable, real=real, kept=str(kept)))
        compiler.chmod(0o755)
        self._unlocked()
        os.register_at_fork(after_in_child=self._unlocked)
        self.undisturbed = {}
        self.groups = []  # of processes that were started, some of which may live
        self.commands = commands("")
        *_, first = self.reference(self.commands["run"])
        self.commands = commands(str(next(first.glob("runs/*seed0*"))))

    def fresh(self):
        """A new folder for a command, with the files that it needs: of one name for all commands,
        because some write it down.
        """
        folder = self.folder / "here"
        (folder / "protocols" / "claims").mkdir(parents=True)
        tests = str(ROOT / "tests")
        for name, text in (
            ("small.py", PROTOCOL),
            ("model.py", MODEL),
            ("protocols/claims/c01_small.py", CLAIM),
        ):
            (folder / name).write_text(text.format(tests=tests))
        return folder

    def attempt(self, command, folder, at=0, victim=PROCESS):
        """(exit code, output, operations) of a command that dies at an operation; 0 for never."""
        struct.pack_into("5q", self.shared, 0, 0, at, VICTIMS.index(victim), 0, 0)
        with tempfile.TemporaryFile() as output:
            process = os.fork()
            if process == 0:
                try:
                    self._become(command, folder, output)
                finally:
                    os._exit(99)
            looked, used = time.monotonic(), 0.0
            while (ended := os.waitpid(process, os.WNOHANG)) == (0, 0):
                if time.monotonic() > looked + PATIENCE:
                    # On a busy machine it may only have waited for its turn.
                    looked, before, used = time.monotonic(), used, processor_time(process)
                    if used < before + 0.1 or used > PATIENCE:
                        os.killpg(process, signal.SIGKILL)
                        raise AssertionError(
                            f"{command.name} hangs in {folder}, {used:.1f} s of a processor, "
                            f"killed at operation {at}: {victim}"
                        )
                time.sleep(0.005)
            output.seek(0)
            said = output.read().decode(errors="replace")
        self.groups.append(process)
        return os.waitstatus_to_exitcode(ended[1]), said, struct.unpack_from("q", self.shared)[0]

    def _become(self, command, folder, output):
        os.setpgid(0, 0)
        for stream in (1, 2):
            os.dup2(output.fileno(), stream)
        os.chdir(folder)
        scratch = folder / "tmp"
        scratch.mkdir(exist_ok=True)
        os.environ.update(
            FENA_CACHE=str(folder / "cache" if command.own_cache else self.cache),
            TMPDIR=str(scratch),
            PATH=f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        )
        tempfile.tempdir = None
        sys.argv = ["fena", *command.arguments]
        from fena_sim.commands.main import main

        self._watch()
        code = 99
        try:
            main(command.arguments)
        except SystemExit as stopped:
            code = stopped.code or 0
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _watch(self):
        """Count the file operations of this process and of those that it forks, and die at one."""
        inside, fsync = str(self.folder), os.fsync
        counting = open(self.folder / "counting", "w")  # a lock that a killed process gives back

        def operation():
            with self.threads:
                fcntl.lockf(counting, fcntl.LOCK_EX)
                count, at, victim, done = struct.unpack_from("4q", self.shared)
                struct.pack_into("q", self.shared, 0, count + 1)
                dies = at and count + 1 >= at and not done
                if dies:
                    struct.pack_into("q", self.shared, ON_ITS_WAY, 1)
                fcntl.lockf(counting, fcntl.LOCK_UN)
            if dies:
                self._kill(VICTIMS[victim])

        def hook(event, arguments):
            if event in OPERATIONS:
                path = arguments[0]
                if event == "open":
                    path = os.fsdecode(path) if isinstance(path, (str, bytes, os.PathLike)) else ""
                    if not path or (os.path.isabs(path) and not path.startswith(inside)):
                        return
                operation()

        def counted(file):
            operation()
            fsync(file)

        os.fsync = counted
        sys.addaudithook(hook)

    def _unlocked(self):
        self.threads = threading.Lock()  # of this process; a fork may begin while another has it

    def _kill(self, victim):
        if victim == CHILD:
            threading.Thread(target=self._kill_a_child, daemon=True).start()
            return
        struct.pack_into("q", self.shared, DEAD, 1)
        if victim == GROUP:
            os.killpg(0, signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)

    def _kill_a_child(self):
        """SIGKILL for the next program that this process starts, or has just started."""
        wait, end = int.from_bytes(os.urandom(1), "big") / 256 * 0.02, time.monotonic() + 5
        while time.monotonic() < end:
            for child in psutil.Process().children(recursive=True):
                time.sleep(wait)
                try:
                    child.kill()
                except psutil.NoSuchProcess:
                    continue
                struct.pack_into("q", self.shared, DEAD, 1)
                return
            time.sleep(0.001)

    def settle(self):
        """Wait for what killed commands have started, and end it."""
        end = time.monotonic() + GRACE
        while self.groups:
            try:
                os.killpg(self.groups[-1], 0 if time.monotonic() < end else signal.SIGKILL)
                time.sleep(0.01)
            except ProcessLookupError:
                self.groups.pop()

    def builds(self):
        return set(self.cache.glob("builds/declarations/*"))

    def reference(self, command):
        """(files, operations, folder) of the undisturbed command."""
        if command.name not in self.undisturbed:
            while True:
                folder, before, builds = self.fresh(), used(), self.builds()
                code, output, operations = self.attempt(command, folder)
                assert code == 0, f"undisturbed {command.name} ended with {code}:\n{output}"
                if self.builds() == builds:
                    break
                shutil.rmtree(folder)  # it made builds, which later ones find
            print(f"{command.name}: {operations:,} operations, {used() - before:.1f} s", flush=True)
            kept = folder.rename(self.folder / f"undisturbed {command.name}")
            self.undisturbed[command.name] = files(kept), operations, kept
        return self.undisturbed[command.name]

    def chain(self, name, most=np.inf):
        """Kill a command, start it again, perhaps kill it again, until it ends; compare. Returns
        how often each victim was killed.
        """
        command = self.commands[name]
        expected, operations, undisturbed = self.reference(command)
        folder, kills, history = self.fresh(), dict.fromkeys(VICTIMS, 0), []
        while True:
            total = sum(kills.values())
            dies = total == 0 or (total < most and self.rng.random() < 0.5)
            at = int(self.rng.integers(1, operations + 1)) if dies else 0
            victim = str(self.rng.choice(VICTIMS)) if command.starts else PROCESS
            code, output, _ = self.attempt(command, folder, at, victim)
            (killed,) = struct.unpack_from("q", self.shared, DEAD)
            kills[victim] += killed
            history.append(f"{victim} at {at}" if at else "undisturbed")
            what = f"{name} in {folder} after {', '.join(history)} of {operations}"
            assert "Traceback" not in output, f"{what}:\n{output}"
            if code == 0:
                break
            assert killed, f"{what}: ended with {code}:\n{output}"
        self.settle()
        found = files(folder)
        differing = sorted(
            name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)
        )
        if differing:
            lines = difference(undisturbed / differing[0], folder / differing[0])
            raise AssertionError(f"{what}: {len(differing)} files, {differing[:9]}\n{lines}")
        shutil.rmtree(folder)
        return kills


def used():
    """Seconds of a processor that the commands have taken so far."""
    return sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])


def files(folder):
    """{path: checksum} of all that a command left, but for what tells of the work."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if not stat.S_ISREG(path.lstat().st_mode) or LEFT_OUT.search(name):
            continue
        data = path.read_bytes()
        if path.name == "manifest.json":
            manifest = json.loads(data)
            for entry in OF_THE_WORK:
                manifest.pop(entry, None)
            manifest.get("checksums", {}).pop("log.txt", None)
            data = json.dumps(manifest, sort_keys=True).encode()
        found[name] = hashlib.sha256(TIMES.sub(b"", data)).hexdigest()
    for note in folder.glob("cache/builds/declarations/[!.]*"):
        build = folder / "cache" / "builds" / note.read_text()
        whole = os.access(build / "main", os.X_OK) and json.loads(
            (build / "program.json").read_text()
        )
        found[str(note.relative_to(folder))] = "whole" if whole else "damaged"
    return found


def difference(undisturbed, killed, most=40):
    """The lines in which two text files differ."""
    texts = [
        path.read_text(errors="replace").splitlines() if path.exists() else []
        for path in (undisturbed, killed)
    ]
    return "\n".join(list(difflib.unified_diff(*texts, "undisturbed", "killed", n=0))[:most])


def warm_up():
    """Import everything, and fill what is remembered in memory, so that the forks need not."""
    from multiprocessing import get_context

    import matplotlib.backends.backend_pdf  # noqa: F401
    import matplotlib.backends.backend_svg  # noqa: F401

    import fena_sim
    import fena_sim.show.report.page
    import fena_sim.show.structure
    import fena_sim.study.claims.page
    import fena_sim.study.sweep.figure
    import fena_sim.study.sweep.local as local

    for name in fena_sim.__all__:
        getattr(fena_sim, name)
    fork = get_context("fork")
    fork.set_forkserver_preload = lambda modules: None
    local.get_context = lambda kind: fork  # as the server does it, from a process that is warm
    sys.path.insert(0, str(ROOT / "tests"))
    import tiny

    figure = fena_sim.show.structure.structure(tiny.model())
    for suffix in ("pdf", "svg", "png"):
        figure.savefig(io.BytesIO(), format=suffix)
    gc.collect()
    gc.freeze()  # or the first collection in a fork would copy all of its memory


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", type=int, default=None, help="drawn if left out")
    parser.add_argument("--only", action="append", choices=list(commands("")), default=None)
    options = parser.parse_args(arguments)
    seed = int.from_bytes(os.urandom(4), "big") if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)
    warm_up()
    with tempfile.TemporaryDirectory(prefix="fena_kills_") as folder:
        harness = Harness(Path(folder), np.random.default_rng(seed))
        names = harness.rng.permutation(options.only or list(harness.commands)).tolist()
        kills = {name: dict.fromkeys(VICTIMS, 0) for name in names}
        ends = dict.fromkeys(names, 0)
        total = 0
        while total < options.kills:
            name = min(names, key=lambda name: sum(kills[name].values()))
            for victim, n in harness.chain(name, options.kills - total).items():
                kills[name][victim] += n
                total += n
            ends[name] += 1
        for name in filter(ends.get, names):
            parts = ", ".join(f"{n} of {victim}" for victim, n in kills[name].items())
            of, operations, _ = harness.undisturbed[name]
            print(
                f"{name}: {sum(kills[name].values())} kills ({parts}) at any of {operations:,} "
                f"operations, {ends[name]} times the same {len(of)} files",
                flush=True,
            )
    print(f"{total} kills, all went on to the same bytes; {used():.0f} s of a processor")


if __name__ == "__main__":
    main()
