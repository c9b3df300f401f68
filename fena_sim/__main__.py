"""`python -m fena_sim` is the `fena` command."""

from .commands.main import main

main()
