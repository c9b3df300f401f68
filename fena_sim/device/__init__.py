"""Where a protocol runs: one interface, several devices."""

from .choice import DEVICES, choose_device

__all__ = ["DEVICES", "choose_device"]
