"""Workers as processes, with fake trainings; rows 1, 2 and 10 of the reliability plan in small."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import fakes
import pytest
from fakes import ENVIRONMENT, curve, study

from mnist_core.config import Config
from mnist_core.errors import UserError
from mnist_core.result import EpochResult
from search.workers.local import LocalWorkers
from search.workers.protocol import Began, Ended, Message, Ready, Start

SPACE = study().make_space()
PARAMS = {
    name: getattr(kind, "low", None) or getattr(kind, "choices", [0.0])[0]
    for name, kind in SPACE.dimensions.items()
}
LIMIT = 60.0  # seconds in which a process starts and says something, on a busy machine too


def _config(seed: int) -> Config:
    return SPACE.config(PARAMS, seed)


@contextmanager
def _workers(start: Start, count: int = 1, silence: float = 3600.0) -> Iterator[LocalWorkers]:
    with LocalWorkers(count, "cpu", "auto", start, silence) as workers:
        yield workers


def _until(
    workers: LocalWorkers,
    over: Callable[[list[tuple[int | None, Message]]], bool],
    go_on: bool = True,
) -> list[tuple[int | None, Message]]:
    """All messages until `over` holds of them; each epoch is answered with `go_on`."""
    seen: list[tuple[int | None, Message]] = []
    deadline = monotonic() + LIMIT
    while not over(seen):
        assert monotonic() < deadline, f"nothing more after {seen}"
        for job, message in workers.messages(0.1):
            seen.append((job, message))
            if isinstance(message, EpochResult):
                assert job is not None
                workers.answer(job, go_on)
    return seen


def _ends(seen: list[tuple[int | None, Message]]) -> dict[int | None, str]:
    return {job: message.reason for job, message in seen if isinstance(message, Ended)}


def _ended(*jobs: int) -> Callable[[list[tuple[int | None, Message]]], bool]:
    return lambda seen: set(jobs) <= _ends(seen).keys()


def _pids(workers: LocalWorkers) -> list[int]:
    return [worker.process.pid for worker in workers._workers if worker.process.pid]


def _alive(pid: int) -> bool:
    """Whether a process runs; one that is dead and not yet waited for by its parent does not."""
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return not Path("/proc").exists()
    return state not in "ZX"


def test_a_job_streams_its_epochs_and_ends_without_a_reason() -> None:
    config = _config(4)
    with _workers(fakes.quick) as workers:
        assert workers.idle()
        workers.submit(5, config)
        assert not workers.idle()
        seen = _until(workers, _ended(5))
        assert workers.idle()
    assert [message for _, message in seen[:2]] == [Ready(), Began(ENVIRONMENT)]
    assert [message.test_acc for _, message in seen if isinstance(message, EpochResult)] == curve(
        config
    )
    assert seen[-1] == (5, Ended())


def test_a_worker_is_told_device_and_engine() -> None:
    with LocalWorkers(1, "cpu", "torch", fakes.telling) as workers:
        workers.submit(0, _config(0))
        seen = _until(workers, _ended(0))
    (began,) = [message for _, message in seen if isinstance(message, Began)]
    assert (began.environment.machine, began.remark) == ("torch on cpu", "wants torch")


def test_two_jobs_run_at_once_and_more_follow_on_the_same_processes() -> None:
    with _workers(fakes.quick, count=2) as workers:
        before = _pids(workers)
        for job in (0, 1):
            workers.submit(job, _config(job))
        _until(workers, _ended(0, 1))
        for job in (2, 3):
            workers.submit(job, _config(job))
        seen = _until(workers, _ended(2, 3))
        assert _pids(workers) == before
    assert {job for job, _ in seen} == {2, 3}


def test_no_ends_the_training_at_once() -> None:
    with _workers(fakes.quick) as workers:
        workers.submit(0, _config(0))
        seen = _until(workers, _ended(0), go_on=False)
    assert [type(message) for _, message in seen] == [Ready, Began, EpochResult, Ended]
    assert seen[-1] == (0, Ended())


def test_failed_training_says_why_and_the_worker_goes_on() -> None:
    """Row 11, on the worker's side."""
    with _workers(fakes.failing) as workers:
        before = _pids(workers)
        workers.submit(0, _config(1))
        reason = _ends(_until(workers, _ended(0)))[0]
        assert reason == "NonFiniteLoss: the training loss became nan in epoch 2, batch 7"
        workers.submit(1, _config(2))
        assert _ends(_until(workers, _ended(1))) == {1: ""}
        assert _pids(workers) == before


def test_killed_worker_fails_its_job_with_the_reason_and_is_replaced() -> None:
    """Row 1."""
    with _workers(fakes.suicidal) as workers:
        before = _pids(workers)
        workers.submit(0, _config(1))
        assert _ends(_until(workers, _ended(0))) == {0: "the worker died: killed by SIGKILL"}
        workers.submit(1, _config(2))
        assert _ends(_until(workers, _ended(1))) == {1: ""}
        assert not set(_pids(workers)) & set(before)


def test_worker_killed_while_it_starts_is_no_end_of_the_study() -> None:
    with _workers(fakes.quick) as workers:
        workers.submit(0, _config(2))
        os.kill(_pids(workers)[0], signal.SIGKILL)
        assert _ends(_until(workers, _ended(0))) == {0: "the worker died: killed by SIGKILL"}
        workers.submit(1, _config(2))
        assert _ends(_until(workers, _ended(1))) == {1: ""}


def test_idle_worker_that_is_killed_is_replaced() -> None:
    with _workers(fakes.quick) as workers:
        _until(workers, lambda seen: bool(seen))
        os.kill(_pids(workers)[0], signal.SIGKILL)
        assert _ends(_until(workers, lambda seen: bool(_ends(seen)))) == {
            None: "the worker died: killed by SIGKILL"
        }
        workers.submit(1, _config(2))
        assert _ends(_until(workers, _ended(1))) == {1: ""}


def test_silent_worker_is_killed_at_its_limit_and_replaced() -> None:
    """Row 10: a worker that hangs."""
    with _workers(fakes.hanging, silence=1.0) as workers:
        _until(workers, lambda seen: bool(seen))  # its start takes longer than that when busy
        before = _pids(workers)[0]
        workers.submit(0, _config(1))
        start = monotonic()
        assert _ends(_until(workers, _ended(0))) == {0: "the worker sent nothing for 1 s"}
        assert 1.0 < monotonic() - start < 6.0
        assert not _alive(before)
        assert _pids(workers) != [before]
        assert workers.idle()


def test_silence_of_an_idle_worker_is_no_fault() -> None:
    with _workers(fakes.quick, silence=0.2) as workers:
        before = _pids(workers)
        _until(workers, lambda seen: bool(seen))
        sleep(0.5)
        assert list(workers.messages(0.1)) == []
        assert _pids(workers) == before


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (fakes.unstartable, "a worker could not start: nothing can be trained on cpu today"),
        (fakes.unexpected, r"a worker could not start: KeyError: '\[/nothing\] of\\nthat name'"),
        (fakes.exiting, "a worker could not start: exit code 3"),
    ],
)
def test_worker_that_cannot_start_is_said_in_one_line(
    start: Start, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UserError, match=f"^{said}$"), _workers(start, count=2) as workers:
        _until(workers, lambda seen: False)
    assert capfd.readouterr() == ("", "")


def test_close_ends_all_processes_also_those_that_mind_no_word() -> None:
    with _workers(fakes.stubborn, count=3) as workers:
        pids = _pids(workers)
        _until(workers, lambda seen: len(seen) == 3)
        start = monotonic()
    assert monotonic() - start < 4.0
    assert not any(_alive(pid) for pid in pids)


def test_a_process_of_workers_never_sees_ctrl_c() -> None:
    """Ctrl-C reaches the whole group, at any moment of a worker's life."""
    with _workers(fakes.quick) as workers:
        (pid,) = _pids(workers)
        for _ in range(20):
            os.kill(pid, signal.SIGINT)
            sleep(0.02)
        workers.submit(0, _config(0))
        assert _ends(_until(workers, _ended(0))) == {0: ""}
        assert _pids(workers) == [pid]
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())  # the owner does


OWNER = """
import fakes
from search.workers.local import LocalWorkers
from test_workers import _config, _pids, _until
workers = LocalWorkers(2, "cpu", "auto", fakes.{start})
_until(workers, lambda seen: len(seen) == {ready})
for job in range({jobs}):
    workers.submit(job, _config(0))
print(*_pids(workers), flush=True)
_until(workers, lambda seen: False)
"""


@pytest.mark.parametrize(
    ("start", "ready", "jobs"), [("slow", 2, 2), ("stubborn", 2, 2), ("quick", 0, 0)]
)
def test_workers_die_with_a_killed_owner(start: str, ready: int, jobs: int) -> None:
    """Row 2: within two seconds; also in the middle of a training, and while they start."""
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER.format(start=start, ready=ready, jobs=jobs)],
        cwd=Path(__file__).parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert owner.stdout is not None
    assert owner.stderr is not None
    pids = [int(pid) for pid in owner.stdout.readline().split()]
    assert len(pids) == 2
    assert all(_alive(pid) for pid in pids)
    owner.kill()
    owner.wait()
    deadline = monotonic() + (2.0 if ready else LIMIT)  # first it has to come to its first line
    while any(_alive(pid) for pid in pids):
        assert monotonic() < deadline, "a worker outlived its owner"
        sleep(0.05)
    owner.stdout.close()
    said = owner.stderr.read()
    owner.stderr.close()
    assert "Traceback" not in said


@pytest.mark.parametrize(
    "calls",
    [
        "import sys\nfrom search.cli import main\n"
        "sys.argv = ['drilldown', 'launch', {0!r}]\nmain()",
        "from search.launch.run import launch\nfrom search.study import spec\n"
        "launch('tiny', spec.load({0!r})[1], None)",
    ],
    ids=["typed", "called"],
)
def test_a_script_without_its_guard_is_told_so(tiny: Path, tmp_path: Path, calls: str) -> None:
    """Its worker reads it anew, and would launch again."""
    script = tmp_path / "script.py"
    script.write_text(calls.format(str(tiny)))
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=LIMIT)
    assert done.returncode != 0
    said = [line for line in done.stderr.splitlines() if "a script that calls" in line]
    assert said, done.stderr
    assert all(line.startswith("Error: ") and "__main__" in line for line in said)
    assert "is being run" not in done.stderr
    assert "a worker could not start: exit code 1" in done.stderr
