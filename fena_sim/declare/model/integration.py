"""The integration method of a population's differential equations."""

from brian2.stateupdaters.base import StateUpdateMethod

from ...errors import UnknownNameError, nearest

#: One Euler step of dt is one settling iteration.
DEFAULT = "euler"


def check_method(method: str, where: str) -> None:
    """Raise UnknownNameError unless `method` is one of Brian2's state updaters."""
    if method not in StateUpdateMethod.stateupdaters:
        raise UnknownNameError(
            f"there is no integration method {method!r}",
            where=where,
            fix=nearest(method, StateUpdateMethod.stateupdaters),
        )
