"""`make gpu-check` on machines that fail. Oracle: its contract, a file with what there is and every
error.
"""

import importlib.util
import json
import types
from pathlib import Path

import pytest

from fena_sim.device.cuda import toolchain
from fena_sim.device.cuda.doctor import Finding
from fena_sim.errors import DeviceError
from fena_sim.study.certify.certificate import Cost, Row

SCRIPT = Path(__file__).resolve().parents[3] / "benchmarks" / "gpu_check.py"
TIME = {
    "device": "x",
    "sizes": (1, 2, 3),
    "ms_per_step": 1.0,
    "low": 0.5,
    "high": 2.0,
    "expected": {},
}


@pytest.fixture
def check(monkeypatch, tmp_path):
    """The script as a module, on a machine with a card where everything works."""
    spec = importlib.util.spec_from_file_location("gpu_check", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(toolchain, "cards", lambda: [toolchain.Card("X", 8.6, None, "580.1")])
    monkeypatch.setattr(
        module, "examine", lambda: [Finding("brian2cuda", False, "not installed", "mend it so")]
    )
    monkeypatch.setattr(module, "DEVICES", {"cuda": types.SimpleNamespace(available=lambda: None)})
    monkeypatch.setattr(
        module,
        "certify",
        lambda *_, **__: ([Row("v", "cpp", "cuda", "float32", 0.0, 0.0)], [Cost("cuda")]),
    )
    monkeypatch.setattr(
        module, "measured", lambda file, sizes, device: {**TIME, "sizes": sizes, "device": device}
    )
    return module


def told():
    return json.loads(Path("gpu_check.json").read_text())


def fails(*_, **__):
    raise DeviceError("out of memory", fix="a larger card")


def test_what_is_written_where_everything_works(check):
    check.main()
    found = told()
    assert (
        found["errors"] == []
        and len(found["times"]) == 6
        and found["certificate"][0]["variable"] == "v"
    )
    assert found["cards"] == [{"name": "X", "capability": 8.6, "memory": None, "driver": "580.1"}]
    assert "nvidia-smi" in found["driver"]


def test_a_part_that_fails_does_not_take_the_others_along(check, monkeypatch):
    def measured(file, sizes, device):
        return (
            fails()
            if sizes == check.SIZES[1] and device == "cuda"
            else {**TIME, "sizes": sizes, "device": device}
        )

    monkeypatch.setattr(check, "certify", fails)
    monkeypatch.setattr(check, "measured", measured)
    with pytest.raises(SystemExit, match="certificate: out of memory"):
        check.main()
    found = told()
    assert [error["part"] for error in found["errors"]] == [
        "certificate",
        "time of cuda, (1024, 768, 512)",
    ]
    assert all(
        "out of memory" in error["error"] and "a larger card" in error["error"]
        for error in found["errors"]
    )
    assert found["certificate"] == [] and len(found["times"]) == 5


def test_a_machine_that_cannot_run_cuda_says_why_and_what_to_do(check, monkeypatch):
    monkeypatch.setattr(
        check,
        "DEVICES",
        {"cuda": types.SimpleNamespace(available=lambda: "brian2cuda is not installed")},
    )
    with pytest.raises(
        SystemExit, match=r"cannot run CUDA: brian2cuda is not installed \(mend it so\)"
    ):
        check.main()
    assert (
        told()["machine"][0]["what"] == "brian2cuda"
        and len(told()["errors"]) == 1
        and told()["times"] == []
    )


def test_what_was_measured_is_written_even_if_the_program_is_stopped(check, monkeypatch):
    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(check, "measured", stopped)
    with pytest.raises(KeyboardInterrupt):
        check.main()
    assert told()["certificate"][0]["variable"] == "v"
