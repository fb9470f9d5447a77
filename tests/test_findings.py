"""What is found of a stage: fit, falls, noise, leads, bounds; and what is advised from it."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import drills
import numpy as np
import pytest
from drills import Done, plain
from hypothesis import given
from hypothesis import strategies as st
from optuna.trial import TrialState
from strategies import examples

from mnist_core.config import Data
from search.chance.leads import SeedNoise, sampling_error
from search.drill.result import Candidate, DrillResult, Finalist, StageResult, Tried
from search.drill.spec import DrillSpec
from search.report import leads, tables
from search.report.advice import advice
from search.report.analysis import advised, analysis, lead
from search.report.findings import at_bounds, fall, findings, fit, last_high
from search.study.trials import Complete
from spaces import Frame
from spaces.dimensions import Choice, Dimension, Real, Whole

GOAL = drills.SPEC.goal  # 99.00 % in each of the last 3 of 8 epochs
FRAME = Frame(GOAL.params, GOAL.epochs, drills.SPEC.data)
FLAT = [90.0, 95.0, 98.0, 98.5, 98.8, 99.1, 99.1, 99.1]


def _stage(
    trials: list[Done],
    kinds: dict[str, Dimension] | None = None,
    bases: Sequence[Candidate] = (),
) -> StageResult:
    """The first stage of the made-up drill, with these trials; over, and its best as winners."""
    name = "tiny.1.net"
    found = drills.trials(trials, kinds, name=name)
    stage = StageResult(1, drills.SPEC.stage[0], name, found, bases, ())
    return replace(stage, winners=stage.tried()[: stage.stage.keep])


def _result(stage: StageResult, finalists: list[Finalist] | None = None) -> DrillResult:
    return DrillResult("tiny", drills.SPEC, [stage], finalists or [])


def _candidate(test: float, train: float | None, data: Data | None = None) -> Tried:
    config = plain(data=(data or Data()).model_dump())
    stage = _stage([Done(config, [*FLAT[:7], test], train)])
    return stage.leaders()[0]


@pytest.mark.parametrize(
    ("train", "test", "verdict"),
    [
        # With 10,000 images: sqrt(0.005 * 0.995 / 10000 + 0.009 * 0.991 / 10000) is 0.118 points.
        (99.50, 99.10, "overfits"),
        (99.30, 99.10, "neither"),
        (98.95, 98.90, "underfits"),
        (98.95, 98.50, "underfits"),  # whatever the gap: with none at all the goal is missed
        (99.10, 99.40, "neither"),
    ],
)
def test_fit(train: float, test: float, verdict: str):
    found = fit(_candidate(test, train), GOAL)
    assert found is not None
    assert (found.train, found.test, found.verdict) == (train, test, verdict)
    assert found.gap == pytest.approx(train - test)


def test_the_error_of_a_fit_is_that_of_two_proportions():
    found = fit(_candidate(99.10, 99.50), GOAL)
    assert found is not None
    assert found.error == pytest.approx(math.hypot(_wilson(0.995, 10_000), _wilson(0.991, 10_000)))
    plain = 100 * math.sqrt(0.005 * 0.995 / 10_000 + 0.009 * 0.991 / 10_000)
    assert found.error == pytest.approx(plain, rel=0.01)
    few = fit(_candidate(99.10, 99.50, Data(train=500, test=1_000)), GOAL)
    assert few is not None
    assert few.error == pytest.approx(math.hypot(_wilson(0.995, 500), _wilson(0.991, 1_000)))


def _wilson(part: float, images: int) -> float:
    """A quarter of the interval of two standard errors, in points: its ends are the parts x for
    which (part - x)^2 = 4 x (1 - x) / images."""
    ends = np.roots([1 + 4 / images, -2 * part - 4 / images, part**2])
    return 100 * float(np.ptp(ends)) / 4


@pytest.mark.parametrize("images", [1, 100, 1_000, 10_000])
@pytest.mark.parametrize("accuracy", [0.0, 50.0, 99.5, 100.0])
def test_an_accuracy_of_100_percent_has_an_error_too(accuracy: float, images: int):
    """At 100 %, two errors are two images, where the rule of three has three."""
    assert sampling_error(accuracy, images) == pytest.approx(_wilson(accuracy / 100, images))
    assert sampling_error(accuracy, images) >= 20 / images  # a fifth of an image, of a single one
    assert sampling_error(100, 10_000) == pytest.approx(0.01, rel=1e-3)


@pytest.mark.parametrize(
    ("train", "test", "verdict"), [(100.0, 98.0, "neither"), (100.0, 95.0, "overfits")]
)
def test_a_faultless_training_accuracy_of_few_images_is_one_of_few_images(
    train: float, test: float, verdict: str
):
    """Two errors of 100 % and 98 % of 100 images are 3.7 points; with none of its own, 100 % of 40
    and 100 % of 60,000 would be told from 98 % alike."""
    found = fit(_candidate(test, train, Data(train=100, test=100)), GOAL)
    assert found is not None
    assert found.verdict == verdict


def test_no_fit_is_found_where_the_training_accuracy_is_not_known():
    assert fit(_candidate(99.1, None), GOAL) is None


@pytest.mark.parametrize(
    ("schedule", "epochs", "epoch"),
    [
        ({"kind": "none"}, 8, None),
        ({"kind": "loss_dip"}, 8, None),
        ({"kind": "step", "size": 3, "gamma": 0.1}, 8, 2),
        ({"kind": "step", "size": 8, "gamma": 0.1}, 8, None),  # falls when it is over
        ({"kind": "step", "size": 3, "gamma": 0.5}, 8, 5),  # at half it is high
        ({"kind": "linear", "per": "batch"}, 8, 3),
        ({"kind": "cosine", "per": "batch"}, 10, 4),
        ({"kind": "onecycle", "rise": 0.25}, 1, None),
    ],
)
def test_the_last_epoch_of_a_high_rate(schedule: Any, epochs: int, epoch: int | None):
    assert last_high(plain(schedule=schedule, epochs=epochs)) == epoch


@pytest.mark.parametrize(
    "schedule",
    [
        {"kind": "step", "per": "batch", "size": 1407, "gamma": 0.1},
        {"kind": "multistep", "per": "batch", "milestones": (1407,), "gamma": 0.1},
    ],
)
def test_steps_are_counted_in_the_batches_that_there_are(schedule: Any):
    """1,407 batches of 128 of 60,000 images are three epochs, of 10,000 images eighteen."""
    config = plain(schedule=schedule, epochs=15, data={"train": 60_000})
    assert last_high(config) == 2
    assert last_high(config.changed(data={"train": 10_000})) is None


def test_what_the_curves_do_once_the_rate_falls():
    step = plain(schedule={"kind": "step", "size": 4, "gamma": 0.1})
    trials = [
        # 98 after epoch 4, 99.5 in the end: 2 / 0.5. Before: 5, 2, 1 points; late: 0.5, 0, 0.1.
        Done(step, [90.0, 95.0, 97.0, 98.0, 98.9, 99.4, 99.4, 99.5]),
        Done(step, [90.0, 95.0, 97.0, 98.0, 98.6, 99.0, 99.0, 99.0]),  # 2 / 1
        Done(step, [90.0, 95.0, 97.0, 98.0, 98.6, 98.5, 98.5, 98.5]),  # 2 / 1.5
        Done(plain(schedule={"kind": "none"}), [10.0] * 8),
        Done(step, [20.0] * 5, state=TrialState.PRUNED),
    ]
    found = fall(_stage(trials), GOAL)
    assert found is not None
    assert found.trials == 3
    assert found.factor == pytest.approx(2)
    assert found.high_step == pytest.approx(2)
    assert found.late_step == pytest.approx(statistics.median([0.1, 0.0, 0.0]))
    assert fall(_stage(trials[3:]), GOAL) is None


@pytest.mark.parametrize(
    ("curve", "images", "said"),
    [
        # Of the error after the last epoch at a high rate, the fourth: 2 points.
        ([98.0, 98.5, 98.9, 99.0, 99.0], 10_000, "falls by a factor of 2.0"),
        ([98.0, 97.9, 97.8, 97.8, 97.8], 10_000, "rises by a factor of 1.1"),
        ([98.0, 98.0, 98.0, 98.0, 98.0], 10_000, "stays as it is"),
        ([98.0, 98.1, 98.0, 98.1, 98.05], 10_000, "stays as it is"),
        ([94.0, 97.0, 100.0, 100.0, 100.0], 100, "falls by a factor of 6.0"),  # one image's error
        ([94.0, 97.0, 100.0, 100.0, 100.0], 10_000, "falls by a factor of 600.0"),
        ([100.0, 99.0, 99.0, 99.0, 99.0], 100, "stays as it is"),  # one image, and one image
    ],
)
def test_a_fall_is_said_where_there_is_one(curve: list[float], images: int, said: str):
    config = plain(
        schedule={"kind": "step", "size": 4, "gamma": 0.1}, data={"train": 20_000, "test": images}
    )
    text = _said(_stage([Done(config, [90.0, 95.0, 97.0, *curve])]))
    assert f"below half of its height, the error {said} (median of 1 trial)." in text


def _finalist(*curves: list[float]) -> Finalist:
    """The first curve is of the search."""
    winner = _stage([Done(plain(), curves[0])]).leaders()[0]
    runs = [drills.run(winner.name, plain(seed=n), each) for n, each in enumerate(curves[1:])]
    return Finalist(winner, runs)


def _ending(*final: float) -> list[float]:
    return [*FLAT[:5], *final]


def test_the_noise_between_seeds_is_pooled_over_the_finalists():
    finalists = [
        _finalist(_ending(99, 99.1, 99.2), _ending(99.2, 99.2, 99.2), _ending(99.3, 99.3, 99.3)),
        _finalist(_ending(99, 99, 99), _ending(99.4, 99.4, 99.4)),
    ]
    # Means 99.1 99.2 99.3 and 99.0 99.4: squares 0.02 and 0.08, over 2 + 1 degrees of freedom.
    found = leads.noise(_result(_stage([Done(plain(), FLAT)]), finalists))
    assert found is not None
    assert found.size == pytest.approx(math.sqrt(0.1 / 3))
    assert found.freedom == 3


def test_without_seeds_the_noise_is_the_sampling_error():
    stage = _stage([Done(plain(), FLAT), Done(plain(), [50.0] * 8)])
    found = leads.noise(_result(stage))
    assert found is not None
    assert (found.size, found.freedom) == (pytest.approx(sampling_error(99.1, 10_000)), 0)
    assert sampling_error(99.5, 10_000) == pytest.approx(0.0712, abs=1e-4)
    assert leads.noise(_result(_stage([]))) is None
    alone = [_finalist(FLAT), _finalist(FLAT)]
    assert leads.noise(_result(stage, alone)) == found


def test_how_large_a_lead_must_be():
    assert SeedNoise(0.05, 0).needed() == pytest.approx(2 * math.sqrt(2) * 0.05)
    # Student's t, two-sided 5 %: 4.303 at 2 degrees of freedom, 2.776 at 4.
    assert SeedNoise(0.05, 2).needed() == pytest.approx(4.303 * math.sqrt(2) * 0.05, rel=1e-3)
    assert SeedNoise(0.05, 4).needed(2) == pytest.approx(2.776 * 0.05, rel=1e-3)


@examples(50)
@given(st.floats(1e-3, 1), st.integers(1, 200), st.integers(1, 20))
def test_more_seeds_ask_for_less(size: float, freedom: int, seeds: int):
    noise = SeedNoise(size, freedom)
    assert noise.needed(seeds + 1) < noise.needed(seeds)
    assert SeedNoise(size, freedom + 1).needed(seeds) < noise.needed(seeds)
    assert noise.needed() > 2 * size  # of one training against another


def test_leads_over_the_runner_up_and_the_base():
    base = replace(_candidate(99.10, None), name="net/7")  # its mean of the last three is 99.10
    best, other = _ending(99.5, 99.5, 99.5), _ending(99.4, 99.4, 99.4)
    stage = _stage([Done(plain(), other), Done(plain(), best)], bases=[base])
    runner_up = leads.over_runner_up(stage, SeedNoise(0.05, 0))
    assert runner_up is not None
    assert (runner_up.over, runner_up.tie) == ("net/0", True)
    assert runner_up.points == pytest.approx(0.1)
    over_base = leads.over_base(stage, SeedNoise(0.05, 0))
    assert over_base is not None
    assert (over_base.over, over_base.tie) == ("net/7", False)
    assert over_base.points == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("points", "freedom", "said"),
    [
        # 0.1 points of noise: 0.28 are two deviations of a difference, 0.61 those that t has.
        (0.2, 2, "is +0.20 points in {}: a tie, since chance explains up to 0.28 points."),
        (-0.2, 2, "is -0.20 points in {}: a tie, since chance explains up to 0.28 points."),
        (
            0.5,
            2,
            "is +0.50 points in {}: the seeds are too few to tell whether that is chance. With 2 "
            "degrees of freedom it would take more than 0.61 points.",
        ),
        (-0.5, 1, "is -0.50 points in {}: the seeds are too few to tell whether that is chance."),
        (1.0, 1, "With 1 degree of freedom it would take more than 1.80 points."),
        (0.7, 2, "is +0.70 points in {}: more than the 0.61 points that chance explains."),
        (-0.7, 2, "is -0.70 points in {}: further behind than the 0.61 points that chance"),
        (0.5, 0, "is +0.50 points in {}: more than the 0.28 points that chance explains."),
        (0.28, 0, "is +0.28 points in {}: a tie, since chance explains up to 0.28 points."),
        (0.284, 0, "is +0.284 points in {}: more than the 0.283 points that chance explains."),
    ],
)
def test_a_lead_is_told_from_chance_a_tie_and_seeds_that_are_too_few(
    points: float, freedom: int, said: str
):
    found = SeedNoise(0.1, freedom).lead("net/1", points)
    text = lead("The lead over", found, GOAL)
    assert said.format("the mean of the last 3 epochs (1 seed each)") in text


def test_noise_that_is_next_to_nothing_is_said_as_a_figure():
    """Finalists whose means are the same to the last image."""
    texts = [lead("It", SeedNoise(1e-4, 4).lead("net/1", size), GOAL) for size in (1e-5, 0.1)]
    assert texts[0].endswith("a tie, since chance explains up to 0.00 points.")
    assert texts[1].endswith("more than the 0.00 points that chance explains.")


def test_seeds_that_are_too_few_are_no_tie_in_the_table_either():
    gains = [tables._gain(SeedNoise(0.1, 2).lead("net/1", size)) for size in (0.2, 0.5, 0.7)]
    assert gains == ["+0.20 (tie)", "+0.50 (too few seeds to tell)", "+0.70"]


def test_no_lead_where_there_is_nobody_to_lead():
    alone = _stage([Done(plain(), FLAT)], bases=[Candidate("plain", plain())])
    assert leads.over_runner_up(alone, SeedNoise(0.05, 0)) is None
    assert leads.over_base(alone, SeedNoise(0.05, 0)) is None


def test_the_finalists_lead_is_of_their_fresh_seeds():
    first = _finalist(_ending(99.9, 99.9, 99.9), _ending(99.3, 99.3, 99.3))
    second = _finalist(_ending(99.9, 99.9, 99.9), _ending(99.1, 99.1, 99.1))
    result = _result(_stage([Done(plain(), FLAT)]), [first, second])
    found = leads.over_second(result, SeedNoise(0.05, 4))
    assert found is not None
    assert found.points == pytest.approx(0.2)
    uneven = replace(result, finalists=[first, replace(second, runs=())])
    assert leads.over_second(uneven, SeedNoise(0.05, 4)) is None


KINDS: dict[str, Dimension] = {
    "lr": Real(0.05, 0.5, log=True),
    "dropout": Real(0.0, 0.1),
    "step_size": Whole(1, 7),
    "width_1": Real(0.0, 1.0),
    "activation": Choice(["relu", "silu"]),
}


def _varied(*samples: dict[str, Any], **changes: Any) -> StageResult:
    """One trial each, best first, of a net that is trained in steps."""
    config = plain(**{"schedule": {"kind": "step", "size": 4, "gamma": 0.1}, **changes})
    middle = {"lr": 0.15, "dropout": 0.05, "step_size": 4, "width_1": 0.5, "activation": "relu"}
    trials = [
        Done(config, _ending(*[99.5 - place / 10] * 3), sample={**middle, **sample})
        for place, sample in enumerate(samples)
    ]
    return _stage(trials, KINDS)


def _at(stage: StageResult) -> list[tuple[str, bool, bool]]:
    return [(at.name, at.upper, at.widens) for at in at_bounds(stage, FRAME)]


def test_a_bound_is_where_the_best_trials_lie():
    assert _at(_varied({}, {}, {}, {})) == []
    assert _at(_varied({"lr": 0.49}, {"lr": 0.41}, {}, {})) == [("lr", True, True)]
    # 0.05 * 10^0.1 is 0.063: the outer tenth is counted in the logarithm.
    assert _at(_varied({"lr": 0.06}, {"lr": 0.062})) == [("lr", False, True)]
    assert _at(_varied({"lr": 0.06}, {"lr": 0.064})) == []
    assert _at(_varied({"dropout": 0.0}, {"dropout": 0.005})) == [("dropout", False, False)]
    assert _at(_varied({"dropout": 0.1}, {"dropout": 0.0})) == []
    assert _at(_varied({"dropout": 0.1})) == []  # one is no tendency


def test_most_of_the_best_third_are_enough():
    high = {"step_size": 7}
    assert _at(_varied(high, {}, high, *[{}] * 6)) == [("step_size", True, False)]
    assert _at(_varied(high, {}, {}, *[high] * 6)) == []


def test_a_dimension_that_does_nothing_lies_at_no_bound():
    assert _at(_varied(*[{"step_size": 7}] * 9)) == [("step_size", True, False)]
    assert _at(_varied(*[{"step_size": 7}] * 9, schedule={"kind": "linear"})) == []


def _averaged(*kinds: str) -> StageResult:
    """One trial each, best first, that averages or does not; `average_over` is high in all."""
    varied: dict[str, Dimension] = {
        "averaging": Choice(["none", "ema"]),
        "average_over": Real(50, 400, log=True),
    }
    tables = {"none": {"kind": "none"}, "ema": {"kind": "ema", "decay": 1 - 1 / 390}}
    trials = [
        Done(
            plain(averaging=tables[kind], optimizer={"kind": "sgd", "lr": 0.1 + place / 100}),
            _ending(*[99.5 - place / 100] * 3),
            sample={"averaging": kind, "average_over": 390.0 - place},
        )
        for place, kind in enumerate(kinds)
    ]
    return _stage(trials, varied)


def test_leaders_that_do_not_average_say_nothing_of_what_they_average_over():
    stage = _averaged("none", "none", "none", "ema", "none", "none", "none", "none", "none")
    result = _result(stage)
    assert _at(stage) == []
    found = findings(stage, result)
    assert [each.name for each in found.importances] == ["averaging"]
    assert not any("average_over" in each for each in advised(stage, found, result))
    text = "\n".join(analysis(stage, found, GOAL, result.spec.data))
    assert (
        "What `average_over` does cannot be told: it does something in 1 of the 9 complete trials, "
        "and that takes 8." in text
    )
    assert tables.values(stage, stage.trials[0].dimensions, found.leaders).count("idle") == 2
    assert tables.top(stage, stage.trials[0].dimensions, GOAL).count("idle") == 4


def test_what_is_said_of_some_trials_says_of_how_many():
    stage = _averaged(*["ema", "none"] * 8)
    result = _result(stage)
    [bound] = at_bounds(stage, FRAME)
    assert (bound.name, bound.trials, bound.of) == ("average_over", 8, 16)
    found = findings(stage, result)
    text = "\n".join(analysis(stage, found, GOAL, result.spec.data))
    assert (
        "The best values of `average_over` lie at its upper bound, 400, in the 8 of 16 complete "
        "trials in which it does something." in text
    )
    assert (
        "`average_over`, which explains 100 % of the trials' ranking, in the 8 of 16 complete "
        "trials in which it does something (rank correlation with the score +1.00" in text
    )
    assert {each.name: (each.trials, each.of) for each in found.importances} == {
        "averaging": (16, 16),
        "average_over": (8, 16),
    }


def test_of_two_whole_numbers_each_is_at_a_bound_and_none_says_so():
    few: dict[str, Dimension] = {"step_size": Whole(1, 2)}
    config = plain(schedule={"kind": "step", "size": 2, "gamma": 0.1})
    trials = [Done(config, _ending(*[99.5] * 3), sample={"step_size": 2}) for _ in range(9)]
    assert _at(_stage(trials, few)) == []
    assert _at(_stage(trials, {"step_size": Whole(1, 3)})) == []
    assert _at(_stage(trials, {"step_size": Whole(0, 2)})) == [("step_size", True, True)]


def test_best_values_at_both_ends_lie_at_neither():
    ends = [{"dropout": 0.0}, {"dropout": 0.0}, *[{"dropout": 0.1}] * 3]
    assert _at(_varied(*ends[:2])) == [("dropout", False, False)]
    assert _at(_varied(*ends, *[{}] * 10)) == []


def test_leaders_are_the_winners_once_there_are_any():
    trials = [Done(plain(label_smoothing=n / 10), _ending(*[99 + n / 10] * 3)) for n in range(4)]
    stage = replace(_stage(trials), winners=())
    assert [each.name for each in stage.leaders()] == ["net/3", "net/2"]
    winner = replace(stage.leaders()[1], name="elsewhere/0")
    assert replace(stage, winners=[winner]).leaders() == [winner]


def _unbeaten(score: float) -> Tried:
    [elsewhere] = drills.trials([Done(plain(), [*FLAT[:5], *[score] * 3])], name="tiny.0.before")
    assert isinstance(elsewhere, Complete)
    return Tried("before/0", plain(), elsewhere)


@pytest.mark.parametrize("base", [99.10, 99.20])
def test_a_winner_that_no_trial_beats_stays_a_winner_also_of_equals(base: float):
    trials = [Done(plain(label_smoothing=n / 10), FLAT) for n in (1, 2, 3)]
    unbeaten = _unbeaten(base)
    stage = replace(_stage(trials), bases=[Candidate("plain", plain()), unbeaten], winners=())
    assert [each.name for each in stage.ranked()] == ["before/0", "net/0", "net/1", "net/2"]
    assert [each.name for each in stage.leaders()] == ["before/0", "net/0"]
    assert replace(stage, bases=[_unbeaten(99.0)]).ranked()[0].name == "net/0"


def test_a_stage_without_a_complete_trial_has_no_leaders():
    stage = replace(_stage([]), bases=[_unbeaten(99.1)])
    assert stage.leaders() == []
    assert advice(findings(stage, _result(stage)), GOAL) == []


# --- Advice


def _advice(trials: list[Done]) -> list[str]:
    """Each piece, with whether a later stage answers it."""
    stage = _stage(trials)
    result = _result(stage)
    return advised(stage, findings(stage, result), result)


def test_an_overfitting_net_is_to_be_regularised():
    [said] = _advice([Done(plain(), FLAT, 99.9)])
    assert said == (
        "Raise augmentation, dropout, label smoothing or weight decay: `net/0` overfits by 0.80 "
        "points. No later stage varies any of that."
    )


def test_an_underfitting_net_is_to_be_regularised_less():
    below = _ending(98.9, 98.9, 98.9)
    [said] = _advice([Done(plain(), below, 98.95)])
    assert said.startswith("Try other nets: `net/0` underfits.")
    used = plain(label_smoothing=0.05, layers=[*plain().to_dict()["layers"][:3], *_dropped()])
    [said] = _advice([Done(used, below, 98.95)])
    assert said.startswith("Lower dropout or label smoothing, or try other nets: `net/0` under")


def _dropped() -> list[str]:
    return ["dropout 0.1", *plain().to_dict()["layers"][3:]]


def test_a_net_that_underfits_with_a_gap_needs_to_be_another():
    [said] = _advice([Done(plain(), _ending(98, 98, 98), 98.9)])
    assert said.startswith(
        "Try other nets: `net/0` underfits, and less regularisation would widen its gap of 0.90 "
    )


def test_unsteady_epochs_ask_for_averaging():
    jumping = _ending(98.9, 99.5, 98.9)  # 0.35 points, and the sampling error is 0.09
    [said] = _advice([Done(plain(), jumping)])
    assert said == (
        "Average the weights, or lower the learning rate towards the end: the last 3 epochs of "
        "`net/0` have a standard deviation of 0.35 points, more than the noise of 0.09. Stage 2 "
        "(pace) varies `lr` (0.05 to 0.8), `schedule` (`linear`, `onecycle`) and `averaging`."
    )
    [said] = _advice([Done(plain(averaging={"kind": "ema", "decay": 0.9}), jumping)])
    assert said.startswith("Average over more updates, or")


def test_a_bound_is_to_be_widened_where_that_can_be():
    stage = _varied({"lr": 0.49, "dropout": 0.0}, {"lr": 0.5, "dropout": 0.0}, {})
    result = _result(stage)
    assert advised(stage, findings(stage, result), result) == [
        "Widen `lr`: the best values lie at its upper bound, 0.5. Stage 2 (pace) varies `lr` (0.05 "
        "to 0.8).",
        "Fix `dropout` near 0: the best values lie at its lower bound, 0, beyond which it "
        "cannot go.",
    ]


def test_a_width_at_its_bound_is_no_end():
    stage = _varied({"width_1": 0.0}, {"width_1": 0.01}, {})
    assert _at(stage) == [("width_1", False, False)]
    assert advice(findings(stage, _result(stage)), GOAL) == []


def _advice_of(stage: StageResult, result: DrillResult | None = None) -> list[str]:
    result = result or _result(stage)
    return [each.change for each in advice(findings(stage, result), GOAL)]


def _holding(**fix: Any) -> DrillResult:
    """A drill whose first stage holds these, and whose second varies `lr` only."""
    first, second = drills.VALUES["stage"]
    changed = [{**first, "fix": fix}, {**second, "vary": {"lr": "all"}}]
    return replace(
        _result(_stage([])), spec=DrillSpec.from_dict({**drills.VALUES, "stage": changed})
    )


def test_of_weight_decay_one_thing_is_said():
    """It is at its bound, could be raised against overfitting, and shows no effect."""
    kinds: dict[str, Dimension] = {"weight_decay": Real(1e-5, 2e-3, log=True)}
    trials = [
        Done(
            plain(optimizer={"kind": "sgd", "lr": 0.1, "weight_decay": decay}),
            _ending(*[99.5 - place / 100] * 3),
            99.99,
            sample={"weight_decay": decay},
        )
        for place, decay in enumerate(1.9e-3 - 5e-5 * (place * 5 % 12) for place in range(12))
    ]
    stage = _stage(trials, kinds)
    assert [each.matters for each in findings(stage, _result(stage)).importances] == [False]
    assert _advice_of(stage) == [
        "Raise augmentation, dropout or label smoothing",
        "Fix `weight_decay` near 0.002",
    ]


@pytest.mark.parametrize(
    ("changes", "lowered"),
    [
        ({}, "Try other nets"),
        ({"augment": [{"kind": "affine"}]}, "Try other nets"),  # at strength 0
        ({"augment": [{"kind": "rotation", "degrees": 0.0}]}, "Try other nets"),
        (
            {"augment": [{"kind": "rotation", "degrees": 7.0}]},
            "Lower augmentation, or try other nets",
        ),
        (
            {"optimizer": {"kind": "sgd", "lr": 0.1, "weight_decay": 1e-5}},
            "Try other nets",  # the least that a stage can ask for
        ),
        (
            {"optimizer": {"kind": "sgd", "lr": 0.1, "weight_decay": 1e-4}},
            "Lower weight decay, or try other nets",
        ),
    ],
)
def test_nothing_is_to_be_lowered_that_is_nought(changes: dict[str, Any], lowered: str):
    stage = _stage([Done(plain(**changes), _ending(98.9, 98.9, 98.9), 98.95)])
    assert _advice_of(stage) == [lowered]


def test_nothing_is_to_be_raised_that_is_at_its_most():
    most = {"kind": "affine", "degrees": 16.0}
    config = plain(augment=[most], label_smoothing=0.1)
    assert _advice_of(_stage([Done(config, FLAT, 99.9)])) == ["Raise dropout or weight decay"]


def test_no_counsel_is_given_of_what_the_drill_holds():
    stage = _stage([Done(plain(), FLAT, 99.9)])
    held = _holding(augmentation=0.0, weight_decay=1e-4)
    held_stage = replace(stage, stage=held.spec.stage[0])
    assert _advice_of(held_stage, held) == ["Raise dropout or label smoothing"]
    open_again = _holding(lr=0.2)  # which the second stage varies
    found = findings(replace(stage, stage=open_again.spec.stage[0]), open_again)
    assert "lr" in found.open
    assert "augmentation" not in findings(held_stage, held).open


def test_an_average_that_is_as_long_as_can_be_is_not_to_be_longer():
    config = plain(averaging={"kind": "ema", "decay": 1 - 1 / 2000})
    [said] = _advice_of(_stage([Done(config, _ending(98.9, 99.5, 98.9))]))
    assert said == "Lower the learning rate towards the end"


def test_a_later_stage_that_holds_what_is_asked_for_is_named():
    first, second = drills.VALUES["stage"]
    second = {**second, "vary": {"average_over": "all"}, "fix": {"averaging": "ema"}}
    spec = DrillSpec.from_dict({**drills.VALUES, "stage": [first, second]})
    stage = _stage([Done(plain(), _ending(98.9, 99.5, 98.9))])
    result = replace(_result(stage), spec=spec)
    [said] = advised(stage, findings(stage, result), result)
    assert said.endswith(" Stage 2 (pace) holds `averaging` (`ema`).")


def test_what_does_not_matter_is_to_be_held():
    stage = _varied(*({"lr": 0.49 - 0.04 * n, "dropout": (n * 7 % 10) / 100} for n in range(10)))
    found = findings(stage, _result(stage))
    assert [each.name for each in found.importances if each.matters] == ["lr"]
    held = [each for each in advice(found, GOAL) if each.hold]
    assert [each.dimensions for each in held] == [("dropout",)]
    assert held[0].change == "Hold `dropout` as in `net/0`"


# --- Words


def _said(stage: StageResult, finalists: list[Finalist] | None = None) -> str:
    result = _result(stage, finalists)
    return "\n".join(analysis(stage, findings(stage, result), GOAL, result.spec.data))


def test_the_analysis_says_what_was_found():
    trials = [Done(plain(), _ending(99.5, 99.4, 99.3), 99.9), Done(plain(), _ending(99, 98, 98))]
    text = _said(_stage(trials))
    assert "`net/0` holds the goal with 0.30 points to spare in the worst of its last 3" in text
    assert "1 of the 2 complete trials holds it" in text
    assert (
        "`net/0` overfits: in evaluation mode it recognises 99.90 % of training and 99.30 %" in text
    )
    assert "a gap of +0.60 points: more than two standard errors, 0.18 points." in text
    assert "a standard deviation of 0.10 points and a worst of 99.30 % (1 seed)" in text
    assert "No seed has been repeated yet" in text
    assert "over the runner-up, `net/1`, is +1.07 points" in text
    assert "more than the 0.22 points that chance explains" in text
    assert "What mattered cannot be told from 2 complete trials: that takes 8." in text


def test_that_it_matters_not_which_base_a_trial_starts_from_is_not_said():
    kinds: dict[str, Dimension] = {"base": Choice(["one", "other"])}
    curves = [_ending(*[99.5 - place / 100] * 3) for place in range(8)]
    trials = [
        Done(plain(), curve, sample={"base": base})
        for curve, base in zip(curves, ["one", "other", "other", "one"] * 2, strict=True)
    ]
    stage = _stage(trials, kinds)
    assert [each.matters for each in findings(stage, _result(stage)).importances] == [False]
    assert "No effect" not in _said(stage)
    assert _advice_of(stage) == []


def test_the_analysis_names_the_seeds_where_they_were_repeated():
    finalist = _finalist(FLAT, _ending(99.2, 99.2, 99.2), _ending(99.3, 99.3, 99.3))
    text = _said(_stage([Done(plain(), FLAT)]), [finalist])
    assert "has a standard deviation of 0.10 points (2 degrees of freedom)" in text
    assert "No seed has been repeated" not in text


def test_a_winner_that_no_trial_beat_is_said_to_be_one():
    stage = _stage([Done(plain(), _ending(98.5, 98.5, 98.5))])
    [elsewhere] = drills.trials([Done(plain(), FLAT)], name="tiny.0.before")
    base = Tried("before/0", plain(), elsewhere)
    text = _said(replace(stage, bases=[base], winners=[base]))
    assert "`before/0`, which no trial of this stage beats, holds the goal" in text
    assert (
        "The best trial's lead over the best that the stage began with, `before/0`, is -0.60 points"
        in text
    )
    assert "further behind than the 0.34 points that chance explains" in text
