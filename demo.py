"""The main job in one go: learn a grammar from nothing, read English, meet an oddball. `make demo`
runs this.

Two networks run side by side, one per core. Everything is kept in runs/; a second call only prints.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
from rich.console import Console

from fena_sim import load_model, load_protocol, run
from fena_sim.measure import accuracy, bits, ngram_table
from fena_sim.plot import save
from fena_sim.runs.live.progress import Display
from fena_sim.show.file import load_figures

HERE = Path(__file__).resolve().parent
OUT = HERE / "runs"


def do(name, display, start=None, **options):
    """Run a shipped protocol on its default model; returns (run, summary of it)."""
    file = load_protocol(HERE / "protocols" / f"{name}.py", **options)
    model = load_model(file.model, file.protocol.vocabulary.size)
    done = run(model, file.protocol, seed=0, out=OUT, start=start, progress=display.for_run())
    return done, file.summary([done])


def beside_ngrams(done, training, test):
    """Accuracy and bits per token on one block, beside n-gram tables counted on the same training
    tokens.
    """
    tokens = [done.events(block)["token"].to_numpy() for block in (training, test)]
    table = ngram_table(*tokens, len(done.vocabulary.symbols))[["accuracy", "bits"]]
    table.loc["FENA, learning frozen"] = accuracy(done, test), float(bits(done, test))
    table.loc["FENA, learning on"] = accuracy(done, "online"), float(bits(done, "online"))
    return table


def table(title, numbers):
    """Markdown of a DataFrame under a title."""
    return f"\n{title}\n\n{pd.DataFrame(numbers).to_markdown(floatfmt='.3f')}\n"


def main():
    began = time.monotonic()
    with Display() as display, ThreadPoolExecutor(2) as pool:
        grammar = pool.submit(do, "first_contact", display)
        english = pool.submit(do, "read_text", display)
        contact, learned = grammar.result()
        oddball, mismatch = do("oddball", display, start=(contact, "training"))
        text, read = english.result()
    log = Console(highlight=False, soft_wrap=True).print
    log(
        table(
            "Motif grammar: next-token prediction, 16 tokens, one pass of 16,000",
            beside_ngrams(contact, "training", "familiar"),
        )
    )
    log(
        table(
            "English characters: next-character prediction, 29 characters, one pass of 20,000",
            beside_ngrams(text, "training", "following"),
        )
    )
    log(
        table(
            "Settling iterations (median per token)",
            {
                "untrained": {
                    "grammar": learned["iterations_untrained"],
                    "English": read["iterations_untrained"],
                },
                "trained": {
                    "grammar": learned["iterations_trained"],
                    "English": read["iterations_trained"],
                },
            },
        )
    )
    log(
        table(
            "Motif grammar: error untrained / trained, and inside held-out combinations",
            {
                "first_contact": {
                    **{
                        f"error ratio, level {level}": ratio
                        for level, ratio in enumerate(learned["error_ratio"])
                    },
                    "accuracy inside novel combinations": learned["accuracy_novel"],
                    "error there / in familiar ones": learned["novel_error_ratio"],
                }
            },
        )
    )
    log(table("Oddball on the trained network, by level (error units)", mismatch))
    log("Figures:")
    for file in load_figures(HERE / "figures"):
        for runs in ([contact], [oddball]):
            if file.shows(runs[0]):
                drawn = file.draw(runs)
                for written in save(drawn, HERE / "figures" / "made", file.name, runs=runs):
                    log(f"  {written.relative_to(HERE)}")
    log(f"Runs: {', '.join(str(r.folder.relative_to(HERE)) for r in (contact, text, oddball))}")
    log(
        f"One network each; spread over networks: fena run protocols/first_contact.py --seeds 5. "
        f"{time.monotonic() - began:.0f} s in all."
    )


if __name__ == "__main__":
    main()
