"""What every pruner has to be, as a suite: `Pruner` by `Pruner`, as a session asks them, that is
with the trials of others hidden. When each of them stops a trial, test_pruners.py has.

Where a property cannot be one of a kind's, `EXCEPT` says why.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import pairwise
from typing import Any

import optuna
import pytest
import stored
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.pruners import BasePruner
from optuna.trial import FrozenTrial, TrialState, create_trial

from mnist_core.config import Config
from mnist_core.goal import Goal
from search.study.peers import among_peers
from search.study.pruners import (
    GoalPruning,
    Hyperband,
    Median,
    NoPruning,
    Patient,
    Pruner,
    SuccessiveHalving,
)
from search.study.study import Study
from search.study.trials import CONFIG, ENVIRONMENT

GOAL = Goal(accuracy=97.0, last=2, epochs=6, params=10_000)
PRUNERS: dict[str, Pruner] = {
    "goal": GoalPruning(),
    "goal, eager": GoalPruning(startup=1, peers=1, fair=0.0, spare=0.0),
    "median": Median(n_startup_trials=1),
    "successive halving": SuccessiveHalving(min_resource=1, reduction_factor=2),
    "hyperband": Hyperband(reduction_factor=2),
    "patient of goal": Patient(patience=1),
    "patient of median": Patient(patience=1, wrapped="median"),
    "patient": Patient(patience=1, wrapped="none"),
    "none": NoPruning(),
}
EXCEPT: Mapping[str, Mapping[str, str]] = {
    "changes nothing": dict.fromkeys(
        ("successive halving", "hyperband"), "they keep with a trial which rungs it has come to"
    ),
    "monotone": dict.fromkeys(
        ("patient of goal", "patient of median", "patient"),
        "they judge how a curve rises, not how high it is",
    ),
    "others": {"hyperband": "a trial's bracket is its number's, which counts all trials"},
    "failed": dict.fromkeys(
        ("successive halving", "hyperband"), "a rung counts all that have come to it"
    ),
    "hopeless": {"none": "it stops nobody"},
    "order": dict.fromkeys(
        ("successive halving", "hyperband"), "what a trial competes with is what came before it"
    ),
}


def every(but: str = "") -> Any:
    """Parametrises with every pruner, but those that cannot have the property."""
    names = [name for name in PRUNERS if name not in EXCEPT.get(but, {})]
    return pytest.mark.parametrize("name", names)


@cache
def config() -> Config:
    layers = ("conv 1->4 k3", "gap", "flatten", "linear 4->10")
    optimizer = {"kind": "sgd", "lr": 0.1}
    schedule = {"kind": "linear", "per": "batch"}
    return Config.from_dict(
        {"epochs": GOAL.epochs, "layers": layers, "optimizer": optimizer, "schedule": schedule}
    )


def curve(last: float, first: float = 80.0) -> list[float]:
    """Rising all the time, by the same factor of the error."""
    factor = ((100 - last) / (100 - first)) ** (1 / (GOAL.epochs - 1))
    return [round(100 - (100 - first) * factor**epoch, 3) for epoch in range(GOAL.epochs)]


GOOD = [curve(last) for last in (96.9, 97.4, 97.1, 97.6, 97.0, 97.3, 97.2, 97.5)]
BEST, MIDDLING, POOR = curve(98.0, 82.0), curve(97.0), curve(90.0, 60.0)
STUCK = [42.0, 41.0, 40.0, 39.0, 38.0, 37.0]
ASKED = {"best": BEST, "middling": MIDDLING, "poor": POOR}
every_curve = pytest.mark.parametrize("asked", ASKED)


def rungs(test_acc: Sequence[float]) -> dict[str, float]:
    """What Optuna's halving pruners have kept with a trial that they let go on to its end."""
    return {f"completed_rung_{rung}": test_acc[2**rung - 1] for rung in range(3)}


def finished(test_acc: Sequence[float], state: TrialState = TrialState.COMPLETE) -> FrozenTrial:
    return _finished(tuple(test_acc), state)


@cache
def _finished(test_acc: tuple[float, ...], state: TrialState) -> FrozenTrial:
    trial = stored.trial(config(), GOAL, test_acc, state)
    trial.system_attrs = {**trial.system_attrs, **rungs(test_acc)}
    return trial


def study_of(*trials: FrozenTrial) -> Study:
    study = stored.launched(optuna.create_study(study_name="s", direction="maximize"), GOAL)
    study.optuna.add_trials(trials)
    return study


def begun(study: Study, pruner: BasePruner) -> optuna.Trial:
    seen = among_peers(study.optuna, pruner, study.ours)
    trial = optuna.Trial(seen, seen._storage.create_new_trial(seen._study_id))
    trial.storage.set_trial_system_attr(trial._trial_id, CONFIG, config().to_dict())
    return trial


def stops(
    study: Study, pruner: BasePruner, test_acc: Iterable[float] | Mapping[int, float]
) -> list[bool]:
    """What is said after each epoch of another trial, which goes on whatever is said."""
    trial = begun(study, pruner)
    steps = test_acc if isinstance(test_acc, Mapping) else dict(enumerate(test_acc, start=1))
    said = []
    for step, accuracy in steps.items():
        trial.report(accuracy, step)
        said.append(bool(trial.should_prune()))  # numpy has one of its own
    return said


def stopped(study: Study, name: str, test_acc: Iterable[float] | Mapping[int, float]) -> list[bool]:
    return stops(study, PRUNERS[name].make(GOAL), test_acc)


@pytest.fixture(autouse=True)
def _no_log() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)


# --- who is not stopped ----------------------------------------------------------------------

BAD = (math.nan, math.inf, -math.inf, 101.0)


@every()
@pytest.mark.parametrize("place", [0, 5])
@pytest.mark.parametrize("bad", BAD)
def test_no_bad_number_in_finished_curves_stops_a_promising_trial(
    name: str, place: int, bad: float
) -> None:
    broken = [*BEST[:place], bad, *BEST[place + 1 :]]
    others = [
        create_trial(
            state=state,
            value=97.0 if state == TrialState.COMPLETE else None,
            system_attrs={**finished(BEST).system_attrs, **rungs(broken)},
            intermediate_values=dict(enumerate(broken, start=1)),
        )
        for state in (TrialState.COMPLETE, TrialState.PRUNED)
    ]
    study = study_of(*map(finished, GOOD), *others * 6)
    assert not any(stopped(study, name, BEST))


@every()
@pytest.mark.parametrize("score", [math.inf, 100.0])
def test_no_score_that_is_not_its_curves_stops_a_promising_trial(name: str, score: float) -> None:
    lies = create_trial(
        value=score,
        system_attrs=finished(BEST).system_attrs,
        intermediate_values=dict(enumerate(MIDDLING, start=1)),
    )
    study = study_of(*map(finished, GOOD), *[lies] * 6)
    assert not any(stopped(study, name, BEST))


@every()
@pytest.mark.parametrize("count", [0, 1, 2, 8])
def test_the_best_so_far_goes_on(name: str, count: int) -> None:
    study = study_of(*map(finished, GOOD[:count]))
    assert not any(stopped(study, name, BEST))


@every()
def test_an_equal_of_the_best_goes_on(name: str) -> None:
    study = study_of(*map(finished, GOOD))
    assert not any(stopped(study, name, GOOD[3]))


@pytest.mark.parametrize(
    ("pruner", "count", "epochs"),
    [
        (GoalPruning(), 4, 6),
        (GoalPruning(startup=8), 7, 6),
        (GoalPruning(peers=9), 8, 6),
        (GoalPruning(fair=1.0), 8, 2),
        (Median(n_startup_trials=8), 7, 6),
        (Median(n_startup_trials=1, n_warmup_steps=4), 8, 3),
        (Median(n_startup_trials=1, n_min_trials=9), 8, 6),
        (SuccessiveHalving(min_resource=4), 8, 3),
        (SuccessiveHalving(min_resource=1, min_early_stopping_rate=1, reduction_factor=4), 8, 3),
        (Hyperband(min_resource=4, reduction_factor=2), 8, 3),
        (Patient(patience=3, wrapped="none"), 8, 3),
        (Patient(patience=3), 8, 3),
        (Patient(wrapped="median"), 8, 3),
        (NoPruning(), 8, 6),
    ],
    ids=str,
)
def test_nobody_is_stopped_before_the_warm_up_is_over(
    pruner: Pruner, count: int, epochs: int
) -> None:
    study = study_of(*map(finished, GOOD[:count]))
    for test_acc in (POOR, STUCK, STUCK[::-1]):
        assert not any(stops(study, pruner.make(GOAL), test_acc[:epochs]))


@every("monotone")
@pytest.mark.parametrize("count", [1, 8])
def test_a_curve_that_is_better_everywhere_is_not_stopped_earlier(name: str, count: int) -> None:
    ladder = [curve(70 + 4 * step, 30 + 7 * step) for step in range(8)]
    assert all(max(low, high) == high for low, high in pairwise(ladder))
    firsts = [
        _first(stopped(study_of(*map(finished, GOOD[:count])), name, test_acc))
        for test_acc in ladder
    ]
    assert firsts == sorted(firsts)


def _first(said: Sequence[bool]) -> int:
    return said.index(True) if True in said else len(said)


@every("hopeless")
def test_the_hopeless_is_stopped(name: str) -> None:
    """Else the suite would say nothing."""
    assert any(stopped(study_of(*map(finished, GOOD * 3)), name, STUCK))


# --- what it may depend on -------------------------------------------------------------------


@every()
@every_curve
def test_asked_again_it_says_the_same(name: str, asked: str) -> None:
    once, again = (stopped(study_of(*map(finished, GOOD)), name, ASKED[asked]) for _ in range(2))
    assert once == again


@every("changes nothing")
@every_curve
def test_asked_twice_of_an_epoch_it_says_the_same(name: str, asked: str) -> None:
    trial = begun(study_of(*map(finished, GOOD)), PRUNERS[name].make(GOAL))
    for epoch, accuracy in enumerate(ASKED[asked], start=1):
        trial.report(accuracy, epoch)
        assert trial.should_prune() == trial.should_prune()


@every("changes nothing")
@every_curve
def test_it_changes_neither_study_nor_trial(name: str, asked: str) -> None:
    study = study_of(*map(finished, GOOD))
    before = [repr(vars(trial)) for trial in study.optuna.trials]
    attributes = study.optuna._storage.get_study_system_attrs(study.optuna._study_id)
    stopped(study, name, ASKED[asked])
    *others, itself = study.optuna.trials
    assert [repr(vars(trial)) for trial in others] == before
    assert study.optuna._storage.get_study_system_attrs(study.optuna._study_id) == attributes
    assert itself.system_attrs == {CONFIG: config().to_dict()}
    assert itself.user_attrs == {}
    assert itself.state == TrialState.RUNNING


@every()
@every_curve
@pytest.mark.parametrize("count", [0, 1, 40])
def test_any_number_may_have_finished(name: str, asked: str, count: int) -> None:
    study = study_of(*[finished(GOOD[number % len(GOOD)]) for number in range(count)])
    assert len(stopped(study, name, ASKED[asked])) == GOAL.epochs


FOREIGN = (
    create_trial(value=99.9, intermediate_values={1: 99.9, 6: 99.9}),
    create_trial(value=math.inf, intermediate_values={1: math.inf}),
    create_trial(state=TrialState.PRUNED, intermediate_values={1: math.nan}),
    create_trial(state=TrialState.FAIL),
    create_trial(state=TrialState.RUNNING, intermediate_values={1: 100.0}),
    create_trial(state=TrialState.RUNNING, system_attrs={"completed_rung_0": 100.0}),
    create_trial(state=TrialState.WAITING, system_attrs={"fixed_params": {"lr": 3}}),
    create_trial(
        value=1.0,
        params={"lr": 50.0, "x": "y"},
        distributions={
            "lr": FloatDistribution(0.0, 99.0),
            "x": CategoricalDistribution(["y", "z"]),
        },
    ),
    create_trial(value=99.9, system_attrs={CONFIG: "x", ENVIRONMENT: {}}),
    create_trial(value=99.9, system_attrs={CONFIG: {}, ENVIRONMENT: {"device": 3}}),
)


@every("others")
@every_curve
def test_trials_of_others_make_no_difference(name: str, asked: str) -> None:
    ours = [*map(finished, GOOD)]
    alone = stopped(study_of(*ours), name, ASKED[asked])
    assert stopped(study_of(*FOREIGN, *ours, *FOREIGN * 3), name, ASKED[asked]) == alone


@every()
def test_no_trials_of_others_stop_the_best(name: str) -> None:
    for number in range(len(FOREIGN)):
        study = study_of(*map(finished, GOOD[:3]), *[FOREIGN[number]] * 5)
        assert not any(stopped(study, name, BEST)), number


@every("failed")
@every_curve
def test_those_that_failed_or_run_teach_nothing(name: str, asked: str) -> None:
    failed = [finished(POOR, TrialState.FAIL), finished(BEST, TrialState.FAIL)]
    study = study_of(*failed * 4)
    assert stopped(study, name, ASKED[asked]) == stopped(study_of(), name, ASKED[asked])


@every("order")
@every_curve
def test_the_order_of_those_that_finished_makes_no_difference(name: str, asked: str) -> None:
    ours = [*map(finished, GOOD)]
    orders = [ours, ours[::-1], ours[3:] + ours[:3]]
    first, *others = [stopped(study_of(*order), name, ASKED[asked]) for order in orders]
    assert others == [first, first]


@every()
@every_curve
def test_one_object_may_be_asked_about_two_studies(name: str, asked: str) -> None:
    """In turn, with the same numbers."""
    pruner = PRUNERS[name].make(GOAL)
    sets = [GOOD, [curve(last, 70.0) for last in (85, 86, 87, 88, 89, 85, 86, 87)]]
    both = [study_of(*map(finished, curves)) for curves in sets]
    trials = [begun(study, pruner) for study in both]
    said: list[list[bool]] = [[], []]
    for epoch, accuracy in enumerate(ASKED[asked], start=1):
        for trial, answers in zip(trials, said, strict=True):
            trial.report(accuracy, epoch)
            answers.append(trial.should_prune())
    assert said == [stopped(study_of(*map(finished, each)), name, ASKED[asked]) for each in sets]


@every()
@pytest.mark.parametrize(
    "steps",
    [
        {1: 50.0, 4: 60.0, 6: 61.0},
        {3: 97.0},
        {0: 90.0, 1: 91.0},
        {6: 20.0, 7: 20.0},
        {1: 0, 2: 100},
    ],
    ids=str,
)
def test_steps_may_be_missing_and_numbers_whole(name: str, steps: dict[int, float]) -> None:
    gaps = [
        create_trial(
            value=GOAL.ending([90.0, 97]).score,
            system_attrs=finished(BEST).system_attrs,
            intermediate_values={2: 90.0, 5: 97},
        )
    ] * 4
    for others in ([], gaps, [*gaps, *map(finished, GOOD)]):
        assert len(stopped(study_of(*others), name, steps)) == len(steps)


@every()
def test_a_promising_trial_goes_on_beside_curves_with_gaps(name: str) -> None:
    gaps = create_trial(
        value=GOAL.ending([90.0, 97]).score,
        system_attrs=finished(BEST).system_attrs,
        intermediate_values={2: 90.0, 5: 97},
    )
    study = study_of(*map(finished, GOOD), *[gaps] * 4)
    assert not any(stopped(study, name, BEST))


@every()
@pytest.mark.parametrize("kept", ["x", {}, {"epochs": 3}, None, [1]], ids=repr)
def test_a_config_that_is_none_stops_nothing_in_the_middle(name: str, kept: Any) -> None:
    """Others can write to a trial that runs."""
    trial = begun(study_of(*map(finished, GOOD)), PRUNERS[name].make(GOAL))
    trial.storage.set_trial_system_attr(trial._trial_id, CONFIG, kept)
    for epoch, accuracy in enumerate(BEST, start=1):
        trial.report(accuracy, epoch)
        assert not trial.should_prune()
