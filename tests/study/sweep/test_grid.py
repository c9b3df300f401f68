"""Oracle: the documented contract of --grid (values with units, tuples, words) and its refusals:
what, where, fix, nothing made.
"""

import numpy as np
import pytest
from sweeping import SMALL

from fena_sim.commands.main import main
from fena_sim.errors import DeclarationError
from fena_sim.extras import install_hint
from fena_sim.study.sweep.distributed import parse_slurm
from fena_sim.sweep import parse_grid, plan


@pytest.mark.parametrize(
    "text, values, units",
    [
        ("level.1.tau=10*ms,14*ms,20*ms", [10, 14, 20], "ms"),
        ("level.1.tau=0.5*ms, 2*second", [0.5, 2000], "ms"),
        ("protocol.tokens=100,200", [100, 200], "1"),
        ("W_1.share=0.5,1", [0.5, 1.0], "1"),
        ("protocol.standard=f,k", ["f", "k"], None),
        ("model.sizes=(8,6,5),(16, 8, 5)", ["(8,6,5)", "(16, 8, 5)"], None),
        ("protocol.learn=True,False", ["True", "False"], None),
        ("protocol.stimulus_seed=3000000000,-3,4000000000", [3e9, -3, 4e9], "1"),
        ("protocol.durations=(40,60)*ms,(50,70)*ms", ["(40,60)*ms", "(50,70)*ms"], None),
        ("protocol.duration=50*ms,(50,70)*ms", ["50*ms", "(50,70)*ms"], None),
        ("protocol.path='a,b.txt',c.txt", ["'a,b.txt'", "c.txt"], None),
    ],
)
def test_values_and_their_units(text, values, units):
    (axis,) = parse_grid([text])
    found, unit = axis.coordinate()
    assert found.tolist() == values and unit == units
    assert axis.key == text.partition("=")[0]


@pytest.mark.parametrize(
    "grid, words",
    [
        ([], ["empty", "--seeds"]),
        (["level.1.tau"], ["key=value"]),
        (["level.1.tau="], ["level.1.tau", "empty"]),
        (["level.1.tau=10*ms,,14*ms"], ["empty value"]),
        (["level.1.tau=10*ms,14*mss"], ["'14*mss' is not a number", "--grid level.1.tau"]),
        (["level.1.tau=10*ms,10*ms+3"], ["cannot be evaluated", "--grid level.1.tau"]),
        (["level.1.tau=10*ms,0.01*second"], ["'10*ms' and '0.01*second' are the same"]),
        (["protocol.tokens=300,300.0"], ["are the same"]),
        (["level.1.tau=10*ms,14*mV"], ["different units"]),
        (["level.1.tau=10*ms", "level.1.tau=14*ms"], ["twice"]),
        (["model.sizes=(8,6,5),(8,6"], ["not closed"]),
        (["protocol.stimulus_seed=1,10**400"], ["too large", "--grid protocol.stimulus_seed"]),
        (["protocol.durations=(40,60)*ms,(0.04,0.06)*second"], ["are the same"]),
        (["level.3.tau=10*ms,20*ms"], ["varied and fixed", "--set level.3.tau"]),
    ],
)
def test_a_grid_that_makes_no_sense(grid, words):
    with pytest.raises(DeclarationError) as refused:
        parse_grid(grid, fixed=["level.3.tau=30*ms"])
    assert all(word in str(refused.value) for word in words), refused.value
    assert refused.value.where and refused.value.fix


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--grid", "level.1.tua=10*ms,14*ms"], ["level.1.tua", "level.1.tau", "grid point"]),
        (
            ["--grid", "level.1.tau=10*mV,14*mV"],
            ["state_1.tau", "14. ms", "grid point level.1.tau=10*mV"],
        ),
        (["--grid", "protocol.token=3,4"], ["token", "tokens"]),
        (["--grid", "protocol.tokens=100,0"], ["at least one", "grid point protocol.tokens=0"]),
        (
            ["--grid", "level.1.tau=10*ms,14*ms", "--grid", "state_1.tau=20*ms,30*ms"],
            ["are the same run"],
        ),
        (["--grid", "level.1.tau=10*ms", "--device", "gpu"], ["gpu", "dense"]),
        (["--grid", "level.1.tau=10*ms", "--model", "fenna.py"], ["fenna.py"]),
        (
            ["--grid", "level.1.tau=10*ms", "--workers", "2", "--scheduler", "tcp://a:1"],
            ["one of --workers"],
        ),
        (["--grid", "level.1.tau=10*ms", "--slurm", "queue"], ["key=value"]),
        (["--grid", "level.1.tau=10*ms", "--figure", "a.jpg"], [".pdf"]),
    ],
)
def test_a_mistake_gets_one_message_and_makes_nothing(arguments, words, protocol, tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["sweep", str(protocol), "--set", SMALL, "--out", str(tmp_path / "runs"), *arguments])
    message = capsys.readouterr().err
    assert stopped.value.code == 2 and "Traceback" not in message
    assert all(word in message for word in words), message
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("option", ["--scheduler=tcp://127.0.0.1:1", "--slurm=queue=short"])
def test_a_cluster_without_its_extra_names_the_command(
    option, protocol, tmp_path, capsys, monkeypatch
):
    for module in ("distributed", "dask_jobqueue"):
        monkeypatch.setitem(__import__("sys").modules, module, None)
    with pytest.raises(SystemExit) as stopped:
        main(
            [
                "sweep",
                str(protocol),
                "--grid",
                "level.1.tau=10*ms",
                "--out",
                str(tmp_path / "runs"),
                option,
            ]
        )
    assert stopped.value.code == 2 and install_hint("sweep") in capsys.readouterr().err


def test_slurm_options():
    assert parse_slurm("queue=short, walltime=02:00:00,jobs=3") == {
        "queue": "short",
        "walltime": "02:00:00",
        "jobs": 3,
    }
    for text in ("jobs=0", "jobs=many", "queue=", "a=1,a=2"):
        with pytest.raises(DeclarationError):
            parse_slurm(text)


def test_points_are_every_combination_with_every_seed(protocol, tmp_path):
    axes = parse_grid(["level.1.tau=10*ms,14*ms", "protocol.gain=0,0.5,1"])
    sweep = plan(protocol, axes, [0, 1], settings=[SMALL], device="dense", out=tmp_path)
    assert {(*p.grid, p.seed) for p in sweep.points} == {
        (f"level.1.tau={tau}*ms", f"protocol.gain={gain}", seed)
        for tau in (10, 14)
        for gain in ("0", "0.5", "1")
        for seed in (0, 1)
    }
    assert [p.number for p in sweep.points] == list(range(12))
    assert np.all([p.settings == (SMALL, *p.grid) for p in sweep.points])
    larger = plan(protocol, axes, [0, 1, 2], settings=[SMALL], device="dense", out=tmp_path)
    assert larger.name != sweep.name
    assert (
        plan(protocol, axes, [0, 1], settings=[SMALL], device="dense", out=tmp_path).name
        == sweep.name
    )
