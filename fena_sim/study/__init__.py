"""Studies of many runs: sweeps, the claims of the article, certificates of devices."""
