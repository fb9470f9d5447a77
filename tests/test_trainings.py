"""Trainings outside any study: the ledger on the disk, and configs run side by side."""

import functools
import json
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep

import fakes
import pytest
from fakes import ENVIRONMENT, curve

from mnist_core import engine
from mnist_core.config import Config
from mnist_core.errors import UserError
from search.workers.crew import Job
from search.workers.ledger import Ledger, Run, key, missing, run_all, train_missing
from search.workers.protocol import Start

EPOCHS = 4


@functools.cache
def config(seed: int, lr: float = 0.1) -> Config:
    layers = ("flatten", "linear 784->10 bias=true")
    return Config.from_dict(
        {"epochs": EPOCHS, "seed": seed, "layers": layers, "optimizer": {"kind": "sgd", "lr": lr}}
    )


def run(seed: int, epochs: int = EPOCHS, lr: float = 0.1) -> Run:
    test_acc = tuple(curve(config(seed))[:epochs])
    return Run(
        name=f"net-{seed}", config=key(config(seed, lr)), seed=seed, test_acc=test_acc,
        train_acc=(99.0,) * epochs, seconds=1.5, environment=ENVIRONMENT,
    )  # fmt: skip


def job(seed: int, epochs: int = EPOCHS) -> Job:
    return Job(seed, f"net-{seed}", config(seed), epochs)


# --- the ledger ------------------------------------------------------------------------------


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "results.jsonl"


def test_absent_file_holds_no_runs_and_is_not_made(path: Path) -> None:
    assert Ledger(path).runs == []
    assert not path.parent.exists()


def test_what_is_added_is_read_back(path: Path) -> None:
    ledger = Ledger(path)
    for seed in range(3):
        ledger.add(run(seed))
        assert Ledger(path).runs == ledger.runs == [run(number) for number in range(seed + 1)]
    assert path.read_bytes().count(b"\n") == 3


def test_what_a_crash_left_of_a_line_is_passed_over_and_cut_off(path: Path) -> None:
    ledger = Ledger(path)
    ledger.add(run(1))
    whole = path.read_bytes()
    for length in (1, len(whole) // 2, len(whole) - 2):  # the last: all but a bracket and the end
        path.write_bytes(whole + whole[:length])
        assert Ledger(path).runs == [run(1)]
    Ledger(path).add(run(2))
    assert Ledger(path).runs == [run(1), run(2)]
    assert path.read_bytes().startswith(whole)


def test_crash_in_the_first_line_leaves_no_runs(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b'{"name": "ne')
    Ledger(path).add(run(1))
    assert Ledger(path).runs == [run(1)]


def _altered(**changes: object) -> bytes:
    values = {**json.loads(run(1).model_dump_json()), **changes}
    return json.dumps({name: value for name, value in values.items() if value != "drop"}).encode()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "is not JSON"),
        (b"{", "is not JSON"),
        (b"\xff\xfe\xff", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"5", "must be a table"),
        (_altered(test_acc=[]), "test_acc: must have at least 1 item"),
        (_altered(test_acc=[99.0, 100.5]), "test_acc.2nd: must be less than or equal to 100"),
        (_altered(test_acc=[float("nan")]), "test_acc.1st: must be a finite number"),
        (_altered(seed="one"), "seed: must be a valid integer, not 'one'"),
        (_altered(seed="drop"), "seed: is missing"),
        (_altered(sed=1), "sed: is not a field here; did you mean 'seed'?"),
    ],
)
def test_line_that_is_no_run_is_refused_by_its_number(path: Path, line: bytes, reason: str) -> None:
    Ledger(path).add(run(1))
    path.write_bytes(path.read_bytes() + line + b"\n")
    with pytest.raises(UserError) as caught:
        Ledger(path)
    said = str(caught.value)
    assert said.startswith(f"{path}: line 2: {reason}")
    assert said.endswith("; delete the line")
    assert "\n" not in said
    assert len(said) < 300 + len(str(path))


def test_file_that_cannot_be_read_or_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot be read: Is a directory"):
        Ledger(tmp_path)
    (tmp_path / "file").write_text("in the way")
    below = tmp_path / "file" / "results.jsonl"
    with pytest.raises(UserError, match=r"results.jsonl: cannot be read: Not a directory"):
        Ledger(below)


def test_ledger_says_before_any_training_whether_it_can_be_written(
    path: Path, tmp_path: Path
) -> None:
    ledger = Ledger(path)
    ledger.prepare()
    assert path.read_bytes() == b""
    other = Ledger(tmp_path / "in-the-way" / "results.jsonl")
    (tmp_path / "in-the-way").write_text("a file")
    for attempt in (other.prepare, lambda: other.add(run(1))):
        with pytest.raises(UserError, match=r"results.jsonl: cannot be written: "):
            attempt()
    assert other.runs == []


# --- keys and what is missing ----------------------------------------------------------------


def test_key_is_the_configs_alone() -> None:
    assert key(config(1)) == key(Config.from_dict(config(1).to_dict()))
    keys = {key(config(seed, lr)) for seed in range(3) for lr in (0.1, 0.2)}
    assert len(keys) == 6


def test_missing_is_what_no_run_has_done_as_far() -> None:
    jobs = [job(1), job(2, 2), job(3), job(4)]
    runs = [run(1, 3), run(2, 3), run(3), run(3, 1), run(4, lr=0.2)]
    assert missing(jobs, runs) == [job(1), job(4)]
    assert missing(jobs, []) == jobs
    assert missing([], runs) == []


# --- running ---------------------------------------------------------------------------------


def _all(jobs: list[Job], start: Start = fakes.quick, workers: int = 2) -> list[Run]:
    kept: list[Run] = []
    run_all(jobs, workers, "cpu", "auto", kept.append, start)
    return sorted(kept, key=lambda run: run.seed)


def test_what_would_begin_after_the_deadline_is_not_done() -> None:
    kept: list[Run] = []
    run_all([job(1)], 1, "cpu", "auto", kept.append, fakes.quick, deadline=0.0)
    assert kept == []


def test_no_jobs_start_no_worker() -> None:
    assert _all([], fakes.exiting) == []


@pytest.mark.parametrize("workers", [1, 2, 9])
def test_every_job_is_done_and_kept(workers: int) -> None:
    done = _all([job(seed) for seed in range(5)], workers=workers)
    assert [kept.seed for kept in done] == list(range(5))
    for kept in done:
        assert kept.test_acc == tuple(curve(config(kept.seed)))
        assert (kept.name, kept.config) == (f"net-{kept.seed}", key(config(kept.seed)))
        assert kept.train_acc == (99.0,) * EPOCHS
        assert kept.environment == ENVIRONMENT
    assert missing([job(seed) for seed in range(5)], done) == []


def test_engine_and_environment_of_each_training_are_kept_with_it(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ledger = Ledger(path)
    with caplog.at_level(logging.INFO, "search.workers.ledger"):
        train_missing([job(1)], [], ledger, 1, "cpu", "torch", fakes.telling)
    assert [kept.environment.machine for kept in ledger.runs] == ["torch on cpu"]
    assert "net-1, seed 1: wants torch" in caplog.messages


def test_line_from_before_there_were_two_engines_is_torchs(path: Path) -> None:
    values = json.loads(run(1).model_dump_json())
    del values["environment"]["engine"]
    path.parent.mkdir()
    path.write_text(json.dumps(values) + "\n")
    assert Ledger(path).runs == [run(1)]
    assert Ledger(path).runs[0].environment.engine.name == "torch"


def test_net_that_the_wanted_engine_cannot_run_is_named_before_any_training(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def choose(asked: Config, *_: object) -> None:
        if asked.seed == 2:
            raise UserError("engine native: it cannot run layer 7")

    monkeypatch.setattr(engine, "settle", lambda wanted, _: (wanted, ""))
    monkeypatch.setattr(engine, "choose", choose)
    jobs = [job(seed) for seed in range(4)]
    with pytest.raises(UserError, match=r"^net-2: engine native: it cannot run layer 7$"):
        train_missing(jobs, [], Ledger(path), 1, "cpu", "native", fakes.exiting)
    assert not path.exists()
    done = [run(seed) for seed in range(4)]
    train_missing(jobs, done, Ledger(path), 1, "cpu", "native", fakes.exiting)


def test_training_stops_after_the_epochs_asked_for() -> None:
    """Its config, and with it the schedule, stays the whole one."""
    (kept,) = _all([job(1, 2)])
    assert kept.test_acc == tuple(curve(config(1))[:2])
    assert kept.config == key(config(1))


@pytest.mark.parametrize(
    ("start", "reason"),
    [
        (fakes.failing, "NonFiniteLoss: the training loss became nan in epoch 2, batch 7"),
        (fakes.suicidal, "the worker died: killed by SIGKILL"),
        (fakes.nan, f"the test accuracy is nan in epoch {EPOCHS}"),
        (fakes.infinite, f"the test accuracy is inf in epoch {EPOCHS}"),
    ],
)
def test_what_fails_is_logged_with_its_reason_and_left_out(
    start: Start, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "search.workers.ledger"):
        done = _all([job(seed) for seed in range(5)], start)
    assert [kept.seed for kept in done] == [0, 2, 4]
    assert sorted(caplog.messages) == [f"net-{n}, seed {n}: failed: {reason}" for n in (1, 3)]


def test_training_with_fewer_epochs_than_its_config_is_not_kept(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A run that claims to be whole and is not would count for ever."""
    short = Job(1, "net-1", config(1), EPOCHS + 1)
    assert _all([short]) == []
    assert caplog.messages == [
        f"net-1, seed 1: failed: ended after {EPOCHS} of {EPOCHS + 1} epochs"
    ]


@pytest.mark.parametrize(
    ("start", "reason"),
    [(fakes.unstartable, "nothing can be trained on cpu today"), (fakes.exiting, "exit code 3")],
)
def test_worker_that_cannot_start_ends_it_with_its_reason(start: Start, reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        _all([job(1)], start)


SLOW = """
import sys
sys.path.insert(0, sys.argv[1])
import fakes, test_trainings
from pathlib import Path
from search.workers.ledger import Ledger, run_all
ledger = Ledger(Path(sys.argv[2]))
jobs = [test_trainings.job(seed) for seed in range(50)]
if __name__ == "__main__":
    run_all(jobs, 2, "cpu", "auto", ledger.add, fakes.slow)
"""


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)]
)
def test_what_was_finished_survives_a_signal(path: Path, number: signal.Signals, code: int) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, str(Path(__file__).parent), str(path)],
        stderr=subprocess.DEVNULL,
    )
    deadline = monotonic() + 60
    while not (path.exists() and Ledger(path).runs):
        assert monotonic() < deadline
        assert process.poll() is None
        sleep(0.1)
    os.kill(process.pid, number)
    assert process.wait(20) == code
    for kept in Ledger(path).runs:
        assert kept.test_acc == tuple(curve(config(kept.seed)))
