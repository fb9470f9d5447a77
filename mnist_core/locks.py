"""Locks on files: nobody waits for one in silence, nor for ever."""

import errno
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock

from mnist_core.errors import UserError

_log = logging.getLogger(__name__)
_SILENT = 2.0  # seconds of waiting that need no word
_HELD = (errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES)  # what a lock of another's is refused with
LIMIT = 60.0
"""Seconds that a lock is waited for, where what is done under it takes moments."""


def lock_at(path: Path) -> filelock.FileLock:
    """The lock on a file, which is made where there is none.

    Raises UserError where it cannot be made, which filelock itself may take for another's hold.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o666))
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror}") from None
    return filelock.FileLock(path)


def is_locked(path: Path) -> bool | None:
    """Whether some process has the lock on a file at present, which needs no right to write; None
    where that cannot be told.

    While it looks, for a moment, nobody else can take the lock: who does not wait tries again.
    """
    try:
        import fcntl  # not on every system, and only there is a lock such that others can see it

        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return False
    except (ImportError, OSError):
        return None
    try:  # shared: two who look are not in each other's way
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return True if error.errno in _HELD else None
    else:
        return False
    finally:
        os.close(descriptor)


@contextmanager
def locked(path: Path, limit: float = LIMIT) -> Iterator[None]:
    """Hold the lock on a file. Another process that holds it is waited for, as a line says.

    Raises UserError where the file cannot be made, or is another's for `limit` seconds more.
    """
    lock = lock_at(path)
    try:
        _take(lock, path, limit)
    except OSError as error:
        raise UserError(f"{path}: cannot be locked: {error.strerror}") from None
    try:
        yield
    finally:
        lock.release()


def _take(lock: filelock.FileLock, path: Path, limit: float) -> None:
    try:
        lock.acquire(timeout=_SILENT)
        return
    except filelock.Timeout:
        _log.warning("waiting for another process, which holds %s", path)
    try:
        lock.acquire(timeout=limit)
    except filelock.Timeout:
        raise UserError(
            f"{path}: another process has held this lock for {limit:.0f} s; wait for it or stop "
            "it, then try again"
        ) from None
