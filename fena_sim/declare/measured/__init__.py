"""Measured signals: what an experimenter would record of a network, computed within it at every step."""
