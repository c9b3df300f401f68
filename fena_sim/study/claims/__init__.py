"""The claims of the article: measures that only they need, and their verdicts."""
