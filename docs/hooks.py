"""What MkDocs does beyond Markdown: pages that lie outside docs/, and links that leave it.

Every page links as it does on a forge, by relative paths of the checkout. On the site a link out of
docs/ leads to the same text: some files of the checkout are pages (PAGES), and any other file that
a page links to is shown as source. Nothing depends on where the project is hosted.
"""

import os
import posixpath
import re
from pathlib import Path

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parent.parent
#: Path in the checkout to the path of its page.
PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "brian2_dense/README.md": "brian2_dense.md",
    "benchmarks/README.md": "benchmarks.md",
    "tests/README.md": "tests.md",
}
LINK = re.compile(r"(\]\()([^)#:\s]+)((?:#[^)\s]*)?\))")
LANGUAGES = {".py": "python", ".md": "markdown", ".yml": "yaml", ".cfg": "ini", ".toml": "toml"}
UNLISTED = "---\nsearch:\n  exclude: true\n---\n"


def on_files(files, config):
    """Add the pages that lie outside docs/, and the sources that any page links to."""
    texts = {f"docs/{file.src_uri}": file.content_string for file in files.documentation_pages()}
    for path, uri in PAGES.items():
        text = (ROOT / path).read_text(encoding="utf-8")
        files.append(File.generated(config, uri, content=text))
        texts[path] = text
    linked = {target for path, text in texts.items() for target in _targets(path, text)}
    for path in sorted(linked - set(PAGES)):
        if not path.startswith("docs/"):
            files.append(File.generated(config, _uri(path), content=_source(path)))
    return files


def on_page_markdown(markdown, page, config, files):
    """Lead links to the pages of the site."""
    path = _path(page.file.src_uri)
    here = posixpath.dirname(page.file.src_uri)

    def replaced(match):
        target = posixpath.relpath(_uri(_resolve(path, match[2])), here or ".")
        return f"{match[1]}{target}{match[3]}"

    return LINK.sub(replaced, markdown) if path is not None else markdown


def _targets(path, text):
    return {_resolve(path, match[2]) for match in LINK.finditer(text)}


def _resolve(path, target):
    """The path in the checkout to which `target` leads from the file at `path`."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), target))


def _path(uri):
    """The path in the checkout of the page at `uri`; None of a source."""
    if uri.startswith("source/"):
        return None
    return next((path for path, page in PAGES.items() if page == uri), f"docs/{uri}")


def _uri(path):
    """Where the file at `path` of the checkout is on the site."""
    if path in PAGES:
        return PAGES[path]
    return path.removeprefix("docs/") if path.startswith("docs/") else f"source/{path}.md"


def _source(path):
    file = ROOT / path
    if not file.is_file():
        raise PluginError(f"a page links to {path}, which is no file of the checkout")
    language = LANGUAGES.get(os.path.splitext(path)[1], "text")
    return f"{UNLISTED}# {path}\n\n````{language}\n{file.read_text(encoding='utf-8')}````\n"
