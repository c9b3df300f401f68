"""A model as tables: populations, equations, projections, plasticity, parameters.

The tables follow Nordlie, Gewaltig & Plesser (2009), "Towards reproducible descriptions of neuronal
network models", PLoS Comput Biol 5:e1000456, doi 10.1371/journal.pcbi.1000456: a summary first,
then one table for each part of the model, so that a reader can rebuild it without its code.
"""

from ..declare.model.hierarchy import Hierarchy
from ..declare.protocol.protocol import Protocol
from .constants import initial_table, parameter_table
from .describe_measured import measured_table
from .describe_populations import equation_tables, event_table, link_table, population_table
from .describe_projections import plasticity_tables, projection_table, synapse_tables
from .describe_summary import summary_table
from .typeset import escape

_LATEX_HEAD = r"""% Needs \usepackage{amsmath, array, booktabs, longtable}; typeset with UTF-8 input.
\begingroup\footnotesize\setlength{\tabcolsep}{3pt}\setlength{\LTleft}{0pt}\setlength{\LTright}{0pt}
"""
_SOURCE = "Tables after Nordlie, Gewaltig & Plesser 2009, PLoS Comput Biol 5:e1000456, doi 10.1371/journal.pcbi.1000456."


def describe(model: Hierarchy, latex: bool = False, protocol: Protocol | None = None) -> str:
    """A Hierarchy as Markdown tables, or as LaTeX to be included in an article.

    Parameters
    ----------
    model : Hierarchy
    latex : bool
        LaTeX (``longtable``, equations typeset) instead of Markdown.
    protocol : Protocol, optional
        Adds section K, the signals that it measures.

    Returns
    -------
    str
        Sections A to J: summary, populations, equations, token events, links, projections,
        synapses, plasticity, parameters, initial values. Populations with equal equations, up to
        the number of their level, share one table of equations.

    Raises
    ------
    FenaError
        If the model has not what the protocol measures.
    """
    tables = [
        summary_table(model),
        population_table(model),
        *equation_tables(model),
        event_table(model),
        link_table(model),
        projection_table(model),
        *synapse_tables(model),
        *plasticity_tables(model),
        parameter_table(model),
        initial_table(model),
        *([measured_table(model, protocol)] if protocol is not None else []),
    ]
    if latex:
        parts = [*(t.latex() for t in tables), r"\noindent " + escape(_SOURCE), r"\endgroup"]
        return _LATEX_HEAD + "\n\n".join(parts) + "\n"
    return "\n\n".join([f"# {model.name}", *(t.markdown() for t in tables), _SOURCE]) + "\n"
