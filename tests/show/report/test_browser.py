"""The report in a real browser. Oracles: the DevTools' own record of requests and complaints, and
pixels that must change or not.
"""

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from fena_sim.show.report.page import report

pytestmark = pytest.mark.xdist_group("browser")
#: What a viewer draws, without having to compare pictures that may differ in a pixel.
CANVAS = "document.querySelector('canvas').toDataURL()"
VIEW = "viewers[0].view.join()"


def loaded(tab, page, **options):
    opened = tab(**options).open(page.as_uri())
    opened.wait("viewers.length === 1 && document.querySelector('canvas').width > 0")
    return opened


def silent(opened, page):
    assert opened.problems == []
    assert [address for address in opened.requests if not address.startswith("data:")] == [
        page.as_uri()
    ]


def test_a_page_renders_asks_for_nothing_and_complains_of_nothing(tab, page):
    opened = loaded(tab, page)
    assert opened.js("document.querySelector('h1').textContent") == "everything on fena"
    assert opened.js("document.querySelectorAll('figure svg').length") >= 5
    drawn = opened.js(
        "(() => { const c = document.querySelector('canvas'), d = c.getContext('2d').getImageData(0, 0, c.width, c.height)"
        ".data; const seen = new Set(); for (let k = 0; k < d.length; k += 4) seen.add(d[k] << 16 | d[k+1] << 8 | d[k+2]);"
        "return seen.size; })()"
    )
    assert drawn > 20, "colours on the canvas"
    silent(opened, page)


def test_zoom_by_buttons_keys_and_wheel(tab, page):
    opened = loaded(tab, page)
    before, view = opened.js(CANVAS), opened.js("viewers[0].view")
    span = view[1] - view[0]

    def now():
        low, high = opened.js("viewers[0].view")
        return high - low

    opened.click("button[value=in]")
    assert now() == pytest.approx(span / 2) and opened.js(CANVAS) != before
    opened.click("button[value=out]")
    assert now() == pytest.approx(span)
    opened.js("document.querySelector('.plot').focus()")
    opened.key("+")
    assert now() == pytest.approx(span / 2)
    opened.key("ArrowRight")
    moved = opened.js(VIEW)
    opened.key("ArrowLeft")
    assert opened.js(VIEW) != moved
    opened.key("Home")
    assert opened.js("viewers[0].view.join() === [viewers[0].from, viewers[0].to].join()")
    x, y = opened.place(".plot canvas")
    whole = now()
    opened.mouse("mouseWheel", x, y, deltaX=0, deltaY=-100)
    assert now() < whole
    silent(opened, page)


def test_the_wheel_scrolls_the_page_while_the_plot_has_no_focus(tab, page):
    opened = loaded(tab, page)
    before = opened.js(VIEW)
    x, y = opened.place(".plot canvas")
    scrolled = opened.js("scrollY")
    opened.mouse("mouseWheel", x, y, deltaX=0, deltaY=200)
    opened.wait(f"scrollY > {scrolled}")
    assert opened.js(VIEW) == before


def test_picking_a_token_shows_it_and_says_what_was_kept_of_it(tab, page, uninterrupted):
    opened = loaded(tab, page)
    events, tokens = uninterrupted.events("learning"), uninterrupted.tokens("learning")
    before = opened.js(CANVAS)
    opened.choose("select[name=token]", "5")
    assert opened.js(CANVAS) != before
    low, high = opened.js("viewers[0].view")
    assert low == pytest.approx(1000 * events["blank_onset"][4], abs=1e-3)
    assert high == pytest.approx(1000 * (events["onset"][6] + events["duration"][6]), abs=1e-3)
    told = opened.js("document.querySelector('[data-token]').textContent")
    assert (
        f"Token 5: {events['symbol'][5]}" in told
        and f"{int(tokens['iterations'][5])} settling iterations" in told
    )
    opened.click("button[value=previous]")
    opened.click("button[value=previous]")
    assert opened.js("document.querySelector('[data-token]').textContent").startswith(
        "Token 3: omitted"
    )
    opened.js("document.querySelector('.plot').focus()")
    opened.key("n")
    assert opened.js("document.querySelector('select[name=token]').value") == "4"
    opened.click(".plot canvas")  # what stands in its middle is shown already
    assert opened.js("document.querySelector('select[name=token]').value") == "4"
    silent(opened, page)


def test_picking_a_level_a_variable_and_a_block_changes_the_rows(tab, page):
    opened = loaded(tab, page)
    rows = "viewers[0].rows().map(s => s.name).join()"
    opened.choose("select[name=variable]", "all")
    assert opened.js(rows) == "state_1.r,error_0.error,error_0.prediction"
    tall, before = opened.js("document.querySelector('canvas').height"), opened.js(CANVAS)
    opened.choose("select[name=level]", "level:1")
    assert opened.js(rows) == "state_1.r"
    assert (
        opened.js("document.querySelector('canvas').height") < tall and opened.js(CANVAS) != before
    )
    opened.choose("select[name=level]", "population:error_0")
    assert opened.js(rows) == "error_0.error,error_0.prediction"
    lines = opened.js(CANVAS)
    opened.choose("select[name=units]", "map")
    as_map = opened.js(CANVAS)
    opened.choose("select[name=units]", "none")
    assert len({lines, as_map, opened.js(CANVAS)}) == 3
    opened.choose("select[name=block]", "1")
    assert opened.js("viewers[0].block.name") == "paced" and opened.js("viewers[0].token") is None
    silent(opened, page)


def test_what_is_drawn_is_what_was_recorded(tab, page, uninterrupted):
    """The script's own decoding against the run, at every sample of one unit."""
    opened = loaded(tab, page)
    recorded = uninterrupted.traces("learning")["error_0.error"].to_numpy()
    found = opened.js(
        "(() => { const s = viewers[0].block.series.find(s => s.name === 'error_0.error'); return [s.low, s.high, "
        "[...s.data], [...s.times]]; })()"
    )
    low, high, codes, times = found
    assert len(codes) == recorded.size
    worst = max(
        abs(low + code / 254 * (high - low) - value)
        for code, value in zip(codes, recorded.T.ravel())
    )
    assert worst <= (high - low) / 254
    assert times == pytest.approx(
        (1000 * uninterrupted.traces("learning")["time_error_0"]).to_numpy().tolist(), abs=1e-2
    )


def test_every_unit_is_drawn_where_its_values_are(tab, page, uninterrupted):
    """Points that reach the canvas, against the recording on the axes that the ticks are drawn on."""
    opened = loaded(tab, page)
    opened.choose("select[name=level]", "population:error_0")
    opened.click("button[value=whole]")
    points = opened.js(
        "(() => { const found = [], own = CanvasRenderingContext2D.prototype; for (const name of ['lineTo', 'moveTo']) { "
        "const old = own[name]; own[name] = function (x, y) { found.push([x, y]); old.call(this, x, y); }; } "
        "viewers[0].draw(); return found; })()"
    )
    left, right, top, row, gap, width = opened.js(
        "[LEFT, RIGHT, TOP, ROW, GAP, document.querySelector('canvas').clientWidth]"
    )
    low, high = opened.js("(() => { const s = viewers[0].rows()[0]; return [s.low, s.high]; })()")
    begin, end = opened.js("viewers[0].view")
    recorded = uninterrupted.traces("learning")["error_0.error"]
    drawn = {(round(2 * x), round(y)) for x, y in points}
    for unit in range(recorded.shape[1]):
        for time, value in zip(
            1000 * recorded["time_error_0"].to_numpy(), recorded[:, unit].to_numpy(), strict=True
        ):
            x = left + (time - begin) / (end - begin) * (width - left - right)
            y = top + gap + row - (value - low) / (high - low) * row
            near = {(round(2 * x) + a, round(y) + b) for a in (-1, 0, 1) for b in (-1, 0, 1)}
            assert near & drawn, (unit, time, value)


def test_the_map_shows_every_sample_at_its_time_and_nothing_between_windows(
    tab, page, uninterrupted
):
    """Pixels, against the recording coloured as docs say: from low over the paper to high by the
    square root of the value.
    """
    opened = loaded(tab, page)
    opened.choose("select[name=level]", "population:state_1")
    opened.choose("select[name=variable]", "r")
    opened.choose("select[name=token]", "5")
    left, right, top, row, gap, width = opened.js(
        "[LEFT, RIGHT, TOP, ROW, GAP, document.querySelector('canvas').clientWidth]"
    )
    begin, end = opened.js("viewers[0].view")
    recorded = uninterrupted.traces("learning")["state_1.r"]
    times, values = 1000 * recorded["time_state_1"].to_numpy(), recorded.to_numpy()
    units, scale = values.shape[1], (width - left - right) / (end - begin)

    def pixels(places):
        """RGB at (ms, unit) of the row, in its middle."""
        points = [
            [int(left + (time - begin) * scale), int(top + gap + (unit + 0.5) * row / units)]
            for time, unit in places
        ]
        return opened.js(
            f"(() => {{ const c = document.querySelector('canvas').getContext('2d'); return {points}.map(([x, y]) => "
            "[...c.getImageData(x, y, 1, 1).data].slice(0, 3)); })()"
        )

    seen = [(k, u) for k in range(len(times)) if begin < times[k] < end - 1 for u in range(units)]
    edges = np.flatnonzero(np.diff(times) > 5)  # windows of 10 ms, sampled each ms
    between = [
        (time, u)
        for k in edges
        for time in np.linspace(times[k] + 1.5, times[k + 1] - 0.5, 9)
        if begin < time < end
        for u in range(units)
    ]
    assert len(seen) > 10 * units and len(between) > 10 * units
    bare = pixels(between)  # with the mean alone, which is broken there
    opened.choose("select[name=units]", "map")
    assert pixels(between) == bare
    paper, low, high = (
        255 * np.array(to_rgb(c)) for c in opened.js("['paper', 'low', 'high'].map(colour)")
    )
    span = np.abs(values).max() if values.min() < 0 < values.max() else np.ptp(values)
    for (k, u), found in zip(seen, pixels([(times[k] + 0.5, u) for k, u in seen]), strict=True):
        value = values[k, u] if values.min() < 0 else values[k, u] - values.min()
        expected = paper + ((low if value < 0 else high) - paper) * np.sqrt(abs(value) / span)
        assert np.abs(found - expected).max() < 20, (times[k], u)  # 8 bits below a square root


def test_hostile_text_runs_nothing_and_is_readable(tab, hostile, tmp_path):
    page = tmp_path / "report.html"
    page.write_text(report(hostile))
    opened = loaded(tab, page)
    opened.js("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    opened.choose("select[name=token]", "5")
    silent(opened, page)
    assert (
        opened.js(
            "document.querySelectorAll('main img, main b, main a[href^=http], header img').length"
        )
        == 0
    )
    assert (
        opened.js("document.querySelector('main').innerText").count("<script>alert(1)</script>") > 5
    )
    assert "<!--<script>" in opened.js(
        "document.querySelector('[data-token]').textContent + document.body.innerText"
    )


def test_even_an_injected_script_would_be_refused(tab, page, tmp_path):
    """The policy is the second lock: this page is broken on purpose."""
    broken = tmp_path / "broken.html"
    broken.write_text(
        page.read_text().replace(
            "<main",
            "<script>document.title = 'taken'</script><img src='http://127.0.0.1:9/x'><main",
        )
    )
    opened = loaded(tab, broken)
    assert opened.js("document.title") != "taken"
    assert any("Content Security Policy" in problem for problem in opened.problems)
    assert opened.js("document.querySelector('main').previousElementSibling.naturalWidth") == 0, (
        "no picture came"
    )


@pytest.mark.parametrize("width", [360, 768, 1200])
def test_no_width_scrolls_sideways(tab, page, width):
    opened = loaded(tab, page, width=width, height=740, phone=width == 360)
    opened.js("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    assert opened.js("document.documentElement.scrollWidth") <= width
    outside = opened.js(
        "[...document.querySelectorAll('body *')].filter(e => !e.closest('.scroll') && !e.closest('.skip') && "
        "e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 80))"
    )
    assert outside == []


def brightness(path):
    image = Image.open(path).convert("L")
    return image.getpixel((3, image.height // 2))


def test_dark_follows_the_system_and_the_toggle(tab, page, tmp_path):
    shades = {}
    for dark in (False, True):
        opened = loaded(tab, page, dark=dark)
        for step in ("system", "toggled"):
            opened.screenshot(tmp_path / "shot.png", whole=False)
            shades[dark, step] = brightness(tmp_path / "shot.png")
            shades[dark, step, "canvas"] = opened.js(CANVAS)
            opened.click("#theme")
        silent(opened, page)
    assert shades[False, "system"] > 200 > 60 > shades[True, "system"]
    assert shades[False, "toggled"] < 60 < 200 < shades[True, "toggled"]
    assert shades[False, "system", "canvas"] != shades[False, "toggled", "canvas"], (
        "the traces change with the page"
    )


@pytest.mark.parametrize("dark", [False, True])
def test_text_has_contrast(tab, page, dark):
    """Ratio of luminances of WCAG 2.1 (1.4.3) between every text and the surface that it stands on:
    at least 4.5.
    """
    opened = loaded(tab, page, dark=dark)
    low = opened.js("""(() => {
      const light = (c) => { const v = c.match(/[\\d.]+/g).slice(0, 3).map(Number).map((x) => { x /= 255;
        return x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4; }); return 0.2126 * v[0] + 0.7152 * v[1] + 0.0722 * v[2]; };
      const ground = (e) => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
        if (!/, 0\\)$/.test(c)) return c; } return 'rgb(255, 255, 255)'; };
      const bad = [];
      for (const e of document.querySelectorAll('body *')) {
        if (e.closest('svg, script, style, noscript') || ![...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim())) continue;
        const a = light(getComputedStyle(e).color), b = light(ground(e)), ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (ratio < 4.5) bad.push([ratio, e.outerHTML.slice(0, 80)]);
      }
      return bad; })()""")
    assert low == []


def test_every_control_is_reached_by_tab_and_shows_it(tab, page):
    opened = loaded(tab, page)
    seen, outlined = [], []
    for _ in range(60):
        opened.key("Tab", code=9)
        seen.append(
            opened.js(
                "(() => { const e = document.activeElement; return e.id || e.name || e.value || e.className || e.tagName; })()"
            )
        )
        outlined.append(
            opened.js("getComputedStyle(document.activeElement).outlineStyle !== 'none'")
        )
        if seen[-1] == "plot":
            break
    assert seen[0] == "skip" and all(outlined)
    assert {
        "theme",
        "block",
        "level",
        "variable",
        "units",
        "token",
        "previous",
        "next",
        "in",
        "out",
        "left",
        "right",
        "whole",
        "plot",
    } <= set(seen)


def test_every_control_and_figure_has_a_name(tab, page):
    """Names as the browser's own accessibility tree has them."""
    opened = loaded(tab, page)
    opened.call("Accessibility.enable")
    nodes = opened.call("Accessibility.getFullAXTree")["nodes"]
    names = {}
    for node in nodes:
        if not node["ignored"]:
            names.setdefault(node["role"]["value"], []).append(node.get("name", {}).get("value"))
    for role in ("button", "combobox", "figure", "region", "link", "navigation", "image", "option"):
        assert names[role] and all(names[role]), role


def test_print_is_light_whole_and_without_controls(tab, page, tmp_path):
    opened = loaded(tab, page, dark=True)
    opened.media(dark=True, kind="print")
    hidden = opened.js(
        "[...document.querySelectorAll('.controls, .theme, nav, .help')].every(e => e.getClientRects().length === 0)"
    )
    assert hidden
    assert opened.js("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    opened.media(dark=True)
    opened.pdf(tmp_path / "page.pdf")
    data = (tmp_path / "page.pdf").read_bytes()
    assert (
        data.startswith(b"%PDF")
        and data.count(b"/Type /Page\n") + data.count(b"/Type /Page ") + data.count(b"/Type /Page/")
        >= 2
    )
    silent(opened, page)
