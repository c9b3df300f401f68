"""The live view in a notebook: one output that is redrawn in place."""

import io
import sys
from typing import Any

from rich.console import Console, RenderableType

#: Characters of a line, as on a terminal.
WIDTH = 100
FORMAT = '<pre style="line-height:1.2; margin:0">{code}</pre>'


def in_notebook() -> bool:
    """Whether IPython runs as the kernel of a notebook, which shows HTML."""
    ipython = sys.modules.get("IPython")  # a kernel has imported it
    shell = ipython.get_ipython() if ipython else None
    return getattr(shell, "kernel", None) is not None


class NotebookLive:
    """Stands in for `rich.live.Live`, which needs widgets to redraw in a notebook."""

    def __init__(self) -> None:
        self.transient = False
        self._output: Any = None

    def start(self) -> None:
        """Nothing is shown before the first picture."""

    def update(self, picture: RenderableType, refresh: bool = False) -> None:
        """Show a picture in the place of the one before."""
        self._show(html_of(picture))

    def stop(self) -> None:
        """The last picture stays, unless it is transient."""
        if self.transient and self._output is not None:
            self._show("")

    def _show(self, text):
        from IPython.display import HTML, display

        if self._output is None:
            self._output = display(HTML(text), display_id=True)
        else:
            self._output.update(HTML(text))


def html_of(picture: RenderableType) -> str:
    """What Rich draws on a terminal, as HTML; texts are escaped."""
    console = Console(
        record=True,
        width=WIDTH,
        file=io.StringIO(),
        force_terminal=True,
        force_jupyter=False,  # or Rich shows a copy of its own
        highlight=False,
        markup=False,
        emoji=False,
    )
    console.print(picture)
    return console.export_html(inline_styles=True, code_format=FORMAT)
