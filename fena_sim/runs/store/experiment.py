"""Decides which runs are the same experiment on independently seeded networks, and lists how
others differ.
"""

from collections.abc import Sequence

from ...declare.canonical import digest


def experiment_of(manifest: dict) -> str:
    """A hash that runs share whose manifests differ by their seed alone, with what a seed decides:
    tokens, and a trained start.

    Another option of ``protocol()``, parameter, device, number of tokens or version of the code is
    another experiment.
    """
    inputs = {
        name: value
        for name, value in manifest["inputs"].items()
        if name not in ("seed", "start", "controls", "signals")
    }
    start = manifest.get("start")
    about = [manifest[name] for name in ("protocol", "model", "device", "blocks")]
    return digest(
        _without_draws([inputs, about, start and start.get("experiment", start["block"])])
    )


def differences(manifest: dict, manifests: Sequence[dict]) -> list[str]:
    """What sets a run apart from others, in words ("tokens of training 2000"), at most six and how
    many more.
    """
    facts, mine = [_facts(each) for each in manifests], _facts(manifest)
    apart = [
        f"{key} {mine.get(key, 'none')}"
        for key in dict.fromkeys(key for each in facts for key in each)
        if len({each.get(key) for each in facts}) > 1
    ]
    return apart if len(apart) <= 6 else [*apart[:6], f"and {len(apart) - 6} more"]


def _without_draws(value):
    """Without arrays, and without the seeds of what is declared with one."""
    if isinstance(value, dict):
        return (
            "array"
            if set(value) == {"array"}
            else {key: _without_draws(v) for key, v in value.items() if key != "seed"}
        )
    return [_without_draws(v) for v in value] if isinstance(value, list) else value


def _facts(manifest):
    model, declared, start = manifest["model"], manifest["inputs"]["model"], manifest.get("start")
    paces = {
        block["name"]: _pace(block["pace"]) for block in manifest["inputs"]["protocol"]["blocks"]
    }
    return {
        "protocol": manifest["protocol"]["name"],
        "model": model["name"],
        "device": manifest["device"],
        "streams": model.get("batch", 1),
        "dt": model["dt"],
        "engine": _engine(manifest["inputs"]),
        "start": _started(start) if start else "initial values",
        **{f"tokens of {block['name']}": block["tokens"] for block in manifest["blocks"]},
        **{f"pace of {name}": pace for name, pace in paces.items()},
        **{f"size of {p['name']}": p["size"] for p in declared["populations"]},
        **{
            f"protocol.{name}": text
            for name, text in manifest["protocol"].get("options", {}).items()
        },
        **model["parameters"],
    }


def _engine(inputs):
    """The engine's number; of runs made before there was one, the hash of the code."""
    return inputs["engine"] if "engine" in inputs else f"of code {inputs['code'][:8]}"


def _pace(pace):
    """The times of a pace, in seconds."""
    times = {
        name: time["value"]
        for name, time in pace.items()
        if isinstance(time, dict) and "value" in time
    }
    return ", ".join([pace["type"], *(f"{name} {float(time):g} s" for name, time in times.items())])


def _started(start):
    return f"{start['block']} of {start['run'].split('-seed')[0]} {start.get('experiment', '')[:8]}".rstrip()
