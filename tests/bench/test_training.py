"""Oracles: closed-form counts, memory that a test itself allocates, rows and claims worked out by
hand, stock definitions.
"""

import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest
import tiny
from brian2 import ms
from click.testing import CliRunner

import fena_sim as fs
from fena_sim.bench import (
    footprint,
    training,
    training_cases,
    training_claims,
    training_job,
    training_rows,
)
from fena_sim.commands import bench as bench_command
from fena_sim.commands.main import cli
from fena_sim.errors import DeviceError
from fena_sim.extras import install_hint
from fena_sim.stimulus import MotifGrammar

MIB = 2**20
COLUMNS = {
    "network",
    "parameters",
    "phase",
    "variant",
    "setting",
    "tokens_per_second",
    "spread",
    "peak_bytes",
    "bytes_per_parameter",
    "accuracy",
}


def test_weights_of_fena_in_closed_form():
    model = fs.load_model(training_job.FENA, 16)
    predictions = 16 * 64 + 64 * 48 + 48 * 32
    priors = 64 * 64 + 16 * 64 + 48 * 48 + 64 * 48 + 32 * 32 + 48 * 32
    assert training_job.synapses(model) == predictions + priors
    assert training_job.synaptic_weights(model) == predictions + 2 * priors


def test_everybody_reads_the_tokens_of_first_contact():
    parts = training_job.blocks(seed=3, tokens=50, test_tokens=20)
    grammar = MotifGrammar()
    assert (
        training_job._tokens(parts["training"]).tolist()
        == grammar.training(50, seed=4).events["token"].tolist()
    )
    assert (
        training_job._tokens(parts["familiar"]).tolist()
        == grammar.training(20, seed=10_003).events["token"].tolist()
    )
    assert parts["familiar"].blocks[0].controls["plasticity_gain"] == 0


@pytest.mark.compile
def test_without_plasticity_is_the_frozen_network(tmp_path):
    """Declaring no plasticity and multiplying it by zero are the same inference, to the bit."""
    model = fs.load_model(training_job.FENA, 16, sizes=(8, 6, 5))
    fixed = training_job.without_plasticity(model)
    assert all(p.plasticity is None for p in fixed.projections)
    block = fs.Block(
        name="frozen",
        stream=tiny.stream(6),
        pace=fs.FixedPace(duration=48 * ms, blank=12 * ms),
        controls=dict(plasticity_gain=0.0),
    )
    protocol = fs.Protocol(name="frozen", blocks=[block])
    runs = [
        fs.run(m, protocol, device="dense64", out=tmp_path / name)
        for name, m in (("plastic", model), ("fixed", fixed))
    ]
    predictions = [run.tokens("frozen")["probability"].to_numpy() for run in runs]
    assert np.abs(predictions[0]).max() > 0
    np.testing.assert_array_equal(*predictions)


def test_peak_is_what_was_allocated_since_the_reset():
    def growth(size):
        before = footprint.reset_peak()
        np.ones(size, dtype=np.uint8)
        return footprint.peak() - before

    assert growth(64 * MIB) == pytest.approx(64 * MIB, abs=2 * MIB)
    assert growth(8 * MIB) == pytest.approx(8 * MIB, abs=2 * MIB)  # the earlier peak is forgotten


def test_peak_of_a_child_is_its_own(tmp_path):
    """ru_maxrss would tell this process's 200 MiB. Children with another name do not count."""
    program = tmp_path / "hungry"
    program.symlink_to(os.path.realpath(sys.executable))
    held = np.ones(200 * MIB, dtype=np.uint8)
    code = f"x = b'1'*{64 * MIB}; print(flush=True); input()"
    with footprint.WatchChildren("hungry") as children, footprint.WatchChildren("other") as others:
        with subprocess.Popen(
            [program, "-S", "-E", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as child:
            child.stdout.readline()
            while children.peak < 64 * MIB:  # it looks now and then
                assert child.poll() is None
                time.sleep(0.01)
            child.communicate(b"\n")
    assert held.nbytes > children.peak
    assert 64 * MIB < children.peak < 96 * MIB
    assert others.peak == 0


def test_a_row_worked_out_by_hand():
    def result(seconds, accuracy):
        return {
            "parameters": 100,
            "process_seconds": seconds + 5,
            "accuracy": accuracy,
            "training_tokens": 1000,
            "training_seconds": seconds,
            "training_cpu_seconds": seconds / 2,
            "inference_tokens": 10,
            "inference_seconds": 1.0,
            "inference_cpu_seconds": 1.0,
        }

    key = ("fena", "dense", json.dumps({"sizes": [2]}))
    memory = [
        {"parameters": 100, "peak_bytes": b, "network_bytes": b - 50} for b in (400, 600, 500)
    ]
    row = training_rows.time_row(
        key,
        "training",
        [result(2, 0.5), result(4, 0.7), result(10, 0.6)],
        {"build_seconds": 20},
        memory,
    )
    assert COLUMNS <= set(row)
    assert (row["tokens_per_second"], row["spread"], row["tokens_per_cpu_second"]) == (
        250,
        [100, 500],
        500,
    )
    assert (row["accuracy"], row["accuracy_spread"]) == (0.6, [0.5, 0.7])
    assert (row["peak_bytes"], row["network_bytes"], row["bytes_per_parameter"]) == (500, 450, 5)
    assert (
        row["wall_seconds"] == 4 + 4 + 20
    )  # the phase, the start (5 seconds less 1 of inference), the build
    inference = training_rows.time_row(
        key, "inference", [result(2, 0.5)], {"build_seconds": 20}, []
    )
    assert inference["wall_seconds"] == 4 + 1 and inference["peak_bytes"] is None
    assert set(inference) == set(row)


def rows(fena_bytes, reference_bytes, repetitions=3):
    """Rows of a machine whose memory is a known function of (weights, tokens, phase)."""
    made = []

    def add(sweep, position, network, variant, phase, weights, size, **columns):
        key = (network, variant, json.dumps({"sweep": sweep}))
        result = {"parameters": weights, "peak_bytes": size, "network_bytes": size}
        made.append(
            {
                **training_rows.empty_row(key, phase, [result] * repetitions),
                **training_rows.memory_columns([result]),
                "sweep": sweep,
                "position": position,
                **columns,
            }
        )

    for phase in ("training", "inference"):
        for n in (1, 4, 8):
            add(
                "width",
                n,
                "fena",
                "dense",
                phase,
                1000 * n**2,
                fena_bytes(1000 * n**2, 16, n, phase),
            )
        if phase == "inference":
            add(
                "width",
                8,
                "fena",
                "dense, plasticity not declared",
                phase,
                64_000,
                fena_bytes(64_000, 16, 8, "absent"),
            )
        for tokens in (16, 1024):
            add("context", tokens, "fena", "dense", phase, 4000, fena_bytes(4000, tokens, 2, phase))
            for network in training_cases.REFERENCES:
                add(
                    "context",
                    tokens,
                    network,
                    "1 thread",
                    phase,
                    4000,
                    reference_bytes(4000, tokens, phase),
                )
        for depth in (1, 2, 4):
            add(
                "depth",
                depth,
                "fena",
                "dense",
                phase,
                3000 * depth,
                fena_bytes(3000 * depth, 16, depth, phase),
            )
        for network, variant, speed, accuracy in (
            ("fena", "dense", 500, 0.9),
            ("gru", "1 thread", 1000, 0.9),
            ("gru", "1 thread", 9000, 0.2),
            ("gru", "2 threads", 10, 0.99),
            ("transformer", "1 thread", 2000, 0.9),
        ):
            add(
                None,
                None,
                network,
                variant,
                phase,
                31744,
                1,
                tokens_per_second=speed,
                accuracy=accuracy,
            )
    return made


def linear(weights, tokens, levels, phase):
    return 4 * weights


def backpropagation(weights, tokens, phase):
    return 16 * weights + 100 * tokens if phase == "training" else 4 * weights


def test_claims_that_hold():
    verdicts = training_claims.claims(rows(linear, backpropagation))
    assert [verdicts[claim]["holds"] for claim in ("C14", "C15", "C17")] == [True] * 3
    assert verdicts["C14"]["plasticity_off"] == verdicts["C14"]["plasticity_not_declared"] == 1
    assert verdicts["C14"]["gru"] == (16 * 4000 + 100 * 1024) / (4 * 4000)
    assert verdicts["C15"]["exponent"] == pytest.approx(1)
    assert verdicts["C15"]["context_gru"] == (64_000 + 102_400) / (64_000 + 1600)
    assert verdicts["C17"]["training_over_gru"] == 0.5  # of the setting that learned, on one thread
    assert verdicts["C17"]["inference_over_transformer"] == 0.25


@pytest.mark.parametrize(
    "claim, fena, reference, repetitions",
    [
        ("C14", lambda w, t, n, phase: (4.1 if phase == "training" else 4) * w, backpropagation, 3),
        ("C14", lambda w, t, n, phase: (3.9 if phase == "absent" else 4) * w, backpropagation, 3),
        ("C15", lambda w, t, n, phase: w**1.2, backpropagation, 3),
        ("C15", lambda w, t, n, phase: 4 * w + 10 * t, backpropagation, 3),
        ("C15", lambda w, t, n, phase: 4 * w * (n if w == 3000 * n else 1), backpropagation, 3),
        ("C15", linear, lambda w, t, phase: 16 * w, 3),
        ("C17", linear, backpropagation, 2),
    ],
)
def test_claims_that_fail(claim, fena, reference, repetitions):
    verdicts = training_claims.claims(rows(fena, reference, repetitions))
    assert {name for name, verdict in verdicts.items() if not verdict["holds"]} == {claim}


@pytest.mark.compile
def test_a_whole_measurement_of_a_small_fena():
    case = training_cases.fena_case("dense64", (8, 6, 5))
    cache = os.environ["FENA_CACHE"]
    timed = training.perform(dict(case.job, measure="time", seed=0, tokens=6, test_tokens=5), cache)
    assert timed["parameters"] == 16 * 8 + 8 * 6 + 6 * 5 + 2 * (
        8 * 8 + 16 * 8 + 6 * 6 + 8 * 6 + 5 * 5 + 6 * 5
    )
    assert timed["training_tokens"] == 6 and timed["inference_tokens"] == 5
    assert 0 < timed["training_seconds"] + timed["inference_seconds"] < timed["process_seconds"]
    assert timed["accuracy"] * 4 == pytest.approx(
        round(timed["accuracy"] * 4)
    )  # of the four tokens that are scored


@pytest.mark.slow
def test_a_measurement_that_stops_says_why():
    with pytest.raises(DeviceError, match="KeyError: 'nothing'") as error:
        training.perform(
            dict(training_cases.fena_case("dense", (2,)).job, measure="nothing"),
            os.environ["FENA_CACHE"],
        )
    assert '"measure": "nothing"' in str(error.value)


class Machine:
    """Stands in for `perform`: memory as `linear` and `backpropagation` have it, more threads
    always slower.
    """

    def __init__(self):
        self.jobs = []

    def __call__(self, job, cache):
        self.jobs.append(job)
        fena = job["network"] == "fena"
        weights = (
            10 * int(np.prod(job["sizes"][:1])) * len(job["sizes"]) if fena else job["parameters"]
        )
        seconds = 10.0 * job.get("threads", 1)
        if job["measure"] == "rate":
            return {"rate": job["rates"][1], "scores": []}
        size = 1000
        if job["measure"] == "memory":
            size = (
                linear(weights, 0, 0, job["phase"])
                if fena
                else backpropagation(weights, job["length"] * job["batch"] * 10, job["phase"])
            )
        return {
            "parameters": weights,
            "build_seconds": 20.0,
            "process_seconds": 100.0,
            "accuracy": 0.9,
            "peak_bytes": size,
            "network_bytes": size,
            **{
                f"{phase}_{what}": value
                for phase in ("training", "inference")
                for what, value in (
                    ("tokens", job.get("tokens")),
                    ("seconds", seconds),
                    ("cpu_seconds", seconds),
                )
            },
        }


@pytest.mark.parametrize("options", [["--quick"], []])
def test_the_command_from_jobs_to_file(monkeypatch, tmp_path, options):
    machine = Machine()
    monkeypatch.setattr(bench_command, "find_spec", lambda name: name)
    monkeypatch.setattr(training, "perform", machine)
    monkeypatch.setattr(training.os, "cpu_count", lambda: 2)
    outcome = CliRunner().invoke(
        cli,
        ["bench", "training", *options, "--json", str(tmp_path / "rows.json")],
        catch_exceptions=False,
    )
    assert outcome.exit_code == 0
    written = json.loads((tmp_path / "rows.json").read_text())
    tokens = 4000 if options else 16000
    timed = [job for job in machine.jobs if job["measure"] == "time" and job["tokens"] == tokens]
    variants = len(timed) // 3
    assert variants == 2 + 2 * len(training_cases.SETTINGS)  # one thread was the best everywhere
    for repetition in range(
        3
    ):  # interleaved: every variant once, in the same order, with the repetition's seed
        part = timed[repetition * variants : (repetition + 1) * variants]
        assert {job["seed"] for job in part} == {repetition}
        assert [dict(job, seed=0) for job in part] == [
            dict(job, seed=0) for job in timed[:variants]
        ]
    assert all(job.get("rate") in (None, training.RATES[1]) for job in timed)
    runs = [row for row in written["rows"] if row["sweep"] is None]
    assert len(runs) == 2 * variants and all(COLUMNS <= set(row) for row in written["rows"])
    assert all(row["tokens_per_second"] == tokens / 10 and row["repetitions"] == 3 for row in runs)
    assert all(row["peak_bytes"] is not None for row in written["rows"])
    assert {name: verdict["holds"] for name, verdict in written["claims"].items()} == dict(
        C14=True, C15=True, C17=True
    )
    assert len(written["threads"]) == 2 * len(training_cases.SETTINGS)
    assert "C15 holds" in outcome.output and "bytes/parameter" in outcome.output


def test_without_torch_nothing_is_built(monkeypatch, tmp_path):
    monkeypatch.setattr(bench_command, "find_spec", lambda name: None)
    outcome = CliRunner().invoke(
        cli, ["bench", "training", "--quick", "--json", str(tmp_path / "rows.json")]
    )
    assert outcome.exit_code == 2 and install_hint("bench") in outcome.output
    assert not list(tmp_path.iterdir())
