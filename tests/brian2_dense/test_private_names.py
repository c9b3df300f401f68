"""A release of Brian2 that renames what the dense device uses is noticed here."""

import brian2
import pytest
from brian2.codegen.generators.cpp_generator import CPPCodeGenerator
from brian2.synapses import synapses

from brian2_dense import private


def check():
    absent = private.missing()
    assert not absent, (
        f"Brian2 {brian2.__version__} lacks what fena_sim/device/dense uses: " + "; ".join(absent)
    )


def test_brian_has_the_names_that_the_dense_device_uses():
    check()


def test_the_message_names_what_is_missing(monkeypatch):
    monkeypatch.delattr(CPPCodeGenerator, "translate_to_read_arrays")
    monkeypatch.delattr(synapses.Synapses, "_create_variables")
    monkeypatch.setitem(private.TEMPLATES, "network", "a line that is not there")
    with pytest.raises(AssertionError) as caught:
        check()
    for part in (
        brian2.__version__,
        "CPPCodeGenerator.translate_to_read_arrays",
        "Synapses._create_variables",
        "template network.cpp",
    ):
        assert part in str(caught.value)
    assert "code_object" not in str(caught.value)
