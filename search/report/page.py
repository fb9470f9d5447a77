"""A report's files: its page, which needs nothing else, and beside it Markdown with figures, for a
repository."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import jinja2

from mnist_core.errors import UserError
from mnist_core.outputs import passes_through, write_whole
from search.report import figures
from search.report.figures import Size
from search.text import markdown

FIGURES = "figures"
_SUFFIX, _SUFFIXES = ".md", (".html", ".htm")
TEMPLATES = jinja2.Environment(
    loader=jinja2.PackageLoader("search.report"),
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    autoescape=lambda name: str(name).endswith(".html.jinja"),
)

Draw = Callable[[Size], Iterator[tuple[str, str]]]
"""Yields (name, SVG) of what there is to be drawn, for screens of a size."""


def write(
    page: Path,
    title: str,
    draw: Draw,
    text: Callable[[Mapping[str, str]], str],
    folder: str = FIGURES,
) -> Path:
    """Write `page`, and with its name Markdown and the figures' folder; returns the page. Where it
    goes through to somebody else, as standard output does, only the page is written.

    text: from the figures' addresses, by name, to the Markdown.

    Raises UserError, naming the file, where one cannot be written.
    """
    _check_name(page)
    drawn = {
        f"{folder}/{name}.svg": (wide, narrow)
        for (name, wide), (_, narrow) in zip(draw(figures.WIDE), draw(figures.NARROW), strict=True)
    }
    said = text({Path(address).stem: address for address in drawn})
    html = TEMPLATES.get_template("page.html.jinja").render(
        title=title, body=markdown.to_html(said, drawn), figures=figures.dark_style()
    )
    if not passes_through(page):
        for address, (svg, _) in drawn.items():
            write_whole(page.parent / address, svg.encode())
        write_whole(markdown_beside(page), said.encode())
    write_whole(page, html.encode())
    return page


def _check_name(page: Path) -> None:
    """Raises UserError where a page of HTML would be taken for something else."""
    suffix = page.suffix.lower()
    if suffix in _SUFFIXES or passes_through(page):
        return
    why = "its Markdown will be there" if suffix == _SUFFIX else "a report is a page of HTML"
    raise UserError(f"{page}: {why}; name the page, as {page.stem}.html")


def markdown_beside(page: Path) -> Path:
    """Where the Markdown of a page lies."""
    return page.with_suffix(_SUFFIX)


def figures_beside(page: Path) -> str:
    """The name of the folder for the figures of a page that may have others beside it."""
    return f"{page.stem}-{FIGURES}"
