"""Drills that nobody ran, of trials with all that real ones have."""

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import fakes
import optuna
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState, create_trial

from mnist_core.config import Config
from mnist_core.goal import Goal
from mnist_core.seeds import derived_seed
from search.drill.result import Candidate, DrillResult, Finalist, StageResult, Tried
from search.drill.spec import DrillSpec
from search.study.dimensions import distributions
from search.study.study import GOAL, Study
from search.study.trials import CONFIG, ENVIRONMENT, TRAINING, Trial, TrialAttr
from search.workers.ledger import Run, key
from spaces.dimensions import Dimension
from spaces.space import Sample

VALUES: dict[str, Any] = {
    "title": "A made-up drill",
    "seed": 3,
    "confirm": 2,
    "goal": {"accuracy": 99.0, "last": 3, "epochs": 8, "params": 2_000},
    "data": {"train": 20_000, "test": 10_000},
    "stage": [
        {"name": "net", "trials": 9, "keep": 2, "vary": {"widths": "all", "layout": "all"}},
        {
            "name": "pace",
            "trials": 12,
            "keep": 2,
            "vary": {"lr": [0.05, 0.8], "schedule": ["linear", "onecycle"], "averaging": "all"},
        },
    ],
}
SPEC = DrillSpec.from_dict(VALUES)


@dataclass(frozen=True)
class Done:
    """A trial as it ended. fit_acc is known of complete ones only."""

    config: Config
    test_acc: Sequence[float]
    fit_acc: float | None = None
    state: TrialState = TrialState.COMPLETE
    sample: Sample | None = None


def trials(
    done: Sequence[Done],
    kinds: Mapping[str, Dimension] | None = None,
    goal: Goal = SPEC.goal,
    name: str = "made-up",
) -> list[Trial]:
    """Of a study, as its owner leaves them and as they are read back, best first."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    made = optuna.create_study(study_name=name, storage=InMemoryStorage(), direction="maximize")
    made.set_user_attr(GOAL, goal.model_dump(mode="json"))
    made.add_trials([_trial(goal, each, kinds or {}) for each in done])
    return Study(made).trials()


def sampled(kinds: Mapping[str, Dimension], count: int, seed: int) -> list[Sample]:
    """At random."""
    asked = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    return [asked.ask(distributions(kinds)).params for _ in range(count)]


def _trial(goal: Goal, done: Done, kinds: Mapping[str, Dimension]) -> FrozenTrial:
    complete = done.state == TrialState.COMPLETE
    training = {"train_acc": [acc - 0.5 for acc in done.test_acc], "fit_acc": done.fit_acc}
    values = {
        TrialState.COMPLETE: goal.ending(done.test_acc).score,
        TrialState.PRUNED: done.test_acc[-1],
    }
    sample = done.sample or {}
    return create_trial(
        state=done.state,
        value=values.get(done.state),
        params=dict(sample),
        distributions={name: kind for name, kind in distributions(kinds).items() if name in sample},
        user_attrs={str(TrialAttr.PARAMS): done.config.params, str(TrialAttr.SECONDS): 100.0},
        system_attrs={
            CONFIG: done.config.to_dict(),
            ENVIRONMENT: fakes.ENVIRONMENT.model_dump(mode="json"),
            TRAINING: training if complete else {**training, "fit_acc": None},
        },
        intermediate_values=dict(enumerate(done.test_acc, start=1)),
    )


def plain(**changes: Any) -> Config:
    return Config.from_dict({**SPEC.plain().to_dict(), **changes})


def curve(config: Config, seed: int) -> list[float]:
    """Test accuracies that are better with averaged weights and a rate near 0.3, and steadier late;
    one an epoch."""
    chance = random.Random(seed)
    error = 1.2 + 0.3 * abs(math.log(config.optimizer.lr / 0.3))
    error *= 0.6 if config.averaging.kind == "ema" else 1.0
    return [
        round(100 - error * (1 + 6 * 0.5**epoch) * math.exp(chance.gauss(0, 0.04)), 2)
        for epoch in range(config.epochs)
    ]


def drill(
    spec: DrillSpec = SPEC, stages: int = 9, cut: int = 0, finalists: bool = True
) -> DrillResult:
    """The first `stages` stages. cut: so many trials of the last of them are missing, so that it is
    not over."""
    done: list[StageResult] = []
    bases: Sequence[Candidate] = [Candidate("plain", spec.plain())]
    for number, stage in list(enumerate(spec.stage, start=1))[:stages]:
        missing = cut if number == min(stages, len(spec.stage)) else 0
        found = _stage(spec, number, bases, stage.trials - missing)
        done.append(
            found if missing else replace(found, winners=found.ranked()[: found.stage.keep])
        )
        bases = done[-1].winners
    whole = finalists and len(done) == len(spec.stage)
    last = done[-1].winners if whole else ()
    return DrillResult("tiny", spec, done, [_finalist(spec, winner) for winner in last])


def _stage(spec: DrillSpec, number: int, bases: Sequence[Candidate], count: int) -> StageResult:
    stage = spec.stage[number - 1]
    space = spec.study(number, {base.name: base.config for base in bases}).make_space()
    states = [*[TrialState.COMPLETE] * 5, TrialState.PRUNED]
    ended = []
    for place, sample in enumerate(sampled(space.dimensions, count, number)):
        config = space.config(sample, derived_seed(spec.seed, number, place))
        accuracies, state = curve(config, config.seed), states[place % len(states)]
        kept = accuracies if state == TrialState.COMPLETE else accuracies[:5]
        ended.append(Done(config, kept, 99.4, state, sample))
    name = f"tiny.{number}.{stage.name}"
    found = trials(ended, space.dimensions, spec.goal, name)
    return StageResult(number, stage, name, found, bases, ())


def _finalist(spec: DrillSpec, winner: Tried) -> Finalist:
    runs = []
    for number in range(spec.confirm):
        config = winner.config.changed(seed=derived_seed(spec.seed, 0, number))
        runs.append(run(winner.name, config, curve(config, config.seed)))
    return Finalist(winner, runs)


def run(name: str, config: Config, test_acc: Sequence[float]) -> Run:
    return Run(
        name=name,
        config=key(config),
        seed=config.seed,
        test_acc=tuple(test_acc),
        train_acc=tuple(test_acc),
        seconds=100.0,
        environment=fakes.ENVIRONMENT,
    )
