"""The `fena` command for protocol files: `python protocols/x.py` is `fena run protocols/x.py`."""

from .commands.main import main, run_file

__all__ = ["main", "run_file"]
