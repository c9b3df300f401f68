"""Many runs for one answer: sweeps, the claims of the article, certificates of devices."""
