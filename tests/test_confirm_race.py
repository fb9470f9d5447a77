"""Finalists race on fresh seeds: who is trained next, what is kept, and what `confirm` says."""

import csv
import io
import json
import random
import re
import shlex
import shutil
import sqlite3
import statistics
import tomllib
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import fakes
import pytest
from command_line import STAGES, TINY, Drilldown, one_line
from fakes import FakeWorkers, Fate
from tiny import tiny_config

from mnist_core import record
from mnist_core.config import Config
from mnist_core.goal import Goal
from mnist_core.record import Expected, Record
from search.chance.referee import LEAST_TO_CONFIRM, LEAST_TO_REFUTE, MOST, VERSION, Verdict
from search.confirm.fresh import fresh_seeds
from search.confirm.race import Contender, Race, Standing, best_first
from search.drill import contenders
from search.drill.contenders import Wish
from search.drill.spec import DrillSpec
from search.launch import run
from search.report import figures
from search.study.session import opened
from search.study.spec import StudySpec
from search.study.storage import open_storage
from search.workers import ledger
from search.workers.crew import Crew
from search.workers.ledger import Ledger, Run, key

LEFT = Path(__file__).parent / "data" / "before-rooms"
GOAL = Goal(accuracy=99.4, last=2, epochs=3, params=5_000)
GOOD, EVEN, BAD = 0.1, 0.2, 0.3  # learning rates, by which the fates below tell the nets
ERRORS = {GOOD: 0.45, EVEN: 0.56, BAD: 0.9}  # percent


def _config(lr: float, seed: int = 1) -> Config:
    optimizer = {"kind": "sgd", "lr": lr}
    return tiny_config(
        epochs=3, seed=seed, optimizer=optimizer, data={"train": 320, "test": 10_000}
    )


def _contenders(*rates: float) -> list[Contender]:
    return [
        Contender(f"net {rate}", Record(config=_config(rate)), {1}, fresh_seeds(5, 20))
        for rate in rates
    ]


def _fate(_job: int, config: Config) -> Fate:
    """Follows from the config alone, as a training does."""
    chance = random.Random(f"{config.seed} {config.optimizer.lr}")
    last = [100 - ERRORS[config.optimizer.lr] * chance.uniform(0.95, 1.05) for _ in range(2)]
    return Fate([98.0, *(round(each, 2) for each in last)])


def _raced(
    path: Path, rates: Sequence[float], workers: int = 1, chance: int = 0, fate: object = _fate
) -> tuple[Race, FakeWorkers]:
    race = Race(_contenders(*rates), GOAL, Ledger(path), MOST)
    pool = FakeWorkers(workers, fate, random.Random(chance))  # type: ignore[arg-type]
    assert Crew(pool, race).run() == 0
    return race, pool


def _ended(race: Race) -> dict[str, tuple[Verdict, int]]:
    return {each.contender.name: (each.verdict, len(each.runs)) for each in race.standings}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "confirmed.jsonl"


# --- the race --------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_each_gets_the_word_it_deserves_and_no_more_seeds_than_that_takes(
    path: Path, workers: int
) -> None:
    for chance in range(5):
        path.unlink(missing_ok=True)
        race, _ = _raced(path, (BAD, GOOD, EVEN), workers, chance)
        ended = _ended(race)
        assert ended["net 0.3"][0] == Verdict.REFUTED
        assert LEAST_TO_REFUTE <= ended["net 0.3"][1] <= LEAST_TO_REFUTE + workers - 1
        assert ended["net 0.1"][0] == Verdict.CONFIRMED
        assert LEAST_TO_CONFIRM <= ended["net 0.1"][1] < MOST
        assert ended["net 0.2"] == (Verdict.OPEN, MOST)
        order = [each.contender.name for each in best_first(race.standings)]
        assert order == ["net 0.1", "net 0.2", "net 0.3"]
        seeds = Counter((run.name, run.seed) for run in Ledger(path).runs)
        assert {*seeds.values()} == {1}
        assert {seed for _, seed in seeds} <= {*fresh_seeds(5, MOST)}


def test_each_has_two_seeds_before_the_most_promising_goes_on(path: Path) -> None:
    _raced(path, (EVEN, BAD, GOOD))
    names = [run.name for run in Ledger(path).runs]
    assert Counter(names[:6]) == {"net 0.2": 2, "net 0.3": 2, "net 0.1": 2}
    took = names.count("net 0.1")
    assert names[6 : 6 + took - 2] == ["net 0.1"] * (took - 2)
    assert {*names[6 + took - 2 :]} == {"net 0.2"}


def test_no_worker_waits_while_somebody_is_open(path: Path) -> None:
    """One contender, five workers: it gets five seeds at once."""
    _, pool = _raced(path, (EVEN,), workers=5)
    assert pool.submitted[:5] == [0, 1, 2, 3, 4]
    assert len(pool.submitted) == MOST


def test_what_runs_of_a_contender_that_has_its_word_is_stopped(path: Path) -> None:
    race, pool = _raced(path, (BAD,), workers=5, chance=3)
    kept, begun = len(race.standings[0].runs), len(pool.submitted)
    assert kept < begun
    stopped = {job for job, epoch, wanted in pool.answers if not wanted and epoch < GOAL.epochs}
    assert len(stopped) == begun - kept


def test_a_race_that_is_over_trains_nothing_again(path: Path) -> None:
    before, _ = _raced(path, (GOOD, EVEN, BAD))
    again, pool = _raced(path, (GOOD, EVEN, BAD))
    assert pool.submitted == []
    assert again.left == []
    assert _ended(again) == _ended(before)


def test_a_race_that_was_killed_anywhere_ends_as_one_that_was_not(path: Path) -> None:
    straight, _ = _raced(path, (GOOD, EVEN, BAD))
    whole = path.read_bytes().splitlines(keepends=True)
    for kept in range(len(whole)):
        path.write_bytes(b"".join(whole[:kept]) + whole[kept][: len(whole[kept]) // 2])
        resumed, pool = _raced(path, (GOOD, EVEN, BAD))
        assert len(pool.submitted) == len(whole) - kept
        assert _ended(resumed) == _ended(straight)
        assert sorted(path.read_bytes().splitlines(keepends=True)) == sorted(whole)


def test_what_fails_on_a_seed_gets_no_more_and_is_tried_again_first(path: Path) -> None:
    third = fresh_seeds(5, 3)[2]

    def failing(job: int, config: Config) -> Fate:
        return Fate([98.0], "it diverged") if config.seed == third else _fate(job, config)

    race, _ = _raced(path, (GOOD,), fate=failing)
    (stands,) = race.standings
    assert (stands.verdict, len(stands.runs), stands.failed) == (Verdict.OPEN, 2, 1)
    again = Race(_contenders(GOOD), GOAL, Ledger(path), MOST)
    assert again.left[0].config.seed == third


def test_enough_seeds_confirm_nothing_that_failed_on_one(path: Path) -> None:
    first = fresh_seeds(5, 1)[0]

    def failing(job: int, config: Config) -> Fate:
        return Fate([98.0], "it diverged") if config.seed == first else _fate(job, config)

    race, _ = _raced(path, (GOOD, BAD), workers=8, fate=failing)
    assert [each.failed for each in race.standings] == [1, 1]
    assert Verdict.CONFIRMED not in [each.verdict for each in race.standings]
    assert race.confirmed is None
    whole = Standing(race.standings[0].contender, race.standings[0].runs * 3, GOAL, failed=1)
    assert whole.statement.verdict == Verdict.CONFIRMED
    assert whole.verdict == Verdict.OPEN


def test_curves_of_the_search_itself_and_of_other_recipes_do_not_count(path: Path) -> None:
    _raced(path, (EVEN,))
    runs = Ledger(path).runs
    assert _contenders(EVEN)[0].trained(runs) == runs
    assert _contenders(GOOD)[0].trained(runs) == []
    used = Contender("net", Record(config=_config(EVEN)), {runs[0].seed})
    assert used.trained(runs) == runs[1:]
    own = Contender("net", Record(config=_config(EVEN, seed=runs[0].seed)))
    assert own.trained(runs) == runs[1:]


# --- what is said of a contender -------------------------------------------------------------


def test_a_standing_counts_from_the_fresh_curves_alone(path: Path) -> None:
    race, _ = _raced(path, (GOOD,))
    kept = Record(config=_config(GOOD), expected=Expected(test_acc=(98.0, 99.8, 99.7)))
    stands = Standing(Contender("net", kept), race.standings[0].runs, GOAL)
    worst = [min(run.test_acc[-2:]) for run in stands.runs]
    assert stands.worst == worst
    assert stands.mean == pytest.approx(sum(worst) / len(worst))
    assert stands.searched == 99.7
    assert stands.optimism == pytest.approx(99.7 - stands.mean)
    assert stands.statement.held == sum(each >= 99.4 for each in worst)


def test_a_record_keeps_the_curves_and_the_statement(path: Path, tmp_path: Path) -> None:
    race, _ = _raced(path, (GOOD,))
    (stands,) = race.standings
    record.save(tmp_path / "best.toml", stands.record)
    kept = record.load(tmp_path / "best.toml")
    assert kept == stands.record
    assert [(run.seed, run.test_acc) for run in kept.confirmed] == [
        (run.seed, run.test_acc) for run in stands.runs
    ]
    assert kept.statement is not None
    assert (kept.statement.verdict, kept.statement.rule) == ("confirmed", VERSION)
    assert (kept.statement.seeds, kept.statement.goal) == (len(stands.runs), GOAL)


def test_a_record_without_a_fresh_curve_has_no_statement() -> None:
    (contender,) = _contenders(GOOD)
    assert Standing(contender, (), GOAL).record == contender.kept


def test_fresh_seeds_pass_over_those_that_were_used() -> None:
    first, second, third = fresh_seeds(7, 3)
    assert fresh_seeds(7, 2, {second}) == [first, third]


# --- who races -------------------------------------------------------------------------------


class Pools(list[FakeWorkers]):
    """The workers of each command, which are no processes; a training whose seed is among `failing`
    comes to nothing."""

    failing: frozenset[int] = frozenset()

    def __call__(self, count: int, *_: object) -> AbstractContextManager[FakeWorkers]:
        self.append(FakeWorkers(count, self._fate))
        return nullcontext(self[-1])

    def _fate(self, _job: int, config: Config) -> Fate:
        return Fate(fakes.curve(config), "it diverged" * (config.seed in self.failing))

    @property
    def trained(self) -> int:
        return sum(len(pool.submitted) for pool in self)


@pytest.fixture
def pools(monkeypatch: pytest.MonkeyPatch) -> Pools:
    made = Pools()
    monkeypatch.setattr(run, "LocalWorkers", made)
    monkeypatch.setattr(ledger, "LocalWorkers", made)
    return made


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of runs with a study of two trials; to be read only."""
    made = tmp_path_factory.mktemp("launched")
    plan = StudySpec.from_dict(tomllib.loads(TINY))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DRILLDOWN_HOME", str(made))
        patch.delenv("DRILLDOWN_STORAGE", raising=False)
        patch.setattr(run, "LocalWorkers", Pools())
        patch.setattr(run.fetch, "mnist", lambda: None)
        run.launch("tiny", plan, None)
    return made / "runs"


@pytest.fixture
def tiny(home: Path, runs: Path, pools: Pools) -> Path:
    """The folder of that study."""
    shutil.copytree(runs, home / "runs")
    return home / "runs" / "tiny"


@pytest.mark.usefixtures("tiny")
def test_of_a_study_the_best_of_each_recipe_race_on_seeds_that_no_trial_had() -> None:
    study = open_storage().get("tiny")
    entry = contenders.find(["tiny"], Wish(10), None)
    trials = study.trials()
    assert [each.name for each in entry.contenders] == [f"trial {each.number}" for each in trials]
    assert entry.contenders[0].seeds == fresh_seeds(7, 10)
    used = {trial.config.seed for trial in trials if trial.config}
    for each in entry.contenders:
        assert not used & {*each.seeds}
        assert used <= {*each.used}
    assert len(contenders.find(["tiny"], Wish(10, top=1), None).contenders) == 1


def test_trials_that_differ_in_their_seed_alone_are_one_contender(
    tiny: Path, drilldown: Drilldown
) -> None:
    """A start is tried with a seed of its own: the recipe is there already."""
    more = ("--start", "tiny", "--set", "trials=3", "--quiet")
    assert drilldown("launch", "tiny", *more).code == 0
    trials = open_storage().get("tiny").trials()
    recipes = {trial.recipe for trial in trials}
    entry = contenders.find(["tiny"], Wish(10), None)
    assert len(entry.contenders) == min(len(recipes), 3)


@pytest.mark.usefixtures("tiny")
def test_a_folder_of_a_study_s_name_is_in_nobody_s_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tiny").mkdir()
    monkeypatch.chdir(tmp_path)
    assert contenders.find(["tiny"], Wish(10), None).name == "tiny"


# --- the command -----------------------------------------------------------------------------


def test_confirm_of_a_study_says_the_word_and_keeps_all(
    tiny: Path, pools: Pools, drilldown: Drilldown
) -> None:
    done = drilldown("confirm", "tiny", "--workers", "1", "--quiet")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("Not the whole of MNIST: 200 of 60,000")
    assert "at least 9 of 10 trainings of trial" in done.out
    assert str(tiny / "best.toml") in done.out
    kept = record.load(tiny / "best.toml")
    assert kept.statement is not None
    assert kept.statement.verdict == "confirmed"
    assert kept.statement.seeds == len(kept.confirmed) == LEAST_TO_CONFIRM
    assert len(Ledger(tiny / "confirmed.jsonl").runs) == 2 * LEAST_TO_CONFIRM
    again = drilldown("confirm", "tiny", "--quiet")
    assert again.out == done.out
    assert pools.trained == 2 * LEAST_TO_CONFIRM


def test_confirm_for_programs(tiny: Path, drilldown: Drilldown) -> None:
    words = ("confirm", "tiny", "--quiet", "--workers", "1", "--set", "goal.accuracy=91.5")
    rows = json.loads(drilldown(*words, "--format", "json").out)
    assert {row["referee"] for row in rows} == {"refuted"}
    for row in rows:
        assert row["seeds"] == len(row["fresh_seeds"]) == len(row["worst"]) == LEAST_TO_REFUTE
        assert row["optimism"] == pytest.approx(row["searched"] - row["mean"])
        assert row["deviation"] == pytest.approx(statistics.stdev(row["worst"]))
        assert "spread" not in row  # which is of the epochs of one training
    text = drilldown(*words, "--format", "csv").out
    assert [line["finalist"] for line in csv.DictReader(io.StringIO(text))] == [
        row["finalist"] for row in rows
    ]
    said = drilldown(*words).out
    assert "Refuted: none of the 2 holds the goal in at least 9 of 10 trainings" in said
    (longer,) = re.findall(r"Search on: +drilldown (.*)\n", said)
    assert longer == "launch tiny --trials 4 --until-confirmed"
    assert record.load(tiny / "best.toml").statement.goal.accuracy == 91.5


def test_all_who_speak_of_the_best_know_what_fresh_seeds_say(
    tiny: Path, drilldown: Drilldown, monkeypatch: pytest.MonkeyPatch
) -> None:
    for drawn in ("curves", "accuracy_by_parameters"):  # which takes seconds
        monkeypatch.setattr(figures, drawn, lambda *_: "<svg></svg>")
    ours = record.load(tiny / "best.toml").origin
    assert ours is not None
    worse = 1 - ours.trial
    assert "On fresh seeds" not in drilldown("show", "tiny").out
    assert record.load(tiny / "best.toml").statement is None
    assert drilldown("confirm", "tiny", "--seeds", "4", "--format", "json").code == 0
    shown = re.sub(r"\s+", " ", drilldown("show", "tiny").out)
    assert f"trial {ours.trial} confirmed (4 of 4 hold the goal, P(goal) >0.99)" in shown
    assert f"trial {worse} confirmed" in shown
    confirmed = record.load(tiny / "best.toml")
    (tiny / "report.md").unlink(missing_ok=True)
    assert drilldown("report", "tiny").code == 0
    report = (tiny / "report.md").read_text()
    assert f"| trial {ours.trial} | confirmed | 4 of 4 seeds | >0.99 (" in report
    assert "how some do on others, the table of fresh seeds says" in report
    launched = drilldown("launch", "tiny", "--trials", "3", "--quiet")
    assert launched.code == 0
    assert f"On fresh seeds: trial {confirmed.origin.trial} confirmed" in launched.out
    assert f"Config of trial {confirmed.origin.trial}:" in launched.out
    assert record.load(tiny / "best.toml") == confirmed
    for words in ((), ("--trial", str(confirmed.origin.trial))):
        assert drilldown("export", "tiny", *words, "-o", tiny / "net.toml").code == 0
        assert record.load(tiny / "net.toml") == confirmed
    assert drilldown("export", "tiny", "--trial", "2", "-o", tiny / "net.toml").code == 0
    assert record.load(tiny / "net.toml").statement is None
    assert drilldown("rename", "tiny", "other", "--yes").code == 0
    moved = record.load(tiny.with_name("other") / "best.toml")
    assert (moved.confirmed, moved.statement) == (confirmed.confirmed, confirmed.statement)


def test_a_refuted_best_gives_way_to_one_that_is_open(tiny: Path, drilldown: Drilldown) -> None:
    study = open_storage().get("tiny")
    first, second = study.trials()
    seed = fresh_seeds(7, 1)[0]
    kept = Ledger(tiny / "confirmed.jsonl")
    for trial, accuracies in ((first, [5.0, 6.0]), (second, [60.0])):
        for number, accuracy in enumerate(accuracies):
            config = trial.config.changed(seed=seed + number)
            kept.add(
                Run(
                    name=f"trial {trial.number}",
                    config=key(config),
                    seed=config.seed,
                    test_acc=(1.0, accuracy),
                    train_acc=(1.0, 1.0),
                    seconds=1.0,
                    environment=fakes.ENVIRONMENT,
                )
            )
    done = drilldown("export", "tiny")
    assert f"\nIt is trial {second.number}, open: 1 of 1 fresh seed holds the goal\n" in done.out
    assert record.load(tiny / "best.toml").origin.trial == second.number
    assert record.load(tiny / "best.toml").statement.verdict == "open"


def test_open_ones_go_on_with_what_is_printed(tiny: Path, drilldown: Drilldown) -> None:
    words = ("confirm", "tiny", "--top", "1", "--seeds", "1", "--quiet", "--workers", "1")
    done = drilldown(*words)
    assert "Open: whether at least 9 of 10 trainings of trial" in done.out
    (more,) = re.findall(r"Go on, to 2 seeds: +drilldown (.*)", done.out)
    assert drilldown(*shlex.split(more), "--quiet", "--workers", "1").code == 0
    assert len(Ledger(tiny / "confirmed.jsonl").runs) == 2


def test_a_training_that_fails_is_said_and_tried_again(
    tiny: Path, pools: Pools, drilldown: Drilldown
) -> None:
    pools.failing = frozenset({3})
    words = ("confirm", "tiny", "--top", "1", "--quiet", "--workers", "1", "--seed", "2")
    done = drilldown(*words)
    assert done.code == 1
    assert ", 1 failed" in done.out
    assert done.err.endswith("1 training failed; type the same to try again.\n")
    pools.failing = frozenset()
    again = drilldown(*words)
    assert (again.code, again.err) == (0, "")
    assert [run.seed for run in Ledger(tiny / "confirmed.jsonl").runs] == [2, 3, 4, 5]


@pytest.mark.usefixtures("pools")
def test_a_drill_s_own_fresh_curves_count(home: Path, drilldown: Drilldown) -> None:
    folder = home / "runs" / "mini"
    folder.mkdir(parents=True)
    shutil.copy(LEFT / "confirmed.jsonl", folder)
    with sqlite3.connect(home / "runs" / "drilldown.sqlite3") as database:
        database.executescript((LEFT / "drilldown.sql").read_text())
    database.close()
    before = Ledger(folder / "confirmed.jsonl").runs
    raced = json.loads(drilldown("confirm", "mini", "--format", "json").out)
    after = Ledger(folder / "confirmed.jsonl").runs
    assert after[: len(before)] == before
    assert {*Counter((run.config, run.seed) for run in after).values()} == {1}
    assert sum(row["seeds"] for row in raced) == len(after)
    finalists = json.loads(drilldown("show", "mini", "--format", "json").out)["finalists"]
    assert [row["finalist"] for row in raced] == [each["finalist"] for each in finalists]
    assert record.load(folder / "best.toml").statement is not None


def test_a_config_is_raced_on_seeds_other_than_all_that_it_keeps(
    tiny: Path, drilldown: Drilldown
) -> None:
    assert drilldown("confirm", "tiny", "--quiet", "--workers", "1").code == 0
    kept = record.load(tiny / "best.toml")
    done = drilldown("confirm", tiny / "best.toml", "--quiet", "--workers", "1")
    assert (done.code, done.err) == (0, "")
    anew = record.load(tiny.parent / "seeds" / "best.toml")
    assert anew.config == kept.config
    assert not {run.seed for run in anew.confirmed} & {run.seed for run in kept.confirmed}
    assert kept.config.seed not in {run.seed for run in anew.confirmed}
    assert anew.statement is not None
    assert anew.statement.goal == kept.statement.goal


def test_a_config_without_a_curve_is_judged_by_fresh_seeds_alone(
    tiny: Path, drilldown: Drilldown
) -> None:
    kept = record.load(tiny / "best.toml")
    record.save(tiny / "bare.toml", Record(config=kept.config))
    words = ("confirm", tiny / "bare.toml", "--quiet", "--workers", "1")
    done = drilldown(*words, "--set", "goal.last=1", "--set", "goal.accuracy=20")
    assert done.code == 0
    assert "optimism" not in done.out.splitlines()[2]
    assert done.out.endswith(f"drilldown train {tiny.parent / 'seeds' / 'bare.toml'}\n")
    assert record.load(tiny.parent / "seeds" / "bare.toml").statement.goal.epochs == 15


def test_a_study_is_meant_before_a_config_of_its_name(tiny: Path, drilldown: Drilldown) -> None:
    assert drilldown("rename", "tiny", "under-10k", "--yes").code == 0
    done = drilldown("confirm", "under-10k", "--quiet", "--workers", "1", "--top", "1")
    assert done.err.startswith("under-10k: the study is meant; the config of that name is ")
    assert tiny.with_name("under-10k").joinpath("confirmed.jsonl").exists()


def test_nobody_launches_or_deletes_what_is_being_confirmed(
    tiny: Path, drilldown: Drilldown
) -> None:
    with contenders.find(["tiny"], Wish(10), None).held():
        one_line(drilldown("launch", "tiny"), "study 'tiny' is being run by another process")
        one_line(drilldown("delete", "tiny", "--yes"), "'tiny' is being run by another process")
        one_line(drilldown("confirm", "tiny"), "study 'tiny' is being run by another process")
    assert not (tiny / "confirmed.jsonl").exists()


BAD_INPUT = [
    ("confirm", "Missing argument"),
    ("confirm tiny --seeds 0", "--seeds", "must be a whole number from 1 to 1,000, not '0'"),
    ("confirm tiny --top 0", "--top", "must be a whole number from 1 to 1,000, not '0'"),
    ("confirm tiny --workers 0", "--workers"),
    ("confirm tniy", "no study, drill or config named 'tniy'; did you mean 'tiny'?"),
    ("confirm quick", "study 'quick' has not been run yet; run it with: drilldown launch quick"),
    ("confirm deep", "drill 'deep' has not been run yet; run it with: drilldown drill deep"),
    ("confirm none.toml", "none.toml: no such file"),
    ("confirm tiny silu-squeeze", "'tiny' is a study or drill, and 'silu-squeeze' another"),
    ("confirm tiny tiny", "'tiny' is a study or drill, and 'tiny' another"),
    ("confirm silu-squeeze --top 2", "--top is for studies and drills"),
    ("confirm silu-squeeze --set goal.params=8000", "silu-squeeze has 9,987 parameters, and the "
     "goal wants fewer than 8,000; ask another one: --set goal.params=9988"),
    ("confirm silu-squeeze --set goal.epochs=9", "has 15 epochs, and the goal wants at most 9"),
    ("confirm silu-squeeze --set goal.epochs=30 --set goal.last=20", "the goal asks for the last"),
    ("confirm silu-squeeze --set goal.parms=9", "goal.parms: is not a field", "'params'?"),
    ("confirm silu-squeeze --set seed=9", "--set seed: is not a field here"),
    ("confirm silu-squeeze --set goal.accuracy=0.99", "0.99 is a share?", "mean 99?"),
    ("confirm tiny --set goal.params=9", "goal.params: cannot be changed"),
    ("confirm tiny --seed 9223372036854775807", "--seed: 9223372036854775807 and those after it"),
    ("confirm tiny --seed {used}", "--seed: {used} is not fresh: trial", "was found with it"),
    ("confirm silu-squeeze {tiny}/best.toml", "was meant for goal.", "say one: --set goal."),
    ("confirm {tiny}/best.toml {tiny}/trial-0.toml", "are one recipe on two seeds"),
    ("confirm tiny --storage sqlite:///none.db", "no study, drill or config named 'tiny'"),
    ("confirm tiny -o {tiny}", "is a folder"),
]  # fmt: skip


@pytest.mark.parametrize("case", BAD_INPUT, ids=lambda case: case[0])
def test_bad_input_is_one_line(tiny: Path, drilldown: Drilldown, case: tuple[str, ...]) -> None:
    kept = record.load(tiny / "best.toml")
    other = kept.changed(config=kept.config.changed(seed=99))
    record.save(tiny / "trial-0.toml", other)
    typed, *parts = (part.format(tiny=tiny, used=kept.config.seed) for part in case)
    before = (tiny / "best.toml").read_bytes()
    one_line(drilldown(*shlex.split(typed)), *parts)
    assert not (tiny / "confirmed.jsonl").exists()
    assert (tiny / "best.toml").read_bytes() == before


def test_a_study_without_a_complete_trial_has_nothing_to_confirm(
    home: Path, drilldown: Drilldown
) -> None:
    with opened(open_storage(create=True), "tiny", StudySpec.from_dict(tomllib.loads(TINY))):
        pass
    one_line(drilldown("confirm", "tiny"), "has no complete trial yet, and so none to confirm; see")


def test_a_drill_whose_stage_is_not_over_has_no_finalists(home: Path, drilldown: Drilldown) -> None:
    spec = DrillSpec.from_dict(tomllib.loads(STAGES))
    plan = spec.study(1, {"plain": spec.plain()})
    with opened(open_storage(create=True), "down.1.net", plan):
        pass
    one_line(drilldown("confirm", "down"), "has no finalists yet, as stage 1 is not over; go on")
