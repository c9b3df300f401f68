"""One measurement of `fena bench training`, in a process of its own: `python -m
fena_sim.bench.training_job JSON`.

The job is a dictionary; its "measure" is one of

    build    the networks of a job are compiled, so that no other measurement contains that
    time     one pass of training, then the frozen network on test tokens: seconds, CPU seconds,
    accuracy memory   a tiny network of the same kind in the same phase, then the real one: bytes by
    which the peak exceeds it rate     accuracy after training with each learning rate, on a stream
    of another seed (reference networks)

and the last line printed is the result as JSON.
"""

import json
import os
import sys
import time

import attrs

from ..analyse.prediction import accuracy
from ..declare.model.equations import identifiers
from ..declare.model.hierarchy import Hierarchy
from ..declare.protocol.protocol import Protocol
from ..device.scratch import temporary_folder
from ..load.model_file import load_model
from ..load.protocol_file import load_protocol
from ..load.shipped import HOME
from ..network.projection import synapse_count
from ..runs.execute import run
from . import footprint

FENA = HOME / "models" / "fena_flat_memory.py"
FIRST_CONTACT = HOME / "protocols" / "first_contact.py"
#: Tokens that a tiny network is run on before memory is measured.
TINY_TOKENS = 4
#: Tokens per chunk when memory is measured: recordings of a chunk are held until it ends.
MEMORY_CHUNK = 16


def main(text: str) -> None:
    job = json.loads(text)
    kind = _fena if job["network"] == "fena" else _reference
    print(json.dumps(kind(job)))


def synaptic_weights(model: Hierarchy) -> int:
    """Weights that plasticity changes, summed over all synapses (a synapse of a prior has two).

    What a rule keeps for itself (what a synapse has spent) is no weight: nothing but the rule reads
    it.
    """

    def weights(projection):
        read = set().union(
            *(identifiers(str(e.expr)) for e in projection.parsed.values() if e.expr is not None)
        )
        return sum(e.varname in read for e in projection.plasticity.clock_driven)

    return sum(weights(p) * _pairs(model, p) for p in model.projections if p.plasticity is not None)


def synapses(model: Hierarchy) -> int:
    """Synapses with plasticity."""
    return sum(_pairs(model, p) for p in model.projections if p.plasticity is not None)


def _pairs(model, projection):
    return synapse_count(
        projection,
        model.population(projection.source).size,
        model.population(projection.target).size,
    )


def without_plasticity(model: Hierarchy) -> Hierarchy:
    """The same hierarchy whose synapses are declared fixed: what a build for inference alone would
    hold.
    """

    def fixed(projection):
        if projection.plasticity is None:
            return projection
        weights = "\n".join(f"{e.varname} : 1" for e in projection.plasticity.clock_driven)
        return attrs.evolve(
            projection, plasticity=None, equations=f"{projection.equations}\n{weights}"
        )

    return attrs.evolve(model, projections=[fixed(p) for p in model.projections])


def blocks(seed: int, tokens: int, test_tokens: int) -> dict[str, Protocol]:
    """The blocks "training" and "familiar" of first_contact, each as a protocol of its own."""
    protocol = load_protocol(
        FIRST_CONTACT, seed=seed, tokens=tokens, test_tokens=test_tokens
    ).protocol
    return {
        block.name: attrs.evolve(
            protocol, name=f"bench_{block.name}", blocks=[attrs.evolve(block, start_from=None)]
        )
        for block in protocol.blocks
        if block.name in ("training", "familiar")
    }


class _Clock:
    """Wall and CPU seconds of a piece of work, in this process and the children that it waited for."""

    def __enter__(self):
        self._began = time.perf_counter(), sum(os.times()[:4])
        return self

    def __exit__(self, *error):
        self.seconds = time.perf_counter() - self._began[0]
        self.cpu_seconds = sum(os.times()[:4]) - self._began[1]


def _timing(phase, clock, tokens):
    return {
        f"{phase}_seconds": clock.seconds,
        f"{phase}_cpu_seconds": clock.cpu_seconds,
        f"{phase}_tokens": tokens,
    }


def _fena(job):
    model = load_model(FENA, 16, sizes=tuple(job["sizes"]))
    counts = {"parameters": synaptic_weights(model), "synapses": synapses(model)}
    if not job.get("plastic", True):
        model = without_plasticity(model)
    with temporary_folder("bench") as out:
        measure = {"build": _build_fena, "time": _time_fena, "memory": _memory_fena}[job["measure"]]
        return {**counts, **measure(job, model, out)}


def _build_fena(job, model, out):
    with _Clock() as clock:
        for protocol in blocks(0, 2, 2).values():
            run(model, protocol, device=job["variant"], out=out)
    return {"build_seconds": clock.seconds}


def _time_fena(job, model, out):
    parts = blocks(job["seed"], job["tokens"], job["test_tokens"])
    with _Clock() as clock:
        trained = run(model, parts["training"], seed=job["seed"], device=job["variant"], out=out)
    result = _timing("training", clock, job["tokens"])
    with _Clock() as clock:
        tested = run(
            model,
            parts["familiar"],
            seed=job["seed"],
            device=job["variant"],
            out=out,
            start=(trained, "training"),
        )
    return {
        **result,
        **_timing("inference", clock, job["test_tokens"]),
        "accuracy": accuracy(tested, "familiar"),
    }


def _memory_fena(job, model, out):
    block = {"training": "training", "inference": "familiar"}[job["phase"]]

    def peak_of_network(hierarchy, tokens):
        with footprint.WatchChildren("main") as children:
            run(
                hierarchy,
                blocks(0, tokens, tokens)[block],
                device=job["variant"],
                out=out,
                chunk_tokens=MEMORY_CHUNK,
            )
        return children.peak

    tiny = load_model(FENA, 16, sizes=(2,) * len(job["sizes"]))
    tiny_network = peak_of_network(
        tiny if job.get("plastic", True) else without_plasticity(tiny), TINY_TOKENS
    )
    before = footprint.reset_peak()
    network = peak_of_network(model, job["tokens"]) - tiny_network
    return {"network_bytes": network, "peak_bytes": network + footprint.peak() - before}


def _reference(job):
    from ..study import reference_networks as references

    references.torch.set_num_threads(job["threads"])
    measure = {"time": _time_reference, "memory": _memory_reference, "rate": _rate_reference}[
        job["measure"]
    ]
    sizes = references.sizes(job["network"], 16, job["parameters"], job.get("layers"))
    return measure(job, references, sizes)


def _tokens(protocol):
    (block,) = protocol.blocks
    return block.stream.events["token"].to_numpy()


def _time_reference(job, references, sizes):
    parts = blocks(job["seed"], job["tokens"], job["test_tokens"])
    learned, familiar = _tokens(parts["training"]), _tokens(parts["familiar"])
    network = references.make(job["network"], 16, job["seed"], **sizes)
    how = dict(length=job["length"], batch=job["batch"])
    with _Clock() as clock:
        count = references.train(network, learned, job["rate"], **how)
    result = _timing("training", clock, count)
    with _Clock() as clock:  # as large a batch as in training, so on more tokens than the test has
        _, count = references.evaluate(network, learned, **how)
    score, _ = references.evaluate(network, familiar, length=job["length"])
    return {
        **result,
        **_timing("inference", clock, count),
        "accuracy": score,
        **_size(references, network, sizes),
    }


def _memory_reference(job, references, sizes):
    how = dict(length=job["length"], batch=job["batch"])

    def work(network, length, batch, tokens):
        if job["phase"] == "training":
            references.train(network, tokens, rate=1e-3, length=length, batch=batch)
        else:
            references.evaluate(network, tokens, length=length, batch=batch)

    tokens = _tokens(blocks(0, 2 * job["length"] * job["batch"] + 1, 1)["training"])
    tiny = references.sizes(job["network"], 16, 500, job.get("layers"))
    work(references.make(job["network"], 16, 0, **tiny), 2, 1, tokens[: 2 * TINY_TOKENS])
    before = footprint.reset_peak()
    network = references.make(job["network"], 16, 0, **sizes)
    work(network, tokens=tokens, **how)
    grown = footprint.peak() - before
    return {"network_bytes": grown, "peak_bytes": grown, **_size(references, network, sizes)}


def _rate_reference(job, references, sizes):
    parts = blocks(job["seed"], job["tokens"], job["test_tokens"])
    scores = {}
    for rate in job["rates"]:
        network = references.make(job["network"], 16, job["seed"], **sizes)
        references.train(
            network, _tokens(parts["training"]), rate, length=job["length"], batch=job["batch"]
        )
        scores[rate] = references.evaluate(
            network, _tokens(parts["familiar"]), length=job["length"]
        )[0]
    return {"rate": max(scores, key=scores.get), "scores": [[r, s] for r, s in scores.items()]}


def _size(references, network, sizes):
    return {"parameters": references.count_parameters(network), "sizes": sizes}


if __name__ == "__main__":
    main(sys.argv[1])
