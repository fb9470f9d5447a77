"""Run-to-run noise against cases computed by hand, and against random runs of a known noise."""

import math
import random
import statistics
from functools import partial
from itertools import pairwise

import pytest

from search.chance.noise import ASSUMED, FLOOR, FREEDOM, Noise, Pair
from search.chance.noise import estimate as estimate_from

NONE = Noise(0.0, 1)
estimate = partial(estimate_from, least=1)


def pair(theirs: str, *ours: str) -> Pair:
    """From 'x y z', accuracies of which 99 is left out: '.1 .2' is 99.1 99.2."""
    return Pair(_curve(theirs), [_curve(run) for run in ours])


def _curve(text: str) -> list[float]:
    return [99 + float(word) for word in text.split()]


def test_difference_is_of_the_means_and_worst_is_of_all_seeds() -> None:
    one = pair(".1 .2 .3", ".3 .4 .5", ".5 .5 .8")
    assert one.theirs_mean == pytest.approx(99.2)
    assert one.ours_mean == pytest.approx((99.4 + 99.6) / 2)
    assert one.difference == pytest.approx(0.3)
    assert one.worst == 99.3


def test_variance_between_epochs_is_pooled_over_all_runs() -> None:
    # squares about each run's own mean: 0.02, 0.02, 0.06; degrees of freedom: 2 each
    assert pair(".1 .2 .3", ".3 .4 .5", ".5 .5 .8").epoch_variance() == pytest.approx(0.10 / 6)
    assert pair(".1 .1 .1", ".4 .4 .4").epoch_variance() == pytest.approx(0)


def test_one_epoch_has_no_variance_of_its_own() -> None:
    assert pair(".1", ".2", ".3").epoch_variance() == 0


def test_one_seed_each_leaves_the_noise_to_an_assumption() -> None:
    assert estimate([]) == estimate([pair(".1 .2", ".1 .3")]) == Noise(ASSUMED, 0)
    assert str(Noise(ASSUMED, 0)).startswith("10.0 % of its error (assumed")


def test_too_few_seeds_leave_the_noise_to_the_assumption_too() -> None:
    few = [pair(".1 .3", ".0 .2", ".4 .6")] * (FREEDOM - 1)
    assert estimate_from(few) == Noise(ASSUMED, 0)
    assert estimate_from([*few, *few[:1]]).recipes == FREEDOM


def test_a_net_that_fails_on_one_seed_is_too_bad() -> None:
    assert Pair([98.6] * 5, [[98.6] * 5, [60.0] * 5]).below() == "ours"


def test_error_is_what_theirs_and_ours_are_short_of_all() -> None:
    assert pair(".1 .3", ".3 .5", ".7 .9").error == pytest.approx(100 - (99.2 + 99.6) / 2)
    assert Pair([100.0], [[100.0]]).error == 0.01


def _variance(noise: Noise, of: Pair) -> float:
    return (noise.seed_share * of.error) ** 2


def test_noise_of_one_recipe_is_the_variance_of_its_means_less_the_epochs_share() -> None:
    """Means of ours: 99.1 and 99.5, variance 0.08. Epochs: squares 0.02 + 0.02 + 0.02 over 3, so
    0.02, and over 2 epochs 0.01. What is left is the seeds'."""
    one = pair(".1 .3", ".0 .2", ".4 .6")
    noise = estimate([one])
    assert _variance(noise, one) == pytest.approx(0.07)
    assert noise.recipes == 1
    assert one.error == pytest.approx(0.75)
    assert str(noise) == "35.3 % of its error (estimated from those with two seeds or more: 1)"


def test_noise_of_several_is_pooled_where_their_epochs_are_alike() -> None:
    """Squares of the means: 0.08, and 0.01 + 0 + 0.01; degrees of freedom 1 + 2; epochs as above,
    and one error: 0.75. A recipe of one seed says nothing."""
    one = pair(".1 .3", ".0 .2", ".4 .6")
    other = pair(".1 .3", ".1 .3", ".2 .4", ".3 .5")
    noise = estimate([one, other, pair(".1 .9", ".5 .6")])
    assert one.error == pytest.approx(other.error)
    assert _variance(noise, other) == pytest.approx((0.08 + 0.02) / 3 - 0.01)
    assert noise.recipes == 2


def test_the_same_share_is_more_points_where_the_error_is_larger() -> None:
    near, far = (Pair([at] * 5, [[at + 0.1] * 5]) for at in (98.0, 99.4))
    assert Noise(0.05, 1).within(near)
    assert not Noise(0.05, 1).within(far)


def test_seeds_that_scatter_less_than_the_epochs_leave_no_noise_of_their_own() -> None:
    assert estimate([pair(".1 .9", ".2 .8", ".3 .9")]).seed_share == pytest.approx(0, abs=1e-6)
    assert estimate([pair(".1", ".5", ".5")]).seed_share == 0


@pytest.mark.parametrize("size", [0.0, 0.05, 0.15])
def test_noise_that_was_put_in_is_found_in_spite_of_restless_recipes(size: float) -> None:
    chance = random.Random(1)
    pairs = []
    for number in range(60):
        restless = 0.3 if number % 4 == 0 else 0.03
        error = 2.0 if number % 3 == 0 else 0.6

        def run(restless: float = restless, error: float = error) -> list[float]:
            luck = chance.gauss(0, size * error)
            return [100 - error + luck + chance.gauss(0, restless) for _ in range(5)]

        pairs.append(Pair(run(), [run(), run()]))
    found = estimate(pairs).seed_share
    assert found == pytest.approx(size, rel=0.25, abs=0.02)


def test_difference_of_two_deviations_is_within_noise_and_more_is_not() -> None:
    """Flat curves of 98 % and v_seed = 0.01, about: with one seed the deviation of the difference
    is 0.1 * sqrt 2, with four 0.1 * sqrt 1.25."""
    for seeds, factor in ((1, 2.0), (4, 1.25)):
        limit = 2 * 0.1 * math.sqrt(factor)
        for sign in (-1, 1):
            near = Pair([98.0] * 5, [[98.0 + sign * limit * 0.999] * 5] * seeds)
            far = Pair([98.0] * 5, [[98.0 + sign * limit * 1.001] * 5] * seeds)
            assert Noise(0.1 / near.error, 1).within(near)
            assert not Noise(0.1 / far.error, 1).within(far)


def test_epochs_share_counts_over_the_epochs_compared() -> None:
    """v_epoch = 0.02 (as above) over 2, twice: the deviation is sqrt 0.02, two of them 0.283."""
    assert NONE.within(pair(".1 .3", ".38 .58"))
    assert not NONE.within(pair(".1 .3", ".39 .59"))


def test_equal_curves_are_within_no_noise_at_all() -> None:
    assert NONE.within(pair(".1 .1", ".1 .1"))
    assert not NONE.within(pair(".1 .1", ".2 .2"))


@pytest.mark.parametrize(
    ("theirs", "ours", "whose"),
    [(98, 98, ""), (9.8, 98, "theirs"), (98, 9.8, "ours"), (9.8, 60, "both"),
     (FLOOR, FLOOR, ""), (FLOOR - 0.01, FLOOR, "theirs")],
)  # fmt: skip
def test_net_that_is_too_bad_is_told_by_its_mean(theirs: float, ours: float, whose: str) -> None:
    assert Pair([theirs] * 3, [[ours] * 3]).below() == whose


def test_share_of_chance_differences_called_noise_is_about_95_percent() -> None:
    """Against the very model, with v_seed known."""
    chance = random.Random(2)
    within = 0
    for _ in range(2000):
        runs = []
        for _ in range(3):
            luck = chance.gauss(0, 0.05)
            runs.append([99 + luck + chance.gauss(0, 0.06) for _ in range(5)])
        within += Noise(0.05, 1).within(Pair(runs[0], runs[1:]))  # the error is about 1
    assert 0.93 < within / 2000 < 0.97


def test_more_scatter_is_never_less_noise() -> None:
    def noise(gap: float) -> float:
        return estimate([Pair([99, 99.1], [[99, 99.1], [99 + gap, 99.1 + gap]])]).seed_share

    assert all(a <= b for a, b in pairwise(noise(gap / 60) for gap in range(50)))
    assert statistics.fmean(noise(gap) for gap in (0.4, 0.8)) > 0
