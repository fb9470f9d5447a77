"""The only place that opens a storage: Optuna's, on an SQLite file or any database URL."""

import hashlib
import os
import re
import shlex
import socket
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from time import sleep
from typing import Any

import filelock
import optuna
import sqlalchemy as sa
from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from optuna.study import Study

from mnist_core.errors import UserError
from mnist_core.files import suggest
from mnist_core.frozen import shortened
from mnist_core.paths import runs_dir

_WAIT = 60.0  # seconds a writer waits for another's lock on an SQLite file
_SETTLE = 0.5  # seconds in which one who has just taken the lock has said who it is
OWNER = "owner"  # study attribute: who holds, or last held, the study


def default_url() -> str:
    """DRILLDOWN_STORAGE, else an SQLite file in the folder of runs."""
    path = runs_dir() / "drilldown.sqlite3"
    return os.environ.get("DRILLDOWN_STORAGE") or f"sqlite:///{path}"


def shown(url: str) -> str:
    """The URL as it may be printed: without its password, and without options (one may be it)."""
    try:
        return _database(url).set(query={}).render_as_string(hide_password=True)
    except UserError:
        return "the storage"


def option(url: str | None) -> str:
    """What to add to a command so that it finds the same storage; the password is to be filled
    in."""
    return f" --storage {shlex.quote(shown(url))}" if url else ""


def open_storage(url: str | None = None, create: bool = False) -> RDBStorage:
    """The storage at `url` (`default_url()` if None).

    create: make an SQLite file that is not there, instead of refusing it.

    Raises UserError, without the password, where the URL is none or nothing answers there.
    """
    url = url or default_url()
    database = _database(url)
    making: AbstractContextManager[object] = nullcontext()
    options: dict[str, Any] = {"pool_pre_ping": True}  # a server may have been restarted
    if database.get_backend_name() == "sqlite":
        making = _sqlite_file(database, create)
        options = {"connect_args": {"timeout": _WAIT}}
    try:
        with making:
            storage = RDBStorage(url, engine_kwargs=options)
    except ImportError as error:
        raise UserError(f"{shown(url)}: needs a driver that is not installed: {error}") from None
    except (sa.exc.SQLAlchemyError, RuntimeError, ValueError) as error:
        raise UserError(f"{shown(url)}: cannot be opened: {_reason(error, database)}") from None
    if database.get_backend_name() == "sqlite":
        _tame_sqlite(storage.engine)
    return storage


def explained(error: BaseException) -> str | None:
    """What to say of a storage that stopped answering; None where the error is not a storage's."""
    while isinstance(error, StorageInternalError) and error.__cause__ is not None:
        error = error.__cause__
    if not isinstance(error, sa.exc.SQLAlchemyError):
        return None
    return f"the storage failed: {_reason(error)}; once it answers again, launch again to resume"


def _database(url: str) -> sa.URL:
    """Raises UserError, quoting nothing of it, where the URL is none."""
    with suppress(sa.exc.ArgumentError, ValueError):  # ValueError: of a port that is no number
        database = sa.make_url(url)
        if "@" not in (database.host or ""):  # else a part of the password is taken for the host
            return database
    raise UserError(
        "--storage (or DRILLDOWN_STORAGE) is not a database URL; it looks like "
        "sqlite:///runs/studies.sqlite3 or postgresql+psycopg://user@host/name, "
        "a password with signs in it %-encoded"
    )


def _reason(error: BaseException, database: sa.URL | None = None) -> str:
    """The first line of what the driver says; no driver should, but some might, say a password."""
    said = str(getattr(error, "orig", None) or error).strip().splitlines() or [type(error).__name__]
    secret = str(database.password) if database is not None and database.password else ""
    return said[0].replace(secret, "***") if secret else said[0]


def has_storage(url: str | None = None) -> bool:
    """False only where the storage is an SQLite file that is not there yet."""
    database = _database(url or default_url())
    path = database.database if database.get_backend_name() == "sqlite" else None
    return path is None or Path(path).exists()


def check_name(name: str) -> None:
    """A study's name is a folder's and a URL's too. Raises UserError on any that is not safe."""
    if not re.fullmatch(r"\w[\w.-]*", name) or len(name.encode()) > 200:
        raise UserError(
            f"--name {shortened(name)}: use letters, digits, '_', '-' and '.', beginning with a "
            "letter or a digit, 200 bytes at most"
        )


def load_study(storage: RDBStorage, name: str) -> Study:
    """A study that has been run; UserError, with the nearest name, where there is none."""
    try:
        return optuna.load_study(study_name=name, storage=storage)
    except (KeyError, UnicodeEncodeError):
        known = optuna.get_all_study_names(storage)
        remedy = suggest(name, known) if known else "; none has been run yet"
        raise UserError(f"no study named {name!r} has been run{remedy}") from None


@contextmanager
def owned(study: Study, storage: RDBStorage) -> Iterator[None]:
    """Hold a study as its one owner; UserError, saying who holds it, where somebody does.

    The hold ends with the process, however that ends: it is a lock of the operating system on a
    file beside an SQLite storage, and PostgreSQL's advisory lock on its connection.
    """
    key = hashlib.sha256(study.study_name.encode()).hexdigest()[:15]
    lock = _server_lock if storage.engine.dialect.name == "postgresql" else _file_lock
    with lock(storage.engine, key) as ours:
        if not ours:
            sleep(_SETTLE)
            holder = study.user_attrs.get(OWNER, "another process")
            raise UserError(
                f"study {study.study_name!r} is being run by {holder}; wait for it, stop it, or "
                "launch under another --name"
            )
        study.set_user_attr(OWNER, f"process {os.getpid()} on {socket.gethostname()}")
        yield


@contextmanager
def _server_lock(engine: sa.Engine, key: str) -> Iterator[bool]:
    """Outside any transaction: one that stays open for hours would keep the server from tidying."""
    number = {"key": int(key, 16)}
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        ours = bool(connection.scalar(sa.text("SELECT pg_try_advisory_lock(:key)"), number))
        try:
            yield ours
        finally:
            if ours:  # the connection goes back to its pool, still holding what it held
                connection.execute(sa.text("SELECT pg_advisory_unlock(:key)"), number)


@contextmanager
def _file_lock(engine: sa.Engine, key: str) -> Iterator[bool]:
    database = engine.url.database if engine.dialect.name == "sqlite" else None
    folder = Path(database).parent if database else runs_dir()
    make_folder(folder)
    lock = filelock.FileLock(folder / f".{key}.lock", timeout=0)
    try:
        lock.acquire()
    except filelock.Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def _sqlite_file(database: sa.URL, create: bool) -> AbstractContextManager[object]:
    """What to hold while the file is opened: two who make its tables at once would both fail."""
    if database.database in (None, "", ":memory:"):
        raise UserError("--storage: SQLite without a file would forget all; use sqlite:///FILE")
    path = Path(str(database.database))
    if path.is_dir():
        raise UserError(f"{path}: is a folder, not an SQLite file")
    if path.exists() and not create:
        return nullcontext()
    if not create:
        raise UserError(f"{path}: no study has been run here yet; start one with: drilldown launch")
    make_folder(path.parent)
    return filelock.FileLock(path.with_name(f".{path.name}.lock"))


def make_folder(path: Path) -> None:
    """Make a folder and those above it. Raises UserError where it cannot be made."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{path}: cannot be made: {error.strerror}") from None


def _tame_sqlite(engine: sa.Engine) -> None:
    """Every transaction takes the lock at once, and waits for it as long as `_WAIT`.

    Without this two writers can both read first and then block each other for good.
    """

    @sa.event.listens_for(engine, "connect")
    def _on_connect(connection: object, _record: object) -> None:
        connection.isolation_level = None  # type: ignore[attr-defined]  # no BEGIN behind our back
        connection.execute("PRAGMA journal_mode=WAL")  # type: ignore[attr-defined]

    @sa.event.listens_for(engine, "begin")
    def _on_begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    engine.dispose()  # connections made before the listeners were there
