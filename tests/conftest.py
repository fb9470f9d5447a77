"""Fixtures for every test: MNIST, and a home of its own."""

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import fakes
import pytest
from command_line import TINY, Drilldown, typed

from mnist_core import fetch, paths

if TYPE_CHECKING:
    import postgres

    from mnist_core.data import Mnist

# A shell that runs us in the background has us ignore Ctrl-C, and what we start inherits that.
signal.signal(signal.SIGINT, signal.default_int_handler)

if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
    # Under nohup: no harm here still, but what is handled is no child's to inherit.
    signal.signal(signal.SIGHUP, lambda *_: None)


@pytest.fixture(scope="session")
def mnist_dir() -> Path:
    """The folder of the real cache that holds the four verified files. Only read from it."""
    folder = paths.data_dir() / "mnist"
    fetch.ensure(folder)
    return folder.absolute()


@pytest.fixture(scope="session")
def mnist(mnist_dir: Path) -> "Mnist":
    """The whole of MNIST. Its tensors are shared by all tests: do not write to them."""
    from mnist_core import data  # imports torch, which takes seconds that not every test needs

    return data.load()


@pytest.fixture
def one_thread() -> Iterator[None]:
    """As in a worker: with two, tests of tiny nets take several times as long."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def seeded() -> Iterator[None]:
    """torch's global generator begins with the same seed, and goes on as if nothing had been."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        yield


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    """A command that ran in this process must not go on logging to the captured, closed streams."""
    loggers = [logging.getLogger(name) for name in ("drilldown", "search", "mnist_core")]
    before = [(logger.handlers, logger.level) for logger in loggers]
    yield
    for logger, (handlers, level) in zip(loggers, before, strict=True):
        logger.handlers = handlers
        logger.setLevel(level)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mnist_dir: Path) -> Path:
    """DRILLDOWN_HOME in a temporary folder, with MNIST as links into the real cache.

    No test can touch the user's runs, and none downloads. To alter a data file, unlink it first:
    writing through the link would alter the cache.
    """
    folder = tmp_path / "home"
    data = folder / "data" / "mnist"
    data.mkdir(parents=True)
    for name in fetch.CHECKSUMS:
        (data / name).symlink_to(mnist_dir / name)
    monkeypatch.setenv("DRILLDOWN_HOME", str(folder))
    monkeypatch.delenv("DRILLDOWN_STORAGE", raising=False)
    monkeypatch.delenv("DRILLDOWN_REFETCH", raising=False)
    return folder


@pytest.fixture
def drilldown(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Drilldown]:
    """The command, in this process; its studies train nothing."""
    with typed(monkeypatch, capfd, start=fakes.quick) as run:
        yield run


@pytest.fixture
def no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """None is looked for, where nothing is trained."""
    monkeypatch.setattr(fetch, "ensure", lambda *_: None)


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file in which there are Optuna's tables and nothing else, to be copied."""
    from search.study.storage import open_storage

    path = tmp_path_factory.mktemp("tables") / "drilldown.sqlite3"
    open_storage(f"sqlite:///{path}", create=True).storage.engine.dispose()
    return path


@pytest.fixture
def one_version(tables: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Optuna would read a file for each of its versions whenever a storage is opened."""
    from optuna.storages._rdb.storage import _VersionManager

    from search.study.storage import open_storage

    opened = open_storage(f"sqlite:///{tables}").storage
    head = opened.get_head_version()
    opened.engine.dispose()
    monkeypatch.setattr(_VersionManager, "get_head_version", lambda _: head)


@pytest.fixture(scope="session")
def server() -> "Iterator[postgres.Server]":
    """A PostgreSQL of the tests' own."""
    import postgres

    try:
        with postgres.server() as made:
            yield made
    except postgres.Missing as missing:
        if os.environ.get("DRILLDOWN_REQUIRE_POSTGRESQL"):
            pytest.fail(str(missing))
        pytest.skip(str(missing))


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A study's file."""
    path = tmp_path / "tiny.toml"
    path.write_text(TINY)
    return path


def _launched(home: Path, mnist_dir: Path, start: str, *options: str) -> Path:
    """The folder of a study `tiny` in a home of its own, with its export best.toml."""
    (home / "data").mkdir()
    (home / "data" / "mnist").symlink_to(mnist_dir)
    (home / "tiny.toml").write_text(TINY)
    program = f"import fakes; from search.cli import main; main({start})"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DRILLDOWN_HOME", str(home))
        command = [sys.executable, "-c", program, "launch", str(home / "tiny.toml"), *options]
        subprocess.run(command, check=True, cwd=Path(__file__).parent)
    return home / "runs" / "tiny"


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory, mnist_dir: Path) -> Path:
    """The folder of a study that was really trained; to be read only."""
    return _launched(tmp_path_factory.mktemp("exported"), mnist_dir, "None")


@pytest.fixture(scope="session")
def launched(tmp_path_factory: pytest.TempPathFactory, mnist_dir: Path) -> Path:
    """The folder of a study of five trials that were not; no other is to be launched beside it."""
    home = tmp_path_factory.mktemp("launched")
    return _launched(home, mnist_dir, "fakes.quick", "--trials", "5")
