"""fena_sim: predictive-coding hierarchies as differential equations, driven by token protocols."""

import brian2 as _brian2

__version__ = "0.1.0"

# Brian2 would write a debug log of every script and swallow the compiler's output; errors here are
# our own. The imports below come after these preferences on purpose (E402), so that they hold for
# whatever is imported.
_brian2.prefs.logging.file_log = False
_brian2.prefs.logging.save_script = False
_brian2.prefs.logging.std_redirection = False

from .errors import FenaError  # noqa: E402
from .model import (  # noqa: E402
    Hierarchy,
    Normal,
    Parameter,
    Plasticity,
    Population,
    Projection,
    Readout,
    Settling,
    Uniform,
    load_model,
)
from .protocol import Block, FixedPace, Probe, Protocol, SelfPaced, load_protocol  # noqa: E402
from .record import Run, open_run  # noqa: E402
from .run import run, run_seeds  # noqa: E402

__all__ = [
    "Block",
    "FenaError",
    "FixedPace",
    "Hierarchy",
    "Normal",
    "Parameter",
    "Plasticity",
    "Population",
    "Probe",
    "Projection",
    "Protocol",
    "Readout",
    "Run",
    "SelfPaced",
    "Settling",
    "Uniform",
    "load_model",
    "load_protocol",
    "open_run",
    "run",
    "run_seeds",
]
