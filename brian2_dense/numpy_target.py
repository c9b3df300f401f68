"""A NumPy code generation target for Brian2's runtime mode that runs all-to-all synapses as
matrices.

After importing this package, ``prefs.codegen.target = 'numpy_dense'`` in any Brian2 script. Sums,
clock-driven equations and ``run_regularly`` of Synapses that join every unit with every unit then
work on (N_pre, N_post) views of Brian2's own arrays: presynaptic values are columns, postsynaptic
ones rows, and NumPy broadcasts. A sum of products becomes a matrix-vector product, and a rank-one
change a BLAS update in place. Everything else (event pathways, other connections, random numbers,
statements that write to neurons, indexing) is what the target 'numpy' does.

A function of the user's own needs a NumPy implementation (``@implementation('numpy',
discard_units=True)``): for targets other than 'numpy' Brian2 does not make one of the Python
function.

`numpy_generator` decides which statements work on matrices and writes them, `numpy_expressions` writes
what they compute, and `numpy_functions` holds what the code calls. Here is Brian2's code object for
them, with its template.
"""

from brian2.codegen.runtime.numpy_rt import NumpyCodeObject
from brian2.codegen.targets import codegen_targets
from brian2.core.functions import DEFAULT_FUNCTIONS, Function
from brian2.synapses.synapses import Synapses
from jinja2 import ChoiceLoader, DictLoader

from .numpy_functions import add_outer, elementwise
from .numpy_generator import TEMPLATES, NumpyDenseGenerator


class NumpyDenseCodeObject(NumpyCodeObject):
    """NumPy code with matrices for all-to-all synapses: the target 'numpy_dense'."""

    class_name = "numpy_dense"
    generator_class = NumpyDenseGenerator
    stock = NumpyCodeObject.templater
    templater = stock.derive(
        "brian2.codegen.runtime.numpy_rt",
        env_globals={"stock_summed_variable": stock.env.get_template("summed_variable.py_")},
    )
    templater.env.loader = ChoiceLoader(
        [
            DictLoader(
                {
                    "summed_variable.py_": """
{# USES_VARIABLES { N } #}
{# ITERATE_ALL { _idx } #}
{% extends stock_summed_variable %}
{% block maincode %}
{% if dense_sum is none %}
{{ super() }}
{% else %}
_vectorisation_idx = 1
{{scalar_code|autoindent}}
{{vector_code|autoindent}}
{{dense_sum(_target_var, _index_var)}}
{% endif %}
{% endblock %}
"""
                }
            ),
            templater.env.loader,
        ]
    )

    def variables_to_namespace(self) -> None:
        super().variables_to_namespace()
        self.namespace["_add_outer"] = add_outer
        if not (isinstance(self.owner, Synapses) and self.template_name in TEMPLATES):
            return
        for name, variable in self.variables.items():
            if isinstance(variable, Function) and variable is not DEFAULT_FUNCTIONS.get(name):
                self.namespace[name] = elementwise(self.namespace[name])


codegen_targets.add(NumpyDenseCodeObject)
