"""`python -m fena_sim` is the `fena` command."""

from .cli import main

main()
