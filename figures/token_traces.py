"""One presented and one omitted token in the states and errors of every level.

One column for each block, at most four: of first_contact, left before training and right after
it. The levels are stacked as in the hierarchy, with the
sensory level at the bottom. Thin lines are units, the bold line is their root mean square. Grey: a
token is presented. Dashed: the token is omitted, and the levels go on without input. The figure
shows the first of the given runs, because traces of different networks cannot be averaged.
"""

from fena_sim.plot import PAGE_WIDTH, Needs, new_figure, script, sheet, traces

NEEDS = {"traced": Needs(samples=["state_*.r", "error_*.error"], omissions=True)}
COMMAND = "fena run protocols/first_contact.py --seeds 10"
TITLES = {"traces_before": "before training", "traces_after": "after training"}
MOST = 4


def rows(probes):
    """(name, probe, level) from the top of the hierarchy down, for the probes recorded."""
    names = [
        (f"{kind} {level}", f"{kind}_{level}.{variable}", level)
        for level in range(len(probes.data_vars), -1, -1)
        for kind, variable in (("state", "r"), ("error", "error"))
    ]
    return [row for row in names if row[1] in probes]


def figure(runs, traced):
    """Rows of traces at page width, one column per block."""
    run, blocks = runs[0], traced[:MOST]
    shown = rows(run.traces(blocks[0]))
    with sheet():
        fig = new_figure(PAGE_WIDTH, 21 + 14.5 * len(shown))
        axes = fig.subplots(len(shown), len(blocks), sharex="col", sharey="row", squeeze=False)
        for column, block in zip(axes.T, blocks, strict=True):
            probes, events = run.traces(block), traces.omission(run.events(block))
            for ax, (_, probe, level) in zip(column, shown, strict=True):
                traces.trace(ax, probes[probe], events, level)
            traces.token_names(column[0], events)
            column[0].set_title(TITLES.get(block, block).replace("$", r"\$"), pad=12)
            column[-1].set_xlabel("time from the first token's onset (ms)")
        for ax, (name, _, _) in zip(axes[:, 0], shown, strict=True):
            ax.set_ylabel(name)
        fig.align_ylabels(axes[:, 0])
        traces.trace_legend(fig)
    return fig


if __name__ == "__main__":
    script.main(figure, NEEDS, "token_traces")
