"""The command `fena certify`."""

import json
from collections.abc import Sequence
from math import isfinite
from typing import TYPE_CHECKING

import click

from .shell import PARTLY, ModelOrProtocol

if TYPE_CHECKING:
    from ..study.certify.certificate import Cost, Row


@click.command("certify")
@click.argument("protocol", type=ModelOrProtocol("protocols"))
@click.option(
    "--model",
    type=ModelOrProtocol("models"),
    help="Model file; the protocol file names a default.",
)
@click.option(
    "--devices",
    default="cpp,dense,cuda_host",
    show_default=True,
    help="Compared with cpp: dense, cuda_host, cuda (the last needs a card).",
)
@click.option(
    "--tokens",
    type=click.IntRange(min=1),
    default=200,
    show_default=True,
    help="Tokens of all blocks together.",
)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option(
    "--json", "path", type=click.Path(), default=None, help="Write the rows into this file."
)
@click.option("--report", type=click.Path(), default=None, help="Write a page of Markdown.")
@click.pass_context
def command(
    context: click.Context,
    protocol: str,
    model: str | None,
    devices: str,
    tokens: int,
    seed: int,
    path: str | None,
    report: str | None,
) -> None:
    """Run a protocol on several devices and print how far each variable is from stock C++.

    Exit code 5 if a variable is further away than 1e-12 (float64) or 1e-5 (float32) of its own
    largest value.

    \b
    Examples:
      fena certify protocols/first_contact.py
      fena certify protocols/first_contact.py --devices cpp,dense,cuda_host --tokens 200 --json certificate.json
    """
    import attrs
    from rich.console import Console

    from ..load.model_file import load_model
    from ..load.protocol_file import load_protocol, model_of
    from ..runs.store.files import write_atomically
    from ..study.certify.certificate import EXACT, certify

    file = load_protocol(protocol)
    declared = load_model(model_of(file, model), file.protocol.vocabulary.size)
    chosen = [name.strip() for name in devices.split(",") if name.strip() and name.strip() != "cpp"]
    rows, costs = certify(declared, file.protocol, chosen, tokens, seed)
    text = summary(rows, costs)
    Console(highlight=False).print(text, markup=False, soft_wrap=True)
    if path:
        written = [
            {key: _finite(value) for key, value in row.items()}
            for row in (*map(attrs.asdict, rows), *map(attrs.asdict, costs))
        ]
        write_atomically(path, (json.dumps(written, indent=1, allow_nan=False) + "\n").encode())
    if report:
        write_atomically(
            report,
            (
                f"# Certificate: {file.protocol.name}, {declared.name}, {tokens} tokens\n\n{text}\n"
            ).encode(),
        )
    failed = [row for row in rows if not row.passes]
    rounding = {row.variable: row.max_rel for row in rows if row.reference == EXACT}
    for row in failed[:5]:
        own = (
            f"; stock C++ is {rounding[row.variable]:.2g} from its float64"
            if row.dtype == "float32" and rounding
            else ""
        )
        click.echo(
            f"{row.device}, {row.dtype}: {row.variable} is {row.max_rel:.2g} away, the threshold is {row.threshold:.2g}{own}",
            err=True,
        )
    if failed:
        context.exit(PARTLY)


def _finite(value):
    return value if not isinstance(value, float) or isfinite(value) else None


def summary(rows: "Sequence[Row]", costs: "Sequence[Cost]") -> str:
    """Markdown: the furthest variable by device and precision, and what a step costs."""
    from ..study.certify.certificate import EXACT

    lines = [
        "| device | precision | reference | variables | furthest | max_rel | max_abs | passes |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for key in dict.fromkeys((row.device, row.dtype, row.reference) for row in rows):
        of = [row for row in rows if (row.device, row.dtype, row.reference) == key]
        worst = max(of, key=lambda row: row.max_rel)
        passes = (
            "not asked"
            if worst.reference == EXACT
            else f"{sum(row.passes for row in of)} of {len(of)}"
        )
        lines.append(
            f"| {' | '.join(key)} | {len(of)} | {worst.variable} | {worst.max_rel:.2g} | {worst.max_abs:.2g} | "
            f"{passes} |"
        )
    lines += [
        "",
        "| device | launches per step | bytes per step | bytes on the device |",
        "| --- | --- | --- | --- |",
    ]
    for cost in costs:
        numbers = (cost.launches_per_step, cost.bytes_per_step, cost.device_bytes)
        lines.append(
            f"| {cost.device} | "
            + " | ".join("" if n is None else f"{n:,.6g}" for n in numbers)
            + " |"
        )
    return "\n".join(lines)
