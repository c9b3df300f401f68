"""The benchmark network on Brian2: its standalone devices (stock, and ours), and its runtime."""

import json
from pathlib import Path

import brian2
import numpy as np

from ..device import build_cache
from ..device.scratch import locked_folder, temporary_folder
from ..device.unity import UNITY, one_translation_unit
from .native import compile_cpp, compiler, folder, numbers
from .networks import CHECKED_STEPS, DT, Case, declare, initial_state
from .subject import Subject

MANIFEST = "arrays.json"

#: C++ in main() after the first CHECKED_STEPS steps: if it is to be timed, the binary goes on and
#: tells the fastest run (s) and its peak resident memory (KiB); if not, it ends and leaves its
#: state.
_TIMING = """
if (const char* steps = std::getenv("FENA_BENCH_STEPS")) {{
    double fastest = 1e300;
    for (int k = std::atoi(std::getenv("FENA_BENCH_REPEATS")); k > 0; k--) {{
        auto start = std::chrono::steady_clock::now();
        {network}.run(std::atof(steps)*{dt}, NULL, 10.0);
        std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
        fastest = std::min(fastest, taken.count());
    }}
    std::cout << fastest;
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
        if (line.compare(0, 6, "VmHWM:") == 0) std::cout << " " << std::atol(line.c_str() + 6) << std::endl;
    return 0;
}}
"""


class Standalone(Subject):
    """Brian2's C++ standalone. One build serves the check and the timing."""

    device = "cpp_standalone"

    def __init__(self, case: Case) -> None:
        self.case = case
        with locked_folder("bench", folder()) as scratch:
            work = scratch / "work"
            self._write(work)
            self.folder = folder() / f"{self.device}_{build_cache.hash_build(work, compiler())}"
            if not (self.folder / "main").exists():
                compile_cpp(UNITY, "main", "-I.", cwd=work)
                work.rename(self.folder)

    def _write(self, work):
        """Sources of the network, as one translation unit, and the names of the files of its state."""
        brian2.prefs.core.default_float_dtype = np.dtype(self.case.dtype).type
        brian2.prefs.codegen.cpp.headers = ["<algorithm>", "<chrono>", "<cstdlib>", "<fstream>"]
        brian2.set_device(self.device, build_on_run=False, directory=None)
        network, objects = declare(self.case)
        network.run(CHECKED_STEPS * DT * brian2.second, namespace={})
        brian2.device.insert_code("main", _TIMING.format(network=network.name, dt=DT))
        brian2.device.build(directory=str(work), compile=False, run=False, with_output=False)
        one_translation_unit(work)
        files = {
            name: Path(
                brian2.device.get_array_filename(objects[name].variables[name.rstrip("0123456789")])
            ).name
            for name in initial_state(self.case)
        }
        Path(work, MANIFEST).write_text(json.dumps(files))

    def fastest(self, steps: int, repeats: int) -> float:
        with temporary_folder("bench") as results:
            seconds, self.peak_kib = numbers(
                self.folder / "main",
                "--results_dir",
                f"{results}/",
                environment={"FENA_BENCH_STEPS": str(steps), "FENA_BENCH_REPEATS": str(repeats)},
            )
        return seconds

    def state(self) -> dict[str, np.ndarray]:
        files = json.loads(Path(self.folder, MANIFEST).read_text())
        with temporary_folder("bench") as results:
            numbers(self.folder / "main", "--results_dir", f"{results}/")
            return {
                name: _by_unit(
                    name, np.fromfile(Path(results, files[name]), dtype=v.dtype), v.shape
                )
                for name, v in initial_state(self.case).items()
            }


class Dense(Standalone):
    """The device of brian2_dense."""

    device = "cpp_dense"


class Runtime(Subject):
    """Brian2's runtime: Cython where it works, else NumPy."""

    device = "runtime"

    def __init__(self, case: Case) -> None:
        self.case = case
        brian2.prefs.core.default_float_dtype = np.dtype(case.dtype).type
        brian2.set_device(self.device)
        self.network, self.objects = declare(case)
        self.network.store()
        self.run(1)  # generates and compiles the code

    def run(self, steps: int) -> float:
        self.network.run(steps * DT * brian2.second, namespace={})
        return brian2.device._last_run_time  # of the loop over steps only

    def state(self) -> dict[str, np.ndarray]:
        self.network.restore()
        self.run(CHECKED_STEPS)
        return {
            name: _by_unit(
                name, np.array(getattr(self.objects[name], name.rstrip("0123456789"))[:]), v.shape
            )
            for name, v in initial_state(self.case).items()
        }


def _by_unit(name, values, shape):
    """Brian2's values of weights (n_above, n_below), or of a level, stream after stream, as (n, B)."""
    return values.reshape(shape) if name.startswith("w") else values.reshape(shape[::-1]).T
