"""fena_sim: predictive-coding hierarchies as differential equations, driven by token protocols.

The public names are in `__init__.pyi`. Each is imported when it is first used, so that `import fena_sim` costs next to nothing.
"""

import lazy_loader

__version__ = "0.1.0"
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
