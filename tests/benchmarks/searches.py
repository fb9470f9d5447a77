"""Searches as they are replayed: drilldown's own samplers and pruners make every decision.

What is spared is storage: trials lie in a list, and what TPE and the forecasts make of each is kept
instead of made anew. Which trials a search makes follows from its seed and the pool alone, not from
what is confirmed, so one replay serves every way to confirm.
"""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any, Protocol, cast

import fidelity
import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.pruners import _filter_study
from optuna.samplers import BaseSampler, TPESampler
from optuna.storages import BaseStorage, InMemoryStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from benchmarks.world import Drawn, Pool, Walk
from mnist_core.goal import Goal
from search.study import learning
from search.study.dimensions import distributions
from search.study.forecast import Forecaster
from search.study.pruners import GoalPruning, Pruner
from search.study.rungs import Search
from search.study.samplers import Sampler
from search.study.spec import SpaceChoice, StudySpec
from search.study.trials import CONFIG, curve

EPOCHS, IMAGES = fidelity.WHOLE
_WHEN = datetime(2020, 1, 1)


@dataclass(frozen=True)
class Tried:
    """A trial of a search. epochs: that it has been trained for. before: those of them that an
    earlier one of the same training has paid for."""

    drawn: Drawn
    epochs: int
    before: int = 0

    @property
    def complete(self) -> bool:
        return self.epochs == len(self.drawn.curve)

    @property
    def cost(self) -> float:
        """Epochs times the share of the images, which is all of them here."""
        return float(self.epochs - self.before)


class Searcher(Protocol):
    """Makes trials, without end."""

    @property
    def slow(self) -> bool:
        """Whether a proposal takes so long that there are fewer orders of it."""

    @property
    def by_goal(self) -> bool:
        """Whether its trials depend on the goal's accuracy."""

    def trials(self, pool: Pool, goal: Goal, order: int) -> Iterator[Tried]: ...


@dataclass(frozen=True)
class Optuna:
    """A study as drilldown runs it, one trial after another."""

    sampler: Sampler
    pruner: Pruner
    search: Search | None = None
    learns: bool = True
    """Whether its sampler is shown what stopped trials are forecast to come to."""
    slow: bool = False

    @property
    def by_goal(self) -> bool:
        return isinstance(self.pruner, GoalPruning)

    def trials(self, pool: Pool, goal: Goal, order: int) -> Iterator[Tried]:
        spec = StudySpec(
            trials=1,
            seed=order,
            goal=goal,
            space=SpaceChoice(name="open"),
            sampler=self.sampler,
            pruner=self.pruner,
            search=self.search,
        )
        dimensions = spec.make_space().dimensions
        walk = Walk(pool, dimensions)
        study = _Study(f"order {order}", distributions(dimensions), spec.make_pruner())
        for number in count():
            sampler = spec.make_sampler(number)
            if not self.learns:
                sampler = getattr(sampler, "_sampler", sampler)
            drawn = walk.nearest(study.ask(sampler))
            yield Tried(drawn, study.train(drawn))


class _Study:
    """Optuna's, as samplers and pruners see it."""

    def __init__(
        self,
        name: str,
        space: Mapping[str, BaseDistribution],
        pruner: optuna.pruners.BasePruner,
    ) -> None:
        """name: Hyperband draws a trial's bracket from it."""
        self._trials = _Trials()
        self._space = dict(space)
        self._relative = dict(sorted(space.items()))  # as Optuna has it
        self._rows = _Rows(self._space)
        self._optuna = optuna.Study(name, self._trials, pruner=pruner)
        self._forecast = copy.copy(self._optuna)
        self._forecast._storage = cast(BaseStorage, _Forecasts(self._trials))

    def ask(self, sampler: BaseSampler) -> dict[str, Any]:
        """What the sampler proposes for the next trial, which now runs."""
        number = len(self._trials.all)
        trial = FrozenTrial(
            number=number,
            state=TrialState.RUNNING,
            value=None,
            datetime_start=_WHEN,
            datetime_complete=None,
            params={},
            distributions=self._space,
            user_attrs={},
            system_attrs={},
            intermediate_values={},
            trial_id=number,
        )
        self._trials.all.append(trial)
        for each in (self._optuna, self._forecast):
            each._thread_local.cached_all_trials = None
        self._serve(sampler)
        study = _filter_study(self._optuna, trial)
        space = self._relative if number else {}
        found = sampler.sample_relative(study, trial, space)
        for name, kind in self._space.items():
            if name not in found:
                found[name] = sampler.sample_independent(study, trial, name, kind)
        return found

    def _serve(self, sampler: BaseSampler) -> None:
        """Give it what is kept."""
        if isinstance(sampler, learning._FromAll):
            sampler._seen = self._forecast
            sampler = sampler._sampler
        if isinstance(sampler, TPESampler):
            sampler._get_internal_repr = self._rows.of  # type: ignore[method-assign]

    def train(self, drawn: Drawn) -> int:
        """Have the trial that runs be this config; returns the epochs until the pruner stops it, or
        all of them. It is not asked at the last."""
        trial = self._trials.all[-1]
        trial.params = dict(drawn.recorded.sample)
        trial.system_attrs[CONFIG] = drawn.recorded.config
        self._rows.add(trial)
        epochs = len(drawn.curve)
        for epoch, accuracy in enumerate(drawn.curve, start=1):
            trial = self._trials.all[-1]  # another one where the pruner has written to it
            trial.intermediate_values[epoch] = accuracy
            if epoch < epochs and self._optuna.pruner.prune(self._optuna, trial):
                epochs = epoch
                break
        trial = self._trials.all[-1]
        complete = epochs == len(drawn.curve)
        trial.state = TrialState.COMPLETE if complete else TrialState.PRUNED
        trial.value = drawn.score if complete else drawn.curve[epochs - 1]
        trial.datetime_complete = _WHEN
        return epochs


class _Trials(InMemoryStorage):
    """Of one study. Nothing is locked, and nothing copied but what a pruner writes to: ASHA counts
    on that."""

    def __init__(self) -> None:
        super().__init__()
        self.all: list[FrozenTrial] = []

    def get_study_id_from_name(self, study_name: str) -> int:
        return 0

    def get_study_directions(self, study_id: int) -> list[StudyDirection]:
        return [StudyDirection.MAXIMIZE]

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Any = None
    ) -> list[FrozenTrial]:
        return [trial for trial in self.all if states is None or trial.state in states]

    def get_trial(self, trial_id: int) -> FrozenTrial:
        return self.all[trial_id]

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        trial = self.all[trial_id] = copy.copy(self.all[trial_id])
        trial.system_attrs = {**trial.system_attrs, key: value}


class _Forecasts(learning._Forecasting):
    """Made anew when a trial is complete."""

    def __init__(self, trials: _Trials) -> None:
        super().__init__(trials)
        self._all = trials
        self._shown: list[FrozenTrial] = []
        self._forecaster, self._complete = Forecaster([]), -1

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Any = None
    ) -> list[FrozenTrial]:
        complete = [each for each in self._all.all if each.state == TrialState.COMPLETE]
        if len(complete) != self._complete:
            self._shown, self._complete = [], len(complete)
            known = [(curve(each), cast(float, each.value)) for each in complete]
            self._forecaster = Forecaster(known)
        for trial in self._all.all[len(self._shown) :]:
            if trial.state.is_finished():
                self._shown.append(learning._forecast(trial, self._forecaster))
        found = [*self._shown, *self._all.all[len(self._shown) :]]
        return [trial for trial in found if states is None or trial.state in states]


@dataclass
class _Rows:
    """Trials as Optuna's TPE represents them, which it would make anew for each proposal."""

    space: Mapping[str, BaseDistribution]
    _rows: list[list[float]] = field(default_factory=list)

    def add(self, trial: FrozenTrial) -> None:
        kinds = self.space.items()
        self._rows.append([kind.to_internal_repr(trial.params[name]) for name, kind in kinds])

    def of(
        self, trials: Sequence[FrozenTrial], space: Mapping[str, BaseDistribution], _: Any
    ) -> dict[str, Any]:
        rows = np.array([self._rows[trial.number] for trial in trials])
        columns = {name: place for place, name in enumerate(self.space)}
        return {name: rows[:, columns[name]] if len(rows) else np.array([]) for name in space}
