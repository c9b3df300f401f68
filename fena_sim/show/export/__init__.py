"""Runs in the formats of other tools: NWB, Neo, MNE, CSV. Each needs its own package, which is imported when it is used."""
