"""A run while it goes on: readings, progress on a terminal, and a reader of unfinished folders."""
