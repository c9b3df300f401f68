"""The command `fena export`."""

import click


@click.command("export")
@click.argument("run", type=click.Path())
@click.option(
    "--nwb", type=click.Path(), default=None, metavar="FILE.nwb", help="Neurodata Without Borders."
)
@click.option(
    "--neo",
    type=click.Path(),
    default=None,
    metavar="FILE.nix",
    help="Neo, in its NIX file format.",
)
@click.option(
    "--mne",
    type=click.Path(),
    default=None,
    metavar="FILE-ave.fif|FILE-epo.fif",
    help="MNE: evoked responses, one per condition, or single trials with their labels.",
)
@click.option(
    "--csv",
    type=click.Path(),
    default=None,
    metavar="FOLDER",
    help="Tables, with a description of their columns.",
)
@click.option(
    "--bids",
    type=click.Path(),
    default=None,
    metavar="FOLDER",
    help="BIDS: the events of every block, with a description of their columns.",
)
@click.option(
    "--block",
    "blocks",
    multiple=True,
    metavar="NAME",
    help="Only this block; may be given again.  [default: all]",
)
@click.option(
    "--by",
    "columns",
    multiple=True,
    metavar="COLUMN",
    help="For --mne: column of the event table that makes a condition; may be given again.  "
    "[default: presented and omitted tokens]",
)
@click.option(
    "--variable",
    "variables",
    multiple=True,
    metavar="POPULATION.VARIABLE",
    help="For --mne: only its units become channels; may be given again.  [default: all that were sampled]",
)
@click.option(
    "--window",
    default="(-50*ms, 300*ms)",
    show_default=True,
    help="For --mne: times around the token.",
)
@click.option(
    "--lock",
    type=click.Choice(["onset", "offset", "blank_onset"]),
    default="onset",
    show_default=True,
    help="For --mne: time 0 is the token's onset, the end of its presentation, or the start of the blank before it.",
)
@click.option(
    "--tokens-of",
    default=None,
    metavar="POPULATION",
    help="For --mne: of several modalities, the one at whose tokens the recording is cut.  "
    "[default: the one that paces the block]",
)
@click.option("--force", is_flag=True, help="Replace what is there.")
def command(
    run: str,
    nwb: str | None,
    neo: str | None,
    mne: str | None,
    csv: str | None,
    bids: str | None,
    blocks: tuple[str, ...],
    columns: tuple[str, ...],
    variables: tuple[str, ...],
    window: str,
    lock: str,
    tokens_of: str | None,
    force: bool,
) -> None:
    """Write a finished run in the formats of other tools: at least one of --nwb, --neo, --mne,
    --csv, --bids.

    Files appear under their names only when complete. --nwb, --neo and --mne need packages of their
    own, the extras nwb, neo and mne. Without them, the error names the command that installs them.

    \b
    Examples:
      fena export runs/omission-fena-seed0-... --nwb omission.nwb
      fena export runs/omission-fena-seed0-... --mne omission-ave.fif --block silence --by omitted
      fena export runs/omission-fena-seed0-... --mne omission-epo.fif --block silence
      fena export runs/omission-fena-seed0-... --csv omission --neo omission.nix --force
      fena export runs/omission-fena-seed0-... --bids omission-bids
    """
    from ..load.set_option import parse_value
    from ..runs.store.manifest import interpreting
    from ..runs.store.run import open_run

    if not (nwb or neo or mne or csv or bids):
        raise click.UsageError("give at least one of --nwb, --neo, --mne, --csv, --bids")
    opened = open_run(run)
    with interpreting(opened.folder):
        if nwb:
            from ..show.export.nwb import write_nwb

            write_nwb(opened, nwb, blocks, force)
        if neo:
            from ..show.export.neo import write_neo

            write_neo(opened, neo, blocks, force)
        if mne:
            from ..show.export.mne import write_mne

            write_mne(
                opened,
                mne,
                blocks,
                force,
                list(columns) or None,
                parse_value(window, "--window"),  # type: ignore[arg-type]  # checked there
                lock,
                variables,
                tokens_of,
            )
        if csv:
            from ..show.export.csv import write_csv

            write_csv(opened, csv, blocks, force)
        if bids:
            from ..show.export.bids import write_bids

            write_bids(opened, bids, blocks, force)
    for path in (nwb, neo, mne, csv, bids):
        if path:
            click.echo(f"wrote {path}", err=True)
