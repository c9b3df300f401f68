"""The `fena` command: one file for each command, named after it."""
