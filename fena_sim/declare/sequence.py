"""Sequences in declarations: what has no order of its own is refused."""

from collections.abc import Iterable, Reversible, Set

from ..errors import FenaError, clipped

#: What iterates over a set, of which only the type tells that it does.
_SET_ITERATOR: type = type(iter(set()))


def check_order(values: object, what: str, where: str, error: type[FenaError]) -> None:
    """Raise `error` for a set, a frozenset or anything like it.

    Their order differs from one start of Python to the next, so that a run would neither be found
    again nor go on. (The keys of a dict have an order. Of a generator nobody can know.) The
    parameters are those of `sequence`.
    """
    if isinstance(values, _SET_ITERATOR) or (
        isinstance(values, Set) and not isinstance(values, Reversible)
    ):
        raise error(
            f"{what} are a {type(values).__name__}, whose order differs at every start of Python",
            where=where,
            fix="give a list; sorted(...) makes one of names and numbers",
        )


def sequence(values: Iterable, what: str, where: str, error: type[FenaError]) -> tuple:
    """`values` as a tuple, in their own order.

    Parameters
    ----------
    values : iterable
    what : str
        What they are, in the plural: "symbols".
    where : str
        The argument that they were given as.
    error : type
        The class of FenaError to raise.

    Raises
    ------
    FenaError
        Of the class `error`: for what has no order (`check_order`) and for what is no sequence.
    """
    check_order(values, what, where, error)
    try:
        return tuple(values)
    except Exception:  # whatever an object's own iterator raises
        raise error(
            f"{what} are {clipped(values)}, which is no sequence", where=where, fix="give a list"
        ) from None
