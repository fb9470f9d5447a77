"""Pruners by kind: each heeds its options; tests/test_pruner.py has the goal's own."""

import inspect
from typing import Any

import fakes
import optuna
import pytest
from pydantic import ValidationError

from mnist_core.files import explain
from mnist_core.goal import Goal
from search.study import trials as results
from search.study.dimensions import distributions
from search.study.goal_pruner import GoalPruner
from search.study.pruners import (
    GoalPruning,
    Hyperband,
    Median,
    NoPruning,
    Patient,
    Pruner,
    SuccessiveHalving,
)
from search.study.spec import StudySpec
from spaces import SPACES, Frame

GOAL = Goal(accuracy=99.0, last=2, epochs=4, params=5_000)


def _stopped_at(pruner: Pruner, good: int, curve: list[float]) -> int | None:
    """The epoch at which the pruner stops this curve after `good` even ones; None if never."""
    study = optuna.create_study(direction="maximize", pruner=pruner.make(GOAL))
    space = SPACES["open"](Frame(GOAL.params, GOAL.epochs))
    lowest = {
        name: kind.to_external_repr(0) if hasattr(kind, "choices") else kind.low
        for name, kind in distributions(space.dimensions).items()
    }
    config = space.config(lowest, 0).to_dict()
    for accuracies in [[98.0, 98.5, 99.0, 99.2]] * good + [curve]:
        trial = study.ask()
        results.attach(trial, results.CONFIG, config)
        for epoch, accuracy in enumerate(accuracies, start=1):
            trial.report(accuracy, epoch)
            if trial.should_prune():
                return epoch if accuracies is curve else pytest.fail("a good one was pruned")
        study.tell(trial, GOAL.ending(accuracies).score)
    return None


BAD = [20.0, 19.0, 18.0, 17.0]


@pytest.mark.parametrize(
    ("pruner", "good", "epoch"),
    [
        (NoPruning(), 30, None),
        (Median(), 4, None),
        (Median(), 5, 1),
        (Median(n_startup_trials=2), 2, 1),
        (Median(n_warmup_steps=3), 8, 3),
        (SuccessiveHalving(), 8, 1),
        (SuccessiveHalving(min_resource=2), 8, 2),
        (Patient(patience=1), 8, 3),
        (Patient(patience=1, wrapped="median"), 4, None),
        (Patient(patience=1, wrapped="median"), 8, 3),
        (Patient(patience=0, wrapped="none"), 0, 2),
        (Patient(wrapped="none"), 0, None),
        (Patient(patience=0, min_delta=1.5, wrapped="none"), 0, 3),
    ],
    ids=str,
)
def test_pruners_heed_their_options(pruner: Pruner, good: int, epoch: int | None):
    assert _stopped_at(pruner, good, BAD) == epoch


def test_every_option_of_the_goal_pruner_can_be_said():
    options = dict(inspect.signature(GoalPruner).parameters)
    del options["goal"]
    defaults = {name: option.default for name, option in options.items()}
    assert _stopped_at(GoalPruning(**defaults), 8, BAD) is not None
    assert _stopped_at(GoalPruning(startup=9), 8, BAD) is None


def test_hyperband_shares_out_the_goals_epochs():
    """It prunes without having seen how long a trial gets, and in one bracket prunes at once."""
    stops = {_stopped_at(Hyperband(reduction_factor=2), n, BAD) for n in range(12)}
    assert 1 in stops
    one = {_stopped_at(Hyperband(max_resource=1), n, BAD) for n in range(4, 8)}
    assert one == {1}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "hyper-band"}, "pruner.kind: 'hyper-band' is unknown; did you mean 'hyperband'?"),
        ({"kind": "goal", "goal": 3}, "pruner.goal: is not a field here; known are alike, behind"),
        ({"kind": "none", "patience": 3}, "pruner.patience: is not a field here; known are kind"),
        ({"kind": "goal", "spare": 1.0}, "pruner.spare: must be less than 1, not 1.0"),
        ({"kind": "goal", "alike": float("nan")}, "pruner.alike: must be a finite number, not nan"),
        ({"kind": "hyperband", "min_resource": "auto"}, "pruner.min_resource: must be a valid in"),
        ({"kind": "hyperband", "reduction_factor": 1}, "pruner.reduction_factor: must be greater"),
        ({"kind": "patient", "wrapped": "patient"}, "pruner.wrapped: must be 'goal', 'median', "),
        ({"kind": "patient", "wrapped": 3}, "pruner.wrapped: must be 'goal', 'median', "),
        ({"kind": "patient", "patience": {"a": []}}, "pruner.patience: must be a valid integer, "),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(options: dict[str, Any], message: str):
    with pytest.raises(ValidationError) as refused:
        fakes.study(pruner=options)
    said = explain(refused.value, StudySpec)
    assert said.startswith(message)
    assert "\n" not in said
    assert len(said) < 250
