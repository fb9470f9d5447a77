"""What a person is told who stops a command: how to go on."""

import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from search.text.commands import program
from search.workers import signals


@contextmanager
def resumable(url: str | None, aside: bool = False) -> Iterator[None]:
    """SIGTERM and SIGHUP unwind as Ctrl-C does, and after any a person is told how to go on, aside
    on standard error if a program reads the other.

    This is for the time in which no study runs yet, or no more; a running one sees to both itself.
    """
    for asking in signals.to_heed():
        signal.signal(asking, lambda number, _frame: sys.exit(128 + number))
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        click.echo(f"Interrupted. Go on with: {typed(url)}", err=aside)
        raise


def typed(url: str | None) -> str:
    """The command that this process was started with, the password of its storage left out."""
    words = sys.argv[1:]
    if url:
        from search.study.storage import shown

        words = [word.replace(url, shown(url)) for word in words]
    return f"{program()} {shlex.join(words)}"
