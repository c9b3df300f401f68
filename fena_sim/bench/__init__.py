"""How fast, against what else, and how far from the limit of the machine: `fena bench`."""
