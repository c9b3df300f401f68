"""The command `fena run`."""

import glob
import json
import os
from pathlib import Path
from statistics import median

import click

from ..errors import FenaError, RunFolderError
from .shell import SEEDS, ModelOrProtocol, stopping_at_once


@click.command("run")
@click.argument("protocol", type=ModelOrProtocol("protocols"))
@click.option(
    "--model",
    type=ModelOrProtocol("models"),
    help="Model file; the protocol file names a default.",
)
@click.option("--seed", type=int, default=None, help="Seed of one network (default 0).")
@click.option("--seeds", type=SEEDS, default=None, help="Run N networks, with seeds 0 to N-1.")
@click.option(
    "--device",
    default="auto",
    show_default=True,
    help="auto, dense (float32), dense64, cpp or runtime.",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change a parameter (level.2.tau=20*ms, W_1.eta=0/ms, dt=0.5*ms), the number of streams side by side "
    "(batch=8), an option of the protocol (protocol.tokens=2000) or of the model file (model.sizes=(32,16)).",
)
@click.option(
    "--out", type=click.Path(), default="runs", show_default=True, help="Folder for run folders."
)
@click.option(
    "--from",
    "start",
    default=None,
    metavar="RUN[:BLOCK]",
    help="Start from the state at the end of a block of a finished run (its last block if not named). With {seed} and "
    "* in it, each network starts from the one run that fits its seed.",
)
@click.option(
    "--chunk-tokens", type=click.IntRange(min=1), default=None, help="Tokens between checkpoints."
)
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
@click.option("--quiet", is_flag=True, help="No progress.")
@click.option(
    "--estimate",
    "estimated",
    is_flag=True,
    help="Run nothing; say what the network needs on a graphics card: bytes, and time per step on named cards.",
)
@click.option(
    "--explain",
    "explained",
    is_flag=True,
    help="Run nothing; say which synapses the device runs as dense kernels, which not, and why.",
)
def command(
    protocol: str,
    model: str | None,
    seed: int | None,
    seeds: int | None,
    device: str,
    settings: tuple[str, ...],
    out: str,
    start: str | None,
    chunk_tokens: int | None,
    as_json: bool,
    quiet: bool,
    estimated: bool,
    explained: bool,
) -> None:
    """Run a protocol. A finished run returns at once, an interrupted one goes on.

    PROTOCOL and --model are files, or names of shipped ones (`fena list`); what is here comes
    first.

    \b
    Examples:
      fena run protocols/first_contact.py --seeds 5 --json
      fena run protocols/oddball.py --seeds 5 --from 'runs/first_contact-fena-seed{seed}-*:training'
      fena run protocols/first_contact.py --set level.2.tau=20*ms --set protocol.tokens=2000
    """
    from ..load.protocol_file import load_protocol, model_of
    from ..load.set_option import parse_settings, protocol_options, set_model
    from ..runs.plan import Plan
    from ..runs.preview import card_device, estimate, explain
    from ..runs.seeds import run_seeds

    if seed is not None and seeds is not None:
        raise click.UsageError("give --seed or --seeds, not both")
    chosen = [seed or 0] if seeds is None else list(range(seeds))
    changes = parse_settings(settings)
    batch = changes.parameters.get("batch", 1)
    files = {
        s: load_protocol(
            protocol, **protocol_options(protocol, changes.protocol, seed=s, batch=batch)
        )
        for s in chosen
    }
    first = files[chosen[0]]
    declared = set_model(
        model_of(first, model), first.protocol.vocabulary.size, changes.model, changes.parameters
    )
    if explained:
        _print_explanations(explain(Plan.of(declared, first.protocol, device=device)))
        return
    if estimated:
        plan = Plan.of(declared, first.protocol, device=card_device(device))
        _print_estimate(estimate(plan), as_json)
        return
    origins = {s: _start(start, s) for s in chosen}
    with stopping_at_once():
        runs = run_seeds(
            declared,
            lambda s: files[s].protocol,
            chosen,
            device=device,
            out=out,
            start=lambda s: origins[s],
            chunk_tokens=chunk_tokens,
            quiet=quiet,
        )
    numbers = _summary(first, runs)
    speeds = [r.manifest["tokens_per_second"] for r in runs if r.manifest["tokens_per_second"]]
    result = {
        "run": str(runs[0].folder),
        "runs": [str(r.folder) for r in runs],
        "device": runs[0].manifest["device"],
        "seeds": chosen,
        "tokens": runs[0].batch * sum(b["tokens"] for b in runs[0].manifest["blocks"]),
        "tokens_per_second": median(speeds) if speeds else None,
        **numbers,
    }
    if not quiet:
        _print_result(result)
    if as_json:
        click.echo(json.dumps(result))


def _print_explanations(explanations):
    from rich.console import Console
    from rich.table import Table

    table = Table("synapses", "dense or stock; passes", "why", box=None)
    for e in explanations:
        table.add_row(e.synapses, e.done, e.why)
    console = Console(highlight=False, soft_wrap=True)
    console.print(
        table
        if explanations
        else "all synapses run as Brian2 wrote them: this device has no dense kernels"
    )


def _print_estimate(about, as_json):
    if as_json:
        click.echo(json.dumps(about))
        return
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    for kind in ("populations", "projections", "other"):
        for name, size in sorted(about[kind].items(), key=lambda item: -item[1]):
            console.print(f"{kind}: {name}: {size:,} bytes", markup=False)
    console.print(
        f"in all {about['training_bytes']:,} bytes in training, {about['inference_bytes']:,} in inference "
        f"({about['dtype']})"
    )
    console.print(
        f"{about['launches_per_step']:.1f} launches, {about['copies_per_step']:.1f} copies to the host and "
        f"{about['bytes_per_step']:,.0f} bytes moved per step"
    )
    for card in about["cards"]:
        console.print(
            f"{card['card']}: {card['ms_per_step']:.3g} ms per step by the model, bound by {card['bound']}"
            f"{'' if card['fits'] else '; does not fit'}"
        )
    for size in about["largest"]:
        console.print(
            f"{size['gigabytes']} GiB hold this network with populations {size['scale']:.3g} times as large: "
            f"{size['synapses']:,} synapses"
        )


def _start(text, seed):
    from ..runs.store.run import open_run

    if text is None:
        return None
    folder, _, block = text.rpartition(":") if ":" in text else (text, "", "")
    origin = open_run(_one_folder(folder.replace("{seed}", str(seed))))
    if not origin.finished:
        raise RunFolderError(
            "the run to start from is not finished",
            where=str(origin.folder),
            fix="start the command that made it again: it goes on",
        )
    return origin, block or origin.blocks[-1]


def _one_folder(pattern):
    """The folder that a pattern with * names, or the text itself where there is no *."""
    if "*" not in pattern:
        return pattern
    runs = sorted(path for path in glob.glob(pattern) if (Path(path) / "manifest.json").exists())
    # A run and a link to it are one run.
    found = list({os.path.realpath(path): path for path in reversed(runs)}.values())[::-1]
    if len(found) != 1:
        raise RunFolderError(
            f"{len(found)} runs fit {pattern}",
            where="--from",
            fix=(
                f"name one of {', '.join(found)}"
                if found
                else "make it first, or look for its name with `fena list runs`"
            ),
        )
    return found[0]


def _summary(file, runs):
    """What the protocol file says that runs amount to; a mistake in the user's function loses no
    run.
    """
    from ..load.user_file import error_text

    try:
        return file.summary(runs) if file.summary else {}
    except FenaError:
        raise
    except Exception as error:
        raise FenaError(
            f"the runs are finished, but their summary stopped with {error_text(error)}",
            where=f"summary() of {file.path}",
            fix="correct it and run the same command again: nothing is simulated "
            "twice; --verbose shows the line",
        ) from error


def _print_result(result):
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, show_header=False)
    for key, value in result.items():
        if key == "runs":
            continue
        if isinstance(value, float):
            value = f"{value:.4g}"
        elif isinstance(value, (list, tuple)) and value and isinstance(value[0], float):
            value = "  ".join(f"{v:.4g}" for v in value)
        elif isinstance(value, dict):
            value = "  ".join(
                f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in value.items()
            )
        table.add_row(key.replace("_", " "), str(value))
    Console(stderr=True, highlight=False, soft_wrap=True).print(table)
