"""The command `fena completion`."""

import click
from click.shell_completion import get_completion_class

from .shell import COMPLETE

SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
def command(shell: str) -> None:
    """Print what makes a shell complete commands, options and files of `fena`.

    \b
    Examples:
      fena completion bash >> ~/.bashrc
      fena completion zsh >> ~/.zshrc
      fena completion fish > ~/.config/fish/completions/fena.fish
    """
    root = click.get_current_context().find_root().command
    complete = get_completion_class(shell)
    assert complete is not None  # click knows all of SHELLS
    click.echo(complete(root, {}, "fena", COMPLETE).source())
