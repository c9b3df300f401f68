"""The blocks of a protocol on the network's clock. Oracle: the times that were handed in, read back
from the bars.
"""

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Annotation, Text

from fena_sim.plot import sheet
from fena_sim.show.timeline import SHORTEST, timeline

BLOCKS = [
    ("untrained", 0.0, 18.0, 0.0, 300),
    ("training", 0.0, 960.0, 0.55, 16000),
    ("familiar", 960.0, 90.0, 0.0, 1500),
    ("short", 960.0, 0.1, 0.1, 2),
    ("cost_$5_or_$6", 960.0, 3.6, 0.0, 60),
]


def test_bars_begin_and_end_when_blocks_did_and_tell_plastic_from_frozen():
    (ax,) = timeline(BLOCKS).axes
    bars = [bar for group in ax.containers for bar in group]
    assert [bar.get_x() for bar in bars] == [begin for _, begin, *_ in BLOCKS]
    widths = [bar.get_width() for bar in bars]
    assert widths[:3] == [18.0, 960.0, 90.0] and widths[3] == pytest.approx(SHORTEST * 1050), (
        "short ones can be seen"
    )
    colours = [bar.get_facecolor() for bar in bars]
    assert colours[1] == colours[3] != colours[0] == colours[2] == colours[4]


def test_every_block_is_named_and_no_text_leaves_the_figure():
    figure = timeline(BLOCKS)
    with sheet():
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
    renderer = canvas.get_renderer()
    shown = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text()]
    assert any("16,000 tokens, 960 s" in text.get_text() for text in shown)
    boxes = [
        text.get_window_extent(renderer)
        for text in shown
        if isinstance(text, Annotation) or "tokens" in text.get_text()
    ]
    assert len(boxes) == len(BLOCKS)
    for box in boxes:
        assert 0 <= box.x0 and box.x1 <= figure.bbox.x1
