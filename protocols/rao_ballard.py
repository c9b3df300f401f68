"""End-stopping: error units that answer a short bar more than a long one, as long as level 2 feeds back.

Rao & Ballard (1999, doi 10.1038/4580, Figure 5) train their network on patches of natural images and
then show bars of growing length. Here the images are made from a seed, because none come with the
package: a few long bars of random place, orientation and sign, to which noise with a 1/f spectrum is
added. Long contours are what makes the surround of a natural patch predictable from its middle, and
the other way round. Each image is a strip of 8 x 16 pixels, cut into three overlapping patches of
8 x 8, weighted by a Gaussian window as in the paper.

After training, plasticity is off. Horizontal bars through the middle, 2 to 16 pixels long, are shown to
the whole network ("feedback"), and once more with the predictions of level 2 knocked out
("no_feedback"): that is the null. The response is the sum of |r_1 - U_2 r_2| over the units of the
middle module at the end of a presentation.
"""

import numpy as np
from brian2 import ms

from fena_sim import Block, FixedPace, Protocol
from fena_sim.stimulus import TokenStream, Vocabulary

MODEL = "../models/rao_ballard.py"
SIDE, SHIFT, MODULES = 8, 4, 3  # pixels of a patch, between patches; patches
LENGTHS = tuple(range(2, 17, 2))
BLOCKS = ("feedback", "no_feedback")


def bar(length, angle=0.0, x=7.5, y=3.5, sign=1.0):
    """A bar of `length` pixels with soft edges around (x, y), float (8, 16)."""
    row, column = np.mgrid[:SIDE, : SIDE + SHIFT * (MODULES - 1)]
    along = (column - x) * np.cos(angle) + (row - y) * np.sin(angle)
    across = (row - y) * np.cos(angle) - (column - x) * np.sin(angle)
    return sign * np.clip((length + 1) / 2 - abs(along), 0, 1) * np.exp(-(across**2) / 2)


def patches(image):
    """The code of an image (8, 16): its patches under Gaussian windows, one after the other, (192,)."""
    window = np.exp(-((np.arange(SIDE) - (SIDE - 1) / 2) ** 2) / SIDE**2 * 4)
    cut = [image[:, SHIFT * k : SHIFT * k + SIDE] for k in range(MODULES)]
    return np.concatenate([(np.outer(window, window) * patch).ravel() for patch in cut])


def images(n, seed):
    """n images as codes, (n, 192)."""
    rng, found = np.random.default_rng(seed), []
    shape = (SIDE, SIDE + SHIFT * (MODULES - 1))
    frequency = np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.fftfreq(shape[1]))
    frequency[0, 0] = np.inf
    for _ in range(n):
        noise = np.fft.ifft2(np.fft.fft2(rng.standard_normal(shape)) / frequency).real
        image = 0.1 * noise / noise.std()
        for _ in range(rng.integers(1, 3)):
            angle, sign = rng.integers(8) * np.pi / 8, rng.choice([-1, 1])
            x, y = rng.uniform(0, shape[1] - 1), rng.uniform(0, shape[0] - 1)
            image = image + bar(40, angle, x, y, sign)
        found.append(patches(image))
    return np.array(found)


def protocol(seed=0, different=400, tokens=1600):
    """Training on `tokens` presentations of `different` images, then bars with and without feedback."""
    symbols = [f"image_{k}" for k in range(different)] + [f"bar_{length}" for length in LENGTHS]
    codes = [*images(different, seed), *(patches(bar(length)) for length in LENGTHS)]
    vocabulary = Vocabulary(symbols, np.array(codes), "patches")
    order = np.random.default_rng([seed, 1]).integers(0, different, tokens)
    bars = TokenStream.from_list(symbols[different:], vocabulary)
    training = TokenStream.from_ids(order, vocabulary)
    return Protocol(
        name="rao_ballard",
        description="Training on images, then bars of growing length with and without feedback",
        measured_signal="residual: the errors of level 1, r_1 - U_2 r_2",
        blocks=[
            Block(
                name="training", stream=training, pace=FixedPace(duration=100 * ms, blank=20 * ms)
            ),
            *(
                Block(
                    name=name,
                    stream=bars,
                    pace=FixedPace(duration=200 * ms, blank=100 * ms),
                    controls=dict(plasticity_gain=0.0, knocked_out=knocked_out),
                    start_from="training",
                )
                for name, knocked_out in zip(BLOCKS, (0, 2))
            ),
        ],
    )


def residuals(run, block):
    """Errors of the units of the middle module at the end of each bar, (length, unit)."""
    values = run.tokens(block)["residual"].to_numpy()
    units = values.shape[1] // MODULES
    return values[:, units : 2 * units]


def end_stopping(response):
    """1 - (response to the longest bar)/(largest response), (length,): 0 if none is end-stopped."""
    return float(1 - response[-1] / response.max())


def summary(runs):
    """Medians over networks: end-stopping of the summed |error| with and without feedback, and how
    much of the squared patches level 1 leaves unexplained at the beginning and at the end of training.
    """
    found = {
        f"end_stopping_{block}": float(
            np.median([end_stopping(abs(residuals(run, block)).sum(axis=1)) for run in runs])
        )
        for block in BLOCKS
    }
    error = np.array([run.tokens("training")["error"].to_numpy()[:, 0] for run in runs])
    few = max(1, error.shape[1] // 10)
    found["error_first"] = float(np.median(error[:, :few].mean(axis=1)))
    found["error_last"] = float(np.median(error[:, -few:].mean(axis=1)))
    return found


if __name__ == "__main__":
    from fena_sim.commands.main import run_file

    run_file(__file__)
