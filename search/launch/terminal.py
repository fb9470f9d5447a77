"""A live view in a terminal, and log lines above it."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.live import Live
from rich.logging import RichHandler

_REDRAWN = 0.5  # seconds from one drawing of the view to the next

_writing = threading.RLock()
"""Held by whoever writes to the terminal. rich finds out how many lines of the view are to be taken
back before it takes them back: a view that was drawn smaller in between, by another thread, would
have the line above it erased as well."""


@contextmanager
def shown(view: Callable[[], RenderableType], console: Console) -> Iterator[None]:
    """The view, drawn anew twice a second while the context lasts."""
    with Live(get_renderable=view, console=console, auto_refresh=False, transient=True) as live:
        over = threading.Event()
        drawing = threading.Thread(target=_redraw, args=(live, over), daemon=True)
        drawing.start()
        try:
            yield
        finally:
            over.set()
            drawing.join()


def _redraw(live: Live, over: threading.Event) -> None:
    while not over.wait(_REDRAWN):
        with _writing:
            live.refresh()


class Lines(RichHandler):
    """Log lines, which stay above the view."""

    def emit(self, record: logging.LogRecord) -> None:
        with _writing:
            super().emit(record)
