"""Templates, and the policy by which a page runs only its own script."""

import base64
import hashlib
import math
from pathlib import Path

import jinja2

from ... import __version__

TEMPLATES = Path(__file__).resolve().parent / "templates"


def render(
    template: str, script: str, connect: str = "'none'", **context: object
) -> tuple[str, str]:
    """A page of its own: text of users is escaped, and only this script may run.

    Parameters
    ----------
    template : str
    script : str
        File name of the page's script; common.js comes before it.
    connect : str
        What the script may ask for data, in the words of a Content-Security-Policy.

    Returns
    -------
    (str, str)
        The page, and its policy.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["short"] = short
    environment.filters["visible"] = visible
    environment.policies["json.dumps_kwargs"] = {
        "allow_nan": False,
        "separators": (",", ":"),
        "ensure_ascii": True,
    }
    code = "\n".join(
        (TEMPLATES / name).read_text(encoding="utf-8") for name in ("common.js", script)
    )
    checksum = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; script-src 'sha256-{checksum}'; style-src 'unsafe-inline'; img-src data:; "
        f"connect-src {connect}; base-uri 'none'; form-action 'none'"
    )
    page = environment.get_template(template).render(
        style=(TEMPLATES / "style.css").read_text(encoding="utf-8"),
        script=code,
        policy=policy,
        version=__version__,
        **context,
    )
    return page, policy


def visible(text: str) -> str:
    r"""A text in which characters that cannot be seen are written out: a line break as \n."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def short(value: float | None, digits: int = 3) -> str:
    """A number for people: three digits, or all before the point."""
    if value is None or not math.isfinite(value):
        return "–"
    if value and not 1e-3 <= abs(value) < 1e6:
        return f"{value:.{digits - 1}e}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.{digits}g}"
