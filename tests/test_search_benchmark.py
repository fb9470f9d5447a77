"""The benchmark of searches: what it counts, and that it decides as drilldown does."""

import json
import math
import re
from collections.abc import Iterator, Sequence
from itertools import islice

import fidelity
import numpy as np
import optuna
import pytest
import replay as pruner_replay
from benchmarks import peers, searches
from benchmarks import search as command
from benchmarks.confirming import Plain, Race, run
from benchmarks.report import Report, mean, page, ratio
from benchmarks.searches import Optuna, Tried
from benchmarks.strategies import MEDIAN, OURS, RANDOM, Strategy, quicker, replay
from benchmarks.world import IMAGES, SHARES, Drawn, Halves, Pool, Recorded, Walk, World, half
from click.testing import CliRunner
from fidelity import Line, held_out

from mnist_core.goal import Goal
from search.chance import promise
from search.chance.promise import Population
from search.chance.referee import LEAST_TO_CONFIRM, MOST, Verdict
from search.study.pruners import Hyperband, Median, NoPruning, Pruner, SuccessiveHalving
from search.study.samplers import Random, Tpe
from spaces import SPACES, Frame

GOAL, EPOCHS = fidelity.GOAL, 15
DIMENSIONS = SPACES["open"](Frame(GOAL.params, GOAL.epochs)).dimensions
SAMPLES = {
    line["id"]: line["params"]
    for line in map(json.loads, fidelity.CONFIGS.read_text().splitlines()[:40])
}


def _curve(end: float, chance: np.random.Generator) -> tuple[float, ...]:
    """That comes to about this accuracy, percent."""
    errors = (100 - end) * np.exp(2 * np.exp(-np.arange(EPOCHS) / 3))
    return tuple(np.round(100 - errors * np.exp(chance.normal(0, 0.05, EPOCHS)), 2).tolist())


def _lines() -> list[Line]:
    """Of two seeds of each of the first configs."""
    chance = np.random.default_rng(0)
    found = []
    for name in SAMPLES:
        end = 100 - math.exp(chance.normal(-0.4, 0.2))
        for seed in (1, 2):
            curve = _curve(100 - (100 - end) * math.exp(chance.normal(0, 0.1)), chance)
            found.append(Line(name, seed, *fidelity.WHOLE, "torch", curve, None, 1.0))
    return found


LINES = _lines()


@pytest.fixture(scope="module")
def halves() -> Halves:
    return Halves.of(LINES, held_out=True)


def _drawn(worst: float, fresh: float) -> Drawn:
    """A config whose curve and whose fresh seeds are at these accuracies, percent."""
    curve = (worst,) * EPOCHS
    recorded = Recorded("config", {}, {}, [curve])
    return Drawn(recorded, curve, math.log(100 - fresh), [fresh] * MOST)


def test_the_halves_are_apart(halves: Halves) -> None:
    names = [{each.name for each in world.configs} for world in (halves.played, halves.tuning)]
    assert all(names)
    assert names[0] == {name for name in SAMPLES if held_out(name)}
    assert names[1] == {name for name in SAMPLES if not held_out(name)}
    tuning = [line for line in LINES if not held_out(line.config)]
    assert World(half(tuning, held_out=False)).accuracy(0.1) == halves.accuracy(0.1)


def test_what_was_not_trained_whole_is_left_out() -> None:
    cut = [Line(line.config, 3, 5, 60_000, "torch", (99.0,) * 5, None, 1.0) for line in LINES]
    assert [each.curves for each in half(cut + LINES, True)] == [
        each.curves for each in half(LINES, True)
    ]
    assert not half(cut, held_out=True)


@pytest.mark.parametrize("share", SHARES)
def test_the_goals_are_held_by_as_many_as_they_say(halves: Halves, share: float) -> None:
    accuracy = halves.accuracy(share)
    assert halves.tuning.share(accuracy) == pytest.approx(share)
    drawn = [each for order in range(150) for each in halves.tuning.pool(order).drawn(0)]
    held = [halves.tuning.holds(each, accuracy) for each in drawn]
    assert np.mean(held) == pytest.approx(share, abs=0.25 * share)
    # Which is to say: nine of ten of their fresh seeds do.
    seeds = [np.array(each.fresh) >= accuracy for each, holds in zip(drawn, held, strict=True)]
    assert np.mean([s for s, holds in zip(seeds, held, strict=True) if holds]) > 0.9
    assert np.mean([s for s, holds in zip(seeds, held, strict=True) if not holds]) < 0.5


def test_a_pass_tries_each_of_the_pool_once_the_nearest_first(halves: Halves) -> None:
    pool = halves.played.pool(3)
    assert len(set(pool.places)) < pool.size  # drawn with replacement
    walk = Walk(pool, DIMENSIONS)
    for number in range(2):
        wanted = pool.drawn(number)[5]
        first = walk.nearest(wanted.recorded.sample)
        assert first.recorded is wanted.recorded
        tried = [first] + [walk.nearest(wanted.recorded.sample) for _ in range(pool.size - 1)]
        assert set(tried) == set(pool.drawn(number))
    assert all(one.mean != other.mean for one, other in zip(*map(pool.drawn, (0, 1)), strict=True))


class _Scripted:
    """Makes these trials."""

    slow = by_goal = False

    def __init__(self, trials: Sequence[Tried]) -> None:
        self._trials = trials

    def trials(self, pool: Pool, goal: Goal, order: int) -> Iterator[Tried]:
        return iter(self._trials)


@pytest.mark.parametrize("confirm", [Plain, Race])
def test_one_that_confirms_at_once_costs_its_own_training_and_the_fewest_seeds(
    confirm: type[Plain] | type[Race],
) -> None:
    spent = run([Tried(_drawn(99.7, 99.7), EPOCHS)], confirm(GOAL), GOAL)
    assert spent.confirmed
    assert (spent.search, spent.confirmation) == (15, 15 * LEAST_TO_CONFIRM)
    assert (spent.cost, spent.trials) == (75, 1)


@pytest.mark.parametrize(("confirm", "seeds"), [(Plain, 2), (Race, 0)])
def test_a_lucky_one_costs_what_it_takes_to_refute_it(
    confirm: type[Plain] | type[Race], seeds: int
) -> None:
    stopped, poor = Tried(_drawn(99.5, 99.5), 3), Tried(_drawn(98.5, 98.5), EPOCHS)
    lucky, good = (Tried(_drawn(worst, worst), EPOCHS) for worst in (99.41, 99.7))
    lucky = Tried(Drawn(lucky.drawn.recorded, lucky.drawn.curve, 0.0, [98.5] * MOST), EPOCHS)
    trials = [stopped, *[poor] * 8, lucky, good]
    spent = run(trials, confirm(GOAL), GOAL)
    assert spent.confirmed is good.drawn
    assert spent.search == 3 + 10 * 15
    assert spent.confirmation == 15 * (seeds + LEAST_TO_CONFIRM)


def test_a_search_is_given_up_at_the_cap() -> None:
    poor, lucky = Tried(_drawn(98.5, 98.5), EPOCHS), Tried(_drawn(99.4, 98.5), EPOCHS)
    for trials in ([poor] * 100, [lucky] * 100):
        spent = run(trials, Plain(GOAL), GOAL, cap=100)
        assert not spent.confirmed
        assert 100 <= spent.cost < 115


def test_the_race_goes_to_whoever_promises_most() -> None:
    race, seeds = Race(GOAL, least=2.0), dict[Drawn, int]()
    trials = [(99.42, 99.45), (99.5, 99.3), (99.45, 99.41), (99.2, 99.2), (99.47, 99.4)]
    known = [_drawn(*each) for each in trials]
    population = Population.of([each.worst for each in known], IMAGES)

    def promised(drawn: Drawn) -> float:
        fresh = drawn.fresh[: seeds[drawn]]
        return promise.promise(drawn.worst, fresh, population, GOAL.accuracy, IMAGES)

    for drawn in known:
        seeds[drawn] = 0
        if drawn is not known[-1]:
            assert not list(race.look(Tried(drawn, EPOCHS)))  # nobody promises that much
    race.least = promise.LEAST
    for drawn in race.look(Tried(known[-1], EPOCHS)):
        assert promised(drawn) == max(map(promised, seeds)) >= promise.LEAST
        seeds[drawn] += 1
        race.tell(drawn, seeds[drawn], Verdict.OPEN)
        if seeds[drawn] == MOST:
            del seeds[drawn]
    assert max(map(promised, seeds)) < promise.LEAST
    assert sum(bool(each) for each in seeds.values()) >= 2


@pytest.fixture(scope="module")
def results(halves: Halves) -> dict[str, object]:
    strategies, shares = (OURS, MEDIAN, RANDOM), (0.1,)
    return {
        "first": replay(halves, strategies, range(2), 0, shares, cap=150),
        "again": replay(halves, strategies, range(2), 0, shares, cap=150),
        "last, alone": replay(halves, (OURS,), range(1, 2), 0, shares, cap=150),
    }


def test_the_same_seeds_have_the_same_results(results, halves: Halves) -> None:
    costs = {
        name: {key: [each.spent.cost for each in found] for key, found in result.items()}
        for name, result in results.items()
    }
    assert costs["first"] == costs["again"]
    assert {len(each) for each in costs["first"].values()} == {2}
    assert costs["last, alone"][0.1, OURS.name] == costs["first"][0.1, OURS.name][1:]
    assert len({tuple(each) for each in costs["first"].values()}) > 1


def test_what_is_written_follows_from_the_results(results, halves: Halves) -> None:
    found = results["first"]
    report = Report(halves, found)
    costs = [each.spent.cost for each in found[0.1, OURS.name]]
    others = [each.spent.cost for each in found[0.1, RANDOM.name]]
    row = next(line for line in report.table(0.1).splitlines() if OURS.name in line)
    assert mean(costs).said(0) in row
    assert f"{np.mean(costs):,.0f} (" in row
    assert ratio(costs, others).said(2) in row
    assert ratio(costs, costs).said(2) == "1.00 (1.00 to 1.00)"
    assert "0.5 is" in report.sentence(0.1)
    said = page(halves, found, len(LINES), "held-out")
    assert f"first {len(LINES)} trainings" in said
    assert said.count("| random |") == 1


@pytest.mark.parametrize("pruner", [NoPruning(), Median(), SuccessiveHalving(), Hyperband()])
def test_a_pruner_stops_what_it_stops_in_a_study_of_optunas(pruner: Pruner, halves: Halves) -> None:
    drawn = [each for number in range(2) for each in halves.played.pool(1).drawn(number)]
    trials = [pruner_replay.Recorded(dict(each.recorded.config), each.curve) for each in drawn]
    study = searches._Study("replay", searches.distributions(DIMENSIONS), pruner.make(GOAL))
    epochs = 0
    for each in drawn:
        study.ask(optuna.samplers.RandomSampler(1))
        epochs += study.train(each)
    assert epochs == pruner_replay.replay(GOAL, trials, pruner).epochs


@pytest.mark.parametrize("searcher", [MEDIAN.searcher, OURS.searcher])
def test_what_is_spared_changes_no_proposal(
    searcher: Optuna, halves: Halves, monkeypatch: pytest.MonkeyPatch
) -> None:
    def proposed() -> list[tuple[str, int]]:
        trials = islice(searcher.trials(halves.played.pool(0), GOAL, 0), 40)
        return [(each.drawn.recorded.name, each.epochs) for each in trials]

    with quicker():
        quick = proposed()
    monkeypatch.setattr(searches._Study, "_serve", lambda *_: None)
    assert quick == proposed()
    assert len({epochs for _, epochs in quick}) > 2


def test_a_study_of_optunas_asks_for_the_same(halves: Halves) -> None:
    """What the sampler proposes after the same trials."""
    kinds = searches.distributions(DIMENSIONS)
    ours = searches._Study("same", kinds, NoPruning().make(GOAL))
    theirs = optuna.create_study(direction="maximize")
    for number, drawn in enumerate(halves.played.pool(0).drawn(0)[:14]):
        theirs.sampler = Tpe().make(5, number)
        trial = theirs.ask(kinds)
        assert ours.ask(Tpe().make(5, number)) == trial.params
        ours.train(drawn)
        theirs.tell(trial, state=optuna.trial.TrialState.FAIL)  # and in its place:
        del theirs._storage._studies[theirs._study_id].trials[-1]
        theirs.add_trial(
            optuna.trial.create_trial(
                params=dict(drawn.recorded.sample), distributions=kinds, value=drawn.score
            )
        )


def test_slow_ones_are_replayed_in_fewer_orders(halves: Halves) -> None:
    slow = Strategy("slow", Optuna(Random(), NoPruning(), slow=True), Plain)
    found = replay(halves, (slow, RANDOM), range(3), 1, shares=(0.25,), cap=100)
    assert [len(each) for each in found.values()] == [1, 3]
    assert found[0.25, "slow"][0].spent.cost == found[0.25, RANDOM.name][0].spent.cost


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ("smac", "pip install smac=="),
        ("neps,smac", "pip install neural"),
        ("hyperopt", "smac, neps"),
    ],
)
def test_a_library_that_is_not_there_is_named(
    names: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peers, "find_spec", lambda _: None)
    result = CliRunner().invoke(command.main, ["--with", names])
    assert result.exit_code == 2
    assert said in result.output


def test_a_training_that_goes_on_is_paid_for_once() -> None:
    good = _drawn(99.7, 99.7)
    spent = run([Tried(good, 5), Tried(good, EPOCHS, before=5)], Plain(GOAL), GOAL)
    assert (spent.search, spent.trials) == (15, 2)
    assert spent.confirmed is good


def test_the_page_says_what_it_was_made_from() -> None:
    said = command.PAGE.read_text()
    counted = re.search(r"From the first ([\d,]+) trainings", said)
    assert counted
    assert int(counted[1].replace(",", "")) <= len(fidelity.ledger())
    assert "on the held-out half" in said
    assert all(f"| {each.name} |" in said for each in (OURS, MEDIAN, RANDOM))
