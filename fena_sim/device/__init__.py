"""Where a protocol runs: one interface, several devices."""
