"""A real PostgreSQL server of the tests' own, in a temporary folder, reached by a socket."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import sqlalchemy as sa

USER = "postgres"


class Missing(Exception):
    """There is no server to be had, or no driver for it."""


class Server:
    def __init__(self, folder: Path, programs: Path) -> None:
        self._folder, self._programs = folder, programs
        self._made = 0

    def url(self, database: str = "postgres") -> str:
        return f"postgresql+psycopg://{USER}@/{database}?host={self._folder}"

    def ask(self, question: str) -> list[sa.Row]:
        engine = sa.create_engine(self.url(), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with engine.connect() as connection:
            answer = connection.exec_driver_sql(question)
            return list(answer) if answer.returns_rows else []

    def new_database(self) -> str:
        """The URL of an empty one."""
        self._made += 1
        self.ask(f"CREATE DATABASE test{self._made}")
        return self.url(f"test{self._made}")

    def terminate(self, url: str, holders: bool = False) -> int:
        """As an administrator: end all sessions in that database, or those that hold a lock."""
        database = sa.make_url(url).database
        locks = "AND pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory')"
        return len(
            self.ask(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                f"WHERE datname = '{database}' {locks if holders else ''}"
            )
        )

    def run(self, program: str, *words: str) -> None:
        """As another user where we are root, as which no PostgreSQL program runs."""
        other = {"user": USER, "group": USER, "extra_groups": []} if os.geteuid() == 0 else {}
        subprocess.run(
            [self._programs / program, *words], check=True, cwd=self._folder,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=60, **other,
        )  # fmt: skip

    def control(self, action: str) -> None:
        options = f"-c listen_addresses= -c fsync=off -k {self._folder}"
        words = ["-o", options, "-l", str(self._folder / "log")] if action != "stop" else []
        self.run("pg_ctl", action, "-w", "-D", str(self._folder / "data"), "-m", "fast", *words)


@contextmanager
def server() -> Iterator[Server]:
    """Raises Missing where PostgreSQL, or psycopg, is not installed."""
    programs = _programs()
    if programs is None:
        raise Missing("there is no PostgreSQL here")
    if find_spec("psycopg") is None:
        raise Missing("there is no psycopg here")
    folder = Path(tempfile.mkdtemp(prefix="dd"))  # a short one: a socket's path is
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, USER, USER)
        made = Server(folder, programs)
        made.run("initdb", "-D", str(folder / "data"), "--auth=trust", "-U", USER, "--no-sync")
        made.control("start")
        try:
            yield made
        finally:
            made.control("stop")
    finally:
        shutil.rmtree(folder)


def _programs() -> Path | None:
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    folders = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    return max(folders, key=lambda folder: float(folder.parent.name), default=None)
