"""Choosing a device by name."""

from ..errors import DeviceError, nearest
from .cpp import CppDevice
from .runtime import RuntimeDevice

DEVICES = {device.name: device for device in (CppDevice(), RuntimeDevice())}


def choose_device(name="auto"):
    """The device called `name`, and a message if it is not the one that was hoped for.

    "auto" takes C++ where a compiler works and the runtime otherwise.

    Raises
    ------
    DeviceError
        Unknown name, or a device asked for by name that is not available.
    """
    if name == "auto":
        reason = DEVICES["cpp"].available()
        if reason is None:
            return DEVICES["cpp"], None
        return DEVICES["runtime"], f"{reason}: running with Brian2's runtime, which is far slower"
    if name not in DEVICES:
        raise DeviceError(f"there is no device {name!r}", fix=nearest(name, ["auto", *DEVICES]))
    reason = DEVICES[name].available()
    if reason is not None:
        raise DeviceError(f"device {name!r} is not available: {reason}", fix="install g++, or use --device runtime")
    return DEVICES[name], None
