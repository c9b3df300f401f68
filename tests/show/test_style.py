"""Style and saving. Oracle: what a print shop asks of the files, read from the files themselves."""

import re
import xml.etree.ElementTree as ET
import zlib
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.image import imread
from PIL import Image

from fena_sim.plot import COLUMN_WIDTH, PAGE_WIDTH, draw, level_colour, new_figure, save, sheet
from fena_sim.show.colours import LEVEL_COLOURS
from fena_sim.show.style import SHEET

ROOT = Path(__file__).parents[2]
RAINBOWS = (
    "jet",
    "rainbow",
    "gist_rainbow",
    "hsv",
    "nipy_spectral",
    "gist_ncar",
    "turbo",
    "prism",
    "flag",
    "Spectral",
)


def drawing():
    with sheet():
        figure = new_figure(COLUMN_WIDTH, 50)
        ax = figure.subplots()
        ax.plot([0, 1, 2], [1, 0, 2], label="curve")
        ax.set_xlabel("time (ms)")
        ax.set_ylabel("potential")
        ax.legend()
    return figure


def pdf_objects(path):
    """The text of a PDF with its compressed streams opened."""
    raw = path.read_bytes()
    text = raw
    for match in re.finditer(rb"stream\r?\n(.*?)\r?\nendstream", raw, re.S):
        try:
            text += zlib.decompress(match.group(1))
        except zlib.error:
            pass
    return text


def test_fonts_are_embedded_in_the_pdf(tmp_path):
    pdf = pdf_objects(save(drawing(), tmp_path, "figure")[0])
    assert b"/FontFile2" in pdf  # an embedded TrueType font file
    assert b"/Subtype /Type42" in pdf or b"/CIDFontType2" in pdf
    assert b"/Subtype /Type3" not in pdf


def test_svg_text_is_text(tmp_path):
    root = ET.parse(save(drawing(), tmp_path, "figure")[1]).getroot()
    words = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "time (ms)" in words and "potential" in words


def test_png_has_300_dots_per_inch(tmp_path):
    height, width = imread(save(drawing(), tmp_path, "figure")[2]).shape[:2]
    assert width == pytest.approx(COLUMN_WIDTH / 25.4 * 300, abs=1)
    assert height == pytest.approx(50 / 25.4 * 300, abs=1)


def test_files_are_the_same_every_time_and_undated(tmp_path):
    first, again = (save(drawing(), tmp_path / name, "figure") for name in ("one", "two"))
    for a, b in zip(first, again, strict=True):
        assert a.read_bytes() == b.read_bytes()
        assert b"CreationDate" not in a.read_bytes() and b"dc:date" not in a.read_bytes()


def test_files_name_their_runs(tmp_path, networks):
    for path in save(drawing(), tmp_path, "figure", networks):
        for run in networks:
            assert run.id.encode() in path.read_bytes()


def test_the_sheet_leaves_the_users_settings_alone():
    before = dict(mpl.rcParams)
    drawing()
    assert dict(mpl.rcParams) == before


def test_a_users_settings_do_not_reach_the_figure(tmp_path):
    plain = save(drawing(), tmp_path / "plain", "figure")
    with mpl.rc_context({"font.size": 20, "axes.facecolor": "red", "pdf.fonttype": 3}):
        loud = save(drawing(), tmp_path / "loud", "figure")
    assert [p.read_bytes() for p in plain] == [p.read_bytes() for p in loud]


def test_widths_are_those_of_a_journal():
    assert new_figure(PAGE_WIDTH).get_figwidth() * 25.4 == pytest.approx(174)
    assert new_figure().get_figwidth() * 25.4 == pytest.approx(85)


def test_levels_differ_for_the_colour_blind():
    """Deuteranopia after Vienot et al. 1999: the colours of the first four levels stay apart."""
    rgb_to_lms = np.array(
        [[17.8824, 43.5161, 4.11935], [3.45565, 27.1554, 3.86714], [0.0299566, 0.184309, 1.46709]]
    )
    blind = np.array([[1, 0, 0], [0.494207, 0, 1.24827], [0, 0, 1]])
    simulate = np.linalg.inv(rgb_to_lms) @ blind @ rgb_to_lms
    seen = [simulate @ np.array(to_rgb(c)) ** 2.2 for c in LEVEL_COLOURS[:4]]
    apart = [np.linalg.norm(a - b) for i, a in enumerate(seen) for b in seen[:i]]
    assert min(apart) > 0.1


def test_every_level_has_a_colour_of_its_own():
    colours = [to_rgb(level_colour(level)) for level in range(16)]
    assert len(set(colours)) == 16 and colours[:7] == [to_rgb(colour) for colour in LEVEL_COLOURS]


def test_the_map_of_images_is_no_rainbow():
    """Luminance (Rec. 709, of linear light) rises all along the map."""
    rgb = mpl.colormaps[SHEET["image.cmap"]](np.linspace(0, 1, 64))[:, :3]
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    assert (np.diff(linear @ [0.2126, 0.7152, 0.0722]) > 0).all()
    used = "|".join(RAINBOWS)
    for path in [
        *(ROOT / "fena_sim").rglob("*.py"),
        *(ROOT / "figures").glob("*.py"),
        *(ROOT / "protocols").rglob("*.py"),
    ]:
        assert not re.search(rf"[\"'.]({used})[\"']", path.read_text()), path


def test_text_is_of_5_to_8_points():
    sizes = {
        key: value
        for key, value in SHEET.items()
        if key.endswith(("size", "labelsize", "titlesize", "fontsize")) and "tick.m" not in key
    }
    sizes.pop("lines.markersize")
    assert len(sizes) >= 6 and all(5 <= size <= 7 for size in sizes.values())


def test_a_panel_becomes_a_figure():
    figure = draw(
        lambda ax, x, colour: ax.plot(x, color=colour), [1, 2, 3], colour="red", width=60, height=40
    )
    assert [line.get_ydata().tolist() for line in figure.axes[0].get_lines()] == [[1, 2, 3]]
    np.testing.assert_allclose(figure.get_size_inches() * 25.4, (60, 40))


@pytest.mark.parametrize("place", ["pdf", "svg", "png"])
def test_runs_are_in_the_field_that_the_docs_name(tmp_path, networks, place):
    """PDF: Subject; SVG: description of the metadata; PNG: Description."""
    wanted = "runs: " + ", ".join(run.id for run in networks)
    pdf, svg, png = save(drawing(), tmp_path, "figure", networks)
    if place == "pdf":
        found = re.search(rb"/Subject \((.*?)\)", pdf_objects(pdf))[1].decode()
    elif place == "svg":
        found = (
            ET.parse(svg).getroot().find(".//{http://purl.org/dc/elements/1.1/}description").text
        )
    else:
        with Image.open(png) as picture:
            found = picture.info["Description"]
    assert found == wanted
