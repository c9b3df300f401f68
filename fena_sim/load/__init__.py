"""Reading users' files: what a model or protocol file declares, and what `--set` changes in it."""

from .model_file import load_model
from .protocol_file import ProtocolFile, load_protocol
from .set_option import (
    Settings,
    apply_parameters,
    parse_settings,
    parse_value,
    protocol_options,
)
from .user_file import call_with, error_text, file_digest, files_read, load_file

__all__ = [
    "ProtocolFile",
    "Settings",
    "apply_parameters",
    "call_with",
    "error_text",
    "file_digest",
    "files_read",
    "load_file",
    "load_model",
    "load_protocol",
    "parse_settings",
    "parse_value",
    "protocol_options",
]
