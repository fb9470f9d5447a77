"""The owner, with workers that are no processes; rows 11, 16, 17 and 19 of the reliability plan."""

import math
import os
import random
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from operator import attrgetter

import optuna
import pytest
from fakes import ENVIRONMENT, FIT, Dying, FakeWorkers, Fate, Terminated, curve, study
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from optuna.pruners import BasePruner, NopPruner
from optuna.samplers import BaseSampler, RandomSampler
from optuna.trial import FrozenTrial

from mnist_core.config import Config
from mnist_core.errors import UserError
from mnist_core.record import EngineUsed, Environment
from mnist_core.result import EpochResult
from search.launch import failures
from search.launch.owner import Owner
from search.report import columns, ended
from search.study.dimensions import distributions
from search.study.pruners import Median, NoPruning, Pruner
from search.study.rung_pruner import RungPruner
from search.study.samplers import Qmc, Random, Sampler, Tpe
from search.study.session import Session, trial_seed
from search.study.study import GOAL, Study
from search.study.trials import Complete, State, Trial, TrialAttr
from search.text.wording import network, recipe

SPEC = study()
GOOD = [91.0, 92.0, 93.0]
NONE = NoPruning()


@dataclass
class Seen:
    """A watcher that keeps what it is told."""

    starts: list[int] = field(default_factory=list)
    epochs: list[tuple[int, int]] = field(default_factory=list)
    ends: list[Trial] = field(default_factory=list)

    def started(self, number: int, config: Config) -> None:
        self.starts.append(number)

    def epoch(self, number: int, result: EpochResult) -> None:
        self.epochs.append((number, result.epoch))

    def ended(self, trial: Trial) -> None:
        self.ends.append(trial)


class Prune(BasePruner):
    """Prunes after each epoch that is asked about, of the trials in `numbers`."""

    def __init__(self, numbers: set[int]) -> None:
        self.numbers = numbers
        self.asked: list[tuple[int, int | None]] = []

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        self.asked.append((trial.number, trial.last_step))
        return trial.number in self.numbers


@pytest.fixture(autouse=True)
def _no_log() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)


def _study() -> Study:
    made = optuna.create_study(direction="maximize")
    made.set_user_attr(GOAL, SPEC.goal.model_dump(mode="json"))
    return Study(made)


def _session(
    study: Study,
    pruner: BasePruner | None = None,
    sampler: Callable[[int], BaseSampler] = lambda _: RandomSampler(),
) -> Session:
    space = SPEC.make_space()
    return Session(study, space, SPEC.goal, SPEC.seed, sampler, pruner or NopPruner())


def _owner(
    study: Study, workers: FakeWorkers, *watchers: Seen, pruner: BasePruner | None = None
) -> Owner:
    return Owner(_session(study, pruner), workers, watchers)


def _run(
    fate: Callable[[int, Config], Fate], trials: int = 1, pruner: BasePruner | None = None
) -> Study:
    made = _study()
    assert _owner(made, FakeWorkers(1, fate), pruner=pruner).run(trials) == 0
    return made


def _trials(study: Study) -> list[Trial]:
    """By number."""
    return sorted(study.trials(), key=attrgetter("number"))


def _fates(study: Study) -> list[tuple[State, str]]:
    """What became of each trial, and why."""
    return [(trial.state, trial.reason) for trial in _trials(study)]


def _always(*test_acc: float, reason: str = "") -> Callable[[int, Config], Fate]:
    return lambda job, config: Fate(list(test_acc), reason)


def test_a_stopped_trial_keeps_why_and_is_no_failure() -> None:
    made = _study()
    sessions = [
        Session(made, SPEC.make_space(), SPEC.goal, 7, lambda _: RandomSampler(), pruner, **kind)
        for pruner, kind in (
            (RungPruner((1,), 0.35, NopPruner()), {"pruner_kind": "goal"}),
            (RungPruner((1,), 0.35, Prune({5})), {"pruner_kind": "goal"}),
            (Prune({6}), {"pruner_kind": "median"}),
            (Prune({7}), {}),
        )
    ]
    owners = [
        Owner(session, FakeWorkers(1, _always(*curve)), [])
        for session, curve in zip(
            [sessions[0], *sessions],
            [(90.0, 91.0, 92.0), (82.1, 9, 9), *[(95.0, 9, 9)] * 3],
            strict=True,
        )
    ]
    for trials, owner in zip((4, 5, 6, 7, 8), owners, strict=True):
        owner.run(trials)
    reasons = [
        "rung after epoch 1: 82.10 % is not among the best 35 % of 4 complete trials (90.00 % is "
        "needed)",
        "pruner goal after epoch 1",
        "pruner median after epoch 1",
        "pruner after epoch 1",
    ]
    assert _fates(made)[4:] == [(State.PRUNED, reason) for reason in reasons]
    stopped = _trials(made)[4:]
    assert [trial.stopped_by for trial in stopped] == [
        "rung",
        "pruner goal",
        "pruner median",
        "pruner",
    ]
    assert all(trial.counts for trial in stopped)
    assert ended.failed(stopped) == "No trial failed."
    assert failures.why(stopped) == "4 trials ended, all pruned; another pruner may spare some"
    assert [each.user_attrs[TrialAttr.REASON] for each in made.optuna.trials[4:]] == reasons
    (state,) = [column for column in columns.COLUMNS if column.head == "state"]
    said = ["pruned: rung", "pruned: goal", "pruned: median", "pruned: pruner"]
    assert [state.shown(trial, SPEC.goal) for trial in stopped] == said
    lines = ended.pruned_table(stopped, SPEC.goal).splitlines()[2:]
    by = sorted(line.split("|")[2].strip() for line in lines)
    assert by == ["pruner", "pruner goal", "pruner median", "rung"]


def test_complete_trial_keeps_its_curve_its_score_and_what_people_sort_by() -> None:
    made = _run(_always(89.0, 91.0, 92.0))
    (trial,) = made.trials()
    assert isinstance(trial, Complete)
    assert trial.state == State.COMPLETE
    assert trial.test_acc == (89.0, 91.0, 92.0)
    assert trial.ending == SPEC.goal.ending([89.0, 91.0, 92.0])
    assert trial.score == trial.ending.score == pytest.approx(91.0)
    assert trial.seconds == 4.5
    assert trial.environment == ENVIRONMENT
    assert trial.config.params == trial.params < SPEC.goal.params
    assert trial.config.seed == trial_seed(7, 0)
    assert trial.config == SPEC.make_space().config(trial.sample, trial.config.seed)
    assert made.optuna.trials[0].user_attrs == {
        TrialAttr.PARAMS: trial.params,
        TrialAttr.COST: 0.015,  # 3 epochs of 300 images
        TrialAttr.WORST: 91.0,
        TrialAttr.MEAN: 91.5,
        TrialAttr.GOAL_EPOCH: 2,
        TrialAttr.SECONDS: 4.5,
        TrialAttr.NETWORK: network(trial.config),
        TrialAttr.RECIPE: recipe(trial.config),
    }


class Various(FakeWorkers):
    """What a training runs on depends on its config."""

    def environment(self, job: int) -> Environment:
        engine = EngineUsed(name="native" if job % 2 else "torch")
        return ENVIRONMENT.model_copy(update={"engine": engine})


def test_each_trial_keeps_the_environment_that_its_own_training_had(
    caplog: pytest.LogCaptureFixture,
) -> None:
    made = _study()
    workers = Various(2, lambda job, _: Fate(GOOD, "it failed" if job == 3 else ""), remark="why")
    with caplog.at_level("INFO", "drilldown"):
        _owner(made, workers).run(4)
    engines = [trial.environment and trial.environment.engine.name for trial in _trials(made)]
    assert engines == ["torch", "native", "torch", "native"]
    assert sorted(caplog.messages) == [f"trial {number}: why" for number in range(4)]


def test_how_well_a_trial_did_on_what_it_was_trained_on_is_kept() -> None:
    ended = _run(_always(89.0, 91.0, 92.0)).best()
    assert ended is not None
    assert (ended.train_acc, ended.fit_acc) == ((99.0, 99.0, 99.0), FIT)
    (failed,) = _run(_always(89.0, reason="it failed")).trials()
    assert failed.train_acc == (99.0,)


def test_no_epoch_at_goal_is_no_attribute() -> None:
    made = _run(_always(50.0, 60.0, 89.99))
    assert TrialAttr.GOAL_EPOCH not in made.optuna.trials[0].user_attrs
    assert not made.trials()[0].holds_goal


def test_watchers_are_told_of_everything_in_order() -> None:
    seen, also = Seen(), Seen()
    made = _study()
    _owner(made, FakeWorkers(1, _always(*GOOD)), seen, also).run(2)
    assert seen == also
    assert seen.starts == [0, 1]
    assert seen.epochs == [(n, epoch) for n in (0, 1) for epoch in (1, 2, 3)]
    assert seen.ends == _trials(made)
    assert [trial.state for trial in seen.ends] == [State.COMPLETE] * 2


def test_pruned_trial_is_stopped_and_has_no_score() -> None:
    made = _study()
    workers = FakeWorkers(1, _always(*GOOD))
    _owner(made, workers, pruner=Prune({0})).run(2)
    pruned, other = _trials(made)
    assert workers.answers[0] == (0, 1, False)
    assert (pruned.state, pruned.test_acc) == (State.PRUNED, (91.0,))
    assert pruned.score is None  # though Optuna keeps 91.0 as its value
    told = {*TrialAttr} & {"parameters", "seconds", "network", "recipe", "reason", TrialAttr.COST}
    assert made.optuna.trials[0].user_attrs.keys() == told
    assert other.state == State.COMPLETE
    assert made.best() == other


def test_last_epoch_is_never_pruned() -> None:
    pruner = Prune(set())
    (trial,) = _run(_always(*GOOD), pruner=pruner).trials()
    assert pruner.asked == [(0, 1), (0, 2)]
    assert trial.state == State.COMPLETE


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("epoch", [1, 2, 3])
def test_accuracy_that_is_not_finite_fails_the_trial_at_once(bad: float, epoch: int) -> None:
    """Row 11. Optuna would make a trial of value inf the best for ever."""
    test_acc = [*GOOD[: epoch - 1], bad, *GOOD[epoch:]]
    made = _study()
    workers = FakeWorkers(1, lambda job, config: Fate(test_acc if job == 0 else GOOD))
    _owner(made, workers).run(2)
    failed, other = _trials(made)
    assert (failed.state, failed.score) == (State.FAIL, None)
    assert made.optuna.trials[0].value is None
    assert failed.reason == f"the test accuracy is {bad} in epoch {epoch}"
    assert workers.answers[epoch - 1] == (0, epoch, False)
    assert failed.test_acc == tuple(GOOD[: epoch - 1])
    assert made.best() == other


def test_a_pruner_is_not_asked_about_what_is_not_finite() -> None:
    pruner = Prune({0})
    (trial,) = _run(_always(math.nan, 92.0, 93.0), pruner=pruner).trials()
    assert pruner.asked == []
    assert trial.state == State.FAIL


@pytest.mark.parametrize("epochs", [0, 1, 2, 3])
def test_failed_training_keeps_its_reason_and_the_study_goes_on(epochs: int) -> None:
    """Row 11, and the death of a worker: both come as `Ended` with a reason."""
    reason = "NonFiniteLoss: the training loss became nan in epoch 2, batch 7"
    made = _run(lambda job, _: Fate(GOOD[:epochs], reason) if job == 0 else Fate(GOOD), 2)
    failed, other = _trials(made)
    assert (failed.state, failed.score, failed.reason) == (State.FAIL, None, reason)
    assert made.optuna.trials[0].value is None
    assert failed.test_acc == tuple(GOOD[:epochs])
    assert other.state == State.COMPLETE
    assert made.counted == 2


def test_training_that_ends_early_without_a_word_fails() -> None:
    (trial,) = _run(_always(91.0, 92.0)).trials()
    assert (trial.state, trial.reason) == (State.FAIL, "ended after 2 of 3 epochs")


def test_death_of_an_idle_worker_is_no_trials_business() -> None:
    made = _study()
    assert _owner(made, Dying(2, _always(*GOOD))).run(1) == 0
    assert [trial.state for trial in made.trials()] == [State.COMPLETE]


class Unstartable(FakeWorkers):
    def messages(self, timeout):
        raise UserError("a worker could not start: no reason")


def test_owner_that_cannot_go_on_leaves_no_trial_running() -> None:
    made = _study()
    with pytest.raises(UserError, match="could not start"):
        _owner(made, Unstartable(3, _always(*GOOD))).run(5)
    assert _fates(made) == [(State.INTERRUPTED, "interrupted")] * 3
    assert made.counted == 0


LOW = [88.0, 80.0, 95.0]
FATES = st.sampled_from(
    [Fate(GOOD), Fate(LOW), Fate([91.0, math.nan]), Fate(GOOD[:1], "it died"), Fate([])]
)


@given(
    trials=st.integers(1, 12),
    workers=st.integers(1, 8),
    order=st.randoms(use_true_random=False),
    fates=st.lists(FATES, min_size=12, max_size=12),
    pruned=st.sets(st.integers(0, 11)),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_exactly_n_trials_end_whatever_comes_in_which_order(
    trials: int, workers: int, order: random.Random, fates: list[Fate], pruned: set[int]
) -> None:
    """Row 17, without processes."""
    made, seen = _study(), Seen()
    fake = FakeWorkers(workers, lambda job, config: fates[job], order)
    assert _owner(made, fake, seen, pruner=Prune(pruned)).run(trials) == 0
    assert made.counted == len(made.trials()) == trials
    assert fake.submitted == seen.starts == list(range(trials))
    assert sorted(seen.ends, key=attrgetter("number")) == _trials(made)
    for trial in made.trials():
        fate = fates[trial.number]
        whole = fate.test_acc in (GOOD, LOW)
        if fate.test_acc and trial.number in pruned:
            assert trial.state == State.PRUNED
        elif whole and not fate.reason:
            assert trial.score == SPEC.goal.ending(fate.test_acc).score
        else:
            assert trial.state == State.FAIL
            assert trial.reason


def test_a_resumed_study_counts_what_it_has_and_repeats_nothing() -> None:
    made = _study()
    _owner(made, FakeWorkers(2, _always(*GOOD))).run(3)
    again = FakeWorkers(4, _always(*GOOD))
    _owner(made, again).run(5)
    assert again.submitted == [3, 4]
    _owner(made, again).run(5)
    assert len(made.trials()) == 5


def test_timeout_starts_no_further_trial_and_ends_those_that_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = iter(range(1000))
    monkeypatch.setattr("search.launch.owner.monotonic", lambda: float(next(now)))
    made = _study()
    _owner(made, FakeWorkers(2, _always(*GOOD))).run(100, timeout=6)
    assert 2 <= len(made.trials()) < 10
    assert {trial.state for trial in made.trials()} == {State.COMPLETE}


class Signalling(FakeWorkers):
    """Sends the owner a signal, as a person does, when the third trial is under way."""

    number = signal.SIGINT

    def messages(self, timeout):
        for message in super().messages(timeout):
            if self.submitted[-1] == 2 and isinstance(message[1], EpochResult):
                os.kill(os.getpid(), self.number)
            yield message


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_interrupts_what_runs_and_keeps_the_rest(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Signalling, "number", number)
    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    made = _study()
    assert _owner(made, Signalling(1, _always(*GOOD))).run(9) == number
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == handlers
    assert [state for state, _ in _fates(made)] == [*[State.COMPLETE] * 2, State.INTERRUPTED]
    assert made.optuna.trials[2].user_attrs[TrialAttr.INTERRUPTED] is True
    assert made.counted == 2
    _owner(made, FakeWorkers(1, _always(*GOOD))).run(9)
    assert made.counted == 9
    assert len(made.trials()) == 10


def test_workers_that_die_of_the_same_signal_fail_no_trial() -> None:
    made = _study()
    assert _owner(made, Terminated(3, _always(*GOOD))).run(9) == signal.SIGTERM
    assert [trial.state for trial in made.trials()] == [State.INTERRUPTED] * 3
    assert made.counted == 0


def test_reconcile_interrupts_what_an_owner_left_running() -> None:
    made = _study()
    _owner(made, FakeWorkers(1, _always(*GOOD))).run(1)
    for _ in range(3):
        made.optuna.ask(distributions(SPEC.make_space().dimensions)).report(90.0, 1)
    session = _session(made)
    assert session.reconcile() == 3
    assert session.reconcile() == 0
    orphaned = (State.INTERRUPTED, "its owner went away")
    assert _fates(made) == [(State.COMPLETE, ""), *[orphaned] * 3]
    assert made.counted == 1
    assert _trials(made)[1].test_acc == (90.0,)  # what it did is still there to see


def test_an_interrupted_trial_has_a_reason_and_is_interrupted_once() -> None:
    made = _study()
    session = _session(made)
    session.ask(2)
    for _ in range(2):
        session.interrupt()
    assert _fates(made) == [(State.INTERRUPTED, "interrupted")]


def test_seeds_of_trials_follow_from_the_study_seed_and_the_number_alone() -> None:
    seeds = [trial_seed(7, number) for number in range(200)]
    assert len(set(seeds)) == 200
    assert seeds == [trial_seed(7, number) for number in range(200)]
    assert not set(seeds) & {trial_seed(8, number) for number in range(200)}
    assert trial_seed(1, 17) == 534_095_829  # another number here would alter every study
    assert all(0 <= seed < 2**32 for seed in seeds)


def sampled(
    sampler: Sampler, launches: list[int], pruner: Pruner = NONE
) -> list[tuple[object, ...]]:
    """(parameters, seed of the training) of each trial of a study run in so many launches."""
    made = _study()
    for trials in launches:
        session = _session(
            made, pruner.make(SPEC.goal), lambda number: sampler.make(SPEC.seed, number)
        )
        workers = FakeWorkers(1, lambda _, config: Fate(curve(config)))
        Owner(session, workers, []).run(trials)
    return [
        (tuple(trial.sample.items()), trial.config and trial.config.seed) for trial in _trials(made)
    ]


@pytest.mark.parametrize("sampler", [Tpe(), Random(), Qmc()], ids=str)
def test_resumed_study_asks_what_a_straight_one_asks(sampler: Sampler) -> None:
    """Row 19: 10 + 10 against 20, of which TPE takes the first ten as start-up points."""
    straight = sampled(sampler, [20])
    assert sampled(sampler, [10, 20]) == straight
    assert sampled(sampler, [1, 10, 11, 20]) == straight
    assert len(set(straight)) == 20


def test_resumed_study_with_a_pruner_asks_what_a_straight_one_asks() -> None:
    assert sampled(Tpe(), [10, 20], Median()) == sampled(Tpe(), [20], Median())
