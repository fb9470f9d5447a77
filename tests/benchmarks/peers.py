"""Other libraries, asked and told as their own documentation has it. drilldown does not need them:
whoever wants them in the table installs them (`PEERS`).

SMAC3 is its facade for hyperparameters: random forests, trainings to their end. Its facade for
several fidelities has to have what it asked for, and a replay has something near it. NePS is what
it takes itself for a space with epochs and without priors, Hyperband: a training that it stops goes
on where it was stopped if it is promoted, which costs the further epochs alone. Of its others,
PriorBand wants a prior, and ifBO weights from the network.
"""

import logging
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

import click

from benchmarks.confirming import Plain
from benchmarks.searches import EPOCHS, Tried
from benchmarks.strategies import Strategy
from benchmarks.world import Drawn, Pool, Walk
from mnist_core.goal import Goal
from spaces import SPACES, Frame
from spaces.dimensions import Choice, Dimension, Whole

STARTUP = 10
"""Trials before SMAC3's forest, as many as before Optuna's TPE."""


class Smac:
    """SMAC3."""

    slow, by_goal = True, False

    def trials(self, pool: Pool, goal: Goal, order: int) -> Iterator[Tried]:
        from ConfigSpace import Configuration
        from smac import HyperparameterOptimizationFacade, Scenario
        from smac.runhistory import TrialInfo, TrialValue

        dimensions = _dimensions(goal)
        space = self._space(dimensions, order)
        walk = Walk(pool, dimensions)
        with tempfile.TemporaryDirectory() as folder:
            scenario = Scenario(
                space, deterministic=True, n_trials=10**6, seed=order, output_directory=folder
            )
            first = HyperparameterOptimizationFacade.get_initial_design(scenario, n_configs=STARTUP)
            smac = HyperparameterOptimizationFacade(
                scenario, lambda config, seed: 0.0, initial_design=first, logging_level=False
            )
            while True:
                asked = smac.ask()
                drawn = walk.nearest(dict(asked.config))
                own = Configuration(space, values=dict(drawn.recorded.sample))
                told = TrialInfo(own, seed=asked.seed)
                smac.tell(told, TrialValue(cost=100 - drawn.score), save=False)
                yield Tried(drawn, EPOCHS)

    def _space(self, dimensions: Mapping[str, Dimension], seed: int) -> Any:
        import ConfigSpace

        space = ConfigSpace.ConfigurationSpace(seed=seed)
        for name, kind in dimensions.items():
            if isinstance(kind, Choice):
                space.add(ConfigSpace.CategoricalHyperparameter(name, list(kind.choices)))
            elif isinstance(kind, Whole):
                space.add(ConfigSpace.UniformIntegerHyperparameter(name, kind.low, kind.high))
            else:
                made = ConfigSpace.UniformFloatHyperparameter(
                    name, kind.low, kind.high, log=kind.log
                )
                space.add(made)
        return space


class Neps:
    """NePS."""

    slow, by_goal = True, False

    def trials(self, pool: Pool, goal: Goal, order: int) -> Iterator[Tried]:
        import neps
        import torch

        torch.manual_seed(order)  # it draws from this one
        dimensions = _dimensions(goal)
        asking = neps.AskAndTell(neps.algorithms.hyperband(self._space(dimensions)))
        walk = Walk(pool, dimensions)
        running: dict[str, tuple[Drawn, int]] = {}
        chance = torch.get_rng_state()
        while True:
            torch.set_rng_state(chance)
            trial = asking.ask()
            chance = torch.get_rng_state()
            name = trial.id.rsplit("_", 1)[0]  # of the config, the same in each rung
            epochs = int(trial.config["epochs"])
            drawn, before = running.get(name) or (walk.nearest(trial.config), 0)
            own = {**drawn.recorded.sample, "epochs": epochs}
            asking.trials[trial.id] = replace(trial, config=own)
            best = drawn.score if epochs == EPOCHS else max(drawn.curve[:epochs])
            asking.tell(trial.id, 100 - best)
            running[name] = drawn, epochs
            yield Tried(drawn, epochs, before)

    def _space(self, dimensions: Mapping[str, Dimension]) -> Any:
        import neps

        found: dict[str, Any] = {"epochs": neps.HPOInteger(1, EPOCHS, is_fidelity=True)}
        for name, kind in dimensions.items():
            if isinstance(kind, Choice):
                found[name] = neps.HPOCategorical(list(kind.choices))
            elif isinstance(kind, Whole):
                found[name] = neps.HPOInteger(kind.low, kind.high)
            else:
                found[name] = neps.HPOFloat(kind.low, kind.high, log=kind.log)
        return neps.SearchSpace(found)


PEERS = {
    "smac": ("smac", "smac==2.4.1", Strategy("SMAC3", Smac(), Plain)),
    "neps": ("neps", "neural-pipeline-search==0.17.0", Strategy("NePS", Neps(), Plain)),
}
"""By the name that it is asked for by: its module, what installs it, and what is replayed."""


def asked(names: str) -> tuple[Strategy, ...]:
    """Those of this list, apart by commas. Raises click's UsageError where one is unknown or not
    installed."""
    found = []
    for name in filter(None, names.split(",")):
        if name not in PEERS:
            raise click.UsageError(f"--with: no {name!r}; there are: {', '.join(PEERS)}")
        module, package, strategy = PEERS[name]
        if find_spec(module) is None:
            raise click.UsageError(f"--with {name}: not installed; pip install {package}")
        found.append(strategy)
    logging.getLogger("smac").setLevel(logging.WARNING)
    return tuple(found)


def _dimensions(goal: Goal) -> Mapping[str, Dimension]:
    return SPACES["open"](Frame(goal.params, goal.epochs)).dimensions
