"""studies/fidelity: what its page says follows from the ledger, and is computed right."""

import re
from dataclasses import replace
from itertools import islice

import fidelity
import numpy as np
import pytest
from fidelity import WHOLE, Line, held_out, ledger
from fidelity_page import FIGURE, PAGE, RUNGS, Judged, page, price
from fidelity_views import (
    CUT_LAST,
    HALF,
    LAST,
    RESAMPLES,
    SECOND,
    Configs,
    Look,
    Ranking,
    View,
    foreseen,
    looked,
)
from scipy.stats import spearmanr

from search.report.figures import dark_style

TRUTH = np.random.default_rng(1).normal(99, 0.3, (20, 2)).round(1)  # with ties
SEEN = (TRUTH + np.random.default_rng(2).normal(0, 0.3, (20, 2))).round(1)
OTHER = ((0, 1), (1, 0))


@pytest.fixture(scope="module")
def configs() -> Configs:
    return Configs.of(fidelity.configs(), ledger()[:338])


def test_the_page_is_made_from_the_first_so_many_trainings_of_the_ledger() -> None:
    said = PAGE.read_text()
    found = re.search(r"From the first ([\d,]+) trainings", said)
    assert found
    count = int(found[1].replace(",", ""))
    done = ledger()
    assert 338 <= count <= len(done)
    assert page(Judged(done[:count])) == said
    assert f"From the first {count} trainings" in FIGURE.read_text()


def test_each_colour_of_the_figure_has_its_dark_one() -> None:
    drawn = FIGURE.read_text()
    assert dark_style() in drawn
    colours = set(re.findall(r"(?:fill|stroke): (#\w+)", drawn.replace(dark_style(), "")))
    assert len(colours) >= 6
    assert all(f": {colour}" in dark_style() for colour in colours)


def test_the_page_judges_the_tuning_half_alone(configs: Configs) -> None:
    half = Judged(ledger()[:338]).every.configs.known
    assert 0 < len(half) < len(configs.known)
    assert not any(map(held_out, half))


def test_a_correlation_is_spearmans_the_mean_of_both_ways() -> None:
    found = Ranking(TRUTH).correlation(Look(SEEN, OTHER))
    both = [spearmanr(SEEN[:, one], TRUTH[:, other])[0] for one, other in OTHER]
    assert found.value == pytest.approx(np.mean(both))
    low, high = found.interval
    assert low < found.value < high


def test_a_bootstrap_is_the_correlation_of_what_is_drawn() -> None:
    found = Ranking(TRUTH).correlation(Look(SEEN, ((0, 1),)))
    counts = np.random.default_rng(0).multinomial(20, np.full(20, 1 / 20), RESAMPLES)
    for draw, count in islice(zip(found.draws, counts, strict=True), 20):
        drawn = np.repeat(np.arange(20), count)
        assert draw == pytest.approx(spearmanr(SEEN[drawn, 0], TRUTH[drawn, 1])[0])


def test_a_difference_is_of_the_same_bootstraps() -> None:
    ranking = Ranking(TRUTH)
    one, other = (ranking.correlation(Look(values, OTHER)) for values in (SEEN, SEEN + 1))
    assert (one - other).interval == (0, 0)
    assert (one - other).differs(0) == 0
    assert (one - other).differs(-0.1) == 1
    assert (one - other).differs(0.1) == -1


def test_a_ladder_keeps_the_first_third_of_the_first_third() -> None:
    truth = np.repeat(np.arange(90.0)[:, None], 2, axis=1)
    ranking = Ranking(truth)
    best, worst = Look(truth, ((0, 0),)), Look(-truth, ((0, 0),))
    late = Look(np.where(truth >= 85, 0, truth), ((0, 0),))  # the best five come last
    assert ranking.survival([best], 0.1).value == 1
    assert ranking.survival([worst], 0.1).value == 0
    assert ranking.survival([best, best], 0.25).value == pytest.approx(10 / 23)
    assert ranking.survival([best, late], 0.1).value == pytest.approx(4 / 9)
    assert ranking.survival([late], 1 / 9, keep=1 / 2).value == pytest.approx(5 / 10)


@pytest.mark.parametrize(
    ("ladder", "cost"),
    [
        ((CUT_LAST[1],), 5 + 10 / 3),
        ((HALF[2],), 5 + 15 / 3),
        (RUNGS, 1 + 5 / 3 + 15 / 9),
        ((CUT_LAST[0], CUT_LAST[2]), 3 + 6 / 3 + 6 / 9),
        ((HALF[0], CUT_LAST[1]), 1 + 5 / 3 + 10 / 9),
    ],
)
def test_a_cut_run_goes_on_and_an_annealed_one_is_spent(
    ladder: tuple[View, ...], cost: float
) -> None:
    assert price(ladder) == pytest.approx(cost)


def test_a_view_sees_no_later_epoch() -> None:
    curve = tuple(float(90 + epoch) for epoch in range(9))
    line = Line("id", 0, 9, 60_000, "native", curve, None, 1.0)
    assert HALF[3].of(line) == 96
    assert LAST[3].of(line) == 98
    cut = View("cut", 5, cut=True, over=2)
    assert cut.of(replace(line, test_acc=(*curve, 1.0))) == 93.5


def test_no_run_is_held_against_itself_where_all_have_two_seeds(configs: Configs) -> None:
    twice = configs.twice
    assert 0 < len(twice.known) < len(configs.known)
    for view in (SECOND, *CUT_LAST):
        assert all(one != other for one, other in looked(twice, view).pairs)
        assert looked(configs, view).own
        assert not looked(twice, view).own
    assert not looked(configs, HALF[0]).own


def test_a_config_is_predicted_from_the_others_alone(configs: Configs) -> None:
    name = next(iter(configs.known))
    lines = {
        key: [replace(line, test_acc=(50.0,) * 15) for line in found]
        if key == (name, WHOLE)
        else found
        for key, found in configs.lines.items()
    }
    before, after = (foreseen(one, HALF[1:3]) for one in (configs, Configs(configs.known, lines)))
    assert after.values[0] == pytest.approx(before.values[0])
    assert abs(after.values[1:] - before.values[1:]).max() > 0.1


def test_a_regression_finds_what_there_is_to_find(configs: Configs) -> None:
    ranking = Ranking(configs.seen(SECOND))
    itself = replace(SECOND, name="itself")
    look = foreseen(configs, [itself], recipe=False).itself
    once = [len(configs.lines[name, WHOLE]) == 1 for name in configs.known]
    assert ranking.correlation(look).value > 0.9
    assert np.median(abs(look.values - ranking.truth)[once]) < 0.02
