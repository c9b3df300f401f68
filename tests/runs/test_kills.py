"""Oracle: the same commands, undisturbed. kills.py says what is killed, and how; this is its short
form: `python tests/runs/kills.py --kills 300` is the long one.
"""

import os
import subprocess
from pathlib import Path

import pytest

KILLS = int(os.environ.get("FENA_KILLS", 4))


@pytest.mark.compile
@pytest.mark.slow
def test_commands_that_are_killed_go_on_to_the_same_bytes(python):
    script = Path(__file__).with_name("kills.py")
    done = subprocess.run(
        [*python, script, "--kills", str(KILLS)], capture_output=True, text=True, timeout=3000
    )
    print(done.stdout)  # the seed
    assert done.returncode == 0, done.stderr
