"""A study that is being run: what its one owner asks of it and tells it."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import NamedTuple, Protocol, runtime_checkable

from optuna import Study as OptunaStudy
from optuna.distributions import BaseDistribution, check_distribution_compatibility
from optuna.exceptions import UpdateFinishedTrialError
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState
from optuna.trial import Trial as OptunaTrial

from mnist_core.config import Config
from mnist_core.errors import Lost, UserError
from mnist_core.goal import Ending, Goal
from mnist_core.record import Environment
from mnist_core.result import EpochResult
from mnist_core.seeds import derived_seed
from search.study import enqueued, summary
from search.study.dimensions import distributions
from search.study.fingerprint import check_same, sign_launch
from search.study.ownership import OR_STOP, owned, reserved
from search.study.peers import among_peers
from search.study.runs import Run
from search.study.spec import Plan
from search.study.studies import Studies
from search.study.study import Study
from search.study.trials import (
    CONFIG,
    ENVIRONMENT,
    TRAINING,
    State,
    Trial,
    TrialAttr,
    attach,
)
from spaces import Sample, Space

log = logging.getLogger("drilldown")


class Asked(NamedTuple):
    """A trial that is to be trained."""

    number: int
    config: Config


@runtime_checkable
class Explains(Protocol):
    """A pruner that can say why it stops a trial."""

    def why(self, study: OptunaStudy, trial: FrozenTrial) -> str:
        """What it stops the trial for, after the epochs reported; nothing where that is not its own
        rule's doing."""


class Session:
    """Asks a study for trials, and tells it what became of them.

    Others may do to the study what they like meanwhile. A trial that they end is ended; one of ours
    that they write to has failed; one that they add is left as it is, and hidden from samplers and
    pruners; where they take the study away, everything raises Lost.
    """

    def __init__(
        self,
        study: Study,
        space: Space,
        goal: Goal,
        seed: int,
        sampler: Callable[[int], BaseSampler],
        pruner: BasePruner,
        check_held: Callable[[bool], None] = lambda _: None,
        pruner_kind: str = "",
    ) -> None:
        """sampler: from the number of the next trial to the sampler that makes it. check_held:
        called before the study is read or written, and told whether that is about a running trial
        alone; what it raises goes through, and nothing is written. pruner_kind: what the pruner is
        called in reasons, where it gives none itself."""
        self.study = study
        self._space, self._goal, self._seed = space, goal, seed
        self._distributions = distributions(space.dimensions)
        self._sampler, self._check_held = sampler, check_held
        self._pruner, self._pruner_kind = pruner, pruner_kind
        self._optuna = among_peers(study.optuna, pruner, study.ours)
        self._running: dict[int, OptunaTrial] = {}
        self._configs: dict[int, Config] = {}  # that these train
        self._why: dict[int, str] = {}  # the pruner stops some of them

    def missing(self, trials: int) -> int:
        """How many further ones the study needs to finish so many, besides those that run."""
        with self.ours():
            return self._missing(trials, self._found())

    def start_with(self, samples: Mapping[str, Sample]) -> list[str]:
        """Have these tried next, in their order, but for those that wait, run or have ended already
        in this study; returns the names of the others. An interrupted one is tried again."""
        with self.ours():
            known = [
                trial.recipe for trial in self.study.trials() if trial.state != State.INTERRUPTED
            ]
            waiting = enqueued.samples(self._optuna)
            fresh = []
            for name, sample in samples.items():
                recipe = self._space.config(sample, 0)
                if recipe in known or sample in waiting:
                    continue
                known.append(recipe)
                self._optuna.enqueue_trial(dict(sample), user_attrs={TrialAttr.START: name})
                fresh.append(name)
            return fresh

    def ask(self, trials: int) -> Asked | None:
        """A new trial, which now runs; None where the study needs no further one to finish so many.

        What somebody enqueued that cannot be trained fails, and counts. Raises UserError where no
        trial of this space can be made beside what others have added.
        """
        with self.ours():
            while self._missing(trials, found := self._found()):
                if asked := self._new(len(found)):
                    return asked
            return None

    def _found(self) -> list[FrozenTrial]:
        """All trials, whosever they are: one question to the storage."""
        return self.study.optuna.get_trials(deepcopy=False)

    def _missing(self, trials: int, found: Sequence[FrozenTrial]) -> int:
        counted = sum(self.study.trial(trial).counts for trial in found)
        return max(0, trials - counted - len(self._running))

    def _new(self, number: int) -> Asked | None:
        """number: that of the study's next trial. None where it was enqueued and has failed, or
        where somebody has ended it already."""
        self._optuna.sampler = self._sampler(number)
        trial = self._optuna.ask()
        self._running[trial.number] = trial
        config = None
        with suppress(UpdateFinishedTrialError):
            config = self._made(trial)
        if config is None:
            del self._running[trial.number]
            return None
        self._configs[trial.number] = config
        return Asked(trial.number, config)

    def report(self, number: int, result: EpochResult) -> bool:
        """Keep an epoch of a running trial, whose test accuracy is finite; returns whether the
        trial still runs, as far as the study is concerned."""
        with self.ours(to_trial=True):
            try:
                self._running[number].report(result.test_acc, result.epoch)
            except UpdateFinishedTrialError:
                return False
            return True

    def hopeless(self, number: int) -> bool:
        """Whether the pruner says that a running trial should stop, after the epochs reported."""
        with self.ours(to_trial=True):
            trial = self._running[number]
            if not trial.should_prune():
                return False
            self._why[number] = self._reason(trial)
            return True

    def _reason(self, trial: OptunaTrial) -> str:
        """Why the pruner stops a running trial."""
        known = self._optuna._storage.get_trial(trial._trial_id)
        pruner = self._pruner
        said = pruner.why(self._optuna, known) if isinstance(pruner, Explains) else ""
        called = f"pruner {self._pruner_kind}".strip()
        return said or f"{called} after epoch {len(known.intermediate_values)}"

    def complete(
        self, number: int, results: Sequence[EpochResult], environment: Environment
    ) -> Trial:
        """A running trial was trained to its end; returns it as it is now, as the next two do."""
        ending = self._goal.ending([each.test_acc for each in results])
        return self._end(number, results, environment, TrialState.COMPLETE, ending=ending)

    def pruned(
        self, number: int, results: Sequence[EpochResult], environment: Environment
    ) -> Trial:
        """A running trial was stopped before its end, for the reason that the pruner gave."""
        reason = self._why.pop(number, "")
        return self._end(number, results, environment, TrialState.PRUNED, reason=reason)

    def failed(
        self,
        number: int,
        results: Sequence[EpochResult],
        environment: Environment | None,
        reason: str,
    ) -> Trial:
        """A running trial came to nothing."""
        return self._end(number, results, environment, TrialState.FAIL, reason=reason)

    def interrupt(self) -> None:
        """End all that still run; they do not count. Where the study is lost, nothing is done."""
        with suppress(Lost), self.ours():
            for trial in self._running.values():
                self._interrupted(trial, "interrupted")
        self._running.clear()
        self._configs.clear()

    def reconcile(self) -> int:
        """Mark trials that an earlier owner left running as interrupted; returns how many."""
        with self.ours():
            states = [TrialState.RUNNING]
            running = self.study.optuna.get_trials(deepcopy=False, states=states)
            left = [trial for trial in running if self._asked(trial)]
            for trial in left:
                self._interrupted(OptunaTrial(self._optuna, trial._trial_id), "its owner went away")
            return len(left)

    def _asked(self, trial: FrozenTrial) -> bool:
        """Whether a running trial is one that we asked for: with its config, or on the way to
        it."""
        has = trial.distributions.items()
        return CONFIG in trial.system_attrs or bool(has and has <= self._distributions.items())

    @contextmanager
    def ours(self, to_trial: bool = False) -> Iterator[None]:
        """For all that reads or writes the study, and for what is kept of it elsewhere. Raises Lost
        where it is not ours any more, also where it is taken away just now. to_trial: for what is
        about a running trial alone."""
        self._check_held(to_trial)
        with self._not_lost():
            yield

    @contextmanager
    def _not_lost(self) -> Iterator[None]:
        """Of a study that is taken away just now storages say all kinds of things; this says
        Lost."""
        try:
            yield
        except Exception:
            self._check_held(False)
            raise

    def _made(self, trial: OptunaTrial) -> Config | None:
        """What a new trial is to train, which it keeps; None where it has failed at once."""
        fault = enqueued.fault(trial._cached_frozen_trial, self._space)
        if not fault:
            self._suggest(trial)
            try:
                config = self._space.config(trial.params, trial_seed(self._seed, trial.number))
            except ValueError as error:  # only of what was enqueued: a space has no such sample
                fault = f"what was enqueued makes no config: {error}"
        if fault:
            self._refused(trial, fault)
            return None
        trial.set_user_attr(TrialAttr.PARAMS, config.params)
        attach(trial, CONFIG, config.to_dict())
        return config

    def _suggest(self, trial: OptunaTrial) -> None:
        """A value for every dimension. Raises UserError where the study has a trial in which one is
        of another kind: Optuna has no two kinds of a dimension in a study."""
        for name, kind in self._distributions.items():
            try:
                trial._suggest(name, kind)
            except ValueError:
                if self._of_one_kind(name, kind):
                    raise
                raise UserError(
                    f"study {self.study.name!r} has a trial that is not drilldown's, in which "
                    f"{name!r} is a dimension of another kind; launch under another --name"
                ) from None

    def _of_one_kind(self, name: str, kind: BaseDistribution) -> bool:
        """Whether a dimension is the same in all trials of the study, whoever made them."""
        try:
            for trial in self.study.optuna.get_trials(deepcopy=False):
                check_distribution_compatibility(trial.distributions.get(name, kind), kind)
        except ValueError:
            return False
        return True

    def _end(
        self,
        number: int,
        results: Sequence[EpochResult],
        environment: Environment | None,
        state: TrialState,
        ending: Ending | None = None,
        reason: str = "",
    ) -> Trial:
        """Tell what became of a trial; where somebody else has ended it already, it stays so, and
        where somebody has written to it, it has failed: what is kept of it is not what was."""
        trial, config = self._running.pop(number), self._configs.pop(number)
        self._why.pop(number, None)
        with self.ours(to_trial=True):
            if state != TrialState.FAIL and not self._untouched(trial, config, results):
                state, ending, reason = TrialState.FAIL, None, "somebody else has written to it"
            try:
                kept = self._summary(config, results, ending, state)
                for name, value in kept.items():
                    trial.set_user_attr(name, value)
                if environment is not None:
                    attach(trial, ENVIRONMENT, environment.model_dump(mode="json"))
                if reason:
                    trial.set_user_attr(TrialAttr.REASON, reason)
                fit_acc = results[-1].fit_acc if results else None
                self._close(trial, [round(each.train_acc, 4) for each in results], fit_acc)
                told = self._tell(trial, state, ending.score if ending else None)
            except UpdateFinishedTrialError:
                told = self._optuna._storage.get_trial(trial._trial_id)
            return self.study.trial(told)

    def _summary(
        self,
        config: Config,
        results: Sequence[EpochResult],
        ending: Ending | None,
        state: TrialState,
    ) -> dict[str, float | str]:
        kept = summary.of_training(config, results)
        if ending:
            kept |= summary.of_ending(ending)
        elif state == TrialState.PRUNED:
            kept |= summary.of_stopped(results, self.study.trials())
        return kept

    def _untouched(
        self, trial: OptunaTrial, config: Config, results: Sequence[EpochResult]
    ) -> bool:
        """Whether what is kept of a trial that runs is what we wrote."""
        kept = self._optuna._storage.get_trial(trial._trial_id)
        return (
            kept.system_attrs.get(CONFIG) == config.to_dict()
            and kept.user_attrs.get(TrialAttr.PARAMS) == config.params
            and kept.intermediate_values == {each.epoch: each.test_acc for each in results}
        )

    def _tell(
        self, trial: OptunaTrial, state: TrialState, score: float | None = None
    ) -> FrozenTrial:
        """Where somebody has ended it already, it stays so."""
        return self._optuna.tell(trial, score, state, skip_if_finished=True)

    def _close(
        self, trial: OptunaTrial, train_acc: Sequence[float] = (), fit_acc: float | None = None
    ) -> None:
        """Keep what tells a trial that we ended from one that others did; see `trials.read`."""
        identity = self.study.identity
        of = {"of": [identity.id, trial.number]} if identity else {}
        attach(trial, TRAINING, {"train_acc": list(train_acc), "fit_acc": fit_acc, **of})

    def _refused(self, trial: OptunaTrial, reason: str) -> None:
        log.warning("trial %d: failed: %s", trial.number, reason)
        with suppress(UpdateFinishedTrialError):
            trial.set_user_attr(TrialAttr.REASON, reason)
            self._close(trial)
            self._tell(trial, TrialState.FAIL)

    def _interrupted(self, trial: OptunaTrial, reason: str) -> None:
        with suppress(UpdateFinishedTrialError):
            trial.set_user_attr(TrialAttr.REASON, reason)
            trial.set_user_attr(TrialAttr.INTERRUPTED, True)
            self._tell(trial, TrialState.FAIL)


@contextmanager
def opened(
    studies: Studies, name: str, plan: Plan, settings: Sequence[str] = ()
) -> Iterator[Session]:
    """The study of this name, a new one where there is none, as long as it is ours to run.
    settings: what `--set` said, to be kept with it.

    Raises UserError, before anything is written, where another process runs it, another program
    made it, or it was launched with another goal, space or seed.
    """
    study = studies.find(name)
    if study is not None:
        with study.there():
            check_same(study, plan, studies.where)  # before the lock, so that a refusal takes none
    else:
        study = studies.make(name)
    with owned(study, studies) as hold:
        with study.there():
            check_same(study, plan, studies.where)  # somebody may have made it meanwhile
            sign_launch(study, plan, settings)
            hold.sign()
        yield Session(
            study,
            plan.make_space(),
            plan.goal,
            plan.seed,
            plan.make_sampler,
            plan.make_pruner(),
            hold.check,
            plan.pruner.kind,
        )


@contextmanager
def drilled(studies: Studies, name: str) -> Iterator[None]:
    """Hold a drill of this name, also while none of its stages runs.

    Raises UserError where another process drills under the name, or deletes or renames what it has
    left.
    """
    with reserved(name, studies):
        yield


@contextmanager
def held(studies: Studies, run: Run) -> Iterator[None]:
    """Hold a study or drill that is there, so that nobody runs, deletes or renames it meanwhile.

    Raises UserError, saying who does, where somebody does any of that already.
    """
    with ExitStack() as stack:
        if run.kind == "drill":
            stack.enter_context(reserved(run.name, studies))
        for study in run.studies:
            stack.enter_context(owned(study, studies, OR_STOP))
        yield


def trial_seed(study_seed: int, trial: int) -> int:
    """The seed of a trial's training: of (study seed, trial number) and nothing else, so that a
    resumed or parallel study trains trial 17 as a sequential one would."""
    return derived_seed(study_seed, trial)
