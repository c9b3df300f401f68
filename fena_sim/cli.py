"""The `fena` command, as a protocol file imports it: `python protocols/x.py` is `fena run protocols/x.py`."""

from .commands.main import main, run_file

__all__ = ["main", "run_file"]
