"""CPU time until `fena` answers, beside that of importing Brian2.

``python benchmarks/start.py [ROUNDS]`` starts every command in a fresh process, all of them once in
each round (default 7), and prints for each the median of user and system time over rounds, the range,
and how much longer it takes than `import brian2`. A first round, which fills the caches of Python and
of the disk, does not count. CPU time is what other work on the machine disturbs least.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
FENA = ("-m", "fena_sim")
#: Name to the arguments of Python, and what is added to the environment.
COMMANDS = {
    "python -c 'import brian2'": (("-c", "import brian2"), {}),
    "python -c 'import fena_sim'": (("-c", "import fena_sim"), {}),
    "fena --help": ((*FENA, "--help"), {}),
    "fena list": ((*FENA, "list"), {}),
    "fena completion bash": ((*FENA, "completion", "bash"), {}),
    "fena run --see<TAB>": (
        FENA,
        dict(_FENA_COMPLETE="bash_complete", COMP_WORDS="fena run --see", COMP_CWORD="2"),
    ),
}


def cpu_seconds(arguments, more, folder):
    """User and system time of one process of Python."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **more}
    process = subprocess.Popen(
        [sys.executable, *arguments], cwd=folder, env=environment, stdout=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{arguments} ended with {process.returncode}")
    return used.ru_utime + used.ru_stime


def main(rounds):
    seconds = {name: [] for name in COMMANDS}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds + 1):
            for name, command in COMMANDS.items():
                took = cpu_seconds(*command, folder)
                if number:
                    seconds[name].append(took)
    first, *_ = seconds
    table = Table("", "CPU s", "range", "beyond import brian2", box=None)
    for name, took in seconds.items():
        more = median(took) - median(seconds[first])
        beyond = "" if name == first else f"{more:+.2f}"
        table.add_row(name, f"{median(took):.2f}", f"{min(took):.2f} to {max(took):.2f}", beyond)
    Console(highlight=False).print(table)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
