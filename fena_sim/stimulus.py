"""Stimuli: vocabularies, token streams, grammars, text, oddball designs."""

from .declare.stimulus.agreement import AgreementGrammar
from .declare.stimulus.grammar import LONG_MOTIFS, MotifGrammar
from .declare.stimulus.hidden import Grammar, HiddenStates
from .declare.stimulus.nested import NestedGrammar
from .declare.stimulus.oddball import cascade, flip_flop, many_standards, oddball, omissions
from .declare.stimulus.stream import OMITTED, TokenStream
from .declare.stimulus.text import text
from .declare.stimulus.vocabulary import Vocabulary, dense_random, graded, one_hot

__all__ = [
    "LONG_MOTIFS",
    "OMITTED",
    "AgreementGrammar",
    "Grammar",
    "HiddenStates",
    "MotifGrammar",
    "NestedGrammar",
    "TokenStream",
    "Vocabulary",
    "cascade",
    "dense_random",
    "flip_flop",
    "graded",
    "many_standards",
    "oddball",
    "omissions",
    "one_hot",
    "text",
]
