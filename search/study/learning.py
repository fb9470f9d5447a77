"""A sampler that learns from all trials: the stopped ones too, as what they are forecast to come
to.

Optuna's samplers place a stopped trial by the epoch it came to first and by its accuracy second,
whatever the complete ones say of such a start; some leave it out.
"""

import copy
import random
from collections.abc import Container
from typing import Any, cast

from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.storages import BaseStorage
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from mnist_core.goal import Goal
from mnist_core.seeds import derived_seed
from search.study.forecast import Forecaster
from search.study.trials import curve

_EXPLORING = 2  # the end of a seed's derivation: those of samplers have one part less


def learning_from_all(
    sampler: BaseSampler, goal: Goal, explore: float, seed: int, trial: int
) -> BaseSampler:
    """The sampler of a study's trial of this number: one that explores at random, with that
    probability, or the given one, which is shown all trials. seed: of the study."""
    own = derived_seed(seed, trial, _EXPLORING)
    if random.Random(own).random() < explore:
        return RandomSampler(own)
    return _FromAll(sampler)


class _FromAll(BaseSampler):
    """Passes everything on; made for one trial, which sees the study as it is when it is asked."""

    def __init__(self, sampler: BaseSampler) -> None:
        self._sampler = sampler
        self._seen: Study | None = None

    def _study(self, study: Study) -> Study:
        if self._seen is None:
            self._seen = copy.copy(study)
            self._seen._storage = cast(BaseStorage, _Forecasting(study._storage))
        return self._seen

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        return self._sampler.infer_relative_search_space(self._study(study), trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return self._sampler.sample_relative(self._study(study), trial, search_space)

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        seen = self._study(study)
        return self._sampler.sample_independent(seen, trial, param_name, param_distribution)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        self._sampler.before_trial(study, trial)

    def after_trial(self, *args: Any) -> None:
        self._sampler.after_trial(*args)

    def reseed_rng(self) -> None:
        self._sampler.reseed_rng()


class _Forecasting:
    """A storage in which a stopped trial is complete, with the score that it is forecast."""

    def __init__(self, storage: BaseStorage) -> None:
        self._storage = storage

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        found = self._storage.get_all_trials(study_id, deepcopy)
        complete = [trial for trial in found if trial.state == TrialState.COMPLETE]
        forecaster = Forecaster([(curve(trial), cast(float, trial.value)) for trial in complete])
        shown = [_forecast(trial, forecaster) for trial in found]
        return [trial for trial in shown if states is None or trial.state in states]


def _forecast(trial: FrozenTrial, forecaster: Forecaster) -> FrozenTrial:
    """The trial, or a complete one in its place."""
    forecast = forecaster.of(curve(trial)) if trial.state == TrialState.PRUNED else None
    if forecast is None:
        return trial
    shown = copy.copy(trial)
    shown.state, shown.value = TrialState.COMPLETE, forecast.score
    return shown
