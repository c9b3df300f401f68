"""Brian2's own tests for standalone devices, on this device; what fails is tried on Brian2's device
too.

    python tests/brian2_dense/brian2_suite.py [--workers N] [--folder FOLDER] [-k EXPRESSION]

A command, not collected by pytest: it takes many minutes, because hundreds of programs are
compiled. Exit status 1 if a test fails on cpp_dense that passes on cpp_standalone. Needs pytest and
pytest-xdist. To be over sooner, each program is compiled as one translation unit where that works
(a `make` of its own comes first on the path).

Brian2 marks its tests: `standalone_compatible` ones run on whichever device is being tested; those
marked with the name of a device choose it themselves, so that here ``set_device("cpp_standalone")``
gives the device under test too.
"""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

STOCK, OURS = "cpp_standalone", "cpp_dense"
_DEVICE, _REPORT = (
    "BRIAN2_SUITE_DEVICE",
    "BRIAN2_SUITE_REPORT",
)  # from the command to pytest and its workers


def pytest_configure(config):
    """As a plugin of Brian2's test suite, in each of its processes: put the device under test into
    place.
    """
    from brian2.devices.device import all_devices

    all_devices[STOCK] = all_devices[os.environ[_DEVICE]]


def pytest_runtest_logreport(report):
    """Note how each test ended; in the process that collects the reports of all workers."""
    if "PYTEST_XDIST_WORKER" in os.environ or (report.when != "call" and report.passed):
        return
    with open(os.environ[_REPORT], "a", encoding="utf-8") as file:
        print(json.dumps([report.nodeid, report.outcome, report.longreprtext[-2000:]]), file=file)


def outcomes(device, workers, folder, only=None):
    """{test: (outcome, end of the error)} of Brian2's suite on a device; a test run twice keeps its
    worse outcome.

    `only`: an expression on the names of tests, as for ``pytest -k``.
    """
    report = Path(folder) / f"{device}.jsonl"
    report.unlink(missing_ok=True)
    report.touch()
    here = Path(__file__).resolve()
    arguments = [
        "-p",
        here.stem,
        "-n",
        str(workers),
        "-p",
        "no:cacheprovider",
        *(["-k", only] if only else []),
    ]
    code = (
        "import brian2; brian2.test(codegen_targets=[], test_codegen_independent=False, "
        f"test_standalone={STOCK!r}, additional_args={arguments})"
    )
    package = Path(importlib.util.find_spec("fena_sim").origin).resolve().parent
    make = Path(folder, "bin").resolve() / "make"
    make.parent.mkdir(exist_ok=True)
    make.unlink(missing_ok=True)
    make.symlink_to(here.parents[1] / "compiler" / "make")
    path = os.pathsep.join([str(here.parent), str(package.parent)])
    subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": path,
            "PATH": f"{make.parent}{os.pathsep}{os.environ['PATH']}",
            _DEVICE: device,
            _REPORT: str(report.resolve()),
        },
    )
    found = {}
    for line in report.read_text(encoding="utf-8").splitlines():
        name, outcome, error = json.loads(line)
        if found.get(name, ("passed",))[0] != "failed":
            found[name] = (outcome, error)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--folder", default=".", help="where the reports go, DEVICE.jsonl")
    parser.add_argument("-k", dest="only", help="tests by name, as for pytest")
    options = parser.parse_args()
    ours = outcomes(OURS, options.workers, options.folder, options.only)
    failed = [name for name, (outcome, _) in ours.items() if outcome == "failed"]
    print(
        OURS,
        {
            kind: sum(outcome == kind for outcome, _ in ours.values())
            for kind in ("passed", "failed", "skipped")
        },
    )
    if not failed:
        return int(not ours)
    functions = sorted({name.rpartition("::")[2].partition("[")[0] for name in failed})
    stock = outcomes(STOCK, options.workers, options.folder, " or ".join(functions))
    worse = [name for name in failed if stock.get(name, ("missing",))[0] != "failed"]
    print(
        f"fail on both: {[name for name in failed if name not in worse]}\nfail on {OURS} only: {worse}"
    )
    return int(bool(worse))


if __name__ == "__main__":
    sys.exit(main())
