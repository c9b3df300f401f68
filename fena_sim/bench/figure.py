"""Time and memory per synapse against the number of synapses, drawn from stored rows alone."""

from collections.abc import Iterable, Mapping

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from ..errors import DeclarationError
from ..show import colours, style
from ..show.style import new_figure, sheet

#: Colour and marker of a variant; the limit is a dashed line without markers.
LOOKS = {
    "dense": (colours.VERMILLION, "o"),
    "stock": (colours.BLUE, "s"),
    "hand": (colours.BLACK, "x"),
    "numpy": (colours.SKY, "v"),
    "jax": (colours.GREEN, "^"),
    "ngclearn": (colours.PURPLE, "D"),
    "pcx": (colours.ORANGE, "P"),
}
LABELS = {
    "dense": "cpp_dense",
    "stock": "Brian2 C++",
    "hand": "C++ by hand",
    "numpy": "NumPy",
    "jax": "JAX",
}


def scaling(rows: Iterable[Mapping]) -> Figure:
    """Two panels at column width: ns per synapse and step, and bytes per synapse (plastic, float32,
    one stream).

    Raises
    ------
    DeclarationError
        No row is plastic, float32 and of one stream.
    """
    kept = sorted(
        (r for r in rows if r["plastic"] and r["dtype"] == "float32" and r["batch"] == 1),
        key=lambda r: r["synapses"],
    )
    if not kept:
        raise DeclarationError(
            "no row is plastic, float32 and of one stream",
            where="the scaling figure",
            fix="make the rows with `fena bench speed`",
        )
    with sheet():
        figure = new_figure(style.COLUMN_WIDTH, 95)
        time, memory = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
        for name in [*LOOKS, "limit"]:
            mine = [r for r in kept if r["variant"] == name]
            if name == "limit":
                look = dict(color=colours.GREY, linestyle="--", label="limit")
            else:
                look = dict(
                    color=LOOKS[name][0], marker=LOOKS[name][1], label=LABELS.get(name, name)
                )
            time.plot(
                [r["synapses"] for r in mine],
                [1e3 * r["us_per_step"] / r["synapses"] for r in mine],
                **look,
            )
            weighed = [r for r in mine if r["bytes_per_synapse"] is not None]
            memory.plot(
                [r["synapses"] for r in weighed], [r["bytes_per_synapse"] for r in weighed], **look
            )
        memory.axhline(4, color=colours.GREY, linestyle="--")  # one float32
        for ax, label, text in (
            (time, "time per synapse and step (ns)", "a"),
            (memory, "memory per synapse (bytes)", "b"),
        ):
            ax.set(xscale="log", yscale="log", ylabel=label)
            ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            ax.yaxis.set_minor_formatter(NullFormatter())
            style.letter(ax, text)
        memory.set_xlabel("synapses")
        figure.legend(*time.get_legend_handles_labels(), loc="outside upper center", ncols=4)
    return figure
