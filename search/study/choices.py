"""Samplers and pruners by name: what a study's `[sampler]` and `[pruner]` can say."""

import warnings
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

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
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from mnist_core.files import explain, suggest
from mnist_core.frozen import Count, Fraction, Frozen, shortened
from mnist_core.goal import Goal
from mnist_core.seeds import derived_seed
from search.study.goal_pruner import GoalPruner

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
_Whole = Annotated[int, Field(ge=0, le=1_000_000)]
_OPTIONS: dict[str, dict[str, Any]] = {
    # What each kind can be told, and what of: Optuna itself would take anything, and fail later.
    "tpe": {
        "n_startup_trials": _Whole,
        "n_ei_candidates": Count,
        "multivariate": bool,
        "constant_liar": bool,
    },
    "gp": {"n_startup_trials": _Whole, "deterministic_objective": bool},
    "random": {},
    "cmaes": {
        "n_startup_trials": _Whole,
        "popsize": Annotated[int, Field(ge=4, le=1_000_000)],
        "with_margin": bool,
        "consider_pruned_trials": bool,
    },
    "qmc": {"qmc_type": Literal["sobol", "halton"], "scramble": bool},
    "goal": {
        "startup": Count,
        "peers": Count,
        "fair": Annotated[float, Field(ge=0, le=1)],
        "alike": Annotated[float, Field(ge=0, le=1)],
        "spare": Fraction,
        "behind": Fraction,
    },
    "median": {
        "n_startup_trials": _Whole,
        "n_warmup_steps": _Whole,
        "interval_steps": Count,
        "n_min_trials": Count,
    },
    "successive-halving": {
        "min_resource": Count,
        "reduction_factor": Annotated[int, Field(ge=2, le=1_000_000)],
        "min_early_stopping_rate": _Whole,
    },
    "hyperband": {
        "min_resource": Count,
        "max_resource": Count,
        "reduction_factor": Annotated[int, Field(ge=2, le=1_000_000)],
    },
    "patient": {
        "patience": _Whole,
        "min_delta": Annotated[float, Field(ge=0)],
        "wrapped": Literal["goal", "median", "successive-halving", "hyperband", "none"],
    },
    "none": {},
}
_STRICT = ConfigDict(strict=True, allow_inf_nan=False)


class ChoiceError(ValueError):
    """An unknown sampler, pruner or option of one; one line, naming the field."""


class Choice(Frozen):
    """`kind`, and any options of that kind."""

    model_config = ConfigDict(extra="allow")
    kind: str

    @property
    def options(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


def make_sampler(choice: Choice, seed: int, trial: int) -> BaseSampler:
    """A sampler for the trial of this number. Raises ChoiceError.

    It is made anew for each, seeded by (seed, trial): a seeded sampler would repeat its first
    points when a study is resumed. A quasi-random sequence is the exception: the study's seed
    scrambles the whole of it, and its place in it is kept in the storage.
    """
    options = _options("sampler", _SAMPLERS, choice)
    own = derived_seed(seed, trial)
    match choice.kind:
        case "qmc":
            # Its first point, and any before another has ended well, come from the second one.
            first = RandomSampler(own)
            ours = {"seed": derived_seed(seed), "independent_sampler": first, "scramble": True}
        case "cmaes":
            # It leaves every choice to chance, and would say so in each trial.
            ours = {"seed": own, "warn_independent_sampling": False}
        case _:
            ours = {"seed": own}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        return _SAMPLERS[choice.kind](**{**ours, **options})


def make_pruner(choice: Choice, goal: Goal) -> BasePruner:
    """A pruner. Raises ChoiceError.

    `patient` wraps the one that its option `wrapped` names (goal unless given; with none it stops
    a trial that has not bettered itself for `patience` epochs, 3 unless given). `hyperband` shares
    out the goal's epochs.
    """
    options = _options("pruner", _PRUNERS, choice)
    ours: dict[str, Any] = {}
    match choice.kind:
        case "goal":
            ours = {"goal": goal}
        case "hyperband":
            ours = {"max_resource": goal.epochs}
        case "patient":
            kind = options.pop("wrapped", "goal")
            wrapped = None if kind == "none" else make_pruner(Choice(kind=kind), goal)
            ours = {"patience": 3, "wrapped_pruner": wrapped}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        return _PRUNERS[choice.kind](**{**ours, **options})


def _options(what: str, known: Mapping[str, object], choice: Choice) -> dict[str, Any]:
    """The options, each of the type and in the range that its kind wants."""
    if choice.kind not in known:
        remedy = suggest(choice.kind, known)
        raise ChoiceError(f"{what}.kind: no {what} {shortened(choice.kind)}{remedy}")
    allowed = _OPTIONS[choice.kind]
    for name, value in choice.options.items():
        if name not in allowed:
            remedy = suggest(name, allowed) if allowed else ", which has none"
            raise ChoiceError(f"{what}: {shortened(name)} is no option of {choice.kind!r}{remedy}")
        try:
            TypeAdapter(allowed[name], config=_STRICT).validate_python(value)
        except ValidationError as error:
            raise ChoiceError(f"{what}.{name}: {explain(error)}") from None
    return choice.options


def quiet_optuna() -> None:
    """Optuna's own log lines would tear the live view; what matters we say ourselves."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
