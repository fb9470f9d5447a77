"""Locks that end with the process that holds them, however it ends."""

from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Protocol

import filelock
import sqlalchemy as sa

from mnist_core.locks import lock_at


class Lock(Protocol):
    """What one process can hold at a time."""

    def take(self) -> bool:
        """Whether it is ours now; nothing is waited for."""

    def held(self) -> bool:
        """Whether it is ours still."""

    def release(self) -> None:
        """Give it back; nothing where it is not ours."""


class FileLock:
    """The operating system's lock on a file: nobody can take it from a process that lives."""

    def __init__(self, path: Path) -> None:
        """Raises UserError where there can be no such file."""
        self._lock = lock_at(path)

    def take(self) -> bool:
        with suppress(filelock.Timeout):
            self._lock.acquire(timeout=0)
        return self._lock.is_locked

    def held(self) -> bool:
        return self._lock.is_locked

    def release(self) -> None:
        self._lock.release()


class ServerLock:
    """PostgreSQL's advisory lock of a session: it is gone with its connection, though we live.

    Outside any transaction: one that stays open for hours would keep the server from tidying.
    """

    def __init__(self, engine: sa.Engine, number: int) -> None:
        self._engine, self._number = engine, {"key": number}
        self._connection: sa.Connection | None = None

    def take(self) -> bool:
        """Raises SQLAlchemyError where the server does not answer."""
        with ExitStack() as stack:
            connection = stack.enter_context(self._engine.connect())
            connection.execution_options(isolation_level="AUTOCOMMIT")
            if not self._told("SELECT pg_try_advisory_lock(:key)", connection):
                return False
            stack.pop_all()
        self._connection = connection
        return True

    def held(self) -> bool:
        """A session that answers has its locks: one question to the server."""
        if self._connection is None:
            return False
        try:
            return bool(self._told("SELECT 1", self._connection))
        except sa.exc.SQLAlchemyError:
            self._connection.invalidate()  # it ends the session, should that live on: no lock stays
            self._connection.close()
            self._connection = None
            return False

    def release(self) -> None:
        if self._connection is None:
            return
        with suppress(sa.exc.SQLAlchemyError), self._connection:  # it goes back to its pool, alive
            self._told("SELECT pg_advisory_unlock(:key)", self._connection)
        self._connection = None

    def _told(self, question: str, connection: sa.Connection) -> object:
        wanted = self._number if ":key" in question else {}
        return connection.scalar(sa.text(question), wanted)
