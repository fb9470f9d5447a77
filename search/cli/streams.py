"""Standard output and error as a command needs them: no sign is refused, and a reader that has
left, as `head` does, ends nothing."""

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from mnist_core.errors import UserError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer


@contextmanager
def forgiving() -> Iterator[None]:
    """While it lasts, what standard output and error cannot encode is written as Python's escapes,
    and what nobody reads any more is dropped.

    Where standard output cannot be written for another reason, as on a full disk, writing raises
    UserError.
    """
    _fill_gaps()
    before = sys.stdout, sys.stderr
    sys.stdout = _forgiving(sys.stdout, "standard output")
    sys.stderr = _forgiving(sys.stderr, "")
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def _fill_gaps() -> None:
    """A standard stream that is closed leaves its number to the next file that is opened, and what
    is meant for the one would go into the other."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _forgiving(stream: TextIO, name: str) -> TextIO:
    """A closed one, for which Python has None, stays so: all who write know that."""
    try:
        number = stream.fileno()
    except (AttributeError, OSError):
        return stream  # no file: a test's
    stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(_Raw(number, name)),
        encoding=stream.encoding,
        errors="backslashreplace" if stream.errors == "strict" else stream.errors,
        line_buffering=True,
    )


class _Raw(io.FileIO):
    """A file of which nothing more is written once that has failed."""

    def __init__(self, number: int, name: str) -> None:
        """name: as a person is told, who has to know if it is not written; else empty."""
        super().__init__(number, "w", closefd=False)
        self._named, self._gone = name, False
        self._terminal = self.isatty()  # which a terminal that was closed denies

    def write(self, content: "Buffer") -> int:
        try:
            if not self._gone:
                return super().write(content)
        except OSError as error:
            self._gone = True
            left = error.errno == errno.EPIPE or (error.errno == errno.EIO and self._terminal)
            if self._named and not left:
                raise UserError(f"{self._named}: cannot be written: {error.strerror}") from None
        return len(memoryview(content))
