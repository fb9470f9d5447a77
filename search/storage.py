"""The only place that opens a storage: Optuna's, on an SQLite file or any database URL."""

import hashlib
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock
import optuna
import sqlalchemy as sa
from optuna.storages import RDBStorage
from optuna.study import Study

from mnist_core.errors import UserError
from mnist_core.files import suggest
from mnist_core.paths import runs_dir

_WAIT = 60.0  # seconds a writer waits for another's lock on an SQLite file
OWNER = "owner"  # study attribute: who holds, or last held, the study


def default_url() -> str:
    """DRILLDOWN_STORAGE, else an SQLite file in the folder of runs."""
    path = runs_dir() / "drilldown.sqlite3"
    return os.environ.get("DRILLDOWN_STORAGE") or f"sqlite:///{path}"


def shown(url: str) -> str:
    """The URL as it may be printed: without its password."""
    try:
        return sa.make_url(url).render_as_string(hide_password=True)
    except sa.exc.ArgumentError:
        return "the storage"


def open_storage(url: str | None = None, create: bool = False) -> RDBStorage:
    """The storage at `url` (`default_url()` if None).

    create: make an SQLite file that is not there, instead of refusing it.

    Raises UserError, without the password, where the URL is none or nothing answers there.
    """
    url = url or default_url()
    try:
        database = sa.make_url(url)
    except sa.exc.ArgumentError:
        raise UserError(
            "--storage (or DRILLDOWN_STORAGE) is not a database URL; "
            "it looks like sqlite:///runs/studies.sqlite3 or postgresql+psycopg://user@host/name"
        ) from None
    if database.get_backend_name() == "sqlite" and database.database:
        _sqlite_file(Path(database.database), create)
        options = {"connect_args": {"timeout": _WAIT}}
    else:
        options = {"pool_pre_ping": True}  # a server may have been restarted in between
    try:
        storage = RDBStorage(url, engine_kwargs=options)
    except ImportError as error:
        raise UserError(f"{shown(url)}: needs a driver that is not installed: {error}") from None
    except (sa.exc.SQLAlchemyError, RuntimeError) as error:
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise UserError(f"{shown(url)}: cannot be opened: {reason}") from None
    if database.get_backend_name() == "sqlite":
        _tame_sqlite(storage.engine)
    return storage


def has_storage(url: str | None = None) -> bool:
    """False only where the storage is an SQLite file that is not there yet."""
    try:
        database = sa.make_url(url or default_url())
    except sa.exc.ArgumentError:
        return True  # opening it says what is wrong
    path = database.database if database.get_backend_name() == "sqlite" else None
    return path is None or Path(path).exists()


def load_study(storage: RDBStorage, name: str) -> Study:
    """A study that has been run; UserError, with the nearest name, where there is none."""
    try:
        return optuna.load_study(study_name=name, storage=storage)
    except KeyError:
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
            holder = study.user_attrs.get(OWNER, "another process")
            raise UserError(
                f"study {study.study_name!r} is being run by {holder}; wait for it, stop it, or "
                "launch under another --name"
            )
        study.set_user_attr(OWNER, f"process {os.getpid()} on {socket.gethostname()}")
        yield


@contextmanager
def _server_lock(engine: sa.Engine, key: str) -> Iterator[bool]:
    with engine.connect() as connection:
        query = sa.text("SELECT pg_try_advisory_lock(:key)")
        yield bool(connection.execute(query, {"key": int(key, 16)}).scalar())


@contextmanager
def _file_lock(engine: sa.Engine, key: str) -> Iterator[bool]:
    database = engine.url.database if engine.dialect.name == "sqlite" else None
    folder = Path(database).parent if database else runs_dir()
    folder.mkdir(parents=True, exist_ok=True)
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


def _sqlite_file(path: Path, create: bool) -> None:
    if path.is_dir():
        raise UserError(f"{path}: is a folder, not an SQLite file")
    if path.exists():
        return
    if not create:
        raise UserError(f"{path}: no study has been run here yet; start one with: drilldown launch")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{path.parent}: cannot be made: {error.strerror}") from None


def _tame_sqlite(engine: sa.Engine) -> None:
    """Readers never wait for writers, and a transaction that will write takes the lock at once.

    Without the latter two writers can both read first and then block each other for good.
    """

    @sa.event.listens_for(engine, "connect")
    def _on_connect(connection: object, _record: object) -> None:
        connection.isolation_level = None  # type: ignore[attr-defined]  # no BEGIN behind our back
        connection.execute("PRAGMA journal_mode=WAL")  # type: ignore[attr-defined]

    @sa.event.listens_for(engine, "begin")
    def _on_begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    engine.dispose()  # connections made before the listeners were there
