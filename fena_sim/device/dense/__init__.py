"""A C++ standalone device for Brian2 that runs all-to-all synapses as dense kernels.

``set_device('cpp_dense')`` after importing this package; works for any Brian2 script. See `lowering`
for what is lowered and `kernel` for what becomes of it.
"""

from .device import DenseCPPDevice, dense_device

__all__ = ["DenseCPPDevice", "dense_device"]
