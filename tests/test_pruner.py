"""The goal's pruner: fair, sure of what it stops, and never moved by nan."""

import json
import math
import re
from collections.abc import Sequence
from pathlib import Path

import optuna
import pytest
import replay
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.trial import TrialState, create_trial
from strategies import schedules

from mnist_core.config import Config, Sgd
from mnist_core.goal import Goal
from mnist_core.schedule import Linear, LossDip, MultiStep, Schedule, Step
from search.study.goal_pruner import GoalPruner, _Plan
from search.study.trials import CONFIG, attach

GOAL = Goal(accuracy=99.4, last=5, epochs=15, params=10_000)
LINEAR = Linear(per="batch")
LATE_STEP = Step(size=10, gamma=0.1)


def config(schedule: Schedule) -> dict[str, object]:
    layers = ("conv 1->4 k3", "gap", "flatten", "linear 4->10")
    return Config(
        epochs=GOAL.epochs, layers=layers, optimizer=Sgd(lr=0.1), schedule=schedule
    ).to_dict()


def rising(last: float, first: float = 97.0) -> list[float]:
    """A curve whose error falls by the same factor every epoch until the ones that count."""
    steps = GOAL.epochs - GOAL.last
    factor = ((100 - last) / (100 - first)) ** (1 / steps)
    return [100 - (100 - first) * factor ** min(i, steps) for i in range(GOAL.epochs)]


def study_of(*curves: list[float], schedule: Schedule = LINEAR) -> optuna.Study:
    """A study with so many finished trials, judged by the goal's pruner."""
    study = optuna.create_study(direction="maximize", pruner=GoalPruner(GOAL))
    for curve in curves:
        trial = begun(study, curve, schedule)
        study.tell(trial, GOAL.ending(curve).score)
    return study


def begun(study: optuna.Study, curve: list[float], schedule: Schedule = LINEAR) -> optuna.Trial:
    trial = study.ask()
    attach(trial, CONFIG, config(schedule))
    for epoch, accuracy in enumerate(curve, start=1):
        trial.report(accuracy, epoch)
    return trial


GOOD = [rising(last) for last in (99.45, 99.5, 99.42, 99.48, 99.4, 99.52, 99.44, 99.5)]


def test_hopeless_trial_is_stopped() -> None:
    study = study_of(*GOOD)
    assert begun(study, rising(95.0, 80.0)[:8]).should_prune()


def test_promising_trial_goes_on_at_every_epoch() -> None:
    study = study_of(*GOOD)
    for epochs in range(1, GOAL.epochs):
        assert not begun(study, rising(99.46)[:epochs]).should_prune()


def test_nothing_is_judged_before_enough_have_finished() -> None:
    study = study_of(*GOOD[:4])
    assert not begun(study, [10.0] * 10).should_prune()


def test_at_full_rate_a_bad_start_is_no_verdict() -> None:
    study = study_of(*GOOD, schedule=LATE_STEP)
    bad = [11.0] * 8
    assert not any(begun(study, bad[:n], LATE_STEP).should_prune() for n in range(1, 8))
    assert begun(study, bad, LATE_STEP).should_prune()


def test_a_schedule_unlike_the_finished_ones_is_not_judged() -> None:
    """Before its step, a trial is still at its full rate: where the others have fallen is no
    measure for it."""
    study = study_of(*GOOD)
    flat = [97.0] * 9
    assert begun(study, flat).should_prune()
    assert not begun(study, flat, LATE_STEP).should_prune()


def test_late_jumpers_are_waited_for() -> None:
    """Curves that jump from 98.5 to 99.5 when the rate drops, of which the median would kill."""
    jump = [[98.0 + noise] * 10 + [99.4 + noise] * 5 for noise in (0.05, 0.1, 0.15, 0.2, 0.1, 0.12)]
    study = study_of(*jump, schedule=LATE_STEP)
    late = [97.9] * 10
    for epochs in range(1, 11):
        assert not begun(study, late[:epochs], LATE_STEP).should_prune()


def stepping(at: int, before: float, after: float) -> list[float]:
    """A curve that stays where it is until its rate falls, after so many epochs."""
    return [before] * at + [after] * (GOAL.epochs - at)


SLIGHT_STEPS = [(size, stepping(size, 99.0, 99.1)) for size in (10, 12, 13, 14)]


@pytest.mark.parametrize("gamma", [0.05, 0.1, 0.3])
def test_a_fall_that_is_still_to_come_is_waited_for(gamma: float) -> None:
    """The others, too, are at their full rate after eight epochs, but they have little to fall."""
    study = study_of(stepping(2, 98.0, 99.41), schedule=Step(size=2, gamma=0.3))
    for size, curve in SLIGHT_STEPS:
        study.tell(begun(study, curve, Step(size=size, gamma=0.85)), GOAL.ending(curve).score)
    late, best = Step(size=9, gamma=gamma), stepping(9, 98.8, 99.45)
    for epochs in range(1, GOAL.epochs):
        assert not begun(study, best[:epochs], late).should_prune(), epochs
    assert begun(study, [98.8] * 8, Step(size=9, gamma=0.85)).should_prune()


def test_a_fall_that_is_over_is_no_measure_for_one_to_come() -> None:
    study = study_of(*[stepping(10, 98.8, 99.45)] * 5, schedule=LATE_STEP)
    assert begun(study, [97.0] * 8, LATE_STEP).should_prune()
    assert not begun(study, [97.0] * 8, Step(size=10, gamma=0.9)).should_prune()
    assert not begun(study, [97.0] * 8, LossDip()).should_prune()


@pytest.mark.parametrize("batch_size", [1, 128, 512, 60_000])
def test_what_is_to_fall_is_told_in_the_batches_that_there_are(batch_size: int) -> None:
    whole = Config.from_dict({**config(LINEAR), "batch_size": batch_size})
    steps = MultiStep(per="batch", milestones=(3 * whole.batches,), gamma=0.1)
    plan = _Plan.of(whole.changed(schedule=steps))
    assert plan.fallen == pytest.approx([0] * 3 + [0.9] * 12)
    assert plan.to_fall == pytest.approx([0.9] * 3 + [0] * 12)


@given(schedules(), st.integers(1, 15), st.sampled_from([1, 7, 60_000]))
@settings(deadline=None, max_examples=100)
def test_every_schedule_has_a_plan(schedule: Schedule, epochs: int, images: int) -> None:
    whole = Config.from_dict({**config(schedule), "epochs": epochs, "data": {"train": images}})
    plan = _Plan.of(whole)
    assert len(plan.fallen) == len(plan.to_fall) == epochs
    assert all(0 <= share <= 1 for share in (*plan.fallen, *plan.to_fall))
    assert plan.to_fall[-1] == 0


def test_goal_lost_in_the_last_epochs_and_no_best_in_sight() -> None:
    study = study_of(*GOOD)
    lost = [*rising(99.42)[:10], 99.2, 99.3]
    assert begun(study, lost).should_prune()


def test_goal_lost_but_still_the_best_goes_on() -> None:
    study = study_of(*[rising(last) for last in (98.9, 98.8, 98.7, 98.9, 98.85, 98.8)])
    assert not begun(study, rising(99.2)[:12]).should_prune()


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("place", [0, 4, 7])
def test_never_prunes_on_what_is_not_a_number(bad: float, place: int) -> None:
    study = study_of(*GOOD)
    curve = rising(95.0, 80.0)[:8]
    curve[place] = bad
    assert not begun(study, curve).should_prune()


BAD = [math.nan, math.inf, -math.inf, -1.0, 101.0]


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("place", [0, 7, 14])
def test_a_finished_curve_that_is_not_of_numbers_stops_nobody(bad: float, place: int) -> None:
    study = study_of(*GOOD)
    curve = rising(99.5)
    curve[place] = bad
    _add(study, curve, 99.5)
    for epochs in range(1, GOAL.epochs):
        assert not begun(study, rising(99.46)[:epochs]).should_prune()


@pytest.mark.parametrize("score", [math.inf, -math.inf, 101.0])
def test_a_finished_score_that_is_none_stops_nobody(score: float) -> None:
    study = study_of(*GOOD)
    for _ in GOOD:
        _add(study, rising(99.5), score)
    for epochs in range(1, GOAL.epochs):
        assert not begun(study, rising(99.46)[:epochs]).should_prune()


def test_a_trial_of_somebody_else_teaches_nothing() -> None:
    study = study_of(*GOOD[:4])
    for _ in GOOD:
        _add(study, rising(99.5), 99.5, table=None)
    assert not begun(study, [10.0] * 10).should_prune()
    stranger = study.ask()
    stranger.report(10.0, 1)
    assert not stranger.should_prune()


def test_one_pruner_may_be_asked_about_two_studies() -> None:
    pruner = GoalPruner(GOAL)
    good, bad = study_of(*GOOD), study_of(*[rising(95.0, 80.0)] * 8)
    for study in (good, bad):
        study.pruner = pruner
    hopeless = rising(94.9, 80.1)[:8]
    assert begun(good, hopeless).should_prune()
    assert not begun(bad, rising(95.0, 80.0)[:8]).should_prune()
    assert begun(good, hopeless).should_prune()


def _add(
    study: optuna.Study,
    curve: list[float],
    score: float,
    table: dict[str, object] | None = config(LINEAR),  # noqa: B008
) -> None:
    """A finished trial as it may come from elsewhere: no `tell` has looked at it."""
    study.add_trial(
        create_trial(
            value=score,
            intermediate_values=dict(enumerate(curve, start=1)),
            system_attrs={CONFIG: table} if table else {},
        )
    )


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.floats(90, 100), min_size=1, max_size=14),
    st.integers(0, 13),
    st.floats(0, 5),
)
def test_a_better_curve_is_never_stopped_where_a_worse_goes_on(
    curve: list[float], place: int, gain: float
) -> None:
    study = study_of(*GOOD)
    better = [min(100.0, a + gain) if i >= place else a for i, a in enumerate(curve)]
    if begun(study, better).should_prune():
        assert begun(study, curve).should_prune()


def test_pruned_and_failed_trials_teach_nothing() -> None:
    study = study_of(*GOOD[:4])
    for state in (TrialState.PRUNED, TrialState.FAIL):
        for curve in GOOD:
            study.tell(begun(study, curve[:9]), state=state)
    assert not begun(study, [90.0] * 9).should_prune()


@pytest.mark.parametrize(
    "options", [{"startup": 0}, {"peers": 0}, {"alike": 2.0}, {"spare": 1.0}, {"fair": -0.1}]
)
def test_senseless_options_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must be"):
        GoalPruner(GOAL, **options)  # type: ignore[arg-type]


README = Path(__file__).parents[1] / "README.md"


def test_on_real_curves_it_saves_epochs_and_spares_the_best() -> None:
    """39 full-length curves of the open space, in 20 orders; the README shows what they come to."""
    goal, trials = replay.recorded()
    found = replay.replayed(goal, trials)
    ours = found.means["goal"]
    assert ours.epochs < 0.9 * found.whole
    assert ours.killed == 0
    assert ours.best == pytest.approx(
        max(goal.ending(trial.test_acc).score for trial in trials), abs=0.02
    )
    said = _below(found)
    assert said.startswith(f"{len(trials)} random trials of the open space")
    assert f"Of these, {found.prose()}" in said, found.prose()
    assert f"goal {goal.wanted}, which {_held(goal, trials)} of them hold" in said
    assert f"in {replay.ORDERS} random orders" in said


def test_on_whole_curves_it_saves_epochs_and_spares_the_best() -> None:
    """Of the ledger, which grows, the curves that the README speaks of."""
    (count,) = re.findall(r"^The first (\d+) whole trainings", README.read_text(), re.MULTILINE)
    goal, trials = replay.whole(int(count))
    assert len(trials) == int(count) >= 67
    found = replay.replayed(goal, trials, replay.ORDERS_OF_WHOLE)
    ours = found.means["goal"]
    assert ours.epochs < 0.9 * found.whole
    assert ours.killed == 0
    said = _below(found)
    assert f"Of these, {found.prose()}" in said, found.prose()
    configs = len({json.dumps(trial.config, sort_keys=True) for trial in trials})
    assert f"of {configs} random configs of the open space" in said
    assert f"goal {goal.wanted}, which {_held(goal, trials)} of them hold" in said
    assert f"in {replay.ORDERS_OF_WHOLE} random orders" in said


def _below(found: replay.Replayed) -> str:
    """What the README says below the table of these figures."""
    _, table, below = README.read_text().partition(f"{found.table()}\n\n")
    assert table, found.table()
    return " ".join(below.partition("\n\n")[0].split())


def _held(goal: Goal, trials: Sequence[replay.Recorded]) -> int:
    return sum(goal.ending(trial.test_acc).held for trial in trials)


def test_the_prose_speaks_of_every_row() -> None:
    outcome = replay.Outcome(50, 0.0, 99.0)
    means = {"none": outcome, "goal": outcome, "median": replay.Outcome(20, 0.5, 98.0)}
    assert replay.Replayed(100, means).prose() == (
        "goal kills none of the best and saves 50% of the epochs; "
        "median kills 50% of the best and saves 80% of the epochs."
    )
