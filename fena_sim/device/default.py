"""Choosing a device by name."""

from typing import TypeAlias

import numpy as np

import brian2_dense  # noqa: F401  (registers Brian2's device "cpp_dense")

from ..errors import DeviceError, clipped, nearest
from .cpp import CppDevice
from .cuda.devices import CudaDevice, CudaHostDevice
from .runtime import RuntimeDevice

Device: TypeAlias = CppDevice | RuntimeDevice

DEVICES: dict[str, Device] = {
    device.name: device
    for device in (
        CppDevice(),
        RuntimeDevice(),
        CppDevice(name="dense", standalone="cpp_dense", dtype=np.float32),
        CppDevice(name="dense64", standalone="cpp_dense", dtype=np.float64),
        CudaDevice(),
        CudaDevice(name="cuda64", dtype=np.float64),
        CudaHostDevice(),
        CudaHostDevice(name="cuda_host64", dtype=np.float64),
    )
}

#: Devices that present several streams of tokens side by side.
BATCHING = ("dense", "dense64")


def choose_device(name: str | Device = "auto") -> tuple[Device, str | None]:
    """The device called `name` (or a device itself), and a message if it is not the one that was
    hoped for.

    "auto" takes dense C++ in single precision where a compiler works, and the runtime otherwise.

    Raises
    ------
    DeviceError
        Unknown name, or a device asked for by name that is not available.
    """
    if name == "auto":
        reason = DEVICES["dense"].available()
        if reason is None:
            return DEVICES["dense"], None
        return DEVICES["runtime"], f"{reason}: running with Brian2's runtime, which is far slower"
    if not isinstance(name, str) and hasattr(name, "build"):
        return name, None
    if name not in DEVICES:
        raise DeviceError(
            f"there is no device {clipped(name)}",
            where="device",
            fix=nearest(name, ["auto", *DEVICES]),
        )
    reason = DEVICES[name].available()
    if reason is not None:
        raise DeviceError(
            f"device {name!r} is not available: {reason}",
            where="device",
            fix="`fena doctor` says what is missing; or use --device runtime, which needs nothing",
        )
    return DEVICES[name], None
