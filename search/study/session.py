"""A study that is being run: what its one owner asks of it and tells it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from optuna.trial import Trial as OptunaTrial
from optuna.trial import TrialState

from mnist_core.config import Config
from mnist_core.goal import Ending, Goal
from mnist_core.record import Environment
from mnist_core.result import EpochResult
from mnist_core.seeds import derived_seed
from search.study.dimensions import distributions
from search.study.identity import check_same
from search.study.ownership import owned
from search.study.spec import Plan
from search.study.studies import Studies
from search.study.study import Study
from search.study.trials import CONFIG, ENVIRONMENT, TRAINING, Trial, TrialAttr, attach, read
from spaces import Space


class Asked(NamedTuple):
    """A trial that is to be trained."""

    number: int
    config: Config


class Session:
    """Asks a study for trials, and tells it what became of them."""

    def __init__(
        self,
        study: Study,
        space: Space,
        goal: Goal,
        seed: int,
        sampler: Callable[[int], BaseSampler],
        pruner: BasePruner,
        keep: Callable[[], None] = lambda: None,
    ) -> None:
        """sampler: from the number of the next trial to the sampler that makes it. keep: called
        before the study is read or written; what it raises goes through, and nothing is written."""
        self.study = study
        self._space, self._goal, self._seed = space, goal, seed
        self._optuna, self._sampler, self._keep = study.optuna, sampler, keep
        self._optuna.pruner = pruner
        self._running: dict[int, OptunaTrial] = {}

    def keep(self) -> None:
        """To be called before what is kept of the study elsewhere is written anew; raises where the
        study is no longer ours."""
        self._keep()

    def wants(self, trials: int) -> bool:
        """Whether the study needs another trial to finish so many, those counted that run."""
        self._keep()  # before the study is read, let alone asked: its server may be restarting
        return self.study.finished + len(self._running) < trials

    def ask(self) -> Asked:
        """A new trial, which now runs."""
        self._keep()
        self._optuna.sampler = self._sampler(len(self._optuna.get_trials(deepcopy=False)))
        trial = self._optuna.ask(distributions(self._space.dimensions))
        config = self._space.config(trial.params, trial_seed(self._seed, trial.number))
        trial.set_user_attr(TrialAttr.PARAMS, config.params)
        attach(trial, CONFIG, config.to_dict())
        self._running[trial.number] = trial
        return Asked(trial.number, config)

    def report(self, number: int, result: EpochResult) -> None:
        """An epoch of a running trial, whose test accuracy is finite."""
        self._keep()
        self._running[number].report(result.test_acc, result.epoch)

    def hopeless(self, number: int) -> bool:
        """Whether the pruner says that a running trial should stop, after the epochs reported."""
        return self._running[number].should_prune()

    def complete(
        self, number: int, results: Sequence[EpochResult], environment: Environment
    ) -> Trial:
        """A running trial was trained to its end; returns it as it is now."""
        ending = self._goal.ending([each.test_acc for each in results])
        trial = self._ended(number, results, environment)
        _summarise(trial, ending)
        return self._told(trial, TrialState.COMPLETE, ending.score)

    def pruned(
        self, number: int, results: Sequence[EpochResult], environment: Environment
    ) -> Trial:
        """A running trial was stopped before its end."""
        return self._told(self._ended(number, results, environment), TrialState.PRUNED)

    def failed(
        self,
        number: int,
        results: Sequence[EpochResult],
        environment: Environment | None,
        reason: str,
    ) -> Trial:
        """A running trial came to nothing."""
        trial = self._ended(number, results, environment)
        trial.set_user_attr(TrialAttr.REASON, reason)
        return self._told(trial, TrialState.FAIL)

    def interrupt(self) -> None:
        """End all that still run; they do not count among the finished ones."""
        for trial in self._running.values():
            self._keep()
            self._interrupted(trial, "interrupted")
        self._running.clear()

    def reconcile(self) -> int:
        """Mark trials that an earlier owner left running as interrupted; returns how many."""
        left = self._optuna.get_trials(deepcopy=False, states=[TrialState.RUNNING])
        for trial in left:
            self._interrupted(OptunaTrial(self._optuna, trial._trial_id), "its owner went away")
        return len(left)

    def _ended(
        self, number: int, results: Sequence[EpochResult], environment: Environment | None
    ) -> OptunaTrial:
        """The trial, which runs no more, with what is kept of every one."""
        self._keep()
        trial = self._running.pop(number)
        trial.set_user_attr(TrialAttr.SECONDS, round(sum(each.seconds for each in results), 1))
        if environment is not None:
            attach(trial, ENVIRONMENT, environment.model_dump(mode="json"))
        train_acc = [round(each.train_acc, 4) for each in results]
        fit_acc = results[-1].fit_acc if results else None
        attach(trial, TRAINING, {"train_acc": train_acc, "fit_acc": fit_acc})
        return trial

    def _told(self, trial: OptunaTrial, state: TrialState, score: float | None = None) -> Trial:
        return read(self.study.name, self._optuna.tell(trial, score, state), self._goal)

    def _interrupted(self, trial: OptunaTrial, reason: str) -> None:
        trial.set_user_attr(TrialAttr.REASON, reason)
        trial.set_user_attr(TrialAttr.INTERRUPTED, True)
        self._optuna.tell(trial, state=TrialState.FAIL)


@contextmanager
def opened(studies: Studies, name: str, plan: Plan) -> Iterator[Session]:
    """The study of this name, a new one where there is none, as long as it is ours to run.

    Raises UserError where another process runs it, or it was launched with another goal, space or
    seed.
    """
    study = studies.make(name)
    with owned(study, studies) as hold:
        check_same(study, plan)
        yield Session(
            study,
            plan.make_space(),
            plan.goal,
            plan.seed,
            lambda trial: plan.sampler.make(plan.seed, trial),
            plan.pruner.make(plan.goal),
            hold.keep,
        )


def trial_seed(study_seed: int, trial: int) -> int:
    """The seed of a trial's training: of (study seed, trial number) and nothing else, so that a
    resumed or parallel study trains trial 17 as a sequential one would."""
    return derived_seed(study_seed, trial)


def _summarise(trial: OptunaTrial, ending: Ending) -> None:
    """What people sort by in the dashboard."""
    trial.set_user_attr(TrialAttr.WORST, round(ending.worst, 4))
    trial.set_user_attr(TrialAttr.MEAN, round(ending.mean, 4))
    if ending.first_at_goal is not None:
        trial.set_user_attr(TrialAttr.GOAL_EPOCH, ending.first_at_goal)
