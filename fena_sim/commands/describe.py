"""The command `fena describe`."""

import json
from pathlib import Path

import click

from .shell import ModelOrProtocol


@click.command("describe")
@click.argument("model", type=ModelOrProtocol("models"))
@click.option("--latex", is_flag=True, help="LaTeX instead of Markdown.")
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="One line of JSON: the declaration, and parameters as --set takes them.",
)
@click.option(
    "--picture",
    type=click.Path(),
    default=None,
    help="Draw the structure into this file (pdf, svg, png).",
)
@click.option(
    "--protocol",
    type=ModelOrProtocol("protocols"),
    default=None,
    help="Also list the signals that this protocol measures in the model.",
)
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="As for `fena run`.")
def command(
    model: str,
    latex: bool,
    as_json: bool,
    picture: str | None,
    protocol: str | None,
    settings: tuple[str, ...],
) -> None:
    """Describe a model: populations, equations, projections, plasticity, parameters.

    \b
    Examples:
      fena describe models/fena.py --picture fena.pdf > fena.md
      fena describe models/fena.py --set level.2.tau=20*ms --json
      fena describe models/fena.py --protocol protocols/oddball.py
    """
    from ..declare.canonical import canonical
    from ..load.model_file import load_model
    from ..load.protocol_file import load_protocol
    from ..load.set_option import apply_parameters, parse_settings
    from ..show.describe import describe

    changes = parse_settings(settings)
    declared = apply_parameters(load_model(model, **changes.model), changes.parameters)
    presented = load_protocol(protocol, **changes.protocol).protocol if protocol else None
    if as_json:
        parameters = {key: str(value) for key, value in declared.parameters().items()}
        found = {
            "model": canonical(declared),
            "parameters": parameters,
            "meanings": declared.meanings(),
        }
        if presented is not None:
            found["measured"] = canonical(presented.measured)
        click.echo(json.dumps(found))
    else:
        click.echo(describe(declared, latex=latex, protocol=presented))
    if picture:
        from ..show.structure import structure
        from ..show.style import save

        path = Path(picture)
        for written in save(structure(declared), path.parent, path.stem):
            click.echo(f"wrote {written}", err=True)
