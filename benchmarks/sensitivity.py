"""What the headline figures of models/fena.py become when one of its constants is halved or doubled.

``python benchmarks/sensitivity.py [--seeds 2,3] [--only NAME] [--out runs]`` trains a network of
`first_contact` for every constant (every number in the tables of models/fena.py and
models/fena_events.py that is not 0), factor and seed, and one with the constants as they are. It
writes benchmarks/results/sensitivity.json after every network, and goes on from there when it is
started again; delete that file when the model has changed. It prints medians over seeds. A network
takes about half a minute of one core; two run at once. The seeds are such as constants were chosen on.
"""

import json
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from statistics import median

import attrs
import click

from fena_sim import Parameter, load_protocol, run
from fena_sim.load.user_file import load_file

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "sensitivity.json"
FACTORS = (0.5, 2.0)
AS_IT_IS = "as it is"


def tables():
    """(module of the model, {table: {name: Parameter}} as its functions read them). The tables of
    fena_parts.py are part of TABLE; steps of time are no constants of the model.
    """
    module = load_file(ROOT / "models" / "fena.py", "model")
    found = {
        table: parameters
        for place in (vars(module), module.event.__globals__)
        for table, parameters in place.items()
        if isinstance(parameters, dict)
        and table != "STEPS"
        and all(isinstance(p, Parameter) for p in parameters.values())
    }
    main = found["TABLE"]
    return module, {t: p for t, p in found.items() if p is main or not p.keys() <= main.keys()}


def scaled(parameter, factor):
    """The parameter with all its values times `factor`."""
    value = parameter.value
    several = isinstance(value, tuple)
    return parameter.with_value(tuple(factor * v for v in value) if several else factor * value)


def measure(table, name, factor, seed, out):
    """What `first_contact` prints of one network, with one constant scaled."""
    module, found = tables()
    if table != AS_IT_IS:
        found[table][name] = scaled(found[table][name], factor)
    file = load_protocol(ROOT / "protocols" / "first_contact.py", seed=seed)
    blocks = [b for b in file.protocol.blocks if not b.name.startswith("traces")]
    protocol = attrs.evolve(file.protocol, name="sensitivity", blocks=blocks)
    model = module.hierarchy(protocol.vocabulary.size)
    return file.summary([run(model, protocol, seed=seed, out=out)])


def jobs(seeds, only):
    """(table, name, factor, seed) of every network."""
    for seed in seeds:
        yield AS_IT_IS, AS_IT_IS, 1.0, seed
    for table, parameters in tables()[1].items():
        for name, parameter in parameters.items():
            if scaled(parameter, 2.0) != parameter and only in (None, name):
                for factor in FACTORS:
                    for seed in seeds:
                        yield table, name, factor, seed


@click.command(help=__doc__)
@click.option("--seeds", default="2,3", show_default=True)
@click.option("--only", help="Name of one constant.")
@click.option("--out", default="runs", show_default=True, help="Folder of the runs.")
def main(seeds, only, out):
    done = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    keys = {json.dumps(job): job for job in jobs([int(s) for s in seeds.split(",")], only)}
    with ProcessPoolExecutor(2, max_tasks_per_child=8) as pool:
        started = {pool.submit(measure, *job, out): k for k, job in keys.items() if k not in done}
        for future in as_completed(started):
            done[started[future]] = future.result()
            RESULTS.write_text(json.dumps(done, indent=1) + "\n")
            click.echo(f"{len(done)} networks; {started[future]}")
    show(done)


def medians(done):
    """{(table, name, factor): {figure: median over seeds}}."""
    by_constant = defaultdict(list)
    for key, figures in done.items():
        table, name, factor, _ = json.loads(key)
        by_constant[table, name, factor].append(figures)
    return {
        constant: {
            figure: median(f[figure] for f in found)
            for figure in ("accuracy_frozen", "bits_frozen")
        }
        for constant, found in by_constant.items()
    }


def show(done):
    """The constants, those that matter most first."""
    found = medians(done)
    usual = found[AS_IT_IS, AS_IT_IS, 1.0]
    click.echo(f"as it is: {usual}")

    def change(constant):
        return abs(found[constant]["bits_frozen"] - usual["bits_frozen"])

    for constant in sorted(found, key=change, reverse=True):
        click.echo(f"{constant}: {found[constant]}")


if __name__ == "__main__":
    main()
