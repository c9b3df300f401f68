"""Reading users' files: what a model or protocol file declares, and what `--set` changes in it."""
