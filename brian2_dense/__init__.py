"""A C++ standalone device for Brian2 that runs all-to-all synapses as dense kernels.

``set_device('cpp_dense')`` after importing this package; works for any Brian2 script. See
`lowering` for what is lowered and `kernel` for what becomes of it. In runtime mode,
``prefs.codegen.target = 'numpy_dense'`` does the like with NumPy, without a compiler: see
`numpy_target`.
"""

from . import numpy_target  # noqa: F401  (registers Brian2's code generation target "numpy_dense")
from .device import DenseCPPDevice, dense_device

__all__ = ["DenseCPPDevice", "dense_device"]
