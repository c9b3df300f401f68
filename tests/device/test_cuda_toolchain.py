"""The search for compiler, cards and driver. Oracles: folders and an nvidia-smi made here, NVIDIA's
release notes.
"""

import json
import sys
from importlib.metadata import PackageNotFoundError

import pytest

from fena_sim.commands.main import cli
from fena_sim.device.cpp import run_compiler
from fena_sim.device.cuda import doctor, preferences, toolchain
from fena_sim.device.cuda.devices import CudaDevice, CudaHostProgram, CudaProgram
from fena_sim.errors import DeviceError


def program(path, text, code=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\ncat <<'END'\n{text}\nEND\nexit {code}\n")
    path.chmod(0o755)


def toolkit(root, release, include="include", lib="lib64"):
    """A folder that looks like a toolkit; without headers or cuRAND where None."""
    program(root / "bin" / "nvcc", f"Cuda compilation tools, release {release}, V{release}.1")
    for folder, name in ((include, "curand.h"), (lib, "libcurand.so.10")):
        if folder is not None:
            (root / folder).mkdir(parents=True, exist_ok=True)
            (root / folder / name).touch()
    return root


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine with programs of its own: give it rows of nvidia-smi; there is no toolkit but those
    of the test.
    """
    monkeypatch.setenv("PATH", f"{tmp_path / 'programs'}:/usr/bin:/bin")
    for name in ("CUDA_PATH", "CUDA_VISIBLE_DEVICES", "FENA_CUDA_ARCH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(toolchain, "wheels", list)
    monkeypatch.setattr(toolchain, "USUAL", tmp_path / "nothing")
    monkeypatch.setattr(preferences, "reason_against", lambda: None)

    def cards(*rows, code=0):
        program(tmp_path / "programs" / "nvidia-smi", "\n".join(rows), code)

    return cards


@pytest.mark.parametrize(
    "release, driver, capability, says",
    [
        ("13.0", "580.65.06", "7.5", None),
        ("13.0", "579.99", "9.0", ("driver 580 or newer, this machine has 579.99", "CUDA 12")),
        ("13.0", "590.1", "7.0", ("needs compute capability 7.5, X has 7.0", "CUDA 12")),
        ("13.0", "500.1", "9.0", ("driver 580 or newer", "install driver 580 or newer")),
        ("13.1", "590.1", "3.7", ("compute capability 7.5", "use a newer card")),
        ("12.4", "525.60", "5.0", None),
        ("12.4", "524.99", "8.6", ("driver 525 or newer", "install driver 525")),
        ("12.4", "[N/A]", "8.6", None),
    ],
)
def test_cuda_fits_driver_and_card(
    machine, tmp_path, monkeypatch, release, driver, capability, says
):
    machine(f"X, {capability}, 8192, {driver}, GPU-1")
    monkeypatch.setenv("CUDA_PATH", str(toolkit(tmp_path / "toolkit", release)))
    reason = CudaDevice().available()
    (*_, last) = findings = doctor.examine()
    if says is None:
        assert reason is None and last.what == "graphics card" and last.there
        return
    assert says[0] in reason and says[1] in reason
    assert not last.there and says[0] in last.found and says[1] in last.mend
    assert "graphics card" in [f.what for f in findings if f.there]


def test_memory_that_is_not_told_is_none(machine, capsys):
    machine(
        "GB10, 12.1, [N/A], 580.95, GPU-1",
        "A, b, 8.6, 6144, 580.95, GPU-2",
        "old, [N/A], 512, 580.95, GPU-3",
    )
    assert toolchain.cards() == [
        toolchain.Card("GB10", 12.1, None, "580.95"),
        toolchain.Card("A, b", 8.6, 6 * 2**30, "580.95"),
    ]
    cli.main(["doctor", "--json"], standalone_mode=False)
    told = {finding["what"]: finding for finding in json.loads(capsys.readouterr().out)}
    assert told["graphics card"]["found"] == (
        "GB10, compute capability 12.1, memory unknown, driver 580.95; "
        "A, b, compute capability 8.6, 6 GiB, driver 580.95"
    )


def test_no_cards_where_nvidia_smi_fails(machine):
    machine("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver", code=9)
    assert toolchain.cards() == []


@pytest.mark.parametrize(
    "visible, names",
    [
        (None, "abc"),
        ("1", "b"),
        ("2,0", "ca"),
        ("", ""),
        ("-1", ""),
        ("1,7,0", "b"),
        ("GPU-3f", "c"),
        ("GPU-", ""),
        ("MIG-1234", "abc"),
    ],
)
def test_cards_are_those_that_cuda_shows(machine, monkeypatch, visible, names):
    """CUDA's programming guide: only listed devices, in the listed order, up to the first that does
    not exist.
    """
    machine(*(f"{name}, 8.6, 8192, 580.1, GPU-{number}f" for number, name in enumerate("abc", 1)))
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert "".join(card.name for card in toolchain.cards()) == names


def test_programs_count_cards_as_nvidia_smi_does(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_DEVICE_ORDER", "FASTEST_FIRST")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    (tmp_path / "program.json").write_text(
        '{"dt": 0.001, "state": {}, "monitors": {}, "explanations": []}'
    )
    for made in (CudaProgram(tmp_path), CudaHostProgram(tmp_path, "reverse")):
        environment = made.environment()
        assert (environment["CUDA_DEVICE_ORDER"], environment["CUDA_VISIBLE_DEVICES"]) == (
            "PCI_BUS_ID",
            "1",
        )
    assert environment["FENA_CUDA_ORDER"] == "reverse"


@pytest.mark.parametrize(
    "brian2, brian2cuda, release, reason",
    [
        ("2.8.0", None, "1.0a7", "brian2cuda is not installed"),
        ("2.9.0", "1.0b1", "1.0a7", "brian2cuda 1.0b1 does not fit Brian2 2.9.0"),
        ("2.10.1", "1.0a7", "1.0b1", "brian2cuda 1.0a7 does not fit Brian2 2.10.1"),
        ("2.11.0", None, "1.0b1", "brian2cuda is not installed"),
        ("2.9.0", "1.0a7", "1.0a7", None),
        ("2.11.0", "1.0b1", "1.0b1", None),
    ],
)
def test_the_remedy_for_brian2cuda_fits_brian2(monkeypatch, brian2, brian2cuda, release, reason):
    """1.0a7 declares brian2==2.8.0, 1.0b1 brian2==2.10.1; pip must leave the Brian2 that is here."""

    def version(name):
        if name == "brian2cuda" and brian2cuda is None:
            raise PackageNotFoundError(name)
        return {"brian2": brian2, "brian2cuda": brian2cuda}[name]

    monkeypatch.setattr(preferences, "version", version)
    monkeypatch.setattr(doctor, "version", version)
    mend = f"{sys.executable} -m pip install --no-deps brian2cuda=={release}"
    finding = {finding.what: finding for finding in doctor.examine()}["brian2cuda"]
    assert (finding.there, finding.mend) == (reason is None, mend)
    assert finding.found == (reason or brian2cuda)
    if reason is not None:
        with pytest.raises(DeviceError, match=reason) as error:
            CudaDevice().generate(None, None, None, None, None)
        assert error.value.fix == mend


@pytest.mark.parametrize("asked", ["86", "inf", "-inf", "nan", "3.0", "4.9", "13.1", "8.65", "0"])
def test_implausible_capabilities_are_refused(monkeypatch, asked):
    monkeypatch.setenv("FENA_CUDA_ARCH", asked)
    with pytest.raises(DeviceError, match=f"'{asked}' is not one from 5.0 to 13.0"):
        toolchain.capability()


@pytest.mark.parametrize("asked", ["5.0", "8.6", "12.1", "13.0"])
def test_plausible_capabilities_are_taken(monkeypatch, asked):
    monkeypatch.setenv("FENA_CUDA_ARCH", asked)
    assert toolchain.capability() == float(asked)


@pytest.mark.parametrize(
    "include, lib",
    [
        ("include", "lib64"),
        ("include", "lib/x86_64-linux-gnu"),
        ("targets/x86_64-linux/include", "targets/x86_64-linux/lib"),
    ],
)
def test_layouts_of_a_root(machine, tmp_path, monkeypatch, include, lib):
    root = toolkit(tmp_path / "root", "12.4", include, lib)
    monkeypatch.setenv("PATH", f"{root / 'bin'}:/usr/bin:/bin")
    found = toolchain.find()
    assert (found.nvcc, found.origin) == (root / "bin" / "nvcc", "system")
    assert found.libraries == [root / lib] and root / include in found.include


@pytest.mark.parametrize(
    "include, lib", [(None, "lib/x86_64-linux-gnu"), ("include", None), (None, None)]
)
def test_an_incomplete_root_is_passed_over_whole(machine, tmp_path, monkeypatch, include, lib):
    root, wheel = (
        toolkit(tmp_path / "usr", "11.5", include, lib),
        toolkit(tmp_path / "cu13", "13.0", lib="lib"),
    )
    monkeypatch.setenv("PATH", f"{root / 'bin'}:/usr/bin:/bin")
    monkeypatch.setattr(toolchain, "wheels", lambda: [wheel])
    found = toolchain.find()
    assert (found.nvcc, found.version, found.origin) == (wheel / "bin" / "nvcc", 13.0, "wheels")
    assert str(root) not in " ".join(found.command(8.6, "main", "unity.cu"))


def test_a_whole_root_takes_nothing_of_the_wheels(machine, tmp_path, monkeypatch):
    root, wheel = (
        toolkit(tmp_path / "usr", "12.4", lib="lib/x86_64-linux-gnu"),
        toolkit(tmp_path / "cu13", "13.0", lib="lib"),
    )
    monkeypatch.setenv("PATH", f"{root / 'bin'}:/usr/bin:/bin")
    monkeypatch.setattr(toolchain, "wheels", lambda: [wheel])
    assert str(wheel) not in " ".join(toolchain.find().command(8.6, "main", "unity.cu"))


def test_fatal_lines_of_nvcc_are_told(tmp_path):
    compiler = tmp_path / "nvcc"
    compiler.write_text(
        "#!/bin/sh\n"
        + "echo noise >&2\n" * 60
        + "echo \"nvcc fatal   : Unsupported gpu architecture 'sm_60'\" >&2\n"
        "exit 1\n"
    )
    compiler.chmod(0o755)
    with pytest.raises(
        DeviceError,
        match=r"does not compile with .*: nvcc fatal   : Unsupported gpu architecture 'sm_60'",
    ):
        run_compiler([str(compiler)], tmp_path)
