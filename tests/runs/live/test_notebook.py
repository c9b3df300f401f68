"""The live view in a notebook. Oracle: IPython's contract (`display(..., display_id=True)` gives a
handle whose `update` replaces that one output), kept by a stand-in that counts outputs.
"""

import sys
from types import SimpleNamespace

import pytest
from rich.text import Text

from fena_sim.runs.live.notebook import NotebookLive, html_of, in_notebook
from fena_sim.runs.live.progress import REDRAW, Display


@pytest.fixture
def outputs(monkeypatch):
    """The outputs of a notebook's cell: one list of contents, oldest first, for each."""
    shown = []

    def display(content, display_id=False):
        shown.append([content])
        return SimpleNamespace(update=shown[-1].append) if display_id else None

    kernel = SimpleNamespace(kernel=object())
    ipython = SimpleNamespace(get_ipython=lambda: kernel)
    ipython.display = SimpleNamespace(HTML=lambda text: text, display=display)
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", ipython.display)
    return shown


def test_a_notebook_is_a_kernel_and_not_a_terminal_of_ipython(outputs, monkeypatch):
    assert in_notebook()
    monkeypatch.setattr(sys.modules["IPython"], "get_ipython", lambda: SimpleNamespace())
    assert not in_notebook()
    monkeypatch.delitem(sys.modules, "IPython")
    assert not in_notebook()


def test_pictures_are_redrawn_in_one_output_and_the_last_is_taken_away(outputs, capsys):
    clock = SimpleNamespace(now=0.0)
    with Display(clock=lambda: clock.now) as display:
        assert isinstance(display.live, NotebookLive)
        display.views.append(view := FakeView())
        for k in range(5):
            view.text, clock.now = f"token {k}", clock.now + 2 * REDRAW
            display.draw()
        display.draw()  # too soon
        display.write("a line that stays")
    (contents,) = outputs
    assert ["token 0" in contents[0], "token 4" in contents[4]] == [True, True]
    assert contents[5:] == [""]
    captured = capsys.readouterr()
    assert captured.out == "a line that stays\n" and captured.err == ""


class FakeView:
    rows, text = 1, ""

    def table(self):
        return Text(self.text)


def test_after_a_failure_the_last_picture_stays(outputs):
    with pytest.raises(ZeroDivisionError), Display() as display:
        view = FakeView()
        view.text = "stopped here"
        display.views.append(view)
        display.draw(now=True)
        raise ZeroDivisionError
    (contents,) = outputs
    assert len(contents) == 1 and "stopped here" in contents[0]


def test_nothing_is_shown_if_quiet_and_a_given_stream_is_a_log(outputs, capsys):
    with Display(quiet=True) as display:
        display.draw(now=True)
    assert Display(stream=sys.stdout).live is None
    assert outputs == [] and capsys.readouterr().out == ""


def test_texts_are_escaped_in_html():
    text = html_of(Text("<b>x</b> & y"))
    assert "&lt;b&gt;x&lt;/b&gt; &amp; y" in text and "<b>" not in text
