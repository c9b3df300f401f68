"""Planted defects: each is put into a copy of the tree, where the tests named beside it must fail.

    python tests/mutants.py [--only NAME] [--jobs N] [--page docs/mutants.md]

A command, not collected by pytest: it takes some minutes. First the same tests run on an unchanged
copy, where they must pass. Then every mutant is one change of text in one file of a copy of its
own. Exit status 1 if a mutant survives, that is if all its tests pass. A mutant whose tests cannot
even be collected says nothing about them, and stops the command.
"""

import argparse
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import attrs
import mutants_results
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

ROOT = Path(__file__).resolve().parents[1]
#: Seconds of a processor, for each process of the tests of a mutant, which may make a loop endless;
#: and seconds of time, after which they wait for something that never comes.
PATIENCE, WAITING = 600, 3600
_FAILED = re.compile(r"^(?:FAILED|ERROR) (.+?)(?: - (.*))?$", re.MULTILINE)


@attrs.frozen
class Mutant:
    """A planted defect.

    Parameters
    ----------
    name : str
        What is wrong, in a few words.
    file : str
        From the root of the tree.
    old, new : str
        `old` occurs exactly once in the file, and `new` takes its place.
    tests : tuple of str
        Ids of tests, or files, as for pytest; at least one of them must fail.
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple = attrs.field(
        converter=lambda tests: (tests,) if isinstance(tests, str) else tuple(tests)
    )

    def changed(self, root=ROOT):
        """The file's text with the defect. Raises ValueError unless `old` occurs exactly once."""
        text = Path(root, self.file).read_text(encoding="utf-8")
        if text.count(self.old) != 1:
            raise ValueError(
                f"mutant {self.name!r}: its text occurs {text.count(self.old)} times in {self.file}, not once"
            )
        return text.replace(self.old, self.new)


@attrs.frozen
class Outcome:
    """How some tests ended: the first one that failed (None: all passed), why, and the seconds that
    they took.
    """

    failed: str
    why: str
    seconds: float


def copy_tree(folder):
    """The working tree with its uncommitted changes, without what git ignores."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
    ).stdout.decode()
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).exists():  # it may be deleted, and that not committed
            target = Path(folder, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)


def run_tests(folder, tests, cache, patience=PATIENCE):
    """The Outcome of tests in a copy of the tree, up to the first that fails.

    Copies share the builds in `cache`: a build is found by its sources, and by the code that wrote
    them.
    """
    # -rfE: the lines that say what failed, whatever pyproject.toml asks pytest to report.
    command = [sys.executable, "-m", "pytest", "-x", "-rfE", "-p", "no:cacheprovider", *tests]
    environment = {
        **os.environ,
        "PYTHONPATH": str(folder),
        "FENA_CACHE": str(cache),
        "COLUMNS": "1000",
    }
    began = time.monotonic()
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            text=True,
            timeout=WAITING,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (patience, patience)),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    except subprocess.TimeoutExpired:
        return Outcome(" ".join(tests), f"did not end in {WAITING} s", time.monotonic() - began)
    if done.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        why = f"did not end in {patience} s of a processor"
        return Outcome(" ".join(tests), why, time.monotonic() - began)
    if done.returncode not in (0, 1):  # pytest itself could not do what it was asked for
        raise RuntimeError(f"{' '.join(tests)} cannot be run in {folder}:\n{done.stdout[-3000:]}")
    failed, why = _FAILED.search(done.stdout).groups() if done.returncode else (None, "")
    return Outcome(failed, why or "", time.monotonic() - began)


def try_mutant(mutant, original, folder, cache):
    """The Outcome of a mutant's tests in a changed copy of the tree `original`, made at `folder`."""
    shutil.copytree(original, folder)
    Path(folder, mutant.file).write_text(mutant.changed(folder), encoding="utf-8")
    outcome = run_tests(folder, mutant.tests, cache)
    shutil.rmtree(folder)
    return outcome


def table(mutants, outcomes):
    """A row for each mutant; of one that survived, the tests that should have caught it."""
    shown = Table(
        "mutant",
        "file",
        "verdict",
        Column("first test that fails", overflow="fold"),
        "s",
        title="Planted defects",
    )
    for mutant, outcome in zip(mutants, outcomes):
        verdict = "caught" if outcome.failed else "[bold red]SURVIVED"
        shown.add_row(
            mutant.name,
            mutant.file.removeprefix("fena_sim/"),
            verdict,
            escape(outcome.failed or "\n".join(mutant.tests)).replace("tests/", ""),
            f"{outcome.seconds:.0f}",
        )
    return shown


def page(mutants, outcomes):
    """The verdicts as a page of Markdown, without what differs from one run to the next."""
    caught = sum(outcome.failed is not None for outcome in outcomes)
    lines = [
        "# Planted defects",
        "",
        "Written by `make mutants` ([tests](../tests/README.md)). Each row is one change of text in one file, made in a copy of",
        f"the tree, and the first test that failed there. {caught} of {len(mutants)} were caught.",
        "",
        "| defect | file | caught by |",
        "| --- | --- | --- |",
    ]
    for mutant, outcome in zip(mutants, outcomes, strict=True):
        test = "**nothing**" if outcome.failed is None else f"`{outcome.failed}`"
        cells = (mutant.name, f"`{mutant.file}`", test.replace("tests/", "", 1))
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--only",
        metavar="NAME",
        action="append",
        help="mutants whose name contains this; may be repeated",
    )
    parser.add_argument(
        "--jobs", type=int, default=2, help="mutants that are tried at the same time (default 2)"
    )
    parser.add_argument(
        "--page", metavar="FILE", type=Path, help="write the verdicts there as a page of Markdown"
    )
    options = parser.parse_args()
    chosen = [m for m in ALL if not options.only or any(name in m.name for name in options.only)]
    if not chosen:
        parser.error(f"no mutant is called so; there are: {', '.join(m.name for m in ALL)}")
    for mutant in chosen:
        mutant.changed()
    console = Console()
    console = Console(width=max(console.width, 150))
    with tempfile.TemporaryDirectory(prefix="fena_mutants_") as work:
        original, cache = Path(work, "original"), Path(work, "cache")
        copy_tree(original)
        tests = sorted({test for mutant in chosen for test in mutant.tests})
        unchanged = run_tests(original, tests, cache, WAITING)
        if unchanged.failed:
            console.print(
                f"without any defect, {unchanged.failed} fails: {unchanged.why}", markup=False
            )
            return 1
        console.print(f"without any defect, all of their tests pass ({unchanged.seconds:.0f} s)")

        def attempt(number):
            outcome = try_mutant(chosen[number], original, Path(work, str(number)), cache)
            console.print(
                f"caught: {chosen[number].name}: {outcome.why[:80]}"
                if outcome.failed
                else f"SURVIVED: {chosen[number].name}",
                markup=False,
                highlight=False,
            )
            return outcome

        with ThreadPoolExecutor(options.jobs) as pool:
            outcomes = list(pool.map(attempt, range(len(chosen))))
    console.print(table(chosen, outcomes))
    if options.page:
        options.page.write_text(page(chosen, outcomes), encoding="utf-8")
    survived = sum(outcome.failed is None for outcome in outcomes)
    console.print(f"{len(chosen) - survived} of {len(chosen)} caught")
    return int(survived > 0)


_ORACLE = "tests/oracles/test_agreement_flat_memory.py::test_device_agrees_with_numpy"
_ATTACH = "fena_sim/declare/measured/attach.py"
_MEASURED, _RESPONSE = "tests/network/test_measured.py", "tests/analyse/test_response.py"
_MODALITIES = "tests/network/test_modalities.py"
_SIGNALS = "tests/network/test_own_signals.py"
_STEP_ORDER = "tests/network/test_step_order.py"
_DELAY = "tests/network/test_delay.py"
_WIRING = "tests/network/test_wiring.py"
_CHUNKS = "tests/runs/test_chunks.py::test_chunks_leave_no_trace_at_runtime"
_SCRIPT = "tests/brian2_dense/test_dense_scripts.py::test_built_by_run"
_RESUME = "tests/runs/test_interruption.py::test_goes_on_after_the_last_chunk_that_was_kept"

ENGINE = [
    # -- from declarations to Brian2 ---------------------------------------------------------------
    Mutant(
        "weights transposed in a sum",
        "brian2_dense/numpy_expressions.py",
        'f"({vector}).T @ ({matrix})" if along == PRE',
        'f"(({matrix}) @ ({vector})).T" if along == PRE',
        "tests/network/test_initial_state.py",
    ),
    Mutant(
        "weights transposed in the dense kernel",
        "brian2_dense/kernel.py",
        "const size_t _idx = (size_t)(_i + {u})*{dense.n_post} + _j;",
        "const size_t _idx = (size_t)_j*{dense.n_pre} + _i + {u};",
        _SCRIPT,
    ),
    Mutant(
        "summed over the wrong index in the dense kernel",
        "brian2_dense/kernel.py",
        "const int32_t {PRE} = _i + {u + dense.offset_pre},",
        "const int32_t {PRE} = _j + {dense.offset_pre},",
        _SCRIPT,
    ),
    Mutant(
        "initial weights transposed",
        "fena_sim/network/initial_state.py",
        "return full[chosen].ravel()",
        "return full.T[chosen].ravel()",
        "tests/network/test_initial_state.py",
    ),
    Mutant(
        "pre and post swapped in the pairs of a condition",
        "fena_sim/network/wiring.py",
        "yield i[row, 0], column",
        "yield column, i[row, 0]",
        f"{_DELAY}::test_spikes_act_as_in_brian2",
    ),
    Mutant(
        "step of a chunk goes on in the next",
        "fena_sim/runs/chunks.py",
        '("token", "step", "chunk_start", "chunk_duration")',
        '("token", "chunk_start", "chunk_duration")',
        f"{_SIGNALS}::test_chunks_leave_no_trace",
    ),
    Mutant(
        "noise begins anew with every page",
        "fena_sim/declare/protocol/course.py",
        "[self._deviates(number - 1), self._deviates(number)]",
        "[0 * self._deviates(number - 1), self._deviates(number)]",
        f"{_SIGNALS}::test_noise_of_any_stretch_is_the_same",
    ),
    Mutant(
        "protocol's signals count more than the block's",
        "fena_sim/declare/protocol/protocol.py",
        "{**shared, **b.signals}",
        "{**b.signals, **shared}",
        f"{_SIGNALS}::test_a_block_gives_its_own",
    ),
    Mutant(
        "number of Poisson sources ignored",
        "fena_sim/declare/protocol/signals.py",
        "each = value.sources * float(self.model.dt)",
        "each = float(self.model.dt)",
        f"{_SIGNALS}::test_poisson_rates_follow_what_is_given",
    ),
    Mutant(
        "samples of a signal at a wrong interval",
        "fena_sim/declare/protocol/course.py",
        "np.arange(start, stop) // self.each",
        "np.arange(start, stop) // (self.each + 1)",
        f"{_SIGNALS}::test_populations_see_what_the_protocol_gives",
    ),
    Mutant(
        "the negative part of a measured signal is the positive one",
        _ATTACH,
        'NEGATIVE: "(-x - threshold)*int(-x > threshold)"',
        'NEGATIVE: "(x - threshold)*int(x > threshold)"',
        f"{_MEASURED}::test_a_signal_is_what_its_definition_makes_of_the_units",
    ),
    Mutant(
        "the weight of a measured signal is ignored",
        _ATTACH,
        "activity = f\"{'weight*' if weight else ''}{_PARTS[signal.part]}\"",
        "activity = _PARTS[signal.part]",
        f"{_MEASURED}::test_a_signal_is_what_its_definition_makes_of_the_units",
    ),
    Mutant(
        "a measured signal is recorded a step late",
        "fena_sim/network/monitors.py",
        " or probe.owner(hierarchy).role == MEASURED",
        "",
        f"{_MEASURED}::test_a_signal_is_what_its_definition_makes_of_the_units",
    ),
    Mutant(
        "a measured signal goes on from one that was declared otherwise",
        "fena_sim/runs/start.py",
        "if known.get(name) != canonical(signal)",
        "if name not in known",
        f"{_MEASURED}::test_a_signal_declared_alike_goes_on_and_another_starts_anew",
    ),
    Mutant(
        "the baseline of a response is missing",
        "fena_sim/analyse/response.py",
        "means[0] - means[1] if baseline is not None else means[0]",
        "means[0]",
        f"{_RESPONSE}::test_a_measured_signal_responds_in_the_window_of_its_declaration",
    ),
    Mutant(
        "the window of a response is a sample late",
        "fena_sim/analyse/response.py",
        "values = cut[part].to_numpy()[:, :, 0]",
        "values = np.roll(cut[part].to_numpy()[:, :, 0], -1, axis=1)",
        f"{_RESPONSE}::test_a_measured_signal_responds_in_the_window_of_its_declaration",
    ),
    Mutant(
        "another modality arrives a step late",
        "fena_sim/declare/protocol/modality.py",
        "shown = within - self.line.blank[token]",
        "shown = within - self.line.blank[token] - 1",
        f"{_MODALITIES}::test_each_population_follows_its_own_stream",
    ),
    Mutant(
        "another modality repeats its last token",
        "fena_sim/declare/protocol/modality.py",
        "return np.where(there, self.line.token[token] + 1.0, 0.0)",
        "return self.line.token[token] + 1.0",
        f"{_MODALITIES}::test_rows_are_silent_after_the_last_token",
    ),
    Mutant(
        "all modalities have the gate of the first",
        "fena_sim/network/population.py",
        "if other and name in pacemaker.OF_STREAMS",
        'if other and name in pacemaker.OF_STREAMS and name != "gate"',
        f"{_MODALITIES}::test_each_has_its_own_gate",
    ),
    Mutant(
        "clock-driven synapses after populations of order 0",
        "fena_sim/network/projection.py",
        "CLOCK_DRIVEN_ORDER = -0.25",
        "CLOCK_DRIVEN_ORDER = 0.125",
        f"{_STEP_ORDER}::test_each_acts_in_its_place",
    ),
    Mutant(
        "sums in one place with populations of the order below",
        "fena_sim/network/projection.py",
        "SUM_BEFORE = 0.75",
        "SUM_BEFORE = 1",
        f"{_STEP_ORDER}::test_each_acts_in_its_place",
    ),
    Mutant(
        "delays one step short",
        "fena_sim/network/build.py",
        "steps = delay.steps_of(declared, hierarchy)\n",
        "steps = max(1, delay.steps_of(declared, hierarchy) - 1)\n",
        (
            f"{_DELAY}::test_rates_arrive_after_exactly_the_delay",
            f"{_DELAY}::test_spikes_act_after_exactly_the_delay",
        ),
    ),
    Mutant(
        "weights of given pairs left in another order than the pairs",
        "fena_sim/network/wiring.py",
        "np.asarray(value))[order].reshape(",
        "np.asarray(value)).reshape(",
        f"{_WIRING}::test_pairs_and_matrices_are_one_network",
    ),
    Mutant(
        "delays left in another order than their synapses",
        "fena_sim/network/wiring.py",
        "np.asarray(given, dtype=float)[order]",
        "np.asarray(given, dtype=float)",
        f"{_WIRING}::test_delays_act_as_in_brian2",
    ),
    Mutant(
        "connections of every projection alike",
        "fena_sim/network/wiring.py",
        "zlib.crc32(name.encode())",
        "zlib.crc32(b'')",
        f"{_WIRING}::test_a_pair_is_joined_by_its_own_number",
    ),
    Mutant(
        "in-degree of sources, not of targets",
        "fena_sim/network/wiring.py",
        "yield rows.ravel(), np.broadcast_to(j, rows.shape).ravel()",
        "yield np.broadcast_to(i[: connect.n], rows.shape).ravel(), np.broadcast_to(j, rows.shape).ravel()",
        f"{_WIRING}::test_a_pair_is_joined_by_its_own_number",
    ),
    Mutant(
        "a run starts from weights of other connections",
        "fena_sim/runs/plan.py",
        "if drawn and origin.seed != seed:",
        "if False:",
        f"{_WIRING}::test_a_run_starts_from_its_own_connections_alone",
    ),
    Mutant(
        "states move before the errors",
        "fena_sim/network/population.py",
        "order=population.order,",
        "order=-population.order,",
        f"{_ORACLE}[fena_flat_memory-runtime]",
    ),
    Mutant(
        "plasticity sees its own first change",
        "fena_sim/network/projection.py",
        '"\\n".join(code)',
        '"\\n".join(line for k in range(len(changes)) for line in code[k::len(changes)])',
        "tests/network/test_plasticity.py",
    ),
    Mutant(
        "seed of the noise ignored",
        "fena_sim/network/initial_state.py",
        'f"noise {seed}"',
        '"noise"',
        "tests/network/test_noise.py::test_seeds_differ",
    ),
    Mutant(
        "noise repeats every 1024 steps",
        "fena_sim/network/noise.py",
        "philox((unit, step, step >> np.uint64(32), stream)",
        "philox((unit, step & np.uint64(1023), step >> np.uint64(32), stream)",
        "tests/network/test_noise.py",
    ),
    Mutant(
        "Poisson counts take the deviates' key",
        "fena_sim/network/poisson.py",
        "_KEY_HIGH = 0x504F4953",
        "_KEY_HIGH = 0x46454E41",
        "tests/network/test_poisson.py::test_a_count_is_the_inverse_at_philox_uniform",
    ),
    Mutant(
        "parts of a large Poisson mean share a uniform number",
        "fena_sim/network/poisson.py",
        "_inverted(first if part == 0 else uniform(part), of_part)",
        "_inverted(first, of_part)",
        "tests/network/test_poisson.py",
    ),
    Mutant(
        "Poisson counts one too many where a device compiles them",
        "fena_sim/network/poisson.py",
        "while (uniform > cumulative && (probability",
        "while (uniform > cumulative - probability && (probability",
        "tests/network/test_poisson.py::test_the_function_in_cpp",
    ),
    Mutant(
        "settling counted from 0",
        "fena_sim/network/pacemaker.py",
        "steps = presenting*(elapsed - blank_steps + 1)",
        "steps = presenting*(elapsed - blank_steps)",
        f"{_ORACLE}[fena_flat_memory-runtime]",
    ),
    Mutant(
        "another level than the one that is named is knocked out",
        "fena_sim/network/pacemaker.py",
        "int(abs({KNOCKED_OUT} - {level}) > 0.5)",
        "int(abs({KNOCKED_OUT} - {level} - 1) > 0.5)",
        "tests/network/test_controls.py::test_a_level_predicts_unless_it_is_knocked_out",
    ),
    Mutant(
        "token events of earlier runs are read by their new names",
        "fena_sim/runs/store/declared.py",
        'inputs.get("engine", 1) > 1',
        'inputs.get("engine", 1) > 0',
        "tests/runs/store/test_declared.py::test_token_events_by_their_names_before_engine_2",
    ),
    Mutant(
        "helpers are listed as models",
        "fena_sim/load/shipped.py",
        'return function is None or bool(names & {function, "*"})',
        "return True",
        "tests/load/test_shipped.py::test_a_helper_is_no_model",
    ),
    Mutant(
        "a token shown one step early",
        "fena_sim/network/pacemaker.py",
        "arriving = int(elapsed == blank_steps)",
        "arriving = int(elapsed == blank_steps - 1)",
        f"{_ORACLE}[fena_flat_memory-runtime]",
    ),
    Mutant(
        "means of tokens without a blank between them run on",
        "fena_sim/network/population.py",
        "presenting*((1 - arriving)*{name} + {variable})",
        "presenting*({name} + {variable})",
        "tests/network/test_own_onsets.py",
    ),
    Mutant(
        "a block begins within the pause of the one before",
        "fena_sim/runs/chunks.py",
        "state[ELAPSED] = np.zeros_like(state[ELAPSED])",
        "pass",
        "tests/network/test_own_onsets.py",
    ),
    Mutant(
        "durations are rounded, and not ends",
        "fena_sim/declare/protocol/event_pace.py",
        "for times in (self.onset, self.onset + self.duration)",
        "for times in (self.onset, np.rint(self.onset / dt) * dt + self.duration)",
        "tests/declare/stimulus/test_from_events.py",
    ),
    Mutant(
        "drawn asynchronies ignore the seed",
        "fena_sim/declare/protocol/pace.py",
        "np.random.default_rng(self.seed)",
        "np.random.default_rng(0)",
        "tests/declare/stimulus/test_from_events.py::test_drawn_asynchronies",
    ),
    Mutant(
        "an omitted token is exported as one that was presented",
        "fena_sim/show/export/bids.py",
        'events["symbol"].where(events["token"] >= 0, omission)',
        'events["symbol"]',
        "tests/show/export/test_bids.py::test_every_token_has_its_row",
    ),
    # -- declarations ------------------------------------------------------------------------------
    Mutant(
        "seed of the initial values ignored",
        "fena_sim/declare/model/initial.py",
        "[seed, zlib",
        "[0, zlib",
        "tests/declare/model/test_initial.py",
    ),
    Mutant(
        "all variables begin alike",
        "fena_sim/declare/model/initial.py",
        'zlib.crc32(f"{owner}.{variable}".encode())',
        "zlib.crc32(owner.encode())",
        "tests/declare/model/test_initial.py",
    ),
    Mutant(
        "locality check does not follow links",
        "fena_sim/declare/model/locality.py",
        'if source.level != level:\n            raise LocalityError(\n                f"the rule reads {variable!r}',
        'if False:\n            raise LocalityError(\n                f"the rule reads {variable!r}',
        "tests/declare/model/test_declarations.py::test_rule_that_is_not_local",
    ),
    Mutant(
        "locality check blind to sums over other levels",
        "fena_sim/declare/model/locality.py",
        "    if population.size > 1:\n        return",
        "    if population.size > 0:\n        return",
        "tests/declare/model/test_declarations.py::test_rule_that_is_not_local",
    ),
    Mutant(
        "a reworded meaning is another experiment",
        "fena_sim/declare/model/population.py",
        'metadata={"hashed": False}',
        'metadata={"hashed": True}',
        "tests/declare/model/test_declarations.py::test_meanings_are_no_part_of_the_identity",
    ),
    Mutant(
        "the table of parameters leaves out the plasticity clock",
        "fena_sim/show/constants.py",
        "p.plasticity is not None and p.plasticity.clock_driven",
        "False",
        "tests/show/test_describe.py::test_the_latex_tables_hold_every_number_of_the_declaration",
    ),
    # -- running -----------------------------------------------------------------------------------
    Mutant(
        "checkpoint one step late",
        "fena_sim/runs/checkpoints.py",
        "about = attrs.asdict(position)",
        "about = attrs.asdict(attrs.evolve(position, step=position.step + 1))",
        _RESUME,
    ),
    Mutant(
        "goes on with the state of the chunk before",
        "fena_sim/runs/checkpoints.py",
        "saved, about = load_arrays(path)\n",
        "saved, about = load_arrays(found[-1])[0], load_arrays(path)[1]\n",
        _RESUME,
    ),
    Mutant(
        "the last chunk is done again",
        "fena_sim/runs/checkpoints.py",
        '.glob("*.npz"), reverse=True)',
        '.glob("*.npz"))',
        _RESUME,
    ),
    Mutant(
        "a chunk begins with the tokens of the one before",
        "fena_sim/runs/chunks.py",
        "table_values(self.line, position.done, self.shape, began_at)",
        "table_values(self.line, max(0, position.done - 1), self.shape, began_at)",
        _CHUNKS,
    ),
    # -- stimuli and measures ----------------------------------------------------------------------
    Mutant(
        "held-out pairs leak into training",
        "fena_sim/declare/stimulus/order.py",
        "            allowed[:, first, second] = 0\n",
        "            allowed[:, first, second] *= 0.1\n",
        "tests/declare/stimulus/test_grammar.py::test_training_never_visits_a_held_out_pair",
    ),
    Mutant(
        "seed of the stimulus ignored",
        "fena_sim/declare/stimulus/grammar.py",
        'generator(seed, "MotifGrammar.training")',
        'generator(0, "MotifGrammar.training")',
        "tests/declare/stimulus/test_grammar.py::test_seeds_repeat_and_differ",
    ),
    Mutant(
        "weights are read after one token too many",
        "fena_sim/runs/pauses.py",
        "number = done + 1 + np.arange(len(ends))",
        "number = done + np.arange(len(ends))",
        "tests/runs/test_pauses.py::test_weights_are_the_states_between_tokens",
    ),
    Mutant(
        "a self-paced block reads weights where its chunk ends",
        "fena_sim/runs/chunks.py",
        "        if ended or due:\n            after, recordings = self._through(before, tables, position.step, steps, due)",
        "        if ended:\n            after, recordings = self._through(before, tables, position.step, steps, {})",
        "tests/runs/test_pauses.py::test_weights_are_the_states_between_tokens",
    ),
    Mutant(
        "the norm of a source unit is that of a target unit",
        "fena_sim/runs/pauses.py",
        "np.unique(i if self.probe.summary == SOURCE_NORM else j, return_inverse=True)",
        "np.unique(j if self.probe.summary == SOURCE_NORM else i, return_inverse=True)",
        "tests/runs/test_pauses.py::test_summaries_are_numpys",
    ),
    Mutant(
        "a mask read as the numbers 1 and 0",
        "fena_sim/declare/protocol/selection.py",
        "bool(unit) if all(truths) else int(unit)",
        "int(unit)",
        "tests/declare/protocol/test_probe.py::test_the_chosen_units_are_recorded",
    ),
    Mutant(
        "letters of other scripts lost without a word",
        "fena_sim/declare/stimulus/text.py",
        "    if _LOST in plain.values():",
        "    if False:",
        "tests/declare/stimulus/test_text.py::test_the_share_of_letters_that_become_spaces",
    ),
    Mutant(
        "held-out phrases leak into training",
        "fena_sim/declare/stimulus/nested.py",
        "novel = held_out and place in held and",
        "novel = place in held and",
        "tests/declare/stimulus/test_nested.py::test_nothing_held_out_occurs_in_training_and_all_of_it_in_held_out",
    ),
    Mutant(
        "the ending agrees with another opening",
        "fena_sim/declare/stimulus/agreement.py",
        "self.endings[opening]]\n",
        "self.endings[opening - 1]]\n",
        "tests/declare/stimulus/test_agreement.py::test_the_default_ending_repeats_the_opening_some_30_tokens_later",
    ),
    Mutant(
        "an opening is followed by itself alone",
        "fena_sim/declare/stimulus/agreement.py",
        "chain[np.ix_(openings + 1, openings)] = 1 / n_openings",
        "chain[openings + 1, openings] = 1",
        "tests/analyse/test_ideal.py::test_all_sentences_by_brute_force",
    ),
    Mutant(
        "a pair inside a class changes the class before",
        "fena_sim/declare/stimulus/order.py",
        "then = np.where(stays, before, last // self.class_size)",
        "then = last // self.class_size",
        "tests/analyse/test_ideal.py::test_all_chains_of_phrases_by_brute_force",
    ),
    Mutant(
        "first token scored",
        "fena_sim/analyse/select.py",
        "mask[:1] = False",
        "mask[:0] = False",
        "tests/analyse/test_prediction.py",
    ),
    Mutant(
        "width fitted on the tokens that are scored",
        "fena_sim/analyse/prediction.py",
        "        usable[:half] = False\n",
        "",
        "tests/analyse/test_prediction.py",
    ),
    Mutant(
        "settling at other tolerances off by one",
        "fena_sim/analyse/settling.py",
        "np.arange(1, rate.shape[1] + 1)",
        "np.arange(rate.shape[1])",
        "tests/analyse/test_settling.py",
    ),
    # -- dense kernels -----------------------------------------------------------------------------
    Mutant(
        "fused over code that changes what a pass reads",
        "brian2_dense/kernel.py",
        "if writes & (p.reads | p.writes) or reads & p.writes:",
        "if writes & p.writes or reads & p.writes:",
        "tests/brian2_dense/test_fusion.py",
    ),
    Mutant(
        "fused though one pass reads the sum of another",
        "brian2_dense/kernel.py",
        "if p.reads & (targets - {p.target}):",
        "if p.reads & (targets - targets):",
        "tests/brian2_dense/test_fusion.py",
    ),
    Mutant(
        "rows beyond the last four left out",
        "brian2_dense/kernel.py",
        "if whole < dense.n_pre else []",
        "if whole > dense.n_pre else []",
        _SCRIPT,
    ),
    Mutant(
        "only the last stream teaches the weights",
        "brian2_dense/batch_kernel.py",
        '[{u * TILE} + _j - _tile] += "\n                        f"{m.group(2)}',
        '[{u * TILE} + _j - _tile] = "\n                        f"{m.group(2)}',
        "tests/brian2_dense/test_batch.py::test_streams_share_weights_and_add_their_changes",
    ),
    # -- results -----------------------------------------------------------------------------------
    Mutant(
        "readouts shifted by one token",
        "fena_sim/runs/store/tokens.py",
        "values = recordings.readout(readout, path)[:n]",
        "values = np.roll(recordings.readout(readout, path)[:n], 1, axis=0)",
        "tests/runs/store/test_traces.py::test_readouts_are_the_recorded_values",
    ),
    Mutant(
        "events of a step left as threads noted them",
        "fena_sim/device/recordings.py",
        "if what.moment != SAMPLES and not in_order:",
        "if what.moment != SAMPLES and in_order is None:",
        "tests/device/test_recordings.py::test_events_in_any_order_are_sorted_by_time_and_unit",
    ),
    Mutant(
        "level 0's precision missing from its free energy",
        "fena_sim/declare/model/likelihood.py",
        "return -precision * xlogy(",
        "return -xlogy(",
        "tests/oracles/test_free_energy.py::test_states_descend_the_declared_free_energy",
    ),
    Mutant(
        "labels shifted by one token",
        "fena_sim/declare/protocol/timeline.py",
        "stream.events.iloc[:n].copy()",
        "stream.events.iloc[np.arange(1, n + 1) % len(stream.events)].reset_index(drop=True)",
        "tests/runs/store/test_traces.py::test_events",
    ),
    Mutant(
        "times in the network's own precision",
        "fena_sim/device/recordings.py",
        'np.rint(pace.values["steps"][:, 0]).astype(np.int64)',
        'pace.values["steps"][:, 0]',
        "tests/device/test_recordings.py::test_steps_are_whole_numbers_in_any_precision",
    ),
    Mutant(
        "a carriage return ends a row",
        "fena_sim/runs/store/events.py",
        'text = text.replace("\\r", hidden)',
        'text = text.replace("\\0", hidden)',
        "tests/runs/store/test_events.py::test_any_text_comes_back_as_it_was",
    ),
    Mutant(
        "a trial ends where sums of floats end",
        "fena_sim/show/export/contents.py",
        "return times_of(self.first_step + _steps(times, self.dt), self.dt)",
        "return self.first_step * self.dt + np.asarray(times)",
        "tests/show/export/test_contents.py",
    ),
    Mutant(
        "tokens said to begin a step early",
        "fena_sim/runs/store/tokens.py",
        "leaving[:-1] + 1]",
        "leaving[:-1]]",
        "tests/runs/store/test_traces.py::test_events",
    ),
    Mutant(
        "an altered file is read as if it were whole",
        "fena_sim/runs/store/checksums.py",
        "if self._known(name).get(name) != hashlib.sha256(data).hexdigest():",
        "if name not in self._known(name):",
        "tests/runs/store/test_damage.py::test_files_of_another_run_with_other_numbers_are_noticed",
    ),
    Mutant(
        "a chunk that is missing is read as fill values",
        "fena_sim/runs/store/arrays.py",
        "if key not in self._names:",
        "if not (self.files.folder / self.name / key).exists():",
        "tests/runs/store/test_damage.py::test_a_block_that_is_whole_is_read_though_another_is_not",
    ),
    Mutant(
        "an altered manifest is read",
        "fena_sim/runs/store/manifest.py",
        "if expected != found and (",
        "if expected is found and (",
        "tests/commands/test_check.py::test_an_altered_manifest",
    ),
    Mutant(
        "arrays with any codec are opened",
        "fena_sim/runs/store/schema.py",
        '"codecs": _list(_object(name={"enum": ["bytes", "zstd"]})),',
        '"codecs": _list({}),',
        "tests/runs/store/test_arrays.py::test_other_arrays_than_ours_are_refused",
    ),
    Mutant(
        "links out of a run folder are followed",
        "fena_sim/runs/store/manifest.py",
        "if not os.path.realpath(path).startswith(os.path.realpath(folder) + os.sep):",
        "if not str(path).startswith(str(folder) + os.sep):",
        "tests/runs/store/test_arrays.py::test_links_out_of_the_folder_are_refused",
    ),
    Mutant(
        "the wall time follows the time of day",
        "fena_sim/runs/execute.py",
        "began = time.monotonic()",
        "began = time.time()",
        "tests/runs/store/test_find.py::test_the_times_of_a_run_do_not_follow_the_time_of_day",
    ),
    Mutant(
        "epochs begin a sample late",
        "fena_sim/analyse/epochs/cut.py",
        "wanted = locks + first * interval",
        "wanted = locks + (first + 1) * interval",
        "tests/analyse/epochs/test_epochs.py::test_an_epoch_is_the_recording_around_its_token",
    ),
    Mutant(
        "epochs over the block's end are kept",
        "fena_sim/analyse/epochs/cut.py",
        "(end < len(time))",
        "(start < len(time))",
        "tests/analyse/epochs/test_epochs.py::test_epochs_over_the_end_are_dropped_and_those_that_just_fit_are_not",
    ),
    Mutant(
        "tokens of one stream cut from another",
        "fena_sim/analyse/epochs/cut.py",
        "self.streams[rows[some]][:, None]",
        "0*self.streams[rows[some]][:, None]",
        "tests/analyse/epochs/test_epochs.py::test_streams_side_by_side",
    ),
    Mutant(
        "squared after the average over units",
        "fena_sim/analyse/epochs/averages.py",
        '(part if signal == "mean" else part**2).mean(axis=2)',
        'part.mean(axis=2)**(1 if signal == "mean" else 2)',
        "tests/analyse/epochs/test_averages.py::test_responses_of_one_network",
    ),
    Mutant(
        "pieces of a spectrum weigh the same",
        "fena_sim/analyse/epochs/spectra.py",
        "total + count * power",
        "total + together * power",
        "tests/analyse/epochs/test_averages.py::test_spectrum_is_welch_of_the_whole",
    ),
    Mutant(
        "autocorrelation does not look beyond a piece",
        "fena_sim/analyse/epochs/spectra.py",
        "AT_ONCE + lags].to_numpy()",
        "AT_ONCE].to_numpy()",
        "tests/analyse/epochs/test_averages.py::test_autocorrelation",
    ),
    Mutant(
        "a killed export leaves a file",
        "fena_sim/show/export/files.py",
        "yield made / path.name",
        "yield path",
        "tests/show/export/test_export_files.py::test_what_fails_leaves_what_was_there",
    ),
    Mutant(
        "pacemaker's counters saved as they were read",
        "fena_sim/runs/chunks.py",
        "state = {**state, **CHUNK_START}",
        "state = {**state}",
        "tests/runs/test_interruption.py::test_killed_between_the_last_checkpoint_and_the_final_state",
    ),
    Mutant(
        "the point of a killed worker is lost",
        "fena_sim/study/sweep/local.py",
        "                        waiting.appendleft(point)\n",
        "                        pass\n",
        "tests/study/sweep/test_local.py::test_killed_workers_are_replaced_and_nothing_is_lost_or_done_twice",
    ),
    Mutant(
        "workers compile the same network side by side",
        "fena_sim/study/sweep/work.py",
        'with FileLock(locks / f"{key}.lock"):',
        "if True:",
        "tests/study/sweep/test_local.py::test_a_network_is_compiled_once_by_however_many_workers",
    ),
    Mutant(
        "numbers of a sweep at other networks",
        "fena_sim/study/sweep/result.py",
        "array.reshape(shape[-1], *shape[:-1], *array.shape[1:])",
        "np.moveaxis(array.reshape(*shape, *array.shape[1:]), len(shape) - 1, 0)",
        "tests/study/sweep/test_result.py::test_every_number_stands_at_its_place",
    ),
    Mutant(
        "sweeps on other files",
        "fena_sim/study/sweep/points.py",
        "point.identity != _identity(planned)",
        "not _identity(planned)",
        "tests/study/sweep/test_local.py::test_a_worker_with_another_model_file_refuses",
    ),
    # -- what a run relies on ----------------------------------------------------------------------
    Mutant(
        "a damaged build runs",
        "fena_sim/device/build_cache.py",
        "if _checksum(path) != expected:",
        "if not path.exists():",
        "tests/device/test_cache.py::test_a_damaged_build_is_made_anew",
    ),
    Mutant(
        "a note of the build cache leads anywhere",
        "fena_sim/device/build_cache.py",
        "if not _NAME.fullmatch(build):",
        "if not build:",
        "tests/device/test_cache.py::test_a_note_cannot_lead_elsewhere",
    ),
    Mutant(
        "temporary folders in use are removed",
        "fena_sim/device/scratch.py",
        "fcntl.LOCK_EX | fcntl.LOCK_NB",
        "fcntl.LOCK_UN",
        "tests/device/test_scratch.py::test_what_a_killed_process_left_is_removed_and_what_a_living_one_has_is_not",
    ),
    Mutant(
        "growth below zero goes unnoticed",
        "fena_sim/runs/health.py",
        "not max(values.max(), -values.min()) < limit",
        "not values.max() < limit",
        "tests/runs/test_health.py::test_beyond",
    ),
    Mutant(
        "a divisor of 0 is not seen",
        "fena_sim/declare/model/divisors.py",
        "return _zero_factor(base, values)",
        "return None",
        "tests/runs/test_divisors.py::test_set",
    ),
    Mutant(
        "synapses take no memory",
        "fena_sim/runs/memory.py",
        "needs.append(Need(what, synapses * each, SMALLER))",
        "needs.append(Need(what, each, SMALLER))",
        "tests/runs/test_memory.py::test_a_network_that_does_not_fit_is_refused_before_it_is_allocated",
    ),
    Mutant(
        "the last sources of a condition forgotten",
        "fena_sim/network/wiring.py",
        "range(0, n_source, sources)",
        "range(0, n_source - sources, sources)",
        "tests/runs/test_memory.py::test_a_condition_is_asked_of_some_pairs_at_a_time",
    ),
    Mutant(
        "SIGTERM ends with the code of Ctrl-C",
        "fena_sim/commands/shell.py",
        "return TERMINATED if isinstance(error, Terminated) else INTERRUPTED",
        "return INTERRUPTED",
        "tests/commands/test_cli_contract.py::test_every_error_has_its_code",
    ),
]

#: Defects of models/fena_flat_memory.py, and of what it shares with models/fena.py.
_FLAT, _PARTS = "models/fena_flat_memory.py", "models/fena_parts.py"
_FIRST = f"{_ORACLE}[fena_flat_memory-runtime]"
_BLACK_BOX = "tests/models/test_fena_flat_memory.py"
FLAT_MEMORY = [
    Mutant(
        "sign of the error in the drift",
        _PARTS,
        "drift = (-precision*error",
        "drift = (precision*error",
        _FIRST,
    ),
    Mutant(
        "sign of the feedback",
        _PARTS,
        "+ slope*precision_below*feedback",
        "- slope*precision_below*feedback",
        _FIRST,
    ),
    Mutant(
        "slope of the activation dropped",
        _PARTS,
        "slope = 1 - f**2 : 1",
        "slope = 1 + 0*f : 1",
        _FIRST,
    ),
    Mutant(
        "errors not weighted by precision",
        _FLAT,
        "share*rate_post*precision_post*error_post*f_pre/sqrt(spent)",
        "share*rate_post*error_post*f_pre/sqrt(spent)",
        _FIRST,
    ),
    Mutant(
        "feedback not weighted by precision",
        _PARTS,
        "slope*precision_below*feedback",
        "slope*feedback",
        _FIRST,
    ),
    Mutant(
        "feedback synapses learn another product",
        _FLAT,
        "share*rate_post*precision_post*error_pre*f_post/sqrt(spent)",
        "share*rate_post*precision_post*error_pre*r_post/sqrt(spent)",
        f"{_ORACLE}[fena_learned_feedback-runtime]",
    ),
    Mutant(
        "inhibition does not divide",
        _FLAT,
        "exp(clip(prediction + bias, -30, 30))/pooled",
        "exp(clip(prediction + bias, -30, 30))/(0*pooled + 16)",
        _FIRST,
    ),
    Mutant(
        "inhibition leaves out the biases",
        _FLAT,
        "exp(clip(prediction_pre + bias_pre, -30, 30))",
        "exp(clip(prediction_pre, -30, 30))",
        _FIRST,
    ),
    Mutant(
        "inhibition pools before the predictions",
        _FLAT,
        "INHIBITION, order=-30",
        "INHIBITION, order=-50",
        _FIRST,
    ),
    Mutant(
        "sign of the bias of the tokens",
        _FLAT,
        "gate*bias_share*rate*error : 1",
        "gate*bias_share*rate*(-error) : 1",
        _FIRST,
    ),
    Mutant(
        "sign of the bias of the priors",
        _FLAT,
        "rate*precision*error/sqrt(spent) : 1",
        "rate*precision*(-error)/sqrt(spent) : 1",
        _FIRST,
    ),
    Mutant(
        "synapses learn in the blank",
        _FLAT,
        "dw/dt = plasticity_gain_post*presenting_post*(share*rate_post*precision_post*error_post",
        "dw/dt = plasticity_gain_post*(share*rate_post*precision_post*error_post",
        f"{_BLACK_BOX}::test_nothing_is_learned_in_the_blank",
    ),
    Mutant(
        "synapses spend in the blank",
        _FLAT,
        "plasticity_gain_post*presenting_post*(precision_post*error_post*f_pre)**2/ms",
        "plasticity_gain_post*(precision_post*error_post*f_pre)**2/ms",
        f"{_BLACK_BOX}::test_nothing_is_learned_in_the_blank",
    ),
    Mutant(
        "learning cannot be switched off",
        _FLAT,
        "plasticity_gain*presenting*rate*precision*error/sqrt(spent)",
        "presenting*rate*precision*error/sqrt(spent)",
        f"{_BLACK_BOX}::test_without_plasticity_nothing_is_learned",
    ),
    Mutant(
        "synapses of the priors learn in the blank",
        _FLAT,
        "dw_recent/dt = plasticity_gain_post*presenting_post*(share",
        "dw_recent/dt = plasticity_gain_post*(share",
        f"{_BLACK_BOX}::test_nothing_is_learned_in_the_blank",
    ),
    Mutant(
        "synapses of the priors not weighted by precision",
        _FLAT,
        "(share*rate_post*precision_post*error_post*trace_older_pre/sqrt(spent_older))",
        "(share*rate_post*error_post*trace_older_pre/sqrt(spent_older))",
        _FIRST,
    ),
    Mutant(
        "feedback synapses learn in the blank",
        _FLAT,
        "plasticity_gain_post*presenting_post*(share*rate_post*precision_post*error_pre",
        "plasticity_gain_post*(share*rate_post*precision_post*error_pre",
        f"{_BLACK_BOX}::test_nothing_is_learned_in_the_blank",
    ),
    Mutant(
        "sign of the prior at the top",
        _FLAT,
        "derror/dt = (-error + r - prior)/tau_e",
        "derror/dt = (-error + r + prior)/tau_e",
        _FIRST,
    ),
    Mutant(
        "what synapses have spent never grows",
        _FLAT,
        "presenting_post*(precision_post*error_post*f_pre)**2/ms",
        "presenting_post*0*(precision_post*error_post*f_pre)**2/ms",
        _FIRST,
    ),
    Mutant(
        "what priors have spent never grows",
        _FLAT,
        "presenting*(precision*error)**2/ms",
        "presenting*0*(precision*error)**2/ms",
        _FIRST,
    ),
    Mutant(
        "levels do not slow themselves down",
        _FLAT,
        "rate = eta/(1 + adaptive*eta",
        "rate = eta/(1 + 0*adaptive*eta",
        _FIRST,
    ),
    Mutant(
        "precision of hidden levels frozen",
        _FLAT,
        "plasticity_gain*presenting*clip(surprise, -5, 5)/tau_precision",
        "0*plasticity_gain*presenting*clip(surprise, -5, 5)/tau_precision",
        _FIRST,
    ),
    Mutant(
        "an omitted token teaches the precision",
        _FLAT,
        "gate*presenting*(1 - seen)",
        "presenting*(1 - seen)",
        _FIRST,
    ),
    Mutant(
        "precision follows settled errors too",
        _FLAT,
        "gate*presenting*(1 - seen)",
        "gate*presenting",
        _FIRST,
    ),
    Mutant(
        "a trace is not updated",
        _FLAT,
        "trace_older += older*(f - trace_older)",
        "trace_older += 0*(f - trace_older)",
        _FIRST,
    ),
    Mutant(
        "the coming token leaks into the prediction",
        _FLAT,
        "trace_recent += x - trace_recent",
        "trace_recent += token_code - trace_recent",
        f"{_BLACK_BOX}::test_a_prediction_does_not_know_the_coming_token",
    ),
    Mutant(
        "traces hold the token that is being shown",
        _FLAT,
        'onset="x = token_code"',
        'onset="x = token_code; " + SENSORY_BLANK',
        _FIRST,
    ),
    Mutant(
        "noise at temperature 0",
        _PARTS,
        "sqrt(2*temperature/tau)",
        "sqrt(2*(temperature + 0.01)/tau)",
        _FIRST,
    ),
    Mutant(
        "a level that is knocked out predicts on",
        _PARTS,
        "descending = predicting*f",
        "descending = f",
        f"{_BLACK_BOX}::test_a_level_that_is_knocked_out_says_nothing_and_goes_on",
    ),
]

#: Defects of models/fena.py.
_FENA, _EVENTS = "models/fena.py", "models/fena_events.py"
_MECHANISMS = "tests/models/test_fena.py"
_TWO = "tests/oracles/test_agreement.py::test_runtime_agrees_with_numpy[2]"
FENA = [
    Mutant(
        "sign of the gated prediction",
        _FENA,
        "- opened*prediction)/tau_e",
        "+ opened*prediction)/tau_e",
        _TWO,
    ),
    Mutant(
        "feedback past the gate",
        _FENA,
        "feedback_pre = w*opened_post*error_post",
        "feedback_pre = w*error_post",
        f"{_MECHANISMS}::test_a_closed_gate_closes_predictions_feedback_and_learning",
    ),
    Mutant(
        "learning past the gate",
        _FENA,
        'LEARN_PREDICTION.replace("error_post", "opened_post*error_post")',
        "LEARN_PREDICTION",
        f"{_MECHANISMS}::test_a_closed_gate_closes_predictions_feedback_and_learning",
    ),
    Mutant(
        "traces end before they take in",
        _FENA,
        "trace_recent += tick*(f - trace_recent)\ntrace_older *= 1 - ended\ntrace_recent *= 1 - ended",
        "trace_recent *= 1 - ended\ntrace_older *= 1 - ended\ntrace_recent += tick*(f - trace_recent)",
        f"{_MECHANISMS}::test_traces_end_at_events_and_the_level_above_ticks_there",
    ),
    Mutant(
        "the older trace outlives an event",
        _FENA,
        "trace_older *= 1 - ended\n",
        "",
        f"{_MECHANISMS}::test_traces_end_at_events_and_the_level_above_ticks_there",
    ),
    Mutant(
        "events do not nest",
        _EVENTS,
        "happened = tick*novelty**4",
        "happened = novelty**4",
        f"{_MECHANISMS}::test_a_level_has_an_event_only_if_the_level_below_has_one",
    ),
    Mutant(
        "usual surprise of tokens that a level did not hear of",
        _EVENTS,
        "habit*heard*(novelty",
        "habit*tick*(novelty",
        f"{_MECHANISMS}::test_before_the_first_token_nothing_was_usual",
    ),
    Mutant(
        "an event counts what the level above has explained",
        _EVENTS,
        "unforeseen_post = surprise_pre**2",
        "unforeseen_post = error_pre**2",
        f"{_MECHANISMS}::test_an_event_compares_what_its_prior_left_with_the_usual",
    ),
    Mutant(
        "an expectation learns from what it expected",
        _EVENTS,
        "seen*tick*(happened - opened)",
        "seen*tick*(opened - happened)",
        f"{_MECHANISMS}::test_an_expectation_learns_its_event_by_the_delta_rule",
    ),
    Mutant(
        "an expectation learns from tokens without an event below",
        _EVENTS,
        "seen*tick*(happened - opened)",
        "seen*(happened - opened)",
        f"{_MECHANISMS}::test_an_expectation_learns_as_far_as_there_was_an_event_below",
    ),
    Mutant(
        "progress inverted",
        _FENA,
        "(usual + 1e-9)/(recent + 1e-9)",
        "(recent + 1e-9)/(usual + 1e-9)",
        f"{_MECHANISMS}::test_more_demand_than_usual_lowers_what_is_sent_and_raises_what_is_learned_from",
    ),
    Mutant(
        "precision without bounds",
        _FENA,
        "precision_gain*exp(clip(trust + progress, log(lowest), log(highest)))",
        "precision_gain*exp(trust + progress)",
        f"{_MECHANISMS}::test_precision_and_progress_stay_within_their_bounds",
    ),
    Mutant(
        "sign of the demand in the trust",
        _FENA,
        "1 - exp(trust)*demand/expected",
        "1 + exp(trust)*demand/expected",
        f"{_MECHANISMS}::test_trust_falls_with_demand_and_rests_where_its_balance_is_zero",
    ),
    Mutant(
        "trust follows what is asked late in a presentation",
        _FENA,
        "dtrust/dt = plasticity_gain*early*",
        "dtrust/dt = plasticity_gain*presenting*",
        f"{_MECHANISMS}::test_trust_falls_with_demand_and_rests_where_its_balance_is_zero",
    ),
    Mutant(
        "the usual demand follows in a frozen network",
        _FENA,
        "dusual/dt = plasticity_gain*early",
        "dusual/dt = early",
        f"{_MECHANISMS}::test_a_frozen_network_learns_nothing",
    ),
    Mutant(
        "anticipation acts on while the token is shown",
        _FENA,
        "anticipating = 1 - presenting + arriving",
        "anticipating = 1 + 0*arriving",
        f"{_MECHANISMS}::test_anticipation_acts_until_the_token_arrives_and_not_after",
    ),
    Mutant(
        "anticipation learns while the token is shown",
        _FENA,
        "arriving_post*per_step_post*step",
        "presenting_post*per_step_post*step",
        f"{_MECHANISMS}::test_anticipation_is_learned_once_for_each_token",
    ),
    Mutant(
        "anticipation learns on the slow clock",
        _FENA,
        "clock=None,",
        'clock=STEPS["slow"].value,',
        f"{_MECHANISMS}::test_anticipation_is_learned_once_for_each_token",
    ),
    Mutant(
        "a level that is knocked out anticipates on",
        _FENA,
        "anticipated_post = v*descending_pre",
        "anticipated_post = v*f_pre",
        f"{_MECHANISMS}::test_a_level_that_is_knocked_out_says_and_anticipates_nothing_and_goes_on",
    ),
]

#: Defects of names, numbers and pictures.
RESULTS = [Mutant(*arguments) for arguments in mutants_results.RESULTS]
ALL = (*ENGINE, *RESULTS, *FLAT_MEMORY, *FENA)


if __name__ == "__main__":
    sys.exit(main())
