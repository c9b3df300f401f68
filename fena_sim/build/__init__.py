"""From declarations to Brian2 objects, mirroring model/: one explicit Network, nothing collected by
magic.
"""

from .network import Built, build_network

__all__ = ["Built", "build_network"]
