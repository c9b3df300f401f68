"""Protocols: what is presented, when, and what is recorded. No Brian2 object in here."""

from .block import INITIAL, Block
from .pace import FixedPace, SelfPaced
from .probe import Probe
from .protocol import Protocol

__all__ = ["Block", "FixedPace", "INITIAL", "Probe", "Protocol", "SelfPaced"]
