"""The command in the test's own process, as if it had been typed; and files to give it."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from search import cli
from search.workers.protocol import Start

TINY = """
trials = 2
workers = 1
seed = 7
[goal]
accuracy = 20.0
last = 1
epochs = 2
params = 2_000
[data]
train = 200
test = 200
[space]
name = "open"
[sampler]
kind = "random"
"""
"""A study."""
STAGES = """
confirm = 1
[goal]
accuracy = 80.0
last = 1
epochs = 2
params = 2_000
[data]
train = 200
test = 200
[[stage]]
name = "net"
trials = 2
vary = { widths = "all" }
[[stage]]
name = "pace"
trials = 2
vary = { lr = [0.1, 0.5] }
"""
"""A drill."""


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


Drilldown = Callable[..., Done]


def one_line(done: Done, *parts: str) -> None:
    """A user's error: exit code 2, one line on standard error, nothing on standard output."""
    assert (done.code, done.out) == (2, ""), done
    assert done.err.startswith("Error: "), done.err
    assert done.err.count("\n") == 1, done.err
    assert [part for part in parts if part not in done.err] == [], done.err


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
