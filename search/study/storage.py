"""The only place that opens a storage: Optuna's, on an SQLite file or any database URL."""

import logging
import os
import re
import shlex
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import filelock
import optuna
import sqlalchemy as sa
from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage

from mnist_core.errors import UserError
from mnist_core.frozen import shortened
from mnist_core.paths import runs_dir
from search.study.studies import Studies

log = logging.getLogger("drilldown")
_WAIT = 60.0  # seconds a writer waits for another's lock on an SQLite file
_MAKING = -1  # the lock of those who make a database's tables; those of studies are above it
_MYSQL = {"mysqldb": "mysqlclient", "mysqlconnector": "mysql-connector-python"}  # driver: package


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


def open_storage(url: str | None = None, create: bool = False) -> Studies:
    """The storage at `url` (`default_url()` if None).

    create: make an SQLite file that is not there, instead of refusing it.

    Raises UserError, without the password, where the URL is none or nothing answers there.
    """
    url = url or default_url()
    database = _database(url)
    if database.drivername == "postgresql":  # SQLAlchemy would take psycopg2, which few have
        database = database.set(drivername="postgresql+psycopg")
        url = database.render_as_string(hide_password=False)
    making: AbstractContextManager[object] = nullcontext()
    options: dict[str, Any] = {"pool_pre_ping": True}  # a server may have been restarted
    if database.get_backend_name() == "sqlite":
        making = _sqlite_file(database, create)
        options = {"connect_args": {"timeout": _WAIT}}
    elif database.get_backend_name() == "postgresql":
        making = _server_database(database)
    try:
        with making:
            storage = RDBStorage(url, engine_kwargs=options)
    except ImportError:
        raise UserError(
            f"{shown(url)}: needs a driver that is missing: {_driver(database)}"
        ) from None
    except (sa.exc.SQLAlchemyError, RuntimeError, ValueError) as error:
        raise UserError(f"{shown(url)}: cannot be opened: {_reason(error, database)}") from None
    if database.get_backend_name() == "sqlite":
        _tame_sqlite(storage.engine)
    optuna.logging.set_verbosity(optuna.logging.WARNING)  # what matters we say ourselves
    return Studies(storage)


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
        "sqlite:///runs/studies.sqlite3 or postgresql://user@host/name, "
        "a password with signs in it %-encoded"
    )


def _driver(database: sa.URL) -> str:
    """How to come by what a URL needs to reach its database."""
    backend, driver = database.get_backend_name(), database.get_driver_name()
    if backend == "postgresql":
        remedy = "pip install 'drilldown[postgresql]'"
        return remedy if driver == "psycopg" else f"{remedy} and write postgresql+psycopg://"
    if backend in ("mysql", "mariadb"):
        package = _MYSQL.get(driver, driver)
        return f"pip install {package} (drilldown is not tested with {backend})"
    return driver


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


@contextmanager
def _server_database(database: sa.URL) -> Iterator[None]:
    """What to hold while a PostgreSQL database is opened, as `_sqlite_file`."""
    engine = sa.create_engine(database, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.text(f"SET LOCAL lock_timeout = '{_WAIT:.0f}s'"))
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MAKING)))
        yield


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
