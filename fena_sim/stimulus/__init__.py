"""Stimuli: vocabularies, token streams, grammars, real text and oddball-style designs."""

from fena_sim.stimulus.grammar import MotifGrammar
from fena_sim.stimulus.oddball import cascade, flip_flop, many_standards, oddball, omissions
from fena_sim.stimulus.stream import OMITTED, TokenStream
from fena_sim.stimulus.text import text
from fena_sim.stimulus.vocabulary import Vocabulary, dense_random, graded, one_hot

__all__ = [
    "OMITTED",
    "MotifGrammar",
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
