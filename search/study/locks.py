"""Locks that end with the process that holds them, however it ends."""

import hashlib
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Protocol

import filelock
import sqlalchemy as sa

from mnist_core.locks import is_locked, lock_at
from mnist_core.paths import make_folder, runs_dir
from search.study.sqlite import file_of


class Lock(Protocol):
    """What one process can hold at a time."""

    def take(self) -> bool:
        """Whether it is ours now; nothing is waited for."""

    def held(self) -> bool:
        """Whether it is ours still."""

    def taken(self) -> bool | None:
        """Whether anybody has it, who is not disturbed; None where that cannot be told. Nothing is
        written."""

    def release(self) -> None:
        """Give it back; nothing where it is not ours."""


def lock_of(name: str, engine: sa.Engine) -> Lock:
    """That of the study of this name: a storage has one study of a name, and one file or server has
    one storage, however its path is spelled."""
    if engine.dialect.name == "postgresql":
        return ServerLock(engine, int(_key(name), 16))
    if engine.dialect.name == "sqlite":
        file = file_of(engine.url).resolve()  # a folder may have several
        return FileLock(file.parent / f".{_key(f'{name} in {file.name}')}.lock")
    return FileLock(runs_dir() / f".{_key(name)}.lock", whole=False)


def _key(what: str) -> str:
    return hashlib.sha256(what.encode(errors="surrogateescape")).hexdigest()[:15]


class FileLock:
    """The operating system's lock on a file: nobody can take it from a process that lives."""

    def __init__(self, path: Path, whole: bool = True) -> None:
        """whole: whether all who could take it come to this very file."""
        self._path, self._whole = path, whole
        self._lock: filelock.BaseFileLock | None = None

    def take(self) -> bool:
        """Raises UserError where there can be no such file."""
        make_folder(self._path.parent)
        self._lock = self._lock or lock_at(self._path)
        with suppress(filelock.Timeout):
            self._lock.acquire(timeout=0)
        return self._lock.is_locked

    def held(self) -> bool:
        return self._lock is not None and self._lock.is_locked

    def taken(self) -> bool | None:
        found = is_locked(self._path)
        return found if self._whole else found or None

    def release(self) -> None:
        if self._lock is not None:
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

    def taken(self) -> bool:
        """The server's list of locks says it to everyone. Raises SQLAlchemyError where it does not
        answer."""
        with self._engine.connect() as connection:
            return bool(self._told(_IN_LIST, connection))

    def release(self) -> None:
        if self._connection is None:
            return
        with suppress(sa.exc.SQLAlchemyError), self._connection:  # it goes back to its pool, alive
            self._told("SELECT pg_advisory_unlock(:key)", self._connection)
        self._connection = None

    def _told(self, question: str, connection: sa.Connection) -> object:
        wanted = self._number if ":key" in question else {}
        return connection.scalar(sa.text(question), wanted)


_IN_LIST = (  # the list has the lock's number in two halves
    "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_locks.database = pg_database.oid "
    "WHERE datname = current_database() AND locktype = 'advisory' AND objsubid = 1 AND granted "
    "AND (CAST(classid AS bigint) << 32) | CAST(objid AS bigint) = CAST(:key AS bigint)"
)
