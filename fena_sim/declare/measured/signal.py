"""A measured signal, as it is declared before a run."""

from collections.abc import Iterable, Sequence
from operator import index
from typing import Any, cast

import attrs
import numpy as np
from brian2 import Quantity, ms, second
from brian2.units.fundamentalunits import have_same_dimensions

from ...errors import ProtocolError, UnitError, UnknownNameError, clipped, nearest
from ..arguments import checked
from ..model.population import is_finite_number
from ..protocol.pace import check_time
from ..sequence import check_order, sequence

POSITIVE, NEGATIVE, BOTH, SIGNED = "positive", "negative", "both", "signed"
PARTS = (POSITIVE, NEGATIVE, BOTH, SIGNED)
SUM, RMS, MEAN_SQUARE = "sum", "rms", "mean square"
NORMS = (SUM, RMS, MEAN_SQUARE)
#: In the place of a variable: all that synapses bring to the units. No variable can have this name.
SYNAPTIC_INPUTS = "synaptic inputs"


def _populations(given: str | int | Sequence[str]) -> str | int | tuple:
    try:
        return index(cast(int, given))
    except TypeError:  # no level
        pass
    if isinstance(given, str):
        return given
    found = sequence(cast(Iterable, given), "populations", "Signal.population", ProtocolError)
    return found[0] if len(found) == 1 and isinstance(found[0], str) else found


def _times(given: Sequence[Quantity] | None) -> Any:
    return tuple(given) if isinstance(given, (list, np.ndarray)) else given


@checked(ProtocolError)
@attrs.frozen(eq=False)
class Signal:
    """What an experimenter would record, computed within the network at every step.

    A protocol names its signals, ``Protocol(measured={"mmn": Signal("error_0", "error")})``: they are
    declared before the run, and are part of its name. With x_k the variable of unit k, w the weight
    (w_k if it has one value for each unit), q the threshold and n the number of units::

        positive: p(x) = max(x - q, 0)     negative: p(x) = max(-x - q, 0)
        both:     p(x) = max(|x| - q, 0)   signed:   p(x) = x

        sum:         s(t) = sum_k w_k p(x_k)
        rms:         s(t) = sqrt(sum_k (w_k p(x_k))**2 / n)
        mean square: s(t) = sum_k (w_k p(x_k))**2 / n

        without lowpass: value(t) = s(t)
        with a lowpass:  value(t) = value(t - dt) + (1 - exp(-dt/lowpass)) (s(t) - value(t - dt))

    A sample at time t is of the values that a Probe of the units shows at t. The network itself does
    not notice that it is measured: its numbers stay as they are, to the bit. So a signal can be
    attached to a network that was trained without it, with `start` or ``--from``.

    Parameters
    ----------
    population : str, sequence of str, or int
        A population, several, whose units then count together, or a level: those of its populations
        that declare the variable.
    variable : str
        A variable of these populations; or "synaptic inputs": the variables into which projections
        sum, of these populations, and of others of their size where they link them (such as the
        inputs to a prior that its error units read). Of a level, those of its populations with the
        role "state" or "error".
    part : str
        "positive", "negative", "both" (the positive and the negative part, added) or "signed".
    threshold : float or Quantity, optional
        In units of the variable, not below 0; 0 if left out. A signed signal has none.
    weight : str, optional
        "population.variable" of one unit, such as a precision, or of as many units as are measured.
    norm : str
        "sum", "rms" or "mean square" over all units.
    window, baseline : (Quantity, Quantity), optional
        From the onset of a token: the response (`fena_sim.measure.response`) is the mean over the
        window minus that over the baseline. None: there is no response, or nothing is taken off.
    lowpass : Quantity, optional
        Time constant of a first-order low-pass filter, which starts at 0.

    Raises
    ------
    ProtocolError, UnitError, UnknownNameError
        On construction, for what no model could have. Whether a model has the populations and
        variables is known when a run is planned, before anything is built.
    """

    population: str | int | tuple[str, ...] = attrs.field(converter=_populations)
    variable: str
    part: str = attrs.field(default=BOTH, kw_only=True)
    threshold: float | Quantity | None = attrs.field(default=None, kw_only=True)
    weight: str | None = attrs.field(default=None, kw_only=True)
    norm: str = attrs.field(default=SUM, kw_only=True)
    window: Sequence[Quantity] | None = attrs.field(
        default=(0 * ms, 250 * ms), kw_only=True, converter=_times
    )
    baseline: Sequence[Quantity] | None = attrs.field(
        default=(-50 * ms, 0 * ms), kw_only=True, converter=_times
    )
    lowpass: Quantity | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self):
        for what, given, known in (("part", self.part, PARTS), ("norm", self.norm, NORMS)):
            if given not in known:
                raise UnknownNameError(
                    f"there is no {what} {given!r} of a signal",
                    where=self.where,
                    fix=nearest(given, known),
                )
        if self.population == ():
            raise ProtocolError(
                "a signal needs at least one population",
                where=self.where,
                fix='give e.g. Signal("error_0", "error")',
            )
        self._check_threshold()
        names = [] if self.weight is None else self.weight.split(".")
        if len(names) == 1 or len(names) > 2 or not all(name.isidentifier() for name in names):
            raise ProtocolError(
                f"the weight {clipped(self.weight)} is not a variable of a population",
                where=self.where,
                fix='give e.g. weight="precision_0.precision"',
            )
        for name in ("window", "baseline"):
            self._check_times(name, getattr(self, name))
        if self.lowpass is not None:
            check_time(self.lowpass, "lowpass", self.where)

    def _check_threshold(self):
        if self.threshold is None:
            return
        if self.part == SIGNED:
            raise ProtocolError(
                "a signed signal has no threshold: it would not be said on which side",
                where=self.where,
                fix='leave it out, or measure part="positive" and part="negative"',
            )
        if not is_finite_number(self.threshold) or float(self.threshold) < 0:
            raise ProtocolError(
                f"the threshold is {clipped(self.threshold)}, not a number from 0 on",
                where=self.where,
                fix='give e.g. threshold=0.1; what lies below 0 is part="negative"',
            )

    def _check_times(self, name, edges):
        if edges is None:
            return
        check_order(edges, f"the two times of a {name}", self.where, ProtocolError)
        if len(edges) != 2 or not all(
            np.shape(edge) == () and have_same_dimensions(edge, second) for edge in edges
        ):
            raise UnitError(
                f"the {name} {clipped(edges)} is not two times",
                where=self.where,
                fix="give e.g. (0*ms, 250*ms)",
            )
        if not np.isfinite([float(edge) for edge in edges]).all() or not edges[0] < edges[1]:
            raise ProtocolError(
                f"the {name} {clipped(edges)} is empty or does not end",
                where=self.where,
                fix="give (start, stop)",
            )

    @property
    def where(self) -> str:
        return f"Signal of {clipped(self.population)}"

    @classmethod
    def lfp_like(cls, population: str | int | Sequence[str], **options: Any) -> "Signal":
        """A proxy of the local field potential: the sum of the absolute synaptic inputs.

        ``Signal(population, "synaptic inputs", part="both", norm="sum", ...)``: currents sum with
        their absolute values where excitation and inhibition reach different parts of the dendrites
        (Mazzoni et al. 2008, PLoS Comput Biol 4:e1000239; compared with others and with extended
        neurons: Mazzoni et al. 2015, PLoS Comput Biol 11:e1004584).

        Parameters
        ----------
        population : str, sequence of str, or int
            Mostly a level.
        options
            Of Signal: weight, window, baseline, lowpass.
        """
        return cls(population, SYNAPTIC_INPUTS, **{"part": BOTH, "norm": SUM, **options})

    @classmethod
    def spike_like(
        cls,
        population: str | int | Sequence[str],
        variable: str,
        lowpass: Quantity = 10 * ms,
        **options: Any,
    ) -> "Signal":
        """A proxy of multi-unit spiking activity: what units have above a threshold, rectified and
        low-pass filtered.

        ``Signal(population, variable, part="positive", norm="sum", lowpass=10*ms, ...)``. Rectified
        and filtered is how the activity of all neurons near an electrode is measured without telling
        their spikes apart (Drebitz et al. 2019, Front Neurosci 13:83). It has no noise of its own:
        Poisson spikes would have the same mean over trials.

        Parameters
        ----------
        population : str, sequence of str, or int
        variable : str
            What their rate follows.
        lowpass : Quantity
        options
            Of Signal: part, threshold, weight, window, baseline.
        """
        given = {"part": POSITIVE, "norm": SUM, **options}
        return cls(population, variable, lowpass=lowpass, **given)
