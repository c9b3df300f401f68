"""Stimuli: vocabularies, token streams, grammars, real text and oddball-style designs."""
