"""A C++ standalone device for Brian2 that runs all-to-all synapses as dense kernels.

After importing this package, call ``set_device('cpp_dense')`` in any Brian2 script. README.md in this
folder has an example. `lowering` decides which synapses are lowered, and `kernel` writes their loops.
In runtime mode, ``prefs.codegen.target = 'numpy_dense'`` does the same with NumPy, without a compiler;
see `numpy_target`.
"""

from . import numpy_target  # noqa: F401  (registers Brian2's code generation target "numpy_dense")
from .device import DenseCPPDevice, dense_device

__all__ = ["DenseCPPDevice", "dense_device"]
