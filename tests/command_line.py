"""The command in the test's own process, as if it had been typed; and files to give it."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

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


def in_a_terminal(command: list[str], columns: int) -> tuple[int, str]:
    """(exit code, all that was written) of a command in a terminal of so many columns."""
    ours, theirs = pty.openpty()
    # As in a person's terminal, whatever the tests' own environment says of colours and width.
    env = {**os.environ, "TERM": "xterm", "COLUMNS": str(columns), "LINES": "40"}
    for name in ("NO_COLOR", "FORCE_COLOR", "CI", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        env.pop(name, None)
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=env, cwd=Path(__file__).parent
    )
    os.close(theirs)
    written, deadline = b"", monotonic() + 200
    while monotonic() < deadline:
        if not select.select([ours], [], [], 1.0)[0]:
            continue
        try:
            piece = os.read(ours, 65536)
        except OSError:  # how Linux says that the other end is closed
            break
        if not piece:
            break
        written += piece
    os.close(ours)
    return process.wait(10), re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written.decode())
