"""The names of Brian2 that the dense device uses although no documentation promises them.

`missing` tells which of them the installed Brian2 lacks; a test prints them, so that a release of
Brian2 that changes one is noticed there and not as an odd failure elsewhere.
"""

import ast
import inspect
from importlib import import_module

_DEVICE = "brian2.devices.cpp_standalone.device"

#: Where, name, what for. Names of classes and modules; `synapses.*` are attributes of any Synapses.
NAMES = (
    (_DEVICE, "CPPStandaloneDevice.code_object", "what Brian2 asks for is noted there"),
    (_DEVICE, "CPPStandaloneDevice.build", "synapses are lowered before it"),
    (_DEVICE, "CPPStandaloneDevice.generate_network_source", "the clock is read once"),
    (_DEVICE, "CPPStandaloneDevice.copy_source_files", "our header goes along"),
    (_DEVICE, "CPPStandaloneDevice.get_value", "indices of lowered synapses"),
    (_DEVICE, "CPPStandaloneDevice.get_array_name", "names of arrays in C++"),
    (_DEVICE, "CPPStandaloneDevice.synapses", "all Synapses of a program"),
    (_DEVICE, "CPPStandaloneDevice.clocks", "all clocks of a program"),
    (_DEVICE, "CPPStandaloneDevice.main_queue", "the order of code objects in a run"),
    (_DEVICE, "CPPStandaloneDevice.code_objects", "code objects by name"),
    (_DEVICE, "CPPStandaloneDevice.code_lines", "the user's own C++"),
    (_DEVICE, "CPPStandaloneDevice.enable_profiling", "kernels that are timed"),
    (_DEVICE, "CPPStandaloneDevice._maximum_run_time", "programs that stop by the clock"),
    (_DEVICE, "RunFunctionContext", "device.run_function()"),
    ("brian2.devices.device", "all_devices", "the device's name"),
    ("brian2.codegen.targets", "codegen_targets", "preferences by target"),
    (
        "brian2.devices.cpp_standalone.codeobject",
        "CPPStandaloneCodeObject.templater",
        "templates beside Brian2's",
    ),
    (
        "brian2.codegen.generators.cpp_generator",
        "CPPCodeGenerator.translate_statement_sequence",
        "statement blocks",
    ),
    (
        "brian2.codegen.generators.cpp_generator",
        "CPPCodeGenerator.translate_to_read_arrays",
        "indices become counters",
    ),
    (
        "brian2.codegen.generators.cpp_generator",
        "CPPCodeGenerator.determine_keywords",
        "functions and pointers",
    ),
    (
        "brian2.codegen.generators.cpp_generator",
        "CPPCodeGenerator._add_user_function",
        "functions one by one",
    ),
    (
        "brian2.codegen.generators.cpp_generator",
        "CPPCodeGenerator.arrays_helper",
        "what statements read and write",
    ),
    ("brian2.codegen.generators.cpp_generator", "c_data_type", "types of sums"),
    ("brian2.synapses.synapses", "Synapses._create_variables", "units of a stream"),
    ("brian2.synapses.synapses", "Synapses._pathways", "events that act on synapses"),
    (
        "brian2.synapses.synapses",
        "Synapses._registered_variables",
        "arrays with a value per synapse",
    ),
    ("brian2.synapses.synapses", "Synapses.multisynaptic_index", "several synapses per pair"),
    ("brian2.core.variables", "Variables._variables", "units of a stream"),
    ("brian2.core.functions", "Function.stateless", "random numbers"),
    ("brian2.codegen.runtime.numpy_rt", "NumpyCodeObject.templater", "a template beside Brian2's"),
    (
        "brian2.codegen.generators.numpy_generator",
        "NumpyCodeGenerator.translate_one_statement_sequence",
        "matrices",
    ),
    (
        "brian2.codegen.generators.numpy_generator",
        "NumpyCodeGenerator.func_name_replacements",
        "functions of the user's",
    ),
    ("brian2.codegen.statements", "Statement", "statements of matrices"),
    ("brian2.parsing.bast", "brian_ast", "types of factors"),
    ("brian2.parsing.rendering", "NumpyNodeRenderer.render_BinOp", "products"),
)
#: Templates of Brian2 that are replaced or known to do without index arrays, and the lines in them
#: that are looked for.
TEMPLATES = {
    "synapses_create_generator": "_synaptic_pre",
    "summed_variable": "_target_var",
    "stateupdate": "vector_code",
    "statemonitor": "_indices",
    "group_variable_set": "_group_idx",
    "group_variable_set_conditional": "_cond",
    "common_group": "////// HASH DEFINES ///////",
    "network": "_last_run_time = elapsed_realtime;",
}


def missing() -> list[str]:
    """One line for each name that the installed Brian2 lacks."""
    lines = [f"{place}.{name} ({use})" for place, name, use in NAMES if not _exists(place, name)]
    templates = import_module(
        "brian2.devices.cpp_standalone.codeobject"
    ).CPPStandaloneCodeObject.templater.env
    for template, line in TEMPLATES.items():
        try:
            found = line in templates.loader.get_source(templates, f"{template}.cpp")[0]
        except Exception as error:  # of whichever kind the loader raises
            found, line = False, str(error)
        lines += [] if found else [f"template {template}.cpp: {line!r}"]
    return lines


def _exists(place, name):
    thing = import_module(place)
    for part in name.split("."):
        if not hasattr(thing, part):
            return inspect.isclass(thing) and part in _set_on_self(thing)
        thing = getattr(thing, part)
    return True


def _set_on_self(cls):
    """Names that the methods of a class (or of its bases) assign to self."""
    sources = [inspect.getsource(c) for c in cls.__mro__ if c.__module__.startswith("brian2")]
    return {
        node.attr
        for source in sources
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    }
