"""Programs that are asked something: what they say goes into builds, names and pages."""

import subprocess
from collections.abc import Sequence
from pathlib import Path


def ask(command: Sequence[str | Path], cwd: Path | None = None) -> subprocess.CompletedProcess:
    """A program that has ended, with what it wrote, as text. Raises OSError if it cannot be started.

    One that a signal ended, as the system does where memory runs out, is started once more: that it
    said nothing must not be taken for an answer, such as "there is no card".
    """
    asked = [str(part) for part in command]
    for _ in range(2):
        finished = subprocess.run(asked, cwd=cwd, capture_output=True, text=True, check=False)
        if finished.returncode >= 0:
            break
    return finished
