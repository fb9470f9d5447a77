"""The only place that opens a storage: Optuna's, on an SQLite file or any database URL."""

import logging
import os
import re
import shlex
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import Any

import optuna
import sqlalchemy as sa
from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage

from mnist_core.errors import UserError
from mnist_core.frozen import shortened
from mnist_core.paths import is_there, runs_dir
from search.study import sqlite
from search.study.studies import Studies
from search.text.commands import program

log = logging.getLogger("drilldown")
_MAKING = -1  # the lock of those who make a database's tables; those of studies are above it
_LONGEST = "60s"  # that it is waited for
_LOOKS = "sqlite:///runs/studies.sqlite3 or postgresql://user@host/name"
_MYSQL = {"mysqldb": "mysqlclient", "mysqlconnector": "mysql-connector-python"}  # driver: package


def default_url() -> str:
    """DRILLDOWN_STORAGE, else an SQLite file in the folder of runs."""
    return os.environ.get("DRILLDOWN_STORAGE") or sqlite.default_url(
        runs_dir() / "drilldown.sqlite3"
    )


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


def open_storage(url: str | None = None, create: bool = False, read_only: bool = False) -> Studies:
    """The storage at `url` (`default_url()` if None).

    create: make an SQLite file that is not there, instead of refusing it. read_only: nothing is
    written, not even the tables of a storage that has none; it takes no right to write.

    Raises UserError, without the password, where the URL is none or nothing answers there.
    """
    where, url = option(url), url or default_url()
    database = _database(url)
    if database.drivername == "postgresql":  # SQLAlchemy would take psycopg2, which few have
        database = database.set(drivername="postgresql+psycopg")
        url = database.render_as_string(hide_password=False)
    making: AbstractContextManager[object] = nullcontext()
    options: dict[str, Any] = {"pool_pre_ping": True}  # a server may have been restarted
    is_sqlite = database.get_backend_name() == "sqlite"
    if is_sqlite:
        options = {"connect_args": sqlite.connect_args()}
        making = nullcontext() if read_only else sqlite.making(database, create, where)
        database = sqlite.readable(database, where) if read_only else database
    elif database.get_backend_name() == "postgresql" and not read_only:
        making = _making_on_a_server(database)
    address = database.render_as_string(hide_password=False)
    try:
        with making:
            if is_sqlite:
                sqlite.number_once()
                sqlite.wait_for(address, write=not read_only)
            storage = RDBStorage(address, engine_kwargs=options, skip_table_creation=read_only)
    except sa.exc.NoSuchModuleError:
        kind = shortened(database.drivername)
        said = f"cannot be opened: no database is called {kind}; a URL looks like {_LOOKS}"
        raise UserError(f"{shown(url)}: {said}") from None
    except ImportError:
        raise UserError(
            f"{shown(url)}: needs a driver that is missing: {_driver(database)}"
        ) from None
    except (sa.exc.SQLAlchemyError, StorageInternalError, RuntimeError, ValueError) as caught:
        error = _cause(caught)
        if read_only and _lacks_tables(error):
            raise UserError(
                f"{shown(url)}: no study has been run here yet; start one with: "
                f"{program()} launch{where}"
            ) from None
        raise UserError(f"{shown(url)}: cannot be opened: {_reason(error, database)}") from None
    if is_sqlite:
        sqlite.tame(storage.engine, write=not read_only)
    optuna.logging.set_verbosity(optuna.logging.WARNING)  # what matters we say ourselves
    return Studies(storage, where)


def explained(error: BaseException) -> str | None:
    """What to say of a storage that stopped answering; None where the error is not a storage's."""
    error = _cause(error)
    if not isinstance(error, sa.exc.SQLAlchemyError):
        return None
    return f"the storage failed: {_reason(error)}; once it answers again, launch again to resume"


def _database(url: str) -> sa.URL:
    """Raises UserError, quoting nothing of it, where the URL is none."""
    with suppress(sa.exc.ArgumentError, ValueError):  # ValueError: of a port that is no number
        database = sa.make_url(url)
        if database.get_backend_name() == "sqlite" and "?" in url:
            raise UserError(
                "--storage (or DRILLDOWN_STORAGE): an SQLite URL takes no options here; a '?' in "
                "its file's name is written %3F"
            )
        if "@" not in (database.host or ""):  # else a part of the password is taken for the host
            return database
    raise UserError(
        "--storage (or DRILLDOWN_STORAGE) is not a database URL; it looks like "
        f"{_LOOKS}, a password with signs in it %-encoded"
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


def _cause(error: BaseException) -> BaseException:
    """What a storage's error was raised from."""
    while isinstance(error, StorageInternalError) and error.__cause__ is not None:
        error = error.__cause__
    return error


def _lacks_tables(error: BaseException) -> bool:
    """Whether a storage was opened in which Optuna has never made its tables."""
    said = str(error)
    return "version_info" in said and ("no such table" in said or "does not exist" in said)


def has_storage(url: str | None = None) -> bool:
    """False only where the storage is an SQLite file that is not there yet."""
    database = _database(url or default_url())
    return database.get_backend_name() != "sqlite" or is_there(sqlite.file_of(database))


def check_name(name: str, fault: str | None = None) -> None:
    """A study's name is a folder's and a URL's too. Raises UserError on any that is not safe.

    fault: how the sentence begins where nobody gave a --name.
    """
    if not re.fullmatch(r"\w[\w.-]*", name) or len(name.encode()) > 200:
        raise UserError(
            f"{fault or f'--name {shortened(name)}:'} use letters, digits, '_', '-' and '.', "
            "beginning with a letter or a digit, 200 bytes at most"
        )


def run_name(given: str | None, stem: str, file: str) -> str:
    """What a run is called: as --name says, else as the file that it comes from. Raises UserError
    where that is not safe."""
    if given is None:
        check_name(stem, f"{file}: a run cannot be called {shortened(stem)}; give it a --name:")
    return stem if given is None else given


@contextmanager
def _making_on_a_server(database: sa.URL) -> Iterator[None]:
    """What to hold while a PostgreSQL database is opened: two who make its tables at once would
    both fail."""
    engine = sa.create_engine(database, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.text(f"SET LOCAL lock_timeout = '{_LONGEST}'"))
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MAKING)))
        yield
