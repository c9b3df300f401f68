"""Oracle: the documented contract of `fena bench`: fields, null where nothing is measured, and thresholds
in closed form.
"""

import json

import pytest

from fena_sim.bench.figure import scaling
from fena_sim.bench.speed import Row, check, installed
from fena_sim.bench.thresholds import Threshold, thresholds
from fena_sim.bench.variants import VARIANTS, Variant
from fena_sim.bench.worker import VariantError
from fena_sim.commands.main import main
from fena_sim.errors import DeclarationError
from fena_sim.extras import install_hint

FIELDS = [
    "network",
    "synapses",
    "dtype",
    "plastic",
    "batch",
    "variant",
    "us_per_step",
    "spread",
    "x_limit",
    "bytes_per_synapse",
]


def row(network, variant, us, plastic=True, batch=1, synapses=1000, memory=4.0):
    return dict(
        zip(
            FIELDS,
            (network, synapses, "float32", plastic, batch, variant, us, 0.1, us, memory),
            strict=True,
        )
    )


@pytest.mark.compile
def test_rows_of_a_tiny_run(tmp_path, capsys):
    path = tmp_path / "rows.json"
    with pytest.raises(SystemExit) as ended:
        main(
            [
                "bench",
                "speed",
                "--quick",
                "--variants",
                "hand,numpy,limit",
                "--networks",
                "tiny",
                "--json",
                str(path),
            ]
        )
    assert ended.value.code == 0
    rows = json.loads(path.read_text())
    assert [(r["variant"], r["plastic"], r["batch"]) for r in rows] == [
        (v, p, b) for p in (True, False) for b in (1, 32) for v in ("hand", "numpy", "limit")
    ]
    for r in rows:
        assert list(r) == FIELDS
        assert r["network"] == "tiny" and r["synapses"] == 8 * 12 + 12 * 6 + 6 * 4
        assert r["us_per_step"] > 0 and r["spread"] >= 0
        assert r["bytes_per_synapse"] is None  # too small to be measured
        limit = next(
            x
            for x in rows
            if (x["variant"], x["plastic"], x["batch"]) == ("limit", r["plastic"], r["batch"])
        )
        assert r["x_limit"] == pytest.approx(r["us_per_step"] / limit["us_per_step"])


def test_unknown_names_are_refused(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["bench", "speed", "--variants", "hands", "--json", str(tmp_path / "rows.json")])
    assert ended.value.code == 2
    assert "did you mean 'hand'" in capsys.readouterr().err


def test_a_missing_extra_is_one_line_and_no_variant(monkeypatch):
    monkeypatch.setitem(
        VARIANTS, "absent", Variant("absent", "nowhere:None", needs="a_package_nobody_has")
    )
    told = []
    assert installed(["numpy", "absent"], told.append) == ["numpy"]
    assert told == [f"absent: not installed ({install_hint('bench')})"]


def test_another_network_stops_the_bench():
    from fena_sim.bench.networks import Case

    class Wrong:
        def ask(self, what):
            from fena_sim.bench.arrays import Numpy

            return Numpy(Case("tiny", plastic=False)).state()

    with pytest.raises(VariantError, match="hand computes another network"):
        check(Case("tiny"), {"hand": [Wrong()]})


def test_bars_in_closed_form():
    rows = [
        row("small", "dense", 10),
        row("small", "stock", 299),
        row("small", "hand", 8),
        row("small", "limit", 4),
        row("large", "dense", 100),
        row("large", "dense", 1500, batch=32),
        row("large", "dense", 50, plastic=False),
        row("1e6", "dense", 100, synapses=10**6),
        row("1e7", "dense", 1600, synapses=10**7),
    ]
    found = {threshold.name: threshold for threshold in thresholds(rows)}
    assert found["small, plastic: times faster than stock"] == Threshold(
        "small, plastic: times faster than stock", 29.9, 30
    )
    assert not found["small, plastic: times faster than stock"].holds
    assert found["small, plastic: time of hand-written C++"].value == 10 / 8
    assert found["small, plastic: time of hand-written C++"].holds
    assert found["small, plastic: hand-written C++, times the limit"].value == 2
    assert found[
        "large, plastic, B = 32: throughput per stream, times B = 1"
    ].value == pytest.approx(32 * 100 / 1500)
    assert found["1e7, plastic: cost per synapse, times that at 1e6"].value == pytest.approx(1.6)
    assert not found["1e7, plastic: cost per synapse, times that at 1e6"].holds
    assert found["large: memory of training, times that of inference"].value == 1
    assert not any("jax" in name for name in found)  # nothing measured, nothing claimed


def test_figure_shows_the_rows():
    rows = [
        row("1e4", "dense", 2.0, synapses=10**4, memory=None),
        row("1e6", "dense", 300.0, synapses=10**6),
        row("1e6", "limit", 100.0, synapses=10**6, memory=None),
        row("1e6", "dense", 1.0, synapses=10**6, batch=8),
    ]
    time, memory = scaling(rows).axes
    lines = {line.get_label(): line for line in time.lines}
    assert list(lines["cpp_dense"].get_xdata()) == [10**4, 10**6]
    assert list(lines["cpp_dense"].get_ydata()) == [0.2, 0.3]
    assert list(lines["limit"].get_ydata()) == [0.1]
    assert list({line.get_label(): line for line in memory.lines}["cpp_dense"].get_xdata()) == [
        10**6
    ]
    with pytest.raises(DeclarationError, match="no row"):
        scaling([])


def test_row_is_the_contract():
    assert [field for field in Row.__annotations__] == FIELDS
