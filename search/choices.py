"""Samplers and pruners by name: what a study's `[sampler]` and `[pruner]` can say."""

import inspect
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.pruners import (
    BasePruner,
    HyperbandPruner,
    MedianPruner,
    NopPruner,
    PatientPruner,
    SuccessiveHalvingPruner,
)
from optuna.samplers import (
    BaseSampler,
    CmaEsSampler,
    GPSampler,
    QMCSampler,
    RandomSampler,
    TPESampler,
)
from pydantic import ConfigDict

from mnist_core.files import suggest
from mnist_core.frozen import Frozen
from search.goal import Goal
from search.pruner import GoalPruner

_SAMPLERS: dict[str, Callable[..., BaseSampler]] = {
    "tpe": TPESampler,
    "gp": GPSampler,
    "random": RandomSampler,
    "cmaes": CmaEsSampler,
    "qmc": QMCSampler,
}
_PRUNERS: dict[str, Callable[..., BasePruner]] = {
    "goal": GoalPruner,
    "median": MedianPruner,
    "successive-halving": SuccessiveHalvingPruner,
    "hyperband": HyperbandPruner,
    "patient": PatientPruner,
    "none": NopPruner,
}
_OURS = {"self", "seed", "goal", "wrapped_pruner", "args", "kwargs"}  # not the user's to set


class ChoiceError(ValueError):
    """An unknown sampler, pruner or option of one; one line without the table's name."""


class Choice(Frozen):
    """`kind`, and any options of the class it names."""

    model_config = ConfigDict(extra="allow")
    kind: str

    @property
    def options(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


def make_sampler(choice: Choice, seed: int, trial: int) -> BaseSampler:
    """A sampler for the trial of this number.

    It is made anew for each, seeded by (seed, trial): a seeded sampler would repeat its first
    points when a study is resumed. A quasi-random sequence is the exception: its seed scrambles
    the whole sequence, and its place in it is kept in the storage.
    """
    sequence = [seed] if choice.kind == "qmc" else [seed, trial]
    number = int(np.random.SeedSequence(sequence).generate_state(1)[0])
    return _make("sampler", _SAMPLERS, choice.kind, choice.options, seed=number)


def make_pruner(choice: Choice, goal: Goal) -> BasePruner:
    """A pruner; `patient` wraps another, named by its option `wrapped` (goal unless given)."""
    options = choice.options
    if choice.kind == "patient":
        inner = make_pruner(Choice(kind=options.pop("wrapped", "goal")), goal)
        return _make("pruner", _PRUNERS, "patient", options, wrapped_pruner=inner)
    ours = {"goal": goal} if choice.kind == "goal" else {}
    return _make("pruner", _PRUNERS, choice.kind, options, **ours)


def _make(
    what: str, known: Mapping[str, Callable[..., Any]], kind: str, options: dict[str, Any],
    **ours: Any,
) -> Any:
    if kind not in known:
        raise ChoiceError(f"kind: no {what} {kind!r}{suggest(kind, list(known))}")
    allowed = [name for name in inspect.signature(known[kind]).parameters if name not in _OURS]
    for name in options:
        if name not in allowed:
            raise ChoiceError(f"{name}: is not an option of {kind!r}{suggest(name, allowed)}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            return known[kind](**options, **ours)
    except (TypeError, ValueError) as error:
        raise ChoiceError(f"{kind!r} refuses its options: {error}") from None


def quiet_optuna() -> None:
    """Optuna's own log lines would tear the live view; what matters we say ourselves."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
