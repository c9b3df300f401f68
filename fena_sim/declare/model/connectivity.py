"""Which pairs of units a projection joins: given pairs, by chance, a fixed in-degree, by distance.

What is declared here holds no network of its own: `fena_sim.network.wiring` draws the pairs from the
seed of the network.
"""

from collections.abc import Mapping
from numbers import Real
from typing import Any, TypeAlias

import attrs
import numpy as np
from brian2 import Quantity
from brian2.units.fundamentalunits import DIMENSIONLESS, Dimension, get_dimensions
from numpy.typing import ArrayLike
from scipy import sparse

from ...errors import DeclarationError, UnitError, clipped
from ..arguments import checked
from . import equations as eq

ALL, ONE_TO_ONE = "all", "one_to_one"


def _indices(given: ArrayLike) -> np.ndarray:
    array = np.asarray(given)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise DeclarationError(
            f"indices of units are an array of shape {array.shape} and type {array.dtype}",
            where="connect",
            fix="give (i, j), two arrays of whole numbers of equal length; numbers read from a file "
            "may need .astype(int)",
        )
    array = array.astype(np.int64)
    array.flags.writeable = False
    return array


@attrs.frozen(eq=False)
class Pairs:
    """Given pairs: synapse k joins unit `i[k]` of the source to unit `j[k]` of the target.

    Parameters
    ----------
    i, j : array of int, (n_synapses,)
        Each pair at most once. Arrays of one value per synapse, in `initial` and `delay` of the
        projection, are in this order.
    shape : (int, int), optional
        Of the matrix from which the pairs come, which the sizes of the populations must match.

    Raises
    ------
    DeclarationError
        No pairs, other shapes or types, numbers below 0, or a pair twice.
    """

    i: np.ndarray = attrs.field(converter=_indices)
    j: np.ndarray = attrs.field(converter=_indices)
    shape: tuple[int, int] | None = attrs.field(default=None, metadata={"hashed": False})

    def __attrs_post_init__(self):
        if len(self.i) != len(self.j):
            raise DeclarationError(
                f"{len(self.i)} source units and {len(self.j)} target units",
                where="connect",
                fix="give (i, j), two arrays of equal length",
            )
        if not len(self.i):
            raise DeclarationError(
                "joins no pair of units",
                where="connect",
                fix="give pairs, or remove the projection",
            )
        if min(self.i.min(), self.j.min()) < 0:
            raise DeclarationError(
                f"there is no unit {min(self.i.min(), self.j.min())}",
                where="connect",
                fix="count units from 0",
            )
        keys, counts = np.unique(self.i * (self.j.max() + 1) + self.j, return_counts=True)
        if len(keys) < len(self.i):
            i, j = divmod(int(keys[np.argmax(counts > 1)]), int(self.j.max()) + 1)
            raise DeclarationError(
                f"the pair i = {i}, j = {j} is given {counts.max()} times",
                where="connect",
                fix="give each pair once; declare a second projection for further synapses",
            )

    @classmethod
    def of_matrix(cls, matrix: np.ndarray | sparse.spmatrix) -> "Pairs":
        """The pairs (row, column) at which a matrix (source size, target size) is not zero, row by
        row. A matrix of NumPy must be boolean.
        """
        if sparse.issparse(matrix):
            stored = sparse.coo_array(matrix)
            chosen = np.flatnonzero(stored.data)
            row, column = (np.asarray(index)[chosen] for index in (stored.row, stored.col))
            order = np.lexsort((column, row))
        else:
            row, column = np.nonzero(matrix)
            order = np.arange(len(row))
        rows, columns = map(int, matrix.shape)
        return cls(row[order], column[order], (rows, columns))

    def __len__(self) -> int:
        return len(self.i)

    def __str__(self):
        return f"{len(self):,} given pairs"

    def check(
        self, n_source: int, n_target: int, known: Mapping[str, Dimension], where: str
    ) -> None:
        """Raise DeclarationError if a pair is beyond the two populations."""
        if self.shape not in (None, (n_source, n_target)):
            raise DeclarationError(
                f"the matrix has shape {self.shape}, the populations have ({n_source}, {n_target})",
                where=where,
                fix="give a matrix of (source size, target size); .T turns it",
            )
        for end, unit, size in (
            ("source", self.i.max(), n_source),
            ("target", self.j.max(), n_target),
        ):
            if unit >= size:
                raise DeclarationError(
                    f"connects unit {unit} of the {end}, which has {size} units, from 0 to "
                    f"{size - 1}",
                    where=where,
                    fix="give (i, j): i counts units of the source, j of the target, from 0",
                )


def _check_condition(condition, known, where):
    if condition is not None:
        eq.check_known(condition, known, where)
        eq.check_units(condition, DIMENSIONLESS, known, where)


@checked(DeclarationError)
@attrs.frozen
class Probability:
    """Every pair is joined with probability `p`, independently of all others.

    Whether a pair is joined follows from the seed of the network, the projection's name, and the
    numbers of the two units alone: it is the same on every device, and stays as it is when a
    population grows.

    Parameters
    ----------
    p : float
        Above 0, at most 1.
    condition : str, optional
        Only pairs that meet it can be joined, e.g. ``"i != j"`` for no synapse of a unit with itself.

    Raises
    ------
    DeclarationError
    """

    p: float
    condition: str | None = None

    def __attrs_post_init__(self):
        if isinstance(self.p, bool) or not 0 < self.p <= 1:
            raise DeclarationError(
                f"{self.p!r} is no probability above 0",
                where="connect",
                fix="give a number above 0 and at most 1, e.g. connect=0.1",
            )

    def __str__(self):
        return f"probability {float(self.p):.10g}{_where(self.condition)}"

    def check(
        self, n_source: int, n_target: int, known: Mapping[str, Dimension], where: str
    ) -> None:
        """Raise DeclarationError if the condition cannot be read."""
        _check_condition(self.condition, known, where)


@checked(DeclarationError)
@attrs.frozen
class FixedInDegree:
    """Every unit of the target receives from `n` different units of the source, drawn at random.

    The draw follows from the seed of the network, the projection's name and the number of units.

    Parameters
    ----------
    n : int
        Synapses onto each unit of the target.
    condition : str, optional
        Only pairs that meet it can be joined, e.g. ``"i != j"``.

    Raises
    ------
    DeclarationError
    """

    n: int
    condition: str | None = None

    def __attrs_post_init__(self):
        if isinstance(self.n, bool) or self.n < 1:
            raise DeclarationError(
                f"an in-degree of {self.n!r}",
                where="FixedInDegree",
                fix="give the number of synapses onto each unit, at least 1",
            )

    def __str__(self):
        return f"in-degree {self.n}{_where(self.condition)}"

    def check(
        self, n_source: int, n_target: int, known: Mapping[str, Dimension], where: str
    ) -> None:
        """Raise DeclarationError if there are fewer units in the source, or the condition cannot be
        read.
        """
        _check_condition(self.condition, known, where)
        if self.n > n_source:
            raise DeclarationError(
                f"an in-degree of {self.n} from {n_source} units",
                where=where,
                fix=f"give at most {n_source}",
            )


def _positions(given: ArrayLike) -> np.ndarray:
    return given if isinstance(given, Quantity) else np.asarray(given, dtype=float)


@checked(DeclarationError)
@attrs.frozen(eq=False)
class DistanceDependent:
    """Every pair is joined with a probability that depends on the distance between the two units.

    Draws are those of `Probability`.

    Parameters
    ----------
    probability : str
        An expression of the distance ``d`` (in the units of the positions) and of the projection's
        parameters, from 0 to 1: ``"0.3*exp(-d/width)"``; or a condition: ``"d < width"``.
    source, target : array or Quantity, (units,) or (units, dimensions)
        Positions of the units of the two populations. Distances are Euclidean.
    condition : str, optional
        Only pairs that meet it can be joined, e.g. ``"i != j"``.

    Raises
    ------
    DeclarationError, UnitError
    """

    probability: str
    source: np.ndarray = attrs.field(converter=_positions)
    target: np.ndarray = attrs.field(converter=_positions)
    condition: str | None = None

    def __attrs_post_init__(self):
        for end in (self.source, self.target):
            if np.ndim(end) not in (1, 2) or not np.isfinite(np.asarray(end)).all():
                raise DeclarationError(
                    f"positions are {clipped(end)}, of shape {np.shape(end)}",
                    where="DistanceDependent",
                    fix="give finite numbers, (units,) or (units, dimensions)",
                )
        if np.shape(self.source)[1:] != np.shape(self.target)[1:]:
            raise DeclarationError(
                f"positions have the shapes {np.shape(self.source)} and {np.shape(self.target)}",
                where="DistanceDependent",
                fix="give both with the same number of dimensions",
            )
        if get_dimensions(self.source) != get_dimensions(self.target):
            raise UnitError(
                "positions of source and target have different units",
                where="DistanceDependent",
                fix="give both in one unit, e.g. umetre",
            )

    def __str__(self):
        return f"probability {self.probability} of the distance d{_where(self.condition)}"

    def distances(self, i: np.ndarray, j: np.ndarray) -> np.ndarray:
        """Distances of units `i` of the source from `j` of the target, in base SI units; the two
        broadcast.
        """
        ends = (np.asarray(end, dtype=float) for end in (self.source, self.target))
        source, target = (end.reshape(len(end), -1) for end in ends)
        squares = sum((source[i, k] - target[j, k]) ** 2 for k in range(source.shape[1]))
        return np.sqrt(squares)

    def check(
        self, n_source: int, n_target: int, known: Mapping[str, Dimension], where: str
    ) -> None:
        """Raise DeclarationError if the positions do not fit the populations, or an expression cannot
        be read.
        """
        _check_condition(self.condition, known, where)
        _check_condition(self.probability, {**known, "d": get_dimensions(self.source)}, where)
        for end, given, size in (
            ("source", self.source, n_source),
            ("target", self.target, n_target),
        ):
            if len(given) != size:
                raise DeclarationError(
                    f"{len(given)} positions of the {end}, which has {size} units",
                    where=where,
                    fix="give a position for every unit",
                )


def _where(condition):
    return "" if condition is None else f" where {condition}"


#: Connections that are drawn from the seed of the network.
RANDOM = (Probability, FixedInDegree, DistanceDependent)
Connection: TypeAlias = str | Pairs | Probability | FixedInDegree | DistanceDependent


def connection(given: Any, where: str) -> Connection:
    """What `connect` of a projection declares: a text as it is, a number as Probability, arrays and
    matrices as Pairs. Raises DeclarationError.
    """
    try:
        if isinstance(given, (str, Pairs, *RANDOM)):
            return given
        if isinstance(given, Real) and not isinstance(given, (bool, np.bool_)):
            return Probability(float(given))
        if isinstance(given, (tuple, list)) and len(given) == 2 and np.ndim(given[0]) == 1:
            if np.asarray(given[0]).dtype != bool:
                return Pairs(*given)
        if sparse.issparse(given) and given.ndim == 2:
            return Pairs.of_matrix(given)
        matrix = np.asarray(given)
        if matrix.ndim == 2 and matrix.dtype == bool:
            return Pairs.of_matrix(matrix)
        found = f"an array of shape {matrix.shape} and type {matrix.dtype}"
        raise DeclarationError(
            f"is {found if matrix.ndim else clipped(given)}",
            where="connect",
            fix="give 'all', 'one_to_one', a condition, a probability, (i, j), or a boolean matrix "
            "(weights != 0)",
        )
    except DeclarationError as error:
        raise type(error)(f"connect: {error.what}", where=where, fix=error.fix) from None
