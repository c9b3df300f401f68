"""The command `fena doctor`."""

import json

import click


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON.")
def command(as_json: bool) -> None:
    """What this machine has for the devices, what is missing, and the command that mends it.

    \b
    Examples:
      fena doctor
      fena doctor --json
    """
    import attrs

    from ..device.cuda.doctor import examine

    findings = examine()
    if as_json:
        click.echo(json.dumps([attrs.asdict(finding) for finding in findings]))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("", "found", "devices that need it", box=None)
    for f in findings:
        table.add_row(f.what, f.found if f.there else f"missing: {f.found}", f.devices)
    console = Console(highlight=False, markup=False)
    console.width = max(console.width, 140)
    console.print(table)
    for f in findings:  # each on a line of its own, so that a command can be copied whole
        if not f.there:
            click.echo(f"{f.what}: {f.mend}")
