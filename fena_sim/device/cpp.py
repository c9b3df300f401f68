"""C++ standalone: Brian2's generated sources, compiled once and run as a function on files."""

import errno
import json
import re
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import attrs
import brian2
import numpy as np
from brian2 import Quantity, second
from brian2.devices.device import get_device

from brian2_dense.lowering_device import Explanation

from ..declare.model.hierarchy import Hierarchy
from ..declare.protocol.probe import Probe
from ..declare.stimulus.vocabulary import Vocabulary
from ..errors import DeviceError, ResourceError
from ..network.build import build_network
from ..network.monitors import SAMPLES, Monitored
from ..network.pacemaker import NAME as PACEMAKER
from ..network.population import state_variables
from ..network.projection import synapse_count
from ..network.shape import BlockShape
from . import build_cache as cache
from . import scratch
from .compiler import compiler, reason_against, run_compiler
from .compiler import flags as compiler_flags
from .program import Program
from .recordings import Recordings
from .unity import one_translation_unit

MANIFEST = cache.MANIFEST
_SAYS_ERROR = re.compile(r"\b[Ee]rror\b")  # not the name of a population
_GENERATING = threading.Lock()  # Brian2's active device belongs to the whole process


class CppProgram(Program):
    """A compiled network in a folder of its own; the folder is only read, so that runs can share
    it.
    """

    in_order = True  # events of a step are noted in the order of units

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        manifest = json.loads((self.folder / MANIFEST).read_text())
        self.dt = manifest["dt"]
        self._files = manifest["state"]
        self._monitors = [(Monitored(**entry["what"]), entry) for entry in manifest["monitors"]]
        self.variables = {
            name: (size, np.dtype(dtype)) for name, (size, dtype, _) in self._files.items()
        }
        self.messages = [
            f"synapses {e['synapses']!r} run as Brian2 wrote them: {e['why']}"
            for e in manifest["explanations"]
            if e["done"] == "stock"
        ]

    def run(
        self,
        state: Mapping[str, np.ndarray],
        tables: Mapping[str, np.ndarray],
        start: int,
        steps: int,
    ) -> tuple[dict[str, np.ndarray], Recordings]:
        state = {
            **state,
            f"{PACEMAKER}.chunk_start": np.array([start * self.dt]),
            f"{PACEMAKER}.chunk_duration": np.array([steps * self.dt]),
        }
        inputs = {
            **{name: (values, self.variables[name][1]) for name, values in state.items()},
            **{
                f"table_{name}.values": (values, np.dtype(float)) for name, values in tables.items()
            },
        }
        # A chunk is some hundred small files, and a disk takes longer to make and remove them than
        # the network to run.
        with scratch.temporary_folder("chunk", in_memory=True) as folder:
            arguments = []
            with scratch.trouble(folder):
                for name, (values, dtype) in inputs.items():
                    path = folder / name
                    # Not tofile(), which does not say that a disk is full.
                    path.write_bytes(np.ascontiguousarray(values, dtype=dtype).data)
                    arguments.append(f"{name}={path}")
                results = folder / "results"
                results.mkdir()
            self._advance(
                [str(self.folder / cache.MAIN), "--results_dir", f"{results}/", *arguments]
            )
            with scratch.trouble(folder):
                new = {
                    name: _read(results / file, dtype, size)
                    for name, (size, dtype, file) in self._files.items()
                }
                raw = {what: _read_monitor(results, what, files) for what, files in self._monitors}
            return new, Recordings.read(raw, self.in_order)

    def _advance(self, command):
        """Run the compiled network."""
        try:
            finished = subprocess.run(
                command,
                cwd=self.folder,
                env=self.environment(),
                capture_output=True,
                text=True,
                check=False,
            )
        except OSError as error:
            if error.errno == errno.ENOMEM:
                raise self._out_of_memory() from error
            raise DeviceError(
                f"the compiled network cannot be started: {error.strerror}",
                where=f"build cache, {self.folder}",
                fix="start the same command again, which makes a damaged build anew; if the disk "
                "allows no programs, set FENA_CACHE to a folder on another",
            ) from error
        problems = [
            line
            for line in (finished.stdout + finished.stderr).splitlines()
            if _SAYS_ERROR.search(line)
        ]
        if finished.returncode == -signal.SIGKILL or "std::bad_alloc" in finished.stderr:
            raise self._out_of_memory()
        if finished.returncode != 0 or problems:
            raise DeviceError(
                f"the compiled network stopped with code {finished.returncode}: "
                f"{' '.join(problems) or finished.stderr.strip()}",
                where=str(self.folder),
                fix="remove the build cache; if it happens again, please report it",
            )

    def _out_of_memory(self):
        return ResourceError(
            "the compiled network was ended, as the system does where memory runs out",
            where=str(self.folder),
            fix="end other programs, or make the network smaller, and start the same command "
            "again: it goes on from the last checkpoint",
        )

    def environment(self) -> dict[str, str] | None:
        """Environment variables of the compiled network; None for those of this process."""
        return None


def _read(path, dtype, size):
    """An array that the binary wrote. It does not notice a full disk, so its length is checked
    here.
    """
    values = np.fromfile(path, dtype=dtype) if path.exists() else np.zeros(0, dtype)
    if len(values) != size:
        raise ResourceError(
            f"the compiled network wrote {len(values)} of {size} values of {path.name}",
            where=f"temporary folder {path.parents[1]}",
            fix="make room there, or set TMPDIR to another folder, and start the same command again",
        )
    return values


def _read_monitor(results, what, files):
    """(t, i, values) of a monitor, as `Recordings.read` takes them."""

    def read(file, units=1):
        return _read(results / file[0], file[1], n * units)

    n = int(_read(results / files["n"][0], files["n"][1], 1)[0])
    if what.moment == SAMPLES:
        values = {
            name: read(file, what.units).reshape(n, what.units)
            for name, file in files["values"].items()
        }
        return read(files["t"]), None, values
    return (
        read(files["t"]),
        read(files["i"]),
        {name: read(file) for name, file in files["values"].items()},
    )


@attrs.frozen
class CppDevice:
    """A C++ standalone device of Brian2 (`standalone`: its name there) with states of the given
    precision.
    """

    name: str = "cpp"
    standalone: str = "cpp_standalone"
    dtype: type = np.float64
    STAND_IN = "build"  # what builds networks is a device

    def available(self) -> str | None:
        """None if a C++ compiler works, else the reason why not."""
        return reason_against()

    def check_places(self) -> None:
        """Raise ResourceError unless the build cache and the temporary folder can be used."""
        cache.check()
        scratch.check_place()

    def build(
        self,
        hierarchy: Hierarchy,
        vocabulary: Vocabulary,
        shape: BlockShape,
        probes: Sequence[Probe] = (),
    ) -> CppProgram:
        """The program of a network, from the cache if its sources were compiled before."""
        with _GENERATING:
            flags = self.flags()
            key = cache.declaration_key(hierarchy, vocabulary, shape, probes, [self.name, *flags])
            known = cache.lookup(key)
            if known is None:
                with scratch.temporary_folder("build") as sources:
                    with scratch.trouble(sources):
                        self.generate(sources, hierarchy, vocabulary, shape, probes)
                    known = cache.store(key, sources, flags, self.compile)
        return self.program(known)

    def explain(
        self,
        hierarchy: Hierarchy,
        vocabulary: Vocabulary,
        shape: BlockShape,
        probes: Sequence[Probe] = (),
    ) -> list[Explanation]:
        """A list of Explanation: what becomes of the synapses. Sources are written anew, not
        compiled.
        """
        with _GENERATING, scratch.temporary_folder("build") as sources:
            with scratch.trouble(sources):
                self.generate(sources, hierarchy, vocabulary, shape, probes)
            return [
                Explanation(**e)
                for e in json.loads((sources / MANIFEST).read_text())["explanations"]
            ]

    def flags(self) -> list[str]:
        """The compiler's command line but for its input; part of a build's keys in the cache."""
        return [*compiler(), *compiler_flags()]

    def compile(self, folder: Path) -> None:
        """Make `main` of the sources in `folder`. Raises DeviceError."""
        run_compiler([*self.flags(), "-I.", "-o", "main", "unity.cpp", "-lm"], folder)

    def program(self, folder: Path) -> CppProgram:
        return CppProgram(folder)

    def prepare(self) -> None:
        """Brian2's preferences, before it writes anything."""

    def unify(self, folder: Path) -> dict[str, dict]:
        """Rewrite the sources that Brian2 wrote. Returns what the manifest should hold besides, as
        a dict.
        """
        one_translation_unit(folder)
        return {}

    def generate(
        self,
        folder: str | Path,
        hierarchy: Hierarchy,
        vocabulary: Vocabulary,
        shape: BlockShape,
        probes: Sequence[Probe],
    ) -> None:
        """Write the sources of a network, as one translation unit, and the manifest that tells how
        to run it.
        """
        self.prepare()
        brian2.set_device(self.standalone, build_on_run=False, directory=None)
        device = brian2.device
        device.reinit()
        device.activate(build_on_run=False)
        precision, brian2.prefs.core.default_float_dtype = (
            brian2.prefs.core.default_float_dtype,
            self.dtype,
        )
        try:
            built = build_network(hierarchy, vocabulary, shape, probes)
            state = {
                f"{owner}.{name}": variable
                for owner, group in built.groups.items()
                for name, variable in state_variables(group).items()
            }
            built.network.run(Quantity(float(hierarchy.dt), dim=second.dim), namespace={})
            _run_for_a_chunk(device, built)
            device.build(directory=folder, compile=False, run=False, with_output=False)
            sizes = _sizes(hierarchy)
            manifest = {
                "dt": float(hierarchy.dt),
                "explanations": [
                    attrs.asdict(e) for e in getattr(get_device(), "explanations", [])
                ],
                "state": {
                    name: (
                        sizes.get(name.partition(".")[0])
                        if variable.owner.name in sizes and not variable.scalar
                        else int(variable.size),
                        np.dtype(variable.dtype).name,
                        Path(device.get_array_filename(variable)).name,
                    )
                    for name, variable in state.items()
                },
                "monitors": [
                    {"what": attrs.asdict(what), **_monitor_files(device, monitor, what)}
                    for what, monitor in built.monitors.items()
                ],
            }
            manifest |= self.unify(Path(folder))
            Path(folder, MANIFEST).write_text(json.dumps(manifest, indent=1))
        finally:
            brian2.prefs.core.default_float_dtype = precision
            device.reinit()
            brian2.set_device("runtime")
            brian2.device.reinit()
            brian2.device.activate()


def _run_for_a_chunk(device, built):
    """Make the generated main() run from `chunk_start` for `chunk_duration`, both run arguments.

    The clocks then carry absolute time from chunk to chunk, so that slower clocks keep their phase.
    """
    network, lines = next(
        arguments for kind, arguments in device.main_queue if kind == "run_network"
    )
    call = f"{network.name}.run("
    position = next(k for k, line in enumerate(lines) if line.startswith(call))
    start, duration = (
        f"{device.get_array_name(built.groups[PACEMAKER].variables[name])}[0]"
        for name in ("chunk_start", "chunk_duration")
    )
    timing = [f"{network.name}.t = {start};"]
    for clock in built.clocks:
        steps = f"ceil({start}/{clock.name}.dt[0] - 1e-6)"
        timing.append(
            f"{clock.name}.timestep[0] = (int64_t){steps}; {clock.name}.t[0] = {steps}*{clock.name}.dt[0];"
        )
    lines[position : position + 1] = [*timing, f"{call}{duration}, NULL, 10.0);"]


def _sizes(hierarchy):
    """Number of synapses of every projection: Brian2 knows it only once the binary has run."""
    return {
        projection.name: synapse_count(
            projection,
            hierarchy.population(projection.source).size,
            hierarchy.population(projection.target).size,
        )
        for projection in hierarchy.projections
    }


def _monitor_files(device, monitor, what):
    def file(name):
        variable = monitor.variables[name]
        return (Path(device.get_array_filename(variable)).name, np.dtype(variable.dtype).name)

    return {
        "n": file("N"),
        "t": file("t"),
        "i": None if what.moment == SAMPLES else file("i"),
        "values": {name: file(name) for name in what.variables},
    }
