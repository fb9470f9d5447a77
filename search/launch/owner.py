"""The owner: asks, reports, prunes, tells. It alone touches the study; a crew does its trials."""

import math
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Protocol

from optuna.samplers import BaseSampler
from optuna.study import Study
from optuna.trial import Trial, TrialState

from mnist_core.config import Config
from mnist_core.goal import Ending, Goal
from mnist_core.result import EpochResult
from mnist_core.seeds import derived_seed
from search.study.dimensions import distributions
from search.study.trials import CONFIG, ENVIRONMENT, TRAINING, TrialAttr, attach, counted
from search.workers.crew import Crew, Failed, Job, Outcome
from search.workers.protocol import Workers
from spaces import Space


class Watcher(Protocol):
    """Told of everything as it happens; what it makes of it is its own affair."""

    def started(self, number: int, config: Config) -> None: ...
    def epoch(self, number: int, result: EpochResult) -> None: ...
    def ended(self, number: int, state: TrialState, score: float | None, reason: str) -> None: ...


class Owner:
    """Runs a study until a number of its trials are finished, a time is over, or a signal comes."""

    def __init__(
        self,
        study: Study,
        space: Space,
        goal: Goal,
        seed: int,
        sampler: Callable[[int], BaseSampler],
        workers: Workers,
        watchers: Sequence[Watcher],
        keep: Callable[[], None] = lambda: None,
    ) -> None:
        """sampler: from the number of the next trial to the sampler that makes it. keep: called
        before each write to the study; what it raises ends the run, and nothing more is written."""
        self._study, self._space, self._goal, self._seed = study, space, goal, seed
        self._sampler, self._workers, self._watchers = sampler, workers, watchers
        self._keep = keep
        self._running: dict[int, Trial] = {}
        self._trials, self._deadline = 0, math.inf

    def run(self, trials: int, timeout: float | None = None) -> int:
        """Go on until `trials` of the study are finished; returns 0, or the signal that ended it.

        timeout: seconds after which no further trial is started; those running are finished.

        On SIGINT or SIGTERM what is running is marked interrupted, and everything finished is kept.
        """
        self._trials = trials
        self._deadline = math.inf if timeout is None else monotonic() + timeout
        try:
            return Crew(self._workers, self).run()
        finally:
            for trial in self._running.values():
                self._keep()
                interrupt(self._study, trial, "interrupted")
            self._running.clear()

    def next_job(self) -> Job | None:
        """The next trial, as long as there is time and the study wants one."""
        self._keep()  # before the study is read, let alone asked: its server may be restarting
        before = self._study.get_trials(deepcopy=False)
        wanted = counted(before) + len(self._running) < self._trials
        if not wanted or monotonic() >= self._deadline:
            return None
        self._study.sampler = self._sampler(len(before))
        trial = self._study.ask(distributions(self._space.dimensions))
        config = self._space.config(trial.params, trial_seed(self._seed, trial.number))
        trial.set_user_attr(TrialAttr.PARAMS, config.params)
        attach(trial, CONFIG, config.to_dict())
        self._running[trial.number] = trial
        for watcher in self._watchers:
            watcher.started(trial.number, config)
        return Job(trial.number, f"trial {trial.number}", config, config.epochs)

    def epoch(self, job: Job, result: EpochResult) -> bool:
        """Whether the trial goes on."""
        for watcher in self._watchers:
            watcher.epoch(job.number, result)
        if not math.isfinite(result.test_acc):
            return False  # nothing that a pruner, or the storage, should see
        self._keep()
        trial = self._running[job.number]
        trial.report(result.test_acc, result.epoch)
        return result.epoch >= job.epochs or not trial.should_prune()

    def ended(self, outcome: Outcome) -> None:
        """Tell the study, and keep what people and reports want to know."""
        self._keep()
        number, results = outcome.job.number, outcome.results
        trial = self._running.pop(number)
        trial.set_user_attr(TrialAttr.SECONDS, round(sum(each.seconds for each in results), 1))
        if outcome.environment is not None:
            attach(trial, ENVIRONMENT, outcome.environment.model_dump(mode="json"))
        train_acc = [round(each.train_acc, 4) for each in results]
        fit_acc = results[-1].fit_acc if results else None
        attach(trial, TRAINING, {"train_acc": train_acc, "fit_acc": fit_acc})
        state, score, reason = TrialState.FAIL, None, ""
        if isinstance(outcome, Failed):
            reason = outcome.reason
            trial.set_user_attr(TrialAttr.REASON, reason)
        elif outcome.stopped:
            state = TrialState.PRUNED
        else:
            ending = self._goal.ending([each.test_acc for each in results])
            state, score = TrialState.COMPLETE, ending.score
            _summarise(trial, ending)
        self._study.tell(trial, score, state)
        for watcher in self._watchers:
            watcher.ended(number, state, score, reason)


def _summarise(trial: Trial, ending: Ending) -> None:
    """What people sort by in the dashboard."""
    trial.set_user_attr(TrialAttr.WORST, round(ending.worst, 4))
    trial.set_user_attr(TrialAttr.MEAN, round(ending.mean, 4))
    if ending.first_at_goal is not None:
        trial.set_user_attr(TrialAttr.GOAL_EPOCH, ending.first_at_goal)


def trial_seed(study_seed: int, trial: int) -> int:
    """The seed of a trial's training: of (study seed, trial number) and nothing else, so that a
    resumed or parallel study trains trial 17 as a sequential one would."""
    return derived_seed(study_seed, trial)


def reconcile(study: Study) -> int:
    """Mark trials that an owner left running as interrupted; returns how many there were.

    To be called by the study's one owner before it starts any.
    """
    orphans = study.get_trials(deepcopy=False, states=[TrialState.RUNNING])
    for orphan in orphans:
        interrupt(study, Trial(study, orphan._trial_id), "its owner went away")
    return len(orphans)


def interrupt(study: Study, trial: Trial, reason: str) -> None:
    """End a trial that could not finish; it does not count among the finished ones."""
    trial.set_user_attr(TrialAttr.REASON, reason)
    trial.set_user_attr(TrialAttr.INTERRUPTED, True)
    study.tell(trial, state=TrialState.FAIL)
