"""Standard figures of any protocol's runs, each drawn from a block that has the data it needs."""
