"""Samplers: what a study's `[sampler]` can say. Another one is a class here, and its name in
`Sampler`.

A sampler is made anew for each trial, seeded by (seed, trial): a seeded sampler would repeat its
first points when a study is resumed. A quasi-random sequence is the exception.

Importing this module is cheap: Optuna is loaded when a sampler is made, not when a file is read.
"""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from mnist_core.frozen import Count
from mnist_core.seeds import derived_seed
from search.study.optuna_options import OptunaOptions, Whole, quietly

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler


class Tpe(OptunaOptions):
    """Tree-structured Parzen estimators."""

    kind: Literal["tpe"] = "tpe"
    n_startup_trials: Whole | None = None
    n_ei_candidates: Count | None = None
    multivariate: bool | None = None
    constant_liar: bool | None = None

    def make(self, seed: int, trial: int) -> "BaseSampler":
        """The sampler of a study's trial of this number."""
        from optuna.samplers import TPESampler

        return quietly(TPESampler, seed=derived_seed(seed, trial), **self.options())


class Gp(OptunaOptions):
    """Gaussian processes."""

    kind: Literal["gp"] = "gp"
    n_startup_trials: Whole | None = None
    deterministic_objective: bool | None = None

    def make(self, seed: int, trial: int) -> "BaseSampler":
        """The sampler of a study's trial of this number."""
        from optuna.samplers import GPSampler

        return quietly(GPSampler, seed=derived_seed(seed, trial), **self.options())


class Random(OptunaOptions):
    """Chance alone."""

    kind: Literal["random"] = "random"

    def make(self, seed: int, trial: int) -> "BaseSampler":
        """The sampler of a study's trial of this number."""
        from optuna.samplers import RandomSampler

        return RandomSampler(derived_seed(seed, trial))


class CmaEs(OptunaOptions):
    """Covariance matrix adaptation."""

    kind: Literal["cmaes"] = "cmaes"
    n_startup_trials: Whole | None = None
    popsize: Annotated[int, Field(ge=4, le=1_000_000)] | None = None
    with_margin: bool | None = None
    consider_pruned_trials: bool | None = None

    def make(self, seed: int, trial: int) -> "BaseSampler":
        """The sampler of a study's trial of this number."""
        from optuna.samplers import CmaEsSampler

        # It leaves every choice to chance, and would say so in each trial.
        unwarned = self.options(warn_independent_sampling=False)
        return quietly(CmaEsSampler, seed=derived_seed(seed, trial), **unwarned)


class Qmc(OptunaOptions):
    """A quasi-random sequence: the study's seed scrambles the whole of it, and the place that a
    trial has in it is kept in the storage."""

    kind: Literal["qmc"] = "qmc"
    qmc_type: Literal["sobol", "halton"] | None = None
    scramble: bool | None = None
    """True unless given."""

    def make(self, seed: int, trial: int) -> "BaseSampler":
        """The sampler of a study's trial of this number."""
        from optuna.samplers import QMCSampler, RandomSampler

        # Its first point, and any before another has ended well, come from the second one.
        first = RandomSampler(derived_seed(seed, trial))
        options = self.options(scramble=True)
        return quietly(QMCSampler, seed=derived_seed(seed), independent_sampler=first, **options)


ALSO_CALLED: dict[str, Any] = {
    "bayes": ["tpe", "gp"],
    "gaussian": ["gp"],
    "parzen": ["tpe"],
    "evolution": ["cmaes"],
    "sobol": ["qmc"],
    "halton": ["qmc"],
}
"""What people may call them -> what they are called here."""
Sampler = Annotated[
    Tpe | Gp | Random | CmaEs | Qmc,
    Field(discriminator="kind", json_schema_extra={"also_called": ALSO_CALLED}),
]
