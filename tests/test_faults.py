"""Faults while a study runs, with real processes; rows 1 to 6 and 10 of the reliability plan.

By default each fault is tried a few times, under `-m slow` as often as the plan says.
"""

import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from time import monotonic, sleep

import fakes
import optuna
import pytest
from fakes import study
from optuna.pruners import NopPruner
from optuna.samplers import RandomSampler

from mnist_core.config import Config
from search import cli
from search.launch.owner import Owner
from search.launch.run import launch
from search.study import storage
from search.study.rung_pruner import STARTUP
from search.study.session import Session, trial_seed
from search.study.spec import load
from search.study.study import GOAL, Study
from search.study.trials import State, Trial
from search.workers.local import LocalWorkers

if not Path("/proc/self/stat").exists():
    pytest.skip("finds the processes of a launch in /proc", allow_module_level=True)

STUDY = """
trials = {trials}
workers = {workers}
seed = 7
[goal]
accuracy = 90.0
last = 1
epochs = 3
params = 2_000
[data]
train = 200
test = 200
[space]
name = "open"
[sampler]
kind = "random"
[pruner]
kind = "none"
"""

REAL = "from search.cli import main; print('up', flush=True); main()"
FAKE = """
import fakes
from search.cli import main
{extra}
main(fakes.{start})
"""
DIES_BEFORE_TELL = """
import os, signal
from search.launch.owner import Owner
end, ends = Owner.ended, []
def dying(self, outcome):
    ends.append(outcome)
    if len(ends) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    end(self, outcome)
Owner.ended = dying
"""
LIMIT = 120.0  # seconds for anything that is not timed, on a busy machine too


@dataclass
class Run:
    """A `drilldown launch` in a process group of its own, as a terminal gives it one."""

    process: subprocess.Popen[str]
    out: Path
    err: Path

    def said(self) -> str:
        return self.out.read_text() + self.err.read_text()

    def until(self, pattern: str) -> None:
        """Wait for a line of the launch."""
        deadline = monotonic() + LIMIT
        while not re.search(pattern, self.said()):
            assert self.process.poll() is None, self.said()
            assert monotonic() < deadline, self.said()
            sleep(0.02)

    def group(self) -> set[int]:
        """The processes of its group that live."""
        return {
            pid
            for pid, group, state in _processes()
            if group == self.process.pid and state not in "ZX"
        }

    def workers(self) -> list[int]:
        return [
            pid for pid in self.group()
            if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
        ]  # fmt: skip

    def gone_within(self, seconds: float) -> int:
        """The exit code; all processes of the group have to be gone in so many seconds."""
        deadline = monotonic() + seconds
        code = self.process.wait(seconds)
        while self.group():
            assert monotonic() < deadline, f"{len(self.group())} processes are left"
            sleep(0.02)
        return code


def _processes() -> Iterator[tuple[int, int, str]]:
    """(pid, process group, state) of all processes."""
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, group = file.read_text().rpartition(")")[2].split()[:3]
        except (FileNotFoundError, ProcessLookupError):
            continue
        yield int(file.parent.name), int(group), state


Starter = Callable[..., Run]


@pytest.fixture
def started(home: Path, tmp_path: Path) -> Iterator[Starter]:
    """Starts launches of tests/fakes.py's trainings, or of real ones; all end with the test."""
    runs: list[Run] = []
    with ExitStack() as files:

        def start(program: str, trials: int, workers: int = 2, more: str = "") -> Run:
            plan = tmp_path / "tiny.toml"
            plan.write_text(STUDY.format(trials=trials, workers=workers) + more)
            paths = [tmp_path / f"{len(runs)}.{stream}" for stream in ("out", "err")]
            out, err = [files.enter_context(path.open("w")) for path in paths]
            process = subprocess.Popen(
                [sys.executable, "-c", program, "launch", str(plan)],
                stdout=out, stderr=err, text=True, cwd=Path(__file__).parent,
                start_new_session=True,
            )  # fmt: skip
            runs.append(Run(process, *paths))
            return runs[-1]

        yield start
        for run in runs:
            if run.process.poll() is None:
                os.killpg(run.process.pid, signal.SIGKILL)
                run.process.wait()


def _fake(start: str, extra: str = "") -> str:
    return FAKE.format(start=start, extra=extra)


def _trials() -> list[Trial]:
    """By number."""
    return _numbered(storage.open_storage().get("tiny"))


def _numbered(made: Study) -> list[Trial]:
    return sorted(made.trials(), key=attrgetter("number"))


def _resumed(trials: int, tmp_path: Path) -> list[Trial]:
    """The trials after another launch of the same study, which must come to exactly so many."""
    spec = load(str(tmp_path / "tiny.toml"))[1]
    assert spec.trials == trials
    made = launch("tiny", spec, None, start=fakes.quick).study
    assert made.counted == trials
    resumed = _numbered(made)
    assert not [trial for trial in resumed if trial.state == State.RUNNING]
    assert [trial.number for trial in resumed] == list(range(len(resumed)))
    return resumed


def _finished(run: Run) -> set[int]:
    """The trials whose end the launch has told of."""
    return {int(n) for n in re.findall(r"^trial (\d+): complete", run.said(), re.MULTILINE)}


def _stopped(run: Run, code: int, trials: int, tmp_path: Path) -> None:
    """What has to hold after a signal: row 5."""
    assert run.gone_within(5.0) == code, run.said()
    said = run.said()
    assert "Traceback" not in said, said
    assert f"go on with:    drilldown launch {tmp_path}/tiny.toml\n" in said, said
    kept = _trials()
    complete = {trial.number for trial in kept if trial.state == State.COMPLETE}
    assert complete >= _finished(run)
    for trial in kept:
        if trial.number not in complete:
            assert (trial.state, trial.reason) == (State.INTERRUPTED, "interrupted")
    again = _resumed(trials, tmp_path)
    assert again[: len(kept)] == kept


def _signalled(
    started: Starter, tmp_path: Path, number: signal.Signals, whole_group: bool, delay: float
) -> None:
    run = started(_fake("slow"), trials=6)
    run.until(r"epoch 1/3")
    sleep(delay)
    (os.killpg if whole_group else os.kill)(run.process.pid, number)
    _stopped(run, 128 + number, 6, tmp_path)


@pytest.mark.parametrize(
    ("number", "whole_group", "delay"),
    [
        (signal.SIGINT, True, 0.0),
        (signal.SIGINT, True, 1.3),
        (signal.SIGTERM, False, 0.0),
        (signal.SIGTERM, True, 0.3),
        (signal.SIGHUP, True, 0.3),
    ],
)
def test_signal_stops_cleanly_and_the_study_goes_on_later(
    started: Starter, tmp_path: Path, number: signal.Signals, whole_group: bool, delay: float
) -> None:
    """Row 5. Ctrl-C reaches the whole group, `kill` the owner alone, the end of a service all, as
    does a terminal that is closed."""
    _signalled(started, tmp_path, number, whole_group, delay)


def test_a_launch_under_nohup_outlives_its_terminal(started: Starter) -> None:
    ignoring = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)"
    run = started(f"{ignoring}\n{_fake('slow')}", trials=2)
    run.until(r"epoch 1/3")
    os.killpg(run.process.pid, signal.SIGHUP)
    run.process.wait(LIMIT)
    assert run.gone_within(5.0) == 0, run.said()
    assert _finished(run) == {0, 1}


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("attempt", range(50))
def test_signal_stops_cleanly_fifty_times(started: Starter, tmp_path: Path, attempt: int) -> None:
    """Row 5."""
    number = signal.SIGTERM if attempt % 2 else signal.SIGINT
    delay = random.Random(attempt).uniform(0.0, 3.0)
    _signalled(started, tmp_path, number, attempt % 3 > 0 or number == signal.SIGINT, delay)


def test_ctrl_c_stops_real_trainings_cleanly(started: Starter, tmp_path: Path) -> None:
    """Row 5."""
    run = started(REAL, trials=50)
    run.until(r"trial 1: complete")
    os.killpg(run.process.pid, signal.SIGINT)
    _stopped(run, 130, 50, tmp_path)


def test_impatient_ctrl_c_leaves_no_process_either(started: Starter, tmp_path: Path) -> None:
    run = started(_fake("slow"), trials=6)
    run.until(r"epoch 1/3")
    for _ in range(3):
        os.killpg(run.process.pid, signal.SIGINT)
        sleep(0.05)
    assert run.gone_within(5.0) in (130, -signal.SIGINT), run.said()
    _resumed(6, tmp_path)


@pytest.mark.parametrize("delay", [0.0, 0.4])
def test_ctrl_c_while_it_starts_is_clean(started: Starter, tmp_path: Path, delay: float) -> None:
    _interrupted_start(started, tmp_path, delay, signal.SIGINT)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("attempt", range(50))
def test_signal_while_it_starts_is_clean_fifty_times(
    started: Starter, tmp_path: Path, attempt: int
) -> None:
    number = signal.SIGTERM if attempt % 5 == 4 else signal.SIGINT
    delay = random.Random(attempt).uniform(0.3 if number == signal.SIGTERM else 0.0, 3.0)
    _interrupted_start(started, tmp_path, delay, number)


def _interrupted_start(
    started: Starter, tmp_path: Path, delay: float, number: signal.Signals
) -> None:
    run = started(REAL, trials=30)
    run.until("up")
    sleep(delay)
    os.killpg(run.process.pid, number)
    assert run.gone_within(5.0) in (128 + number, -signal.SIGTERM), run.said()
    assert "Traceback" not in run.said(), run.said()
    _resumed(30, tmp_path)


def test_killed_worker_fails_its_trial_and_the_study_goes_on(started: Starter) -> None:
    """Row 1 in small."""
    _kill_workers(started, kills=2, workers=2)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_hundred_killed_workers_lose_nothing(started: Starter) -> None:
    """Row 1."""
    _kill_workers(started, kills=100, workers=4)


def _kill_workers(started: Starter, kills: int, workers: int) -> None:
    trials, chance = kills + 2 * workers, random.Random(kills)
    run = started(_fake("slow"), trials, workers)
    run.until(r"epoch 1/3")
    killed: set[int] = set()
    while len(killed) < kills:
        alive = sorted(set(run.workers()) - killed)
        if alive:
            victim = chance.choice(alive)
            killed.add(victim)
            os.kill(victim, signal.SIGKILL)
        sleep(chance.uniform(0.0, 0.6))
        assert run.process.poll() is None, run.said()
    assert run.process.wait(LIMIT + 5 * kills) == 0, run.said()
    ended = _trials()
    assert len(ended) == trials
    assert {trial.state for trial in ended} == {State.COMPLETE, State.FAIL}
    failed = [trial for trial in ended if trial.state == State.FAIL]
    assert 0 < len(failed) <= kills  # an idle worker's death is no trial's
    assert {trial.reason for trial in failed} == {"the worker died: killed by SIGKILL"}
    complete = [trial for trial in ended if trial.state == State.COMPLETE]
    for trial in complete:
        assert trial.config is not None
        assert list(trial.test_acc) == fakes.curve(trial.config)
    assert _finished(run) == {trial.number for trial in complete}


def _killed_owner(started: Starter, tmp_path: Path, delay: float) -> None:
    run = started(_fake("slow"), trials=6)
    run.until(r"epoch 1/3")
    sleep(delay)
    os.kill(run.process.pid, signal.SIGKILL)
    assert run.gone_within(2.0) == -signal.SIGKILL
    kept = [trial for trial in _trials() if trial.state == State.COMPLETE]
    assert {trial.number for trial in kept} >= _finished(run)
    again = _resumed(6, tmp_path)
    assert [again[trial.number] for trial in kept] == kept
    left = {(trial.state, trial.reason) for trial in again if trial.state != State.COMPLETE}
    assert left <= {(State.INTERRUPTED, "its owner went away")}


def test_killed_owner_takes_its_workers_along_and_a_restart_reconciles(
    started: Starter, tmp_path: Path
) -> None:
    """Row 2 in small."""
    _killed_owner(started, tmp_path, 0.7)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("attempt", range(50))
def test_killed_owner_fifty_times(started: Starter, tmp_path: Path, attempt: int) -> None:
    """Row 2."""
    _killed_owner(started, tmp_path, random.Random(attempt).uniform(0.0, 4.0))


RUNGS, KEEP = (1, 2), 0.5


def _search_killed(started: Starter, tmp_path: Path, kills: int, trials: int) -> None:
    """A search with rungs whose owner is killed so often: no training is lost or counted twice, and
    each trial was stopped, or went on, as the complete trials before it say."""
    search = f"[search]\nrungs = {list(RUNGS)}\nkeep = {KEEP}\n"
    kept: dict[int, Trial] = {}
    for attempt in range(kills):
        run = started(_fake("brisk"), trials, 1, search)
        run.until(r"epoch 1/3")
        sleep(random.Random(attempt).uniform(0.0, 1.5))
        os.kill(run.process.pid, signal.SIGKILL)
        assert run.gone_within(2.0) == -signal.SIGKILL
        found = {trial.number: trial for trial in _trials()}
        assert all(found[number] == trial for number, trial in kept.items())
        kept = {number: trial for number, trial in found.items() if trial.counts}
        assert len(kept) < trials, "it was over before it was killed"
    again = _resumed(trials, tmp_path)
    assert all(again[number] == trial for number, trial in kept.items())
    done: list[Trial] = []
    for trial in filter(attrgetter("counts"), again):
        assert trial.config is not None
        assert list(trial.test_acc) == fakes.curve(trial.config)[: len(trial.test_acc)]
        stops = (epoch for epoch in RUNGS if _behind(trial.config, epoch, done))
        assert len(trial.test_acc) == next(stops, 3), trial.number
        done += [trial] * (trial.state == State.COMPLETE)
    assert {trial.state for trial in again} >= {State.COMPLETE, State.PRUNED}


def _behind(config: Config, epoch: int, done: list[Trial]) -> bool:
    ours = max(fakes.curve(config)[:epoch])
    better = sum(max(trial.test_acc[:epoch]) > ours for trial in done)
    return len(done) >= STARTUP and better >= KEEP * len(done)


def test_a_search_whose_owner_is_killed_stops_the_same_trials(
    started: Starter, tmp_path: Path
) -> None:
    _search_killed(started, tmp_path, 2, 25)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_search_whose_owner_is_killed_twenty_times(started: Starter, tmp_path: Path) -> None:
    _search_killed(started, tmp_path, 20, 150)


def test_owner_killed_before_it_tells_leaves_no_second_value(
    started: Starter, tmp_path: Path
) -> None:
    """Row 3: the last epoch is reported, the trial is not ended."""
    run = started(_fake("quick", DIES_BEFORE_TELL), trials=4, workers=1)
    assert run.gone_within(LIMIT) == -signal.SIGKILL, run.said()
    first, second = _trials()
    assert (first.state, second.state) == (State.COMPLETE, State.RUNNING)
    assert len(second.test_acc) == 3
    again = _resumed(4, tmp_path)
    assert again[0] == first
    assert (again[1].state, again[1].score) == (State.INTERRUPTED, None)
    assert len(again) == 5


def test_best_is_kept_while_the_study_runs(started: Starter, home: Path) -> None:
    """A killed owner leaves the config of the best trial so far."""
    run = started(_fake("slow"), trials=6, workers=1)
    run.until(r"trial 1: epoch 1/3")
    os.kill(run.process.pid, signal.SIGKILL)
    run.gone_within(LIMIT)
    assert (home / "runs" / "tiny" / "best.toml").is_file()


def test_second_launch_is_refused_and_told_who_holds_the_study(
    started: Starter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Row 4; races in tests/test_storage.py."""
    run = started(_fake("slow"), trials=50, workers=1)
    run.until(r"epoch 1/3")
    monkeypatch.setattr(sys, "argv", ["drilldown", "launch", str(tmp_path / "tiny.toml")])
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    signal.signal(signal.SIGTERM, before)
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith(f"Error: study 'tiny' is being run by process {run.process.pid} on ")
    assert said.count("\n") == 1
    assert run.process.poll() is None


def test_storage_that_is_locked_for_seconds_holds_up_but_ends_nothing(
    started: Starter, home: Path
) -> None:
    """Row 6."""
    run = started(_fake("slow"), trials=3, workers=2)
    run.until(r"epoch 1/3")
    connection = sqlite3.connect(home / "runs" / "drilldown.sqlite3", isolation_level=None)
    connection.execute("PRAGMA busy_timeout = 60000")
    connection.execute("BEGIN IMMEDIATE")
    sleep(4.0)
    assert run.process.poll() is None, run.said()
    connection.execute("COMMIT")
    connection.close()
    assert run.process.wait(LIMIT) == 0, run.said()
    assert [trial.state for trial in _trials()] == [State.COMPLETE] * 3


def test_hanging_worker_fails_its_trial_with_the_reason() -> None:
    """Row 10."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    seed = next(s for s in range(99) if [trial_seed(s, n) % 2 for n in (0, 1)] == [0, 1])
    spec, made = study(), Study(optuna.create_study(direction="maximize"))
    made.optuna.set_user_attr(GOAL, spec.goal.model_dump(mode="json"))
    session = Session(
        made, spec.make_space(), spec.goal, seed, lambda _: RandomSampler(), NopPruner()
    )
    with LocalWorkers(1, "cpu", "auto", fakes.hanging, silence=2.0) as workers:
        assert list(workers.messages(LIMIT))  # it is ready: its start is no silence
        assert Owner(session, workers, []).run(2) == 0
    assert [(trial.state, trial.reason) for trial in _numbered(made)] == [
        (State.COMPLETE, ""),
        (State.FAIL, "the worker sent nothing for 2 s"),
    ]
