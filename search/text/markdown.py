"""Markdown that says what it is given and nothing more, and the HTML that it becomes."""

import html
import re
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
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


def to_html(text: str, images: Mapping[str, Sequence[str]]) -> str:
    """Markdown as HTML; tags in it are shown as they stand. Each cell of a table knows its head, so
    that a page without room for the columns can set them one below the other.

    images: address -> the SVGs that take the image's place: on a wide screen the first, on a narrow
    one the last. Of other addresses only the description is left.
    """
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")

    def image(_: Any, tokens: Sequence[Token], at: int, *__: Any) -> str:
        said = html.escape(tokens[at].content)
        drawn = images.get(str(tokens[at].attrs["src"]))
        return said if drawn is None else _figure(said, drawn)

    parser.add_render_rule("image", image)
    tokens = parser.parse(text)
    _name_cells(tokens)
    page: str = parser.renderer.render(tokens, parser.options, {})
    return page.replace("<table>", '<div class="table"><table>').replace(
        "</table>", "</table></div>"
    )


def _figure(said: str, drawn: Sequence[str]) -> str:
    for_each = [_STYLE.sub("", svg[svg.index("<svg") :]) for svg in drawn]
    widths = ("wide", "narrow") if drawn[1:] else ("",)
    inner = "".join(
        f'<span class="{width}">{svg}</span>' for width, svg in zip(widths, for_each, strict=True)
    )
    return f'<span class="figure" role="img" aria-label="{said}">{inner}</span>'


def _name_cells(tokens: Sequence[Token]) -> None:
    """Give each cell of a table the text of its column's head."""
    heads: list[str] = []
    column = 0
    for token, inner in pairwise(tokens):
        match token.type:
            case "table_open":
                heads = []
            case "tr_open":
                column = 0
            case "th_open":
                heads.append("".join(child.content for child in inner.children or ()))
            case "td_open":
                token.attrSet("data-head", heads[column])
                column += 1


def fenced(lines: Sequence[str]) -> str:
    """A code block that none of the lines can end: each on one line, fenced by more backticks than
    they have."""
    said = [" ".join(line.split()) for line in lines]
    runs = re.findall("`+", "\n".join(said))
    fence = "`" * max(3, 1 + max(map(len, runs), default=0))
    return "\n".join([f"{fence}sh", *said, fence])
