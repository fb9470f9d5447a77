"""`launch --until-confirmed`: trials, and fresh seeds for those that promise enough, until one is
confirmed."""

import io
import json
import logging
import os
import random
import re
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import fakes
import optuna
import pytest
from command_line import TINY, Drilldown, one_line
from fakes import FakeWorkers, Fate
from optuna.storages import InMemoryStorage
from rich.console import Console

from mnist_core import record
from mnist_core.config import Config, Data
from mnist_core.seeds import derived_seed
from search.chance.promise import LEAST
from search.chance.referee import LEAST_TO_CONFIRM, MOST
from search.confirm.fresh import fresh_seeds
from search.launch import run
from search.launch.confirming import Confirmation, Confirming
from search.launch.owner import Owner
from search.launch.progress import LiveProgress, Progress
from search.study.fingerprint import sign_launch
from search.study.session import Session
from search.study.spec import StudySpec
from search.study.study import Study
from search.workers import ledger
from search.workers.ledger import Ledger, Run, key
from search.workers.protocol import Message

SEED = 7
GOOD, LUCKY, BAD = (0.42, 0.42), (0.45, 0.54), (1.2, 1.2)
"""Errors in percent, where the goal allows 0.6: of the trial, and on fresh seeds."""
FRESH = fresh_seeds(SEED, MOST)
PLAN: StudySpec = fakes.study(
    seed=SEED,
    goal={"accuracy": 99.4, "last": 2, "epochs": 3, "params": 2_000},
    data={"train": 300, "test": 10_000},
)


class Killed(BaseException):
    """No program has a chance to do anything about it."""


class Pool(FakeWorkers):
    """Is killed after so many messages."""

    left = 10**9

    def messages(self, timeout: float) -> Iterator[tuple[int | None, Message]]:
        for message in super().messages(timeout):
            if not self.left:
                raise Killed
            self.left -= 1
            yield message


class Bench:
    """A study in memory, its ledger, and trainings of which it is known what becomes of them."""

    def __init__(self, path: Path, errors: Sequence[tuple[float, float]]) -> None:
        """errors: of the recipes, in the order in which their trials count: one that was
        interrupted is made up for by the next one, as if it had not been."""
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.path, self.errors = path, errors
        self.failing: set[int] = set()
        """Seeds whose trainings come to nothing."""
        self.study = Study(
            optuna.create_study(study_name="tiny", storage=InMemoryStorage(), direction="maximize")
        )
        sign_launch(self.study, PLAN)
        self.begun: list[Config] = []
        self._place: dict[object, int] = {}

    def session(self) -> Session:
        plan = PLAN
        space, pruner = plan.make_space(), plan.make_pruner()
        return Session(self.study, space, plan.goal, plan.seed, plan.make_sampler, pruner)

    def race(self) -> Confirming:
        return Confirming(self.session(), Ledger(self.path))

    @property
    def runs(self) -> list[Run]:
        return Ledger(self.path).runs

    def run(
        self,
        trials: int,
        workers: int = 1,
        left: int = 10**9,
        until_held: bool = False,
        watchers: Sequence[Any] = (),
        timeout: float = 1e9,
        pool: type[Pool] = Pool,
    ) -> Confirmation:
        """left: messages that its workers live to see."""
        session = self.session()
        session.reconcile()
        race = Confirming(session, Ledger(self.path))
        race.prepare(
            [each.fresh if isinstance(each, Progress) else each for each in watchers], timeout
        )
        self.pool = pool(workers, self.fate, random.Random(3))
        self.pool.left = left
        self.signal = Owner(session, self.pool, watchers).run(trials, None, until_held, race)
        return race.confirmation

    def fate(self, _job: int, config: Config) -> Fate:
        self.begun.append(config)
        if config.seed in self.failing:
            return Fate([98.0], "it diverged")
        recipe, fresh = (config.layers, config.optimizer), config.seed in FRESH
        if not fresh:
            running = sum(trial.state == "running" for trial in self.study.trials()) - 1
            self._place[recipe] = self.study.counted + running
        error = self.errors[self._place[recipe]][fresh]
        chance = random.Random(config.seed if fresh else 0)
        last = [100 - error * (1 + chance.gauss(0, 0.05)) for _ in range(2)]
        return Fate([98.0, *(round(each, 2) for each in last)])


Made = Callable[..., Bench]


@pytest.fixture
def bench(tmp_path: Path) -> Made:
    return lambda *errors: Bench(tmp_path / "confirmed.jsonl", errors)


def _seeds_once(runs: Sequence[Run]) -> None:
    assert not runs or {*Counter((run.config, run.seed) for run in runs).values()} == {1}
    assert {run.seed for run in runs} <= {*FRESH}


# --- what it comes to ------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 4])
def test_it_ends_once_a_config_is_confirmed(bench: Made, workers: int) -> None:
    made = bench(BAD, BAD, GOOD, *[BAD] * 50)
    confirmed = made.run(50, workers).confirmed
    assert confirmed is not None
    assert confirmed.contender.name == "trial 2"
    assert 3 <= made.study.counted <= 3 + 2 * workers
    assert {run.name for run in made.runs} == {"trial 2"}
    assert len(made.runs) >= LEAST_TO_CONFIRM
    assert list(confirmed.runs) == made.runs
    assert FRESH[:MOST] != [derived_seed(SEED, number) for number in range(MOST)]
    _seeds_once(made.runs)


def test_a_confirmed_study_is_trained_no_further(bench: Made) -> None:
    made = bench(*[GOOD] * 9)
    assert made.run(9).confirmed is not None
    begun = len(made.begun)
    again = made.run(9)
    assert again.confirmed is not None
    assert (len(made.begun), again.trained, again.left) == (begun, 0, False)


def test_no_seed_is_wasted_on_the_hopeless(bench: Made) -> None:
    made = bench(*[BAD] * 9)
    ended = made.run(9, 3)
    assert (made.study.counted, made.runs) == (9, [])
    assert (ended.standings, ended.confirmed, ended.left) == ([], None, False)


def test_a_lucky_trial_costs_few_seeds_and_the_search_goes_on(bench: Made) -> None:
    made = bench(BAD, BAD, (0.42, 1.2), BAD, BAD, BAD)
    ended = made.run(6)
    assert (made.study.counted, ended.confirmed) == (6, None)
    assert [run.name for run in made.runs] == ["trial 2"] * len(made.runs)
    assert 1 <= len(made.runs) <= 2


@pytest.mark.parametrize("workers", [1, 3, 16])
def test_none_gets_more_seeds_than_there_are(bench: Made, workers: int) -> None:
    """Those that run count; the race goes on after the last trial."""
    made = bench(BAD, LUCKY, BAD, LUCKY)
    ended = made.run(4, workers)
    assert (made.study.counted, ended.confirmed, ended.left) == (4, None, False)
    _seeds_once(made.runs)
    each = Counter(run.name for run in made.runs)
    assert each
    assert max(each.values()) <= MOST
    begun = Counter(config.recipe for config in made.begun if config.seed in FRESH)
    assert max(begun.values()) <= MOST
    if workers > MOST:
        assert max(begun.values()) == MOST
    race = made.race()
    for lane in race._lanes:
        if lane.open and len(lane.standing.runs) < MOST:
            assert race._population is not None
            assert race._promise(lane, race._population) < LEAST


def test_the_most_promising_has_the_first_turns(bench: Made) -> None:
    made = bench(LUCKY, GOOD, BAD)
    made.run(3, timeout=0.0)
    race = made.race()
    assert [lane.contender.name for lane in race.waiting()] == ["trial 1", "trial 0"]
    jobs = [race.next_job() for _ in range(MOST + 1)]
    assert [job.name for job in jobs if job] == ["trial 1"] * MOST + ["trial 0"]
    assert [job.config.seed for job in jobs if job] == [*FRESH, FRESH[0]]


def test_trials_that_differ_in_their_seed_alone_are_one_config(bench: Made) -> None:
    made = bench(LUCKY, GOOD, BAD)
    made.run(1, timeout=0.0)
    (first,) = made.study.trials()
    made.study.optuna.enqueue_trial(dict(first.sample))
    made.run(3, timeout=0.0)
    (lane, _) = made.race()._lanes
    assert lane.contender.name == "trial 1"  # which did better
    ended = made.run(3)
    assert ended.confirmed is not None
    again = made.race()
    assert len(again.standings) == 1
    assert again.standings[0].runs == ended.confirmed.runs


def test_what_a_race_did_before_counts(bench: Made) -> None:
    made = bench(GOOD)
    made.run(1, timeout=0.0)
    race = made.race()
    for seed in FRESH[:3]:
        (config,) = {config.recipe for config in made.begun}
        curve = made.fate(0, config.changed(seed=seed)).test_acc
        race._ledger.add(
            Run(
                name="trial 0",
                config=key(config.changed(seed=seed)),
                seed=seed,
                test_acc=tuple(curve),
                train_acc=(),
                seconds=1.0,
                environment=fakes.ENVIRONMENT,
            )
        )
    ended = made.run(1)
    assert ended.confirmed is not None
    assert ended.trained == len(made.runs) - 3
    _seeds_once(made.runs)


# --- other ends ------------------------------------------------------------------------------


def test_a_seed_that_fails_takes_its_config_out_and_is_tried_again_first(bench: Made) -> None:
    made = bench(GOOD, BAD, GOOD, BAD)
    made.failing = {FRESH[0]}
    ended = made.run(4)
    assert (made.study.counted, ended.confirmed, made.runs) == (4, None, [])
    assert ended.failed == ended.trained == 2
    assert (ended.open, ended.left) == ([], False)
    made.failing = set()
    assert made.run(4).confirmed is not None
    assert made.runs[0].seed == FRESH[0]


def test_no_seed_is_begun_after_the_deadline(bench: Made) -> None:
    made = bench(GOOD)
    ended = made.run(1, timeout=0.0)
    assert (made.study.counted, made.runs) == (1, [])
    assert (ended.confirmed, ended.left) == (None, True)


def test_a_signal_keeps_what_is_finished(bench: Made) -> None:
    made = bench(GOOD)

    class Interrupted(Pool):
        def messages(self, timeout: float) -> Iterator[tuple[int | None, Message]]:
            yield from super().messages(timeout)
            if len(made.runs) == 2:
                os.kill(os.getpid(), signal.SIGINT)

    ended = made.run(1, pool=Interrupted)
    assert (made.signal, len(made.runs), ended.left) == (signal.SIGINT, 2, True)
    assert made.run(1).confirmed is not None
    _seeds_once(made.runs)


def test_until_held_ends_the_trials_and_not_the_race(bench: Made) -> None:
    made = bench(BAD, GOOD, BAD)
    assert made.run(3, until_held=True).confirmed is not None
    assert made.study.counted == 2


def test_jobs_of_both_kinds_are_told_apart(bench: Made) -> None:
    made = bench(LUCKY, LUCKY, BAD, LUCKY, GOOD, BAD, BAD)
    made.run(7, 4)
    assert made.pool.submitted == [*range(len(made.pool.submitted))]
    trials = {trial.number: trial for trial in made.study.trials()}
    for number, trial in trials.items():
        assert trial.config is not None
        assert (trial.state, trial.config.seed) == ("complete", derived_seed(SEED, number))
    assert made.runs
    for fresh in made.runs:
        config = trials[int(fresh.name.split()[1])].config
        assert config is not None
        assert fresh.config == key(config.changed(seed=fresh.seed))


# --- killed at any moment --------------------------------------------------------------------


def _whole(made: Bench) -> tuple[list[tuple[float, ...]], list[tuple[int, int, tuple[float, ...]]]]:
    """The curves of the trials that count, in their order; and of each run in the ledger which of
    these it is of, its seed and its curve."""
    trials = sorted(made.study.trials(), key=lambda trial: trial.number)
    counted = [trial for trial in trials if trial.counts]
    place = {f"trial {trial.number}": place for place, trial in enumerate(counted)}
    lines = [(place[run.name], run.seed, run.test_acc) for run in made.runs]
    return [trial.test_acc for trial in counted], lines


@pytest.mark.parametrize("killed", [True, False])
def test_stopped_at_any_moment_and_resumed_it_comes_to_the_same(
    bench: Made, killed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """killed: so that nobody could say of what ran that it was interrupted."""
    errors = (BAD, LUCKY, BAD, GOOD, BAD)
    made = bench(*errors)
    assert made.run(5).confirmed is not None
    straight, events = _whole(made), 10**9 - made.pool.left
    assert len(straight[0]) == 4
    assert {place for place, *_ in straight[1]} == {1, 3}
    trainings = len(straight[0]) + len(straight[1])
    assert len(made.begun) == trainings
    for moment in range(0, events, 1 if killed else 4):
        made.path.unlink(missing_ok=True)
        made = bench(*errors)
        with monkeypatch.context() as patch:
            if killed:
                patch.setattr(Session, "interrupt", lambda _: None)
            with pytest.raises(Killed):
                made.run(5, left=moment)
        made.run(5)
        assert _whole(made) == straight, moment
        assert len(made.begun) in (trainings, trainings + 1)  # the one that was cut off


# --- what is said ----------------------------------------------------------------------------

CLI = TINY.replace("accuracy = 20.0", "accuracy = 99.4").replace("test = 200", "test = 10_000")


def _steady(_job: int, config: Config) -> Fate:
    """A training that holds the goal on any seed."""
    return Fate([98.0, round(99.58 + 0.02 * random.Random(config.seed).random(), 2)])


class Pools:
    """The workers of each command, which are no processes."""

    def __init__(self) -> None:
        self.fate: Callable[[int, Config], Fate] = _steady
        self.begun: list[Config] = []

    def __call__(self, count: int, *_: object) -> AbstractContextManager[FakeWorkers]:
        return nullcontext(FakeWorkers(count, self._fate))

    def _fate(self, job: int, config: Config) -> Fate:
        self.begun.append(config)
        return self.fate(job, config)


@pytest.fixture
def pools(monkeypatch: pytest.MonkeyPatch, no_data: None, one_version: None) -> Pools:
    made = Pools()
    monkeypatch.setattr(run, "LocalWorkers", made)
    monkeypatch.setattr(ledger, "LocalWorkers", made)
    return made


@pytest.fixture
def file(tmp_path: Path, pools: Pools) -> Path:
    """A study's file."""
    path = tmp_path / "tiny.toml"
    path.write_text(CLI)
    return path


def _runs(home: Path) -> list[Run]:
    return Ledger(home / "runs" / "tiny" / "confirmed.jsonl").runs


def _said(text: str) -> str:
    return " ".join(text.split())


def test_the_launch_says_what_is_confirmed_and_what_goes_on_with_it(
    home: Path, file: Path, pools: Pools, drilldown: Drilldown
) -> None:
    words = ("launch", file, "--until-confirmed", "--trials", "5")
    done = drilldown(*words)
    assert (done.code, done.out.count("Confirmed: trial 0, P(goal) ")) == (0, 1)
    said = _said(done.out)
    assert re.search(
        r"Confirmed: trial 0, P\(goal\) >?0\.\d\d \(>?0\.\d\d to >?0\.\d\d\), 4 of 4 fresh seeds "
        "hold it Config of trial 0: ",
        said,
    )
    assert f"Confirmed; go on with: drilldown launch {file} --trials 5 All trials:" in said
    assert "What next, since a config is confirmed:" in said
    assert "drilldown confirm" not in said
    assert "Confirmed: trial 0" in done.err
    kept = record.load(home / "runs" / "tiny" / "best.toml")
    assert kept.statement is not None
    assert kept.statement.verdict == "confirmed"
    assert [each.seed for each in kept.confirmed] == [run.seed for run in _runs(home)]
    begun = len(pools.begun)
    assert "Confirmed: trial 0" in drilldown(*words, "--quiet").out
    confirm = drilldown("confirm", "tiny", "--quiet", "--workers", "1")
    assert "Confirmed: at least 9 of 10" in _said(confirm.out)
    assert len(pools.begun) == begun


def test_a_study_can_have_it_in_its_file(file: Path, drilldown: Drilldown) -> None:
    file.write_text(f"until_confirmed = true\n{file.read_text()}")
    done = _said(drilldown("launch", file, "--quiet").out)
    assert f"go on with: drilldown launch {file} --quiet --no-until-confirmed" in done
    whole = drilldown("launch", file, "--quiet", "--no-until-confirmed")
    assert "2 of 2 trials ended" in whole.out


def test_what_is_open_is_said(file: Path, pools: Pools, drilldown: Drilldown) -> None:
    pools.fate = lambda _, config: Fate([98.0, 99.44 if config.seed in FRESH else 99.55])
    words = ("launch", file, "--until-confirmed", "--quiet")
    done = drilldown(*words)
    said = _said(done.out)
    assert done.code == 0
    assert re.search(
        r"Confirmed: none yet Open: trial 0, P\(goal\) 0[^:]* (\d+) of \1 fresh seeds? holds? it",
        said,
    )
    told = (
        f"Every config has had its {MOST} fresh seeds, or is worth none; to try more, launch with"
    )
    assert f"{told} --trials above 2." in said
    assert f"More seeds: drilldown confirm tiny --seeds {2 * MOST}" in said
    begun = len(pools.begun)
    assert "Complete: 2 trials; nothing trained" in _said(drilldown(*words).out)
    assert len(pools.begun) == begun


def test_a_launch_all_of_whose_seeds_fail_was_in_vain(
    file: Path, pools: Pools, drilldown: Drilldown
) -> None:
    words = ("launch", file, "--trials", "1", "--quiet")
    assert drilldown(*words).code == 0
    pools.fate = lambda *_: Fate([91.0], "it diverged")
    done = drilldown(*words, "--until-confirmed")
    assert done.code == 1
    assert "failed: it diverged" in done.err


def test_out_of_time_says_so(file: Path, drilldown: Drilldown) -> None:
    assert drilldown("launch", file, "--trials", "1", "--quiet").code == 0
    words = ("--trials", "1", "--until-confirmed", "--timeout", "1e-9", "--quiet")
    said = _said(drilldown("launch", file, *words).out)
    assert "No training was begun: the 1e-09 s allowed were over; raise --minutes" in said
    assert "Confirmed: none yet" in said


def test_programs_are_told_of_each_seed(file: Path, drilldown: Drilldown) -> None:
    words = ("launch", file, "--until-confirmed", "--trials", "3", "--log", "jsonl")
    events = [json.loads(line) for line in drilldown(*words).out.splitlines()]
    kinds = [event["event"] for event in events]
    one = ["started", "epoch", "epoch", "ended"]
    assert kinds == [*one, *["confirming", "judged"] * LEAST_TO_CONFIRM, "over"]
    begun = [event for event in events if event["event"] == "confirming"]
    judged = [event for event in events if event["event"] == "judged"]
    seeds = FRESH[:LEAST_TO_CONFIRM]
    assert [(each["trial"], each["epochs"]) for each in begun] == [(0, 2)] * len(seeds)
    assert [each["seed"] for each in begun] == [each["seed"] for each in judged] == seeds
    assert [each["seeds"] for each in judged] == [1, 2, 3, 4]
    assert [each["verdict"] for each in judged] == ["open"] * 3 + ["confirmed"]
    assert all(each["state"] == "complete" and each["holds_goal"] for each in judged)
    assert all(each["low"] <= each["probability"] <= each["high"] for each in judged)
    assert (events[-1]["confirmed"], events[-1]["complete"]) == (0, 1)
    assert events[-1]["resume"] == "drilldown launch tiny --trials 3"
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    _, _, told = readme.partition("\n### Events\n")
    for event in (begun[0], judged[0]):
        (row,) = re.findall(rf"^\| `{event['event']}` \| (.*) \|$", told, re.M)
        assert {"event", "time", "study", *re.findall("`([a-z_]+)`", row)} - {
            "null"
        } == event.keys()


def test_programs_are_told_why_a_seed_failed(
    file: Path, pools: Pools, drilldown: Drilldown
) -> None:
    failed = Fate([91.0], "it diverged")
    pools.fate = lambda job, config: failed if config.seed == FRESH[0] else _steady(job, config)
    done = drilldown(
        "launch", file, "--until-confirmed", "--trials", "1", "--workers", "3", "--log", "jsonl"
    )
    events = [json.loads(line) for line in done.out.splitlines()]
    judged = {event["seed"]: event for event in events if event["event"] == "judged"}
    first = judged[FRESH[0]]
    assert (first["state"], first["reason"]) == ("fail", "it diverged")
    assert (first["worst"], first["holds_goal"], first["verdict"]) == (None, False, "open")
    for other in judged.values():
        assert (other["state"] == "stopped") == (other["worst"] is None and other is not first)
    assert (events[-1]["confirmed"], events[-1]["resume"]) == (None, None)
    assert "failed: it diverged" in done.err


@pytest.mark.parametrize("width", [60, 80, 100])
def test_the_live_view_shows_the_seeds_the_confirmed_and_the_open(bench: Made, width: int) -> None:
    drawn: list[str] = []

    class Drawing:
        """A watcher of both kinds that draws whatever it is told."""

        def __getattr__(self, _: str) -> Callable[..., None]:
            return lambda *_: draw()

    def draw() -> None:
        console = Console(width=width, file=io.StringIO())
        console.print(watcher.view())
        drawn.append(console.file.getvalue())  # type: ignore[attr-defined]

    made = bench(BAD, (0.45, 0.5), BAD, BAD, GOOD)
    watcher = LiveProgress("tiny", PLAN.goal, 5, [], 2, confirmed=[])
    assert made.run(5, 2, watchers=[watcher, Drawing()]).confirmed is not None
    assert max(map(len, "".join(drawn).splitlines())) <= width
    assert "Confirmed: none yet" in drawn[0]
    assert any("1, fresh seed" in each for each in drawn)
    assert any("Open: trial 1, P(goal)" in _said(each) for each in drawn)
    assert "Confirmed: trial " in _said(drawn[-1])


def test_plain_lines_say_the_best_confirmed_and_the_best_open(
    bench: Made, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="drilldown")
    made = bench(BAD, LUCKY, BAD, GOOD)
    watcher = Progress("tiny", PLAN.goal, 4, [], confirmed=[])
    assert made.run(4, watchers=[watcher]).confirmed is not None
    told = f"trial 1, seed {FRESH[0]}: epoch 1/3, test 98.00 %"
    assert any(line.startswith(told) for line in caplog.messages)
    (line,) = [line for line in caplog.messages if line.startswith("trial 2: complete")]
    assert re.search(r"; open: trial 1, P\(goal\) [^;]+ of \d fresh seeds? holds? it\]$", line)
    assert re.match(r"Confirmed: trial 3, P\(goal\) ", caplog.messages[-1])


# --- found without the test images -----------------------------------------------------------

HELD_OUT = CLI.replace("[goal]", '[goal]\njudge = "holdout"')
WHOLE = HELD_OUT.replace("[data]\ntrain = 200\ntest = 10_000\n", "")


@pytest.mark.parametrize("words", [("launch", "--until-confirmed"), ("confirm",)])
def test_what_the_holdout_judged_is_confirmed_on_the_test_images(
    home: Path, file: Path, pools: Pools, drilldown: Drilldown, words: tuple[str, ...]
) -> None:
    file.write_text(WHOLE)
    command, *more = words
    done = drilldown("launch", file, "--trials", "1", "--quiet", *more)
    if command == "confirm":
        done = drilldown("confirm", "tiny", "--workers", "1", "--quiet")
    assert done.code == 0, done
    first, *others = pools.begun
    assert first.data == Data(judge="holdout")
    assert len(others) == LEAST_TO_CONFIRM
    assert {each.data for each in others} == {Data()}
    kept = record.load(home / "runs" / "tiny" / "best.toml")
    assert kept.config.data == Data()
    assert kept.statement is not None
    assert (kept.statement.verdict, kept.statement.goal.judge) == ("confirmed", "test")
    assert kept.origin is not None
    assert kept.origin.goal.judge == "holdout"  # type: ignore[union-attr]
    assert kept.expected is not None  # what `train --check` comes to, as the search's is not
    own = (kept.config.seed, kept.expected.test_acc)
    assert own == (kept.confirmed[0].seed, kept.confirmed[0].test_acc)
    said = _said(done.out)
    if command == "confirm":
        line = "Found without the test images, and judged by them here, after training on all "
        assert said.startswith(f"{line}60,000 training images tiny: 99.40 % in ")
    else:
        assert "fresh seeds hold it, judged by the test images" in said
    shown = _said(drilldown("show", "tiny").out)
    assert "On fresh seeds and the test images: trial 0 confirmed" in shown


def test_a_config_that_the_holdout_judged_is_confirmed_so_too(
    home: Path, file: Path, drilldown: Drilldown
) -> None:
    file.write_text(HELD_OUT)
    assert drilldown("launch", file, "--trials", "1", "--quiet").code == 0
    best = home / "runs" / "tiny" / "best.toml"
    found = record.load(best)
    assert found.config.data.judge == "holdout"
    assert found.expected is not None
    rows = json.loads(drilldown("confirm", best, "--format", "json", "--workers", "1").out)
    assert [row["referee"] for row in rows] == ["confirmed"]
    assert rows[0]["searched"] == found.expected.test_acc[-1]
    kept = record.load(home / "runs" / "seeds" / "best.toml")
    assert kept.config.data == found.config.data.judged_by("test")
    one_line(
        drilldown("confirm", best, "--set", "goal.judge=holdout"),
        "--set goal.judge: the test images judge here",
    )


# --- bad input -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("until_confirmed = 3", "tiny.toml: until_confirmed: must be a valid boolean, not 3"),
        ("until_confirm = true", "until_confirm: is not a field here; did you mean 'until_conf"),
    ],
)
def test_a_file_that_asks_wrongly_is_told_so(
    file: Path, drilldown: Drilldown, text: str, said: str
) -> None:
    file.write_text(f"{text}\n{CLI}")
    one_line(drilldown("launch", file), said)


def test_a_drill_has_no_such_option(drilldown: Drilldown) -> None:
    said = "--until-confirmed: a drill ends with its finalists on fresh seeds; for a word on each,"
    one_line(drilldown("drill", "shallow", "--until-confirmed"), said, "drilldown confirm NAME")


def test_a_ledger_that_cannot_be_read_is_said_before_anything_is_trained(
    home: Path, file: Path, pools: Pools, drilldown: Drilldown
) -> None:
    words = ("launch", file, "--until-confirmed", "--quiet")
    path = home / "runs" / "tiny" / "confirmed.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text("{}\n{}\n")
    one_line(drilldown(*words), "confirmed.jsonl: line 1: ", "delete the line")
    path.unlink()
    path.mkdir()
    one_line(drilldown(*words), "confirmed.jsonl: cannot be read")
    assert pools.begun == []
