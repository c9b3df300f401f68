"""The interface of every device: a compiled protocol as a pure function from state to state."""

from collections.abc import Mapping, Sequence

import numpy as np

from ..errors import CheckpointError
from .recordings import Recordings


class Program:
    """A built network. Subclasses run it on one device.

    Attributes
    ----------
    dt : float
        Time step in seconds.
    variables : dict
        The state: {"object.variable": (size, dtype)}.
    messages : list of str
        What a user should know of how it runs.
    """

    dt: float
    variables: dict[str, tuple[int, np.dtype]]
    messages: Sequence[str] = ()

    def run(
        self,
        state: Mapping[str, np.ndarray],
        tables: Mapping[str, np.ndarray],
        start: int,
        steps: int,
    ) -> tuple[dict[str, np.ndarray], Recordings]:
        """Advance `state` by `steps` steps of dt, beginning at step `start`.

        Parameters
        ----------
        state : dict of arrays, see `complete`
        tables : dict of arrays
            What is presented, see `build.pacemaker.table_values`.
        start, steps : int

        Returns
        -------
        state : dict of arrays
            A new dictionary; the one passed in is left alone.
        recordings : Recordings
        """
        raise NotImplementedError  # every device has its own

    def complete(self, state: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """`state` with every variable of the network: missing ones are zero. Raises
        CheckpointError.

        Summed inputs, flags and held values that no declaration mentions start at zero; a variable
        of another size belongs to another network.
        """
        for name, values in state.items():
            size = self.variables.get(name, (None,))[0]
            if size != len(values):
                raise CheckpointError(
                    f"the state has {len(values)} values of {name!r}, this network has "
                    f"{size or 'no such variable'}",
                    fix="start from a run of the same model",
                )
        return {
            name: np.array(state[name], dtype=dtype) if name in state else np.zeros(size, dtype)
            for name, (size, dtype) in self.variables.items()
        }

    def close(self) -> None:
        """Release what the program holds."""
