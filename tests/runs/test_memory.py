"""The memory that a run takes. Oracles: what a network allocates, as Brian2 and `tracemalloc` count
it; what the kernel counts; the documented contract that what does not fit is refused before anything is allocated.
"""

import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import psutil
import pytest
import tiny
from brian2 import Quantity, ms, second

import fena_sim as fs
from fena_sim.commands.main import main
from fena_sim.commands.shell import exit_code
from fena_sim.device.default import DEVICES
from fena_sim.errors import CheckpointError, ResourceError
from fena_sim.load.shipped import HOME
from fena_sim.network import projection as network_projection
from fena_sim.network import wiring
from fena_sim.network.initial_state import initial_state, state_names
from fena_sim.runs import memory, resources
from fena_sim.runs.plan import Plan
from fena_sim.stimulus import TokenStream

GIB = 2**30


@pytest.fixture
def free(monkeypatch):
    """A function that says how many bytes are free."""

    def say(count):
        monkeypatch.setattr(memory, "free_memory", lambda: count)

    say(16 * GIB)
    return say


@pytest.fixture
def allocated():
    """A function: the most bytes that were allocated since the test began."""
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


def test_a_network_that_does_not_fit_is_refused_before_it_is_allocated(
    free, allocated, tmp_path, capsys
):
    arguments = ["run", "first_contact", "--set", "model.sizes=(60000,60000,5)"]
    with pytest.raises(SystemExit) as stopped:
        main([*arguments, "--out", str(tmp_path / "runs")])
    said = capsys.readouterr().err
    assert stopped.value.code == 4
    assert "of memory, 16 GiB are free" in said and "3,600,000,000 synapses" in said
    assert "where:" in said and "make populations smaller" in said and "Traceback" not in said
    assert not list(tmp_path.iterdir())
    assert allocated() < 0.1 * GIB


def pair(size):
    """Two populations of `size` units that follow the temperature, joined all to all."""
    coded = fs.Population(name="coded", size=16, equations="y = token_code : 1")
    equations = "dx/dt = (temperature - x)/(10*ms) : 1\ns : 1"
    joined = fs.Projection(
        name="W",
        source="a",
        target="b",
        equations="w : 1\ns_post = w*x_pre : 1 (summed)",
        initial=dict(w=fs.Normal(sd=1.0)),
    )
    populations = [fs.Population(name=n, size=size, equations=equations) for n in "ab"]
    return fs.Hierarchy(name="pair", populations=[coded, *populations], projections=[joined])


def test_so_is_one_that_starts_from_a_smaller_one(free, tmp_path, request):
    small = fs.run(pair(2), tiny.one_block(2, probes=()), device="runtime", out=tmp_path)
    allocated = request.getfixturevalue("allocated")
    with pytest.raises(CheckpointError, match="the state has 2 values"):
        fs.run(pair(60000), tiny.one_block(2, probes=()), out=tmp_path, start=(small, "learning"))
    assert allocated() < 0.1 * GIB


def test_a_condition_is_asked_of_some_pairs_at_a_time(allocated):
    """1,998 of 10^6 pairs need no arrays of 10^6 pairs."""
    pair = fs.Projection(name="W", source="a", target="b", connect="abs(i - j) == 1")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wiring, "PAIRS_AT_ONCE", 2**14)
        network_projection.pairs(pair, 10, 10)  # SymPy's own memory
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        assert network_projection.synapse_count(pair, 1000, 1000) == 1998
        i, j = network_projection.pairs(pair, 1000, 1000)
    assert allocated() - before < 8 * 10**6 / 2
    expected = np.argwhere(np.abs(np.subtract.outer(np.arange(1000), np.arange(1000))) == 1)
    np.testing.assert_array_equal(np.stack([i, j], axis=1), expected)


def test_names_of_the_state():
    for model in (tiny.model(), tiny.model().with_parameter("batch", 2)):
        assert state_names(model) == set(initial_state(model, 3))


@pytest.mark.parametrize("name", ["fena", "fena_gaussian", "spiking_sequence"])
def test_what_is_reckoned_is_what_the_network_holds(name):
    """Of every population and projection, at most what Brian2 allocates, and most of all together:
    links, flags and copies are not counted.
    """
    model = fs.load_model(HOME / "models" / f"{name}.py")
    model_size = next(p.size for p in model.populations if p.uses("token_code"))
    vocabulary = fs.stimulus.one_hot([f"{k}" for k in range(model_size)])
    stream = TokenStream.from_ids([0, 1], vocabulary)
    protocol = fs.Protocol(name="p", blocks=[fs.Block(name="a", stream=stream)])
    plan = Plan.of(model, protocol, device="runtime")
    program = DEVICES["runtime"].build(model, vocabulary, plan.blocks[0].shape)
    held: dict = {}
    for key, (size, dtype) in program.variables.items():
        owner = key.partition(".")[0]
        held[owner] = held.get(owner, 0) + size * dtype.itemsize
    reckoned: dict = {}
    for need in memory.state_needs(model, "runtime", np.float64):
        owner = need.what.split("'")[1]
        reckoned[owner] = reckoned.get(owner, 0) + need.bytes
    for projection in model.projections:  # the indices, which are no part of the state
        ends = [model.population(n).size for n in (projection.source, projection.target)]
        count = network_projection.synapse_count(projection, *ends)
        held[projection.name] = held.get(projection.name, 0) + memory.INDICES * count
        held[projection.name] += held.get(f"delay_{projection.name}", 0)
    for owner, size in reckoned.items():  # two: values as they were drawn, and indices
        assert size <= (memory.RUNTIME_COPIES + 2) * held[owner], owner
    together = sum(held[owner] for owner in reckoned)
    assert sum(reckoned.values()) >= 0.5 * memory.RUNTIME_COPIES * together


def learning(*sizes):
    return fs.load_model(HOME / "models" / "fena.py", 16, sizes=sizes)


@pytest.mark.parametrize(
    "device, make, measured",
    [
        ("dense", lambda: (learning(2000, 2000, 5), tiny.one_block(8, probes=())), 1738),
        ("dense64", lambda: (learning(1000, 1000, 5), tiny.one_block(8, probes=())), 1103),
        ("cpp", lambda: (learning(1000, 1000, 5), tiny.one_block(8, probes=())), 1163),
        ("runtime", lambda: (learning(700, 700, 5), tiny.one_block(4, probes=())), 577),
        ("dense", lambda: (pair(2), paused(40, 3600, lambda t: t / second)[1]), 445),
    ],
)
def test_what_is_reckoned_is_what_was_measured(device, make, measured):
    """90 to 150 % of the largest sum (MiB) of this process, the compiled network and their files in
    memory that was sampled every 10 ms on Linux with Python 3.11.
    """
    plan = Plan.of(*make(), device=device)
    reckoned = sum(need.bytes for need in resources.memory_needs(plan)) + memory.PROCESS
    assert 0.9 * measured <= reckoned / 2**20 <= 1.5 * measured


@pytest.mark.slow
def test_what_is_reckoned_is_what_the_kernel_counts(tmp_path):
    """On the runtime device all is in one process, whose peak the kernel tells."""
    code = (
        "import re, sys; sys.path[:0] = sys.argv[1:2]\n"
        "import fena_sim as fs, test_memory as t, tiny\n"
        "from fena_sim.runs import memory, resources\n"
        "model, block = t.pair(2500), tiny.one_block(3, probes=())\n"
        "plan = t.Plan.of(model, block, device='runtime')\n"
        "needs = sum(n.bytes for n in resources.memory_needs(plan)) + memory.PROCESS\n"
        "fs.run(model, block, device='runtime', out=sys.argv[2])\n"
        # ru_maxrss would tell the peak of the tests, if that was higher
        "peak = re.search(r'VmHWM:\\s+(\\d+) kB', open('/proc/self/status').read())\n"
        "print(needs / 1024 / int(peak[1]))"
    )
    here = Path(__file__).parent
    command = [sys.executable, "-c", code, f"{here}", f"{tmp_path}"]
    paths = os.pathsep.join([str(here.parent), str(here.parents[1])])
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": paths},
    )
    assert 0.9 <= float(done.stdout.split()[-1]) <= 1.5


# -- control signals ---------------------------------------------------------------------------


def paused(n, pause, control):
    """A plan of n tokens, one of them after a pause, with a control as a function of time."""
    blank = np.full(n, 0.012)
    blank[n // 2] = pause
    pace = fs.FixedPace(duration=48 * ms, blank=Quantity(blank, dim=second.dim))
    protocol = tiny.one_block(n, probes=(), pace=pace, controls=dict(temperature=control))
    return Plan.of(pair(2), protocol, device="runtime"), protocol


def test_a_pause_does_not_make_tables_large():
    """They have a row for every step of a chunk, whose 4,000 tokens last 299,988 steps, or as many as
    the chunk is long.
    """
    plan, _ = paused(4000, 60, lambda t: t / second)
    (block,) = plan.blocks
    assert block.most_tokens == 4000 and block.shape.steps == 2**19
    assert resources.table_bytes(block.shape, 1) < 8 * (2**19 + 13 * resources.TABLE_ROWS)
    plan, _ = paused(40, 600, lambda t: t / second)
    assert plan.blocks[0].shape.steps == 2**20
    plan, _ = paused(40, 600, np.linspace(0, 1, 40))  # one value per token
    assert plan.blocks[0].shape.steps == 0


def test_a_function_of_time_that_does_not_fit_is_refused(free, allocated):
    """A pause of an hour is a table of 4 million rows, 5 times."""
    plan, _ = paused(40, 3600, lambda t: t / second)
    tables = [need for need in resources.memory_needs(plan) if "tables" in need.what]
    assert 5 * 8 * 2**22 < tables[0].bytes < 5 * 8 * (2**22 + 13 * resources.TABLE_ROWS)
    free(0.1 * GIB)
    with pytest.raises(ResourceError, match="of memory") as caught:
        resources.check_resources(plan, ".")
    assert "'learning'" in caught.value.where and exit_code(caught.value) == 4
    assert allocated() < 0.3 * GIB


@pytest.mark.slow
def test_the_length_of_tables_changes_no_result(tmp_path, fingerprint, monkeypatch):
    prints = set()
    for size, steps in ((2**26, 4096), (2**10, 1024)):
        monkeypatch.setattr(resources, "CHUNK_BYTES", size)
        plan, protocol = paused(40, 0.5, lambda t: t / second)
        assert plan.blocks[0].shape.steps == steps
        run = fs.run(pair(2), protocol, device="runtime", out=tmp_path / str(steps))
        prints.add(tuple(sorted(fingerprint(run.folder).items())))
    assert len(prints) == 1


# -- what is free --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line, files, left",
    [
        (
            "0::/a/b",
            {
                "a/b/memory.max": "max",
                "a/memory.max": "1000",
                "a/memory.current": "700",
                "a/memory.stat": "anon 1\ninactive_file 50",
            },
            350,
        ),
        ("0::/a", {"a/memory.max": "max", "a/memory.current": "7", "a/memory.stat": ""}, None),
        (
            "4:cpu,memory:/outside",  # a container sees its own folder as the root
            {
                "memory/memory.limit_in_bytes": "1000",
                "memory/memory.usage_in_bytes": "1200",
                "memory/memory.stat": "total_inactive_file 20",
            },
            0,
        ),
        ("4:cpuset:/a", {}, None),
    ],
)
def test_limits_of_control_groups(line, files, left, tmp_path, monkeypatch):
    for name, text in files.items():
        (tmp_path / "groups" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "groups" / name).write_text(text)
    (tmp_path / "own").write_text(f"{line}\n9:name=systemd:/\n")
    monkeypatch.setattr(memory, "OWN_GROUPS", tmp_path / "own")
    monkeypatch.setattr(memory, "CGROUPS", tmp_path / "groups")
    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("", (), {"available": 10**6})())
    assert memory.free_memory() == (10**6 if left is None else left)
    monkeypatch.setattr(memory, "OWN_GROUPS", tmp_path / "nothing")
    assert memory.free_memory() == 10**6


def test_pairs_that_do_not_fit_are_not_drawn(free):
    """10^11 pairs by chance, and their indices: refused in no time."""
    populations = [
        fs.Population(name=name, size=10**6, equations="x : 1") for name in ("source", "target")
    ]
    pairs = fs.Projection(
        name="W", source="source", target="target", connect=0.1, equations="w : 1"
    )
    model = fs.Hierarchy(name="large", populations=populations, projections=[pairs])
    free(2**30)
    with pytest.raises(ResourceError, match="of memory, 1 GiB are free") as caught:
        Plan.of(model, tiny.one_block(2, probes=()), device="runtime")
    assert "'W' of about 100,000,000,000 synapses" in caught.value.where


@pytest.mark.parametrize(
    "protocol, said, fix",
    [
        (tiny.one_block(12), "projection", "make populations smaller"),
        (
            tiny.one_block(4000, probes=[fs.Probe("state_1", "r")]),
            "probe of 'state_1' in block 'learning'",
            "record fewer",
        ),
    ],
)
def test_the_message_names_what_takes_most(protocol, said, fix, free, tmp_path):
    if "projection" in said:
        model = tiny.model(sizes=(400, 400, 5))
    else:
        model = tiny.model()
    free(2**10)
    with pytest.raises(ResourceError, match="of memory, 1 KiB are free") as caught:
        fs.run(model, protocol, device="runtime", out=tmp_path, chunk_tokens=4000)
    assert said in caught.value.where and fix in caught.value.fix
    assert exit_code(caught.value) == 4 and not list(tmp_path.iterdir())
