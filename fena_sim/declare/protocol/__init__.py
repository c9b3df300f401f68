"""Protocols: what is presented, when, and what is recorded."""
