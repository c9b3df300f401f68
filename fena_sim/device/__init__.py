"""Where a protocol runs: one interface, several devices."""

from .choice import BATCHING, DEVICES, choose_device

__all__ = ["BATCHING", "DEVICES", "choose_device"]
