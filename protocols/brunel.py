"""The four states of the sparse random network, by their rates, irregularity and synchrony.

Brunel (2000, doi 10.1023/A:1008925309027, Figure 8) shows the network at four points (g,
nu_ext/nu_thr): synchronous regular SR (3, 2), fast synchronous irregular SI_fast (6, 4), asynchronous
irregular AI (5, 2), slow synchronous irregular SI_slow (4.5, 0.9). Each block is one of them. The first
200 ms, in which the network forgets how it began, are not counted.

Rates are compared with the paper's mean-field theory: input to a neuron is white noise of mean mu and
variance sigma^2, of external and recurrent spikes at the rate nu that they give in their turn::

    mu = C_E J tau (nu_ext + (1 - g/4) nu),   sigma^2 = C_E J^2 tau (nu_ext + (1 + g^2/4) nu)
    1/nu = tau_ref + tau sqrt(pi) integral of exp(u^2)(1 + erf u) from (V_r - mu)/sigma to (theta - mu)/sigma
"""

import numpy as np
from attrs import asdict
from brian2 import ms, mV, second
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import erfcx

from fena_sim import INITIAL, Block, EventPace, PoissonSpikes, Probe, Protocol
from fena_sim.measure import spiking
from fena_sim.stimulus import TokenStream, one_hot

MODEL = "../models/brunel.py"
#: {block: (g, nu_ext/nu_thr)}
POINTS = dict(SR=(3.0, 2.0), SI_fast=(6.0, 4.0), AI=(5.0, 2.0), SI_slow=(4.5, 0.9))
#: Of the model: J, C_E, tau, theta, reset, refractory period.
J, SOURCES, TAU, THETA, RESET, REFRACTORY = 0.4 * mV, 100, 20 * ms, 20 * mV, 10 * mV, 2 * ms
THRESHOLD_RATE = THETA / (J * SOURCES * TAU)
FIRST, BIN = 200 * ms, 0.3 * ms


def protocol(duration=1.2 * second, sources=SOURCES):
    """The four states, one after the other, each from the same initial state."""
    stream = TokenStream.from_list(["on"], one_hot(["on"]))
    pace = EventPace(onset=[0] * ms, duration=duration, pause=0 * ms)
    return Protocol(
        name="brunel",
        description="Four states of the sparse random network",
        measured_signal="spikes of the excitatory and inhibitory neurons",
        blocks=[
            Block(
                name=name,
                stream=stream,
                pace=pace,
                signals=dict(
                    g=g, arrivals=PoissonSpikes(rate=ratio * THRESHOLD_RATE, sources=sources)
                ),
                probes=[Probe(population, "spikes") for population in "EI"],
                start_from=INITIAL,
            )
            for name, (g, ratio) in POINTS.items()
        ],
    )


def white_noise_rate(mu, sigma):
    """Rate (Hz) of a neuron that white noise of mean `mu` and deviation `sigma` (V) drives."""
    low, high = ((float(v) - mu) / sigma for v in (RESET, THETA))
    integral = quad(lambda u: erfcx(-u), low, high, limit=200)[0]
    return 1 / (float(REFRACTORY) + float(TAU) * np.sqrt(np.pi) * integral)


def mean_field_rate(g, ratio):
    """The rate (Hz) at which the network stands by the mean-field theory."""
    c, j, tau = SOURCES, float(J), float(TAU)
    external = ratio * float(THRESHOLD_RATE)

    def difference(nu):
        mu = c * j * tau * (external + (1 - g / 4) * nu)
        sigma = j * np.sqrt(c * tau * (external + (1 + g**2 / 4) * nu))
        return white_noise_rate(mu, sigma) - nu

    return brentq(difference, 1e-6, 1 / float(REFRACTORY))


def summary(runs):
    """Medians over networks of rate, irregularity, fluctuation, frequency and periodicity
    (`fena_sim.measure.spiking`) of every state, and the rate of the mean-field theory.
    """
    found = {}
    for block, point in POINTS.items():
        states = [asdict(spiking(run, block, first=FIRST, bin=BIN)) for run in runs]
        for name in states[0]:
            found[f"{block}_{name}"] = float(np.median([state[name] for state in states]))
        found[f"{block}_mean_field_rate"] = float(mean_field_rate(*point))
    return found


if __name__ == "__main__":
    from fena_sim.commands.main import run_file

    run_file(__file__)
