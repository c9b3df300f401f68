"""The `fena` command."""

import json
import sys
from pathlib import Path

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from .bench.command import bench
from .claims.command import claims
from .errors import FenaError, NonFiniteError, ResourceError, RunFolderError
from .sweep.command import sweep

#: Exit codes that a script can use; 0 is success, 1 an unforeseen crash.
EXIT_INPUT, EXIT_NOT_FINITE, EXIT_RESOURCES = 2, 3, 4
CHECKOUT = Path(__file__).resolve().parent.parent


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="fena-sim")
def cli():
    """Predictive-coding hierarchies as differential equations, driven by token protocols.

    \b
    Examples:
      fena run protocols/first_contact.py
      fena run protocols/first_contact.py --model models/fena_errors_only.py --seeds 5
      fena describe models/fena.py --picture fena.pdf
      fena figures runs/first_contact-* --out figures/made
      fena claims C05 --quick
    """


@cli.command()
@click.argument("protocol", type=click.Path())
@click.option("--model", type=click.Path(), help="Model file; the protocol file names a default.")
@click.option("--seed", type=int, default=None, help="Seed of one network (default 0).")
@click.option("--seeds", type=click.IntRange(min=1), default=None, help="Run N networks, with seeds 0 to N-1.")
@click.option("--device", default="auto", show_default=True, help="auto, dense (float32), dense64, cpp or runtime.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE",
              help="Change a parameter (level.2.tau=20*ms, W_1.eta=0/ms, dt=0.5*ms), the number of streams side by side "
                   "(batch=8), an option of the protocol (protocol.tokens=2000) or of the model file (model.sizes=(32,16)).")
@click.option("--out", type=click.Path(), default="runs", show_default=True, help="Folder for run folders.")
@click.option("--from", "start", default=None, metavar="RUN[:BLOCK]",
              help="Start from the state at the end of a block of a finished run (its last block if not named).")
@click.option("--chunk-tokens", type=click.IntRange(min=1), default=None, help="Tokens between checkpoints.")
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
@click.option("--quiet", is_flag=True, help="No progress.")
@click.option("--explain", "explained", is_flag=True,
              help="Run nothing; say which synapses the device runs as dense kernels, which not, and why.")
def run(protocol, model, seed, seeds, device, settings, out, start, chunk_tokens, as_json, quiet, explained):
    """Run a protocol. A finished run returns at once, an interrupted one goes on.

    \b
    Examples:
      fena run protocols/first_contact.py --seeds 5 --json
      fena run protocols/oddball.py --from runs/first_contact-fena-seed0-...:training
      fena run protocols/first_contact.py --set level.2.tau=20*ms --set protocol.tokens=2000
    """
    from .model import load_model
    from .protocol import load_protocol
    from .run import explain, run_seeds
    from .settings import apply_parameters, parse_settings, protocol_options

    if seed is not None and seeds is not None:
        raise click.UsageError("give --seed or --seeds, not both")
    chosen = [seed or 0] if seeds is None else list(range(seeds))
    settings = parse_settings(settings)
    batch = settings.parameters.get("batch", 1)
    files = {s: load_protocol(protocol, **protocol_options(protocol, settings.protocol, seed=s, batch=batch)) for s in chosen}
    first = files[chosen[0]]
    if model is None and first.model is None:
        raise FenaError("no model was given, and the protocol file names none", where=str(protocol),
                        fix="add --model models/fena.py")
    declared = apply_parameters(load_model(model or first.model, first.protocol.vocabulary.size, **settings.model),
                                settings.parameters)
    if explained:
        _print_explanations(explain(declared, first.protocol, device))
        return
    origin = _start(start)
    runs = run_seeds(declared, lambda s: files[s].protocol, chosen, device=device, out=out,
                     start=None if origin is None else (lambda s: origin), chunk_tokens=chunk_tokens, quiet=quiet)
    numbers = first.summary(runs) if first.summary else {}
    speeds = [r.manifest["tokens_per_second"] for r in runs if r.manifest["tokens_per_second"]]
    result = {"run": str(runs[0].folder), "runs": [str(r.folder) for r in runs], "device": runs[0].manifest["device"],
              "seeds": chosen, "tokens": runs[0].batch * sum(b["tokens"] for b in runs[0].manifest["blocks"]),
              "tokens_per_second": float(np.median(speeds)) if speeds else None, **numbers}
    if not quiet:
        _print_result(result)
    if as_json:
        click.echo(json.dumps(result))


def _print_explanations(explanations):
    table = Table("synapses", "dense or stock; passes", "why", box=None)
    for e in explanations:
        table.add_row(e.synapses, e.done, e.why)
    console = Console(highlight=False, soft_wrap=True)
    console.print(table if explanations else "all synapses run as Brian2 wrote them: this device has no dense kernels")


def _start(text):
    from .record import open_run

    if text is None:
        return None
    folder, _, block = text.rpartition(":") if ":" in text else (text, "", "")
    origin = open_run(folder)
    if not origin.finished:
        raise RunFolderError("the run to start from is not finished", where=str(origin.folder),
                             fix="start the command that made it again: it goes on")
    return origin, block or origin.blocks[-1]


def _print_result(result):
    table = Table(box=None, show_header=False)
    for key, value in result.items():
        if key == "runs":
            continue
        if isinstance(value, float):
            value = f"{value:.4g}"
        elif isinstance(value, (list, tuple)) and value and isinstance(value[0], float):
            value = "  ".join(f"{v:.4g}" for v in value)
        elif isinstance(value, dict):
            value = "  ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in value.items())
        table.add_row(key.replace("_", " "), str(value))
    Console(stderr=True, highlight=False, soft_wrap=True).print(table)


@cli.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON.")
def list_command(as_json):
    """List the models and protocols here (or in the checkout)."""
    found = {}
    for kind in ("models", "protocols"):
        folder = Path(kind) if Path(kind).is_dir() else CHECKOUT / kind
        found[kind] = [{"name": path.stem, "path": str(path), "summary": _first_line(path)}
                       for path in sorted(folder.glob("*.py"))]
    if as_json:
        click.echo(json.dumps(found))
        return
    for kind, entries in found.items():
        table = Table(kind[:-1], "path", "what it is", box=None)
        for entry in entries:
            table.add_row(entry["name"], entry["path"], entry["summary"])
        Console(highlight=False).print(table)


def _first_line(path):
    import ast

    return (ast.get_docstring(ast.parse(path.read_text())) or "").partition("\n")[0]


@cli.command()
@click.argument("model", type=click.Path())
@click.option("--latex", is_flag=True, help="LaTeX instead of Markdown.")
@click.option("--picture", type=click.Path(), default=None, help="Draw the structure into this file (pdf, svg, png).")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="As for `fena run`.")
def describe(model, latex, picture, settings):
    """Describe a model: populations, equations, projections, plasticity, parameters.

    \b
    Example:
      fena describe models/fena.py --picture fena.pdf > fena.md
    """
    from .model import load_model
    from .model.describe import describe as as_text
    from .settings import apply_parameters, parse_settings

    settings = parse_settings(settings)
    declared = apply_parameters(load_model(model, **settings.model), settings.parameters)
    click.echo(as_text(declared, latex=latex))
    if picture:
        from .plot import save
        from .plot.structure import structure

        path = Path(picture)
        for written in save(structure(declared), path.parent, path.stem):
            click.echo(f"wrote {written}", err=True)


@cli.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path())
@click.option("--out", type=click.Path(), default="figures/made", show_default=True)
def figures(runs, out):
    """Make every figure of figures/ for which the given runs (one per network) hold the blocks."""
    from .model.load import load_file
    from .plot import save
    from .record import open_run

    opened = [open_run(path) for path in runs]
    for run_ in opened:
        if run_.batch > 1:
            raise RunFolderError(f"{run_.batch} streams were presented side by side; figures show networks that read one",
                                 where=str(run_.folder), fix="draw run.streams from Python, with fena_sim.measure and .plot")
    folder = Path("figures") if Path("figures").is_dir() else CHECKOUT / "figures"
    made = 0
    for path in sorted(folder.glob("*.py")):
        module = load_file(path, "figure")
        usable = [r for r in opened if set(module.BLOCKS) <= set(r.blocks)]
        if not usable:
            continue
        for written in save(module.figure(usable), out, path.stem, runs=usable):
            click.echo(str(written))
        made += 1
    if not made:
        raise RunFolderError("no figure can be made from these runs", where=", ".join(map(str, runs)),
                             fix="each file in figures/ names the BLOCKS it needs and the protocol that has them")


cli.add_command(bench)
cli.add_command(claims)
cli.add_command(sweep)


def main(arguments=None):
    """Entry point: a user's mistake gives its message and an exit code, never a traceback."""
    try:
        cli.main(args=arguments, prog_name="fena", standalone_mode=True)
    except FenaError as error:
        click.echo(f"error: {error}", err=True)
        codes = {NonFiniteError: EXIT_NOT_FINITE, ResourceError: EXIT_RESOURCES}
        sys.exit(next((code for kind, code in codes.items() if isinstance(error, kind)), EXIT_INPUT))
    except KeyboardInterrupt:
        click.echo("interrupted: the same command goes on from the last checkpoint", err=True)
        sys.exit(130)


def run_file(path):
    """`python protocols/x.py [options]` is `fena run protocols/x.py [options]`."""
    main(["run", path, *sys.argv[1:]])
