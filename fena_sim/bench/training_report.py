"""The rows of `fena bench training` as tables for people."""

from collections.abc import Sequence

from tabulate import tabulate


def report(rows: Sequence[dict]) -> str:
    """The rows as two tables for people: whole runs, and sweeps of memory (Markdown)."""

    def number(value, form):
        return "" if value is None else format(value, form)

    runs = [
        [
            r["network"],
            r["parameters"],
            r["variant"],
            _setting(r["setting"]),
            r["phase"],
            f"{r['tokens_per_second']:.0f} ({r['spread'][0]:.0f} to {r['spread'][1]:.0f})",
            number(r["tokens_per_cpu_second"], ".0f"),
            number(r["wall_seconds"], ".1f"),
            number(r["peak_bytes"] and r["peak_bytes"] / 2**20, ".1f"),
            f"{r['accuracy']:.3f} ({r['accuracy_spread'][0]:.3f} to {r['accuracy_spread'][1]:.3f})",
        ]
        for r in rows
        if r["sweep"] is None
    ]
    sweeps = [
        [
            r["sweep"],
            r["position"],
            r["network"],
            r["variant"],
            r["parameters"],
            r["phase"],
            number(r["peak_bytes"] / 2**20, ".2f"),
            number(r["network_bytes"] / 2**20, ".2f"),
            number(r["bytes_per_parameter"], ".1f"),
        ]
        for r in rows
        if r["sweep"] is not None
    ]
    return "\n\n".join(
        [
            tabulate(
                runs,
                [
                    "network",
                    "parameters",
                    "variant",
                    "setting",
                    "phase",
                    "tokens/s",
                    "per CPU second",
                    "wall s",
                    "peak MiB",
                    "accuracy",
                ],
                tablefmt="github",
            ),
            tabulate(
                sweeps,
                [
                    "sweep",
                    "at",
                    "network",
                    "variant",
                    "parameters",
                    "phase",
                    "peak MiB",
                    "of the network",
                    "bytes/parameter",
                ],
                tablefmt="github",
                floatfmt=".2f",
            ),
        ]
    )


def _setting(setting):
    if "length" not in setting:
        return f"levels {'-'.join(map(str, setting['sizes']))}"
    return f"{setting['length']} tokens x {setting['batch']}, rate {setting['rate']:g}"
