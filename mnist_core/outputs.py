"""Writing what was made: whole or not at all, to wherever a person says.

An output is a path. `-` is standard output, and that, a device or a pipe is written through; a
symbolic link stays one, and the file that it names is written. A new file has the rights that the
umask leaves, one that was there keeps its own.
"""

import os
import secrets
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from mnist_core.errors import UserError

_STANDARD_OUTPUT = 1  # its file descriptor


def passes_through(path: Path) -> bool:
    """Whether what is written there goes on to somebody else, instead of being kept in a file."""
    with _faults(path):
        return _is_standard_output(path) or _is_special(path)


def prepare(path: Path) -> None:
    """Find out whether `path` can be written, which is to be known before an hour of training.

    Its folder is made where there is none. Raises UserError where it cannot be written.
    """
    with _faults(path):
        if _is_standard_output(path):
            return
        if not _is_special(path):
            with _beside(_file(path)):
                pass
        elif not os.access(path, os.W_OK):
            raise UserError(f"{path}: cannot be written: you have no right to")


def write_whole(path: Path, content: bytes) -> None:
    """Write `path` whole or not at all: a reader, or a crash, meets the old file or the new.

    Raises UserError naming the file where it cannot be written.
    """
    with _faults(path):
        if _is_standard_output(path):
            sys.stdout.flush()
            sys.stdout.buffer.write(content)
            sys.stdout.flush()
        elif _is_special(path):
            with path.open("r+b" if path.is_block_device() else "wb", buffering=0) as through:
                left = memoryview(content)
                while left:
                    left = left[through.write(left) or 0 :]
        else:
            _replace(_file(path), content)


def _file(path: Path) -> Path:
    """The file to be written, which symbolic links may name."""
    if path.is_dir():
        raise UserError(f"{path}: cannot be written: it is a folder; name a file")
    return Path(os.path.realpath(path))


def _replace(path: Path, content: bytes) -> None:
    with _beside(path) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
        if path.exists():
            Path(file.name).chmod(stat.S_IMODE(path.stat().st_mode))
        Path(file.name).replace(path)


@contextmanager
def _beside(path: Path) -> Iterator[IO[bytes]]:
    """A new file in the folder of `path`, gone afterwards where it has not taken another name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with (path.parent / f".writing.{secrets.token_hex(8)}").open("xb") as file:
        try:
            yield file
        finally:
            Path(file.name).unlink(missing_ok=True)


def _is_special(path: Path) -> bool:
    """Whether it is there, and neither a file nor a folder."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def _is_standard_output(path: Path) -> bool:
    """By its name, or because it is the same file: /dev/stdout, or where the shell has sent it."""
    if str(path) == "-":
        return True
    try:
        return os.path.samestat(path.stat(), os.fstat(_STANDARD_OUTPUT))
    except OSError:
        return False


@contextmanager
def _faults(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror}") from None
