"""`[search]`: rungs that a trial has to pass, and a sampler that learns from those that did not."""

import math
from collections.abc import Sequence

import optuna
import pytest
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState, create_trial
from pydantic import ValidationError

from mnist_core.files import explain
from mnist_core.goal import Goal
from search.study.forecast import LEAST, Forecaster
from search.study.learning import learning_from_all
from search.study.pruners import GoalPruning, NoPruning
from search.study.rung_pruner import STARTUP, RungPruner
from search.study.rungs import Search
from search.study.spec import StudySpec

GOAL = Goal()
LR = optuna.distributions.FloatDistribution(0.0, 1.0)
NEVER = NoPruning().make(GOAL)
PLAN = {"trials": 9, "space": {"name": "open"}}


def curve(error: float, epochs: int = 15) -> list[float]:
    """Its error, percent, falls to the given one, as one over the epoch."""
    return [100 - error * epochs / epoch for epoch in range(1, epochs + 1)]


def study_of(*curves: Sequence[float], stopped: Sequence[Sequence[float]] = ()) -> optuna.Study:
    study = optuna.create_study(direction="maximize")
    for number, test_acc in enumerate([*curves, *stopped]):
        done = number < len(curves)
        study.add_trial(
            create_trial(
                state=TrialState.COMPLETE if done else TrialState.PRUNED,
                value=GOAL.ending(test_acc).score if done else test_acc[-1],
                params={"lr": number / 100},
                distributions={"lr": LR},
                intermediate_values=dict(enumerate(test_acc, start=1)),
            )
        )
    return study


def stops(study: optuna.Study, pruner: RungPruner, test_acc: Sequence[float]) -> int | None:
    """The epoch after which it is stopped."""
    trial = study.ask()
    frozen = study.trials[trial.number]
    for epoch, accuracy in enumerate(test_acc[:-1], start=1):
        frozen.intermediate_values[epoch] = accuracy
        if pruner.prune(study, frozen):
            return epoch
    return None


@pytest.mark.parametrize(
    ("epochs", "rungs"),
    [
        (1, ()),
        (2, (1,)),
        (3, (1, 2)),
        (5, (1, 2, 3)),
        (8, (2, 3)),
        (15, (3, 5, 8)),
        (25, (5, 8, 13)),
    ],
)
def test_the_rungs_follow_from_the_goal(epochs: int, rungs: tuple[int, ...]) -> None:
    goal = Goal(last=1, epochs=epochs)
    assert Search().epochs(goal) == rungs
    assert Search(rungs=()).epochs(goal) == ()
    Search().check(goal)


ERRORS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2)


@pytest.mark.parametrize(
    ("error", "epoch"), [(0.55, None), (0.65, None), (0.75, 2), (0.95, 2), (1.15, 2)]
)
def test_a_trial_goes_on_among_the_best_share_of_the_complete(
    error: float, epoch: int | None
) -> None:
    pruner = RungPruner((2, 5), 0.3, NEVER)
    assert stops(study_of(*map(curve, ERRORS)), pruner, curve(error)) == epoch


@pytest.mark.parametrize(
    ("accuracy", "had", "needed"), [(82.1, "82.10", "85.30"), (85.299, "85.299", "85.300")]
)
def test_a_rung_says_what_it_asks_for(accuracy: float, had: str, needed: str) -> None:
    """That, and no less, lets a trial go on."""
    study = study_of(*([each, 99.0] for each in (85.0, 85.1, 85.2, 85.3, 85.3, 85.4)))
    pruner, number = RungPruner((1,), 0.35, NEVER), study.ask().number
    frozen = study.trials[number]
    frozen.intermediate_values[1] = accuracy
    assert pruner.why(study, frozen) == (
        f"rung after epoch 1: {had} % is not among the best 35 % of 6 complete trials "
        f"({needed} % is needed)"
    )
    assert pruner.prune(study, frozen)
    frozen.intermediate_values[1] = 85.3
    assert (pruner.why(study, frozen), pruner.prune(study, frozen)) == ("", False)


def test_it_is_asked_at_rungs_only_and_by_its_best_epoch() -> None:
    study = study_of(*map(curve, ERRORS))
    falling = [99.9, *curve(2.0)[1:]]
    assert stops(study, RungPruner((2, 5), 0.3, NEVER), falling) is None
    assert stops(study, RungPruner((), 0.3, NEVER), curve(9.0)) is None


def test_none_is_stopped_before_some_are_complete() -> None:
    pruner = RungPruner((1,), 0.3, NEVER)
    assert stops(study_of(*[curve(0.5)] * (STARTUP - 1)), pruner, curve(2.0)) is None
    assert stops(study_of(*[curve(0.5)] * STARTUP), pruner, curve(2.0)) == 1


def test_what_passes_the_rungs_is_up_to_the_studys_own_pruner() -> None:
    goal = Goal(accuracy=99.99)
    study = study_of(*[curve(0.02)] * 8)
    never, ours = NEVER, GoalPruning(behind=0.0).make(goal)
    hopeless = curve(0.021)
    assert not any(
        Search(rungs=(1,), keep=0.9).pruner(goal, never).prune(study, t) for t in study.trials
    )
    made = Search(rungs=()).pruner(goal, ours)
    assert made is ours
    assert stops(study, RungPruner((1,), 0.9, never), [100.0, *hopeless[1:]]) is None


def test_a_forecast_follows_the_complete_trials() -> None:
    known = [(curve(error), 100 - error) for error in (0.5, 0.7, 1.0, 1.4)]
    forecaster = Forecaster(known)
    found = [forecaster.of(curve(error)[:3]) for error in (0.5, 0.8, 1.4, 2.5)]
    scores = [each.score for each in found if each]
    assert len(scores) == 4
    assert scores == sorted(scores, reverse=True)
    assert scores[1] == pytest.approx(99.2, abs=0.05)
    assert all(each and 0 < each.deviation < 1 for each in found)


def test_more_trials_overrule_what_the_table_says() -> None:
    """Here the final error is the square of the early one."""
    errors = [0.3 + 0.02 * number for number in range(60)]
    known = [([100 - error, 0.0], 100 - error**2) for error in errors]
    miss = []
    for count in (4, 60):
        forecast = Forecaster(known[:: 60 // count]).of([100 - 1.2])
        assert forecast is not None
        miss.append(abs(forecast.score - (100 - 1.44)))
    assert miss[1] < 0.05 < miss[0]


@pytest.mark.parametrize("count", range(LEAST))
def test_too_few_trials_forecast_nothing(count: int) -> None:
    forecaster = Forecaster([(curve(0.5), 99.5)] * count)
    assert forecaster.of(curve(0.5)[:3]) is None


def test_no_forecast_leaves_what_is_possible() -> None:
    forecaster = Forecaster([([0.0, 0.0], 0.0), ([100.0, 100.0], 100.0), ([10.0, 9.0], 9.0)])
    for accuracy in (0.0, 50.0, 100.0):
        forecast = forecaster.of([accuracy])
        assert forecast is not None
        assert 0 <= forecast.score <= 100
        assert math.isfinite(forecast.deviation)
    assert forecaster.of([]) is None


class Looking(BaseSampler):
    """Keeps what it is shown."""

    def __init__(self) -> None:
        self.seen: list[FrozenTrial] = []

    def infer_relative_search_space(self, study, trial):  # type: ignore[no-untyped-def]
        self.seen = study.get_trials(deepcopy=False)
        return {}

    def sample_relative(self, study, trial, search_space):  # type: ignore[no-untyped-def]
        return {}

    def sample_independent(self, study, trial, param_name, param_distribution):  # type: ignore[no-untyped-def]
        return 0.5


def test_a_sampler_is_shown_stopped_trials_as_what_they_are_forecast() -> None:
    curves = [curve(error) for error in (0.5, 0.7, 1.0, 1.4)]
    stopped = [curve(0.6)[:3], curve(2.0)[:1]]
    study = study_of(*curves, stopped=stopped)
    looking = Looking()
    study.sampler = learning_from_all(looking, GOAL, 0.0, 1, len(study.trials))
    study.ask({"lr": LR})
    states = [trial.state for trial in looking.seen]
    assert states == [TrialState.COMPLETE] * 6 + [TrialState.RUNNING]
    forecaster = Forecaster([(each, GOAL.ending(each).score) for each in curves])
    for trial, test_acc in zip(looking.seen[4:], stopped, strict=False):
        forecast = forecaster.of(test_acc)
        assert forecast is not None
        assert trial.value == forecast.score
    assert [trial.state for trial in study.trials[4:6]] == [TrialState.PRUNED] * 2


def test_a_share_of_the_trials_is_drawn_at_random_and_the_same_ones_always() -> None:
    def random_ones(explore: float) -> list[bool]:
        made = [learning_from_all(TPESampler(), GOAL, explore, 3, number) for number in range(400)]
        return [isinstance(each, RandomSampler) for each in made]

    assert not any(random_ones(0.0))
    assert all(random_ones(1.0))
    assert random_ones(0.25) == random_ones(0.25)
    assert sum(random_ones(0.25)) == pytest.approx(100, abs=25)


@pytest.mark.parametrize(
    ("search", "said"),
    [
        ({"rungs": [5, 3]}, "[5, 3] do not ascend; write [3, 5]"),
        ({"rungs": [3, 3]}, "[3, 3] do not ascend; write [3]"),
        ({"rungs": [3, 15]}, "15 is not below the 15 epochs of the goal"),
        ({"rungs": [0]}, "rungs"),
        ({"rungs": [1.5]}, "rungs"),
        ({"rungs": 3}, "must be an array of epochs"),
        ({"rungs": "all"}, "must be an array of epochs"),
        ({"rungs": [{"epochs": 3, "images": 0.0}]}, "and no tables"),
        ({"keep": 0}, "keep"),
        ({"keep": 0.0}, "keep"),
        ({"keep": 1.0}, "keep"),
        ({"keep": -0.5}, "keep"),
        ({"explore": 1.5}, "explore"),
        ({"rung": [3]}, "did you mean 'rungs'"),
    ],
    ids=repr,
)
def test_a_search_that_cannot_be_is_one_line(search: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        StudySpec.from_dict({**PLAN, "search": search})
    line = explain(caught.value, StudySpec)
    assert said in line
    assert "search" in line
    assert "\n" not in line


def test_a_study_that_says_nothing_searches_as_before() -> None:
    plan = StudySpec.from_dict(PLAN)
    assert plan.search is None
    assert type(plan.make_pruner()).__name__ == "GoalPruner"
    assert isinstance(plan.make_sampler(4), TPESampler)
    assert "search" not in plan.model_dump(mode="json", exclude_none=True)
    none = StudySpec.from_dict({**PLAN, "search": {"rungs": []}})
    assert type(none.make_pruner()).__name__ == "GoalPruner"
    assert isinstance(none.make_sampler(4), TPESampler)
