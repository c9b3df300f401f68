"""The engine's number: what a run and a build are named by, beside what was declared.

Raise ENGINE, and say why below, whenever the same declaration gives other numbers than before: then runs are made anew, and
builds too. Comments, messages and speed do not count. A test pins the generated sources and the results of every shipped model.

1   27 November 2026. The first engine with a number; its numbers are those of version 0.1.0.
2   27 November 2026. The default model is another one, and older names mean other things: the token event "onset" was the start
    of the blank, and "arrival" the token's onset. The control signal `knocked_out` is one of the inputs of every block.
3   28 November 2026. Inputs are summed after all populations of lower orders, and clock-driven equations of projections take their
    step before populations of order 0; names decided both where orders were neighbours. Shipped models give the same numbers.
"""

ENGINE = 3
