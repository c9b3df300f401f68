"""Panels of evoked responses: time courses locked to a token, their difference, and its interval
over networks.
"""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from ..analyse.statistics import intervals
from .colours import BLACK, GREY

COLOURS = {"deviant": BLACK, "standard": GREY}


def responses(ax: Axes, courses: Mapping[str, xr.DataArray]) -> None:
    """Responses to the kinds of token: median over networks, thin lines are networks.

    Parameters
    ----------
    courses : dict
        {"deviant" and "standard": array or DataArray (network, time)}; the last dimension of a
        DataArray has time in s.
    """
    for role, course in courses.items():
        time = 1000 * np.asarray(course["time"])
        if len(course) > 1:
            ax.plot(time, np.asarray(course).T, color=COLOURS[role], linewidth=0.4, alpha=0.4)
        ax.plot(time, np.median(course, axis=0), color=COLOURS[role], linewidth=1.2, label=role)
    ax.set_ylim(bottom=0)
    _time_axis(ax, time)


def difference(ax: Axes, courses: xr.DataArray, colour: str) -> None:
    """A difference wave: median over networks, and its 95 % interval at every time
    (:func:`fena_sim.measure.summarise` at every point).

    Parameters
    ----------
    courses : DataArray (network, time)
        Time in s.
    colour : str
    """
    time = 1000 * np.asarray(courses["time"])
    ax.axhline(0, color=GREY, linewidth=0.5)
    if len(courses) > 1:
        low, high, _ = intervals(np.asarray(courses))
        ax.fill_between(time, low, high, color=colour, alpha=0.25, linewidth=0)
    ax.plot(time, np.median(courses, axis=0), color=colour, linewidth=1.2)
    _time_axis(ax, time)


def _time_axis(ax, time):
    ax.set_xlim(time[0], time[-1])
    ax.xaxis.set_major_locator(MaxNLocator(5))
