"""Markdown that says what it is given and nothing more, and the HTML that it becomes."""

import html
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

_NAME = re.compile(r"[\w./+-]*\w", re.ASCII)
_STYLE = re.compile(r"<style.*?</style>", re.DOTALL)  # of a figure's: it would style the page too
_SIGNS = re.compile(r"([\\`*_{}\[\]<>#!|~&$])")


def escaped(text: str) -> str:
    """`text` on one line, with the signs quoted that mean something in Markdown."""
    return _SIGNS.sub(r"\\\1", " ".join(text.split()))


def code(text: str) -> str:
    """A plain name as code, any other text as it is."""
    return f"`{text}`" if _NAME.fullmatch(text) else escaped(text)


def table(
    heads: Sequence[str], lines: Sequence[Sequence[str]], left: Collection[str] | None = None
) -> str:
    """A table, numbers to the right. Heads and cells are Markdown already.

    left: heads of the columns that hold no numbers; by default the first.
    """
    to_left = heads[:1] if left is None else left
    marks = [":---" if head in to_left else "---:" for head in heads]
    return "\n".join(f"| {' | '.join(line)} |" for line in [heads, marks, *lines])


def to_html(text: str, images: Mapping[str, str]) -> str:
    """Markdown as HTML; tags in it are shown as they stand.

    images: address -> the SVG that takes the image's place. Of others only the description is left.
    """
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")

    def image(_: Any, tokens: Sequence[Token], at: int, *__: Any) -> str:
        said = html.escape(tokens[at].content)
        svg = images.get(str(tokens[at].attrs["src"]))
        if svg is None:
            return said
        drawing = _STYLE.sub("", svg[svg.index("<svg") :])
        return f'<span class="figure" role="img" aria-label="{said}">{drawing}</span>'

    parser.add_render_rule("image", image)
    page: str = parser.render(text)
    return page.replace("<table>", '<div class="wide"><table>').replace(
        "</table>", "</table></div>"
    )


def fenced(lines: Sequence[str]) -> str:
    """A code block that none of the lines can end: each on one line, fenced by more backticks than
    they have."""
    said = [" ".join(line.split()) for line in lines]
    runs = re.findall("`+", "\n".join(said))
    fence = "`" * max(3, 1 + max(map(len, runs), default=0))
    return "\n".join([f"{fence}sh", *said, fence])
