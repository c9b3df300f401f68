"""Colours for print: one for each level in every figure, distinguishable for colour-blind
readers.
"""

import matplotlib as mpl

# Okabe & Ito 2008 (jfly.uni-koeln.de/color), without yellow, which is too pale for thin lines.
BLUE, VERMILLION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"


SKY, ORANGE, BLACK, GREY = "#56B4E9", "#E69F00", "#000000", "#8C8C8C"


# One fixed colour per level in every figure, level 0 (the senses) first.
LEVEL_COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, BLACK)


def level_colour(level: int) -> str:
    """The colour of a level, the same in every figure. Levels above 6 get colours of viridis, far
    apart for neighbours.
    """
    if level < len(LEVEL_COLOURS):
        return LEVEL_COLOURS[level]
    return mpl.colors.to_hex(mpl.colormaps["viridis"]((level - len(LEVEL_COLOURS)) * 0.618 % 1))


# Conditions are no levels: where both are told apart in one figure, only one of them has colours.
CONDITION_COLOURS = (BLACK, ORANGE, SKY, GREEN, PURPLE, VERMILLION)


def condition_colours(count: int) -> list[str]:
    """A colour for each of `count` conditions, in their order; of many, from dark to bright."""
    if count <= len(CONDITION_COLOURS):
        return list(CONDITION_COLOURS[:count])
    viridis = mpl.colormaps["viridis"]
    return [mpl.colors.to_hex(viridis(0.95 * k / (count - 1))) for k in range(count)]
