"""The cases of `fena bench training`: which networks are measured, of which size and in which
setting.
"""

import json
from collections.abc import Callable, Sequence

import attrs

FENA_SIZES = (64, 48, 32)
DEVICES = ("dense", "dense64")
REFERENCES = ("gru", "transformer")
#: (tokens per piece, batch size) in which the references learn.
SETTINGS = ((16, 1), (64, 1), (64, 8))
#: Sweeps of memory. FENA: multiples of FENA_SIZES, tokens seen, hidden levels of DEPTH_WIDTH units.
WIDTHS, CONTEXTS, DEPTHS, DEPTH_WIDTH = (1, 4, 8), (16, 128, 1024), (1, 4), 256
CONTEXT_WIDTH = 4
#: Pieces and batches of the references in the sweeps (the sweep over contexts varies the former).
SWEEP_LENGTH, SWEEP_BATCH = 64, 8


@attrs.frozen(kw_only=True)
class TrainingCase:
    """One variant of one network in one setting; `job` is what `training_job` needs to know beyond
    that.
    """

    network: str
    variant: str
    setting: dict
    job: dict

    @property
    def key(self) -> tuple[str, str, str]:
        return self.network, self.variant, json.dumps(self.setting, sort_keys=True)


def fena_case(
    variant: str, sizes: Sequence[int], setting: dict | None = None, plastic: bool = True
) -> TrainingCase:
    name = variant if plastic else f"{variant}, plasticity not declared"
    return TrainingCase(
        network="fena",
        variant=name,
        setting={"sizes": list(sizes), **(setting or {})},
        job=dict(network="fena", variant=variant, sizes=list(sizes), plastic=plastic),
    )


def reference_case(
    network: str,
    parameters: int,
    length: int,
    batch: int,
    threads: int = 1,
    layers: int | None = None,
    **setting: str | float,
) -> TrainingCase:
    setting = dict(length=length, batch=batch, **({"layers": layers} if layers else {}), **setting)
    return TrainingCase(
        network=network,
        variant=f"{threads} thread{'s' * (threads > 1)}",
        setting=setting,
        job=dict(
            network=network,
            parameters=parameters,
            threads=threads,
            layers=layers,
            length=length,
            batch=batch,
        ),
    )


def memory_cases(
    build: Callable[[TrainingCase], dict], quick: bool
) -> list[tuple[str, int, TrainingCase, int | None]]:
    """Cases of the sweeps: (sweep, position, TrainingCase, tokens). `build(case)` compiles FENA and tells
    its size.
    """

    def ends(values):
        return (values[0], values[-1]) if quick else values

    found: list[tuple[str, int, TrainingCase, int | None]] = []
    for width in ends(WIDTHS):
        sizes = [width * n for n in FENA_SIZES]
        case = fena_case("dense", sizes)
        parameters = build(case)["parameters"]
        found.append(("width", width, case, 16))
        found += [
            (
                "width",
                width,
                reference_case(
                    name, parameters, SWEEP_LENGTH, SWEEP_BATCH, sweep="width", weights=parameters
                ),
                None,
            )
            for name in REFERENCES
        ]
    fixed = fena_case("dense", sizes, plastic=False)
    build(fixed)
    found.append(("width", width, fixed, 16))
    sizes = [CONTEXT_WIDTH * n for n in FENA_SIZES]
    parameters = build(fena_case("dense", sizes))["parameters"]
    for length in ends(CONTEXTS):
        found.append(("context", length, fena_case("dense", sizes, dict(tokens=length)), length))
        found += [
            (
                "context",
                length,
                reference_case(name, parameters, length, SWEEP_BATCH, sweep="context"),
                None,
            )
            for name in REFERENCES
        ]
    for depth in ends(DEPTHS):
        case = fena_case("dense", [DEPTH_WIDTH] * depth)
        parameters = build(case)["parameters"]
        found.append(("depth", depth, case, 16))
        found += [
            (
                "depth",
                depth,
                reference_case(
                    name, parameters, SWEEP_LENGTH, SWEEP_BATCH, layers=depth, sweep="depth"
                ),
                None,
            )
            for name in REFERENCES
        ]
    return found
