"""Novel combinations of familiar motifs: prediction inside the motif, against n-gram tables.

"Inside" leaves out the first token of each motif, which depends on the junction (claim C12). Bars
are medians over networks, dots are networks, and vertical lines are 95 % bootstrap intervals (with
fewer than three networks, the range). Dashed, C12: the thresholds of claim C12, an accuracy of .99 and
an error below 1.25 times the familiar one. The n-gram tables counted the same training tokens and
are scored on the same test tokens as the networks (mean over networks). An n-gram uses n - 1 tokens
of context.
"""

import pandas as pd

from fena_sim.measure import generalisation, inside_motif, ngram_table
from fena_sim.plot import PAGE_WIDTH, Needs, new_figure, panels, script, sheet, style

# Only this protocol's names tell which pairs of motifs a network was trained on.
NEEDS = {
    "training": Needs(name="training", labels={"position": ()}, learning=True),
    "familiar": Needs(
        name="familiar", labels={"position": (), "novel": ()}, readouts=["onset_error", "error"]
    ),
    "held_out": Needs(
        name="held_out", labels={"position": (), "novel": ()}, readouts=["onset_error", "error"]
    ),
}
COMMAND = "fena run protocols/first_contact.py --seeds 10"
LABELS = {"familiar": "familiar\ncombinations", "novel": "novel\ncombinations"}
CLAIM = "C12"
LEAST_ACCURACY, MOST_RELATIVE_ERROR = 0.99, 1.25


def figure(runs):
    """Three panels at page width: accuracy, level-0 error, and accuracy against n-gram tables."""
    tables = [generalisation(run) for run in runs]

    def per_network(column):
        return pd.DataFrame([table[column] for table in tables])

    with sheet():
        fig = new_figure(PAGE_WIDTH, 58)
        axes = fig.subplots(1, 3, width_ratios=(1.15, 1.15, 1.6))
        accuracy = per_network("accuracy")
        bar = LEAST_ACCURACY, CLAIM
        panels.comparison(axes[0], accuracy, LABELS, "accuracy inside the motif", bar)
        axes[0].set_ylim(0, 1)
        error = per_network("error")
        bar = MOST_RELATIVE_ERROR * error["familiar"].median(), CLAIM
        panels.comparison(axes[1], error, LABELS, "squared onset error, level 0", bar)
        ngrams = sum(novel_ngrams(run) for run in runs) / len(runs)
        panels.against_ngrams(axes[2], accuracy["novel"], ngrams, 1 / len(runs[0].vocabulary))
        axes[2].set_ylabel("accuracy inside novel combinations")
        for ax, text in zip(axes, "abc", strict=True):
            style.letter(ax, text)
    return fig


def novel_ngrams(run):
    """n-gram tables counted on the training block, scored inside novel combinations."""
    events = run.events("held_out")
    return ngram_table(
        run.events("training")["token"].to_numpy(),
        events["token"].to_numpy(),
        len(run.vocabulary),
        mask=inside_motif(events, novel=True),
    )


if __name__ == "__main__":
    script.main(figure, NEEDS, "generalisation")
