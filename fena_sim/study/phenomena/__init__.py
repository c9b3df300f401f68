"""Published findings as criteria, and how a model is judged by them beside its null models.

A *phenomenon* (:class:`~.phenomenon.Phenomenon`) is a list of *criteria*: what is measured in every
network, what has been published about it, and the bar. Criteria are declared before any run. The
unit of inference is the network: one number per independently initialised and trained network (and
per case, level or condition), averaged over trials inside the network first.

All functions here take arrays. Nothing of this package runs a network.

:mod:`~.criterion`
    The kinds of criteria: positive, negative, range, equivalence, trend, ordering, report-only.
:mod:`~.inference`
    Mean over networks, its interval, p values, Holm's correction.
:mod:`~.verdict`
    One criterion alone, in one model: :func:`~.verdict.weigh`.
:mod:`~.judgement`
    A phenomenon in a model and its null models: :func:`~.judgement.judge`; and over phenomena:
    :func:`~.judgement.discrimination`.
:mod:`~.multiverse`
    In what share of read-outs a criterion holds.
"""
