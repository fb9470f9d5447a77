"""The command in the test's own process, as if it had been typed."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from search import cli
from search.workers.protocol import Start


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


Drilldown = Callable[..., Done]


@contextmanager
def typed(
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    program: str = "drilldown",
    start: Start | None = None,
) -> Iterator[Drilldown]:
    """program: the path that it was started by. start: as `cli.main` is told it; another for a
    single command is its keyword."""
    monkeypatch.setenv("COLUMNS", "80")
    before = signal.getsignal(signal.SIGTERM)

    def run(*words: str | Path, start: Start | None = start) -> Done:
        monkeypatch.setattr(sys, "argv", [program, *map(str, words)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main(start)
        code = ended.value.code or 0
        assert isinstance(code, int)
        return Done(code, *capfd.readouterr())

    yield run
    signal.signal(signal.SIGTERM, before)
