"""Contract of `explain` and of the message about what runs as Brian2 wrote it."""

import attrs
import pytest
import tiny
from click.testing import CliRunner

import fena_sim as fs
from brian2_dense.lowering_device import Explanation
from fena_sim.commands import main as cli
from fena_sim.load.model_file import load_model
from fena_sim.load.shipped import HOME
from fena_sim.runs import preview
from fena_sim.runs.plan import Plan
from fena_sim.runs.preview import explain

PROTOCOL = tiny.one_block(2, probes=())


def test_every_projection_is_explained_without_a_build(tmp_path, monkeypatch):
    monkeypatch.setenv("FENA_CACHE", str(tmp_path / "cache"))
    model = load_model(HOME / "models" / "fena_gaussian.py")  # its weight norms join the feedback
    found = explain(Plan.of(model, PROTOCOL, device="dense64"))
    whole = {e.synapses: e.done for e in found if e.done in ("dense", "stock")}
    assert {p.name for p in model.projections} <= set(whole) and set(whole.values()) == {"dense"}
    assert any("joins" in e.done for e in found) and all(e.why for e in found)
    assert not (tmp_path / "cache").exists()


def test_other_devices_have_nothing_to_explain(tiny_fena):
    plans = [Plan.of(tiny_fena, PROTOCOL, device=name) for name in ("cpp", "runtime")]
    assert [explain(plan) for plan in plans] == [[], []]


def test_the_command_prints_a_table(monkeypatch, tmp_path):
    monkeypatch.setattr(
        preview, "explain", lambda *_: [Explanation("W_1", "stock", "for a reason")]
    )
    result = CliRunner().invoke(
        cli.cli,
        ["run", str(HOME / "protocols" / "oddball.py"), "--explain", "--out", str(tmp_path)],
    )
    assert result.exit_code == 0, result.output
    (row,) = [line for line in result.output.splitlines() if "W_1" in line]
    assert "stock" in row and "for a reason" in row and not list(tmp_path.iterdir())


@pytest.mark.compile
def test_a_run_says_once_what_is_not_dense(tiny_fena, tmp_path):
    """Two blocks, which need two builds; one projection is sparse."""
    first, *others = tiny_fena.projections
    sparse = attrs.evolve(tiny_fena, projections=[attrs.evolve(first, connect="i != j"), *others])
    blocks = [tiny.block("one", 2, probes=()), tiny.block("two", 2)]
    run = fs.run(sparse, fs.Protocol(name="sparse", blocks=blocks), device="dense64", out=tmp_path)
    log = (run.folder / "log.txt").read_text()
    assert (
        log.count(f"synapses {first.name!r} run as Brian2 wrote them") == 1
        and log.count("run as Brian2") == 1
    )
