"""Counts and figures as they are written: one and many, and on which side of the goal."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import drills
import fakes
import optuna
import pytest
import stored
from drills import Done, plain
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples

from mnist_core.goal import Goal
from mnist_core.words import (
    accuracies,
    apart,
    beside,
    does,
    exact,
    last,
    of,
    ordinal,
    part,
    percent,
)
from search.compare import compare as comparing
from search.compare import listing as comparison
from search.compare import page
from search.compare.experiments import select
from search.confirm.check import Check
from search.drill.result import Finalist
from search.drill.run import Drilled
from search.drill.spec import DrillSpec
from search.launch.progress import Progress, tally
from search.launch.run import Launched
from search.report import columns, drilled, figures, launched, listing
from search.report.findings import findings
from search.report.sentences import status
from search.report.summary import summary
from search.report.tables import finalists
from search.study import note
from search.study.study import Study
from search.study.trials import Complete, State
from search.text.commands import Command

ROOT = Path(__file__).parents[1]
AGAIN = Command("launch", "near.toml", "near")
PLAN = fakes.study(trials=1)


def test_counts() -> None:
    assert [of(count, "trial") for count in (0, 1, 2)] == ["0 trials", "1 trial", "2 trials"]
    assert [part(1, whole, "trial") for whole in (1, 2)] == ["1 of 1 trial", "1 of 2 trials"]
    assert part(4, 2, "trial") == "4 trials (2 wanted)"
    assert part(1, 0, "trial") == "1 trial (0 wanted)"
    assert [last(count, "epoch") for count in (1, 2)] == ["last epoch", "last 2 epochs"]
    assert [does(count, "holds") for count in (0, 1, 2)] == ["hold", "holds", "hold"]
    assert [does(count, "is") for count in (0, 1, 2)] == ["are", "is", "are"]


# --- accuracies ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accuracy", "said"),
    [
        (99.4, "99.40"),
        (99, "99.00"),
        (99.454, "99.454"),
        (99.995, "99.995"),
        (100.0, "100.00"),
        (1e-5, "0.00001"),
    ],
)
def test_a_goal_has_all_its_decimals(accuracy: float, said: str) -> None:
    assert exact(accuracy) == said
    assert str(Goal(accuracy=accuracy)).startswith(f"{said} % in every one of")


@pytest.mark.parametrize(
    ("accuracy", "goal", "said"),
    [
        (99.396, 99.4, "99.396"),  # misses it
        (99.3996, 99.4, "99.3996"),
        (99.4, 99.4, "99.40"),
        (99.404, 99.4, "99.40"),
        (99.399999999999991, 99.4, "99.40"),  # a mean's rounding
        (99.452, 99.454, "99.45"),
        (99.454, 99.454, "99.454"),  # holds it
        (99.456, 99.454, "99.46"),
        (99.996, 99.4, "99.996"),  # is not 100
        (100.0, 99.4, "100.00"),
    ],
)
def test_an_accuracy_is_shown_on_its_side_of_the_goal(
    accuracy: float, goal: float, said: str
) -> None:
    assert percent(accuracy, goal) == said
    assert accuracies([accuracy] * 2, goal) == f"{said} {said}"


@examples(100)
@given(st.integers(1, 60_000), st.integers(1, 60_000), st.integers(1, 10_000))
def test_what_is_shown_reaches_the_goal_as_what_was_counted(
    images: int, right: int, goal: int
) -> None:
    accuracy, mark = 100 * min(right, images) / images, goal / 100
    shown = float(beside(accuracy, mark))
    assert (shown >= mark) == (accuracy >= mark)
    assert shown == pytest.approx(accuracy, abs=0.005 + 1e-9)


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        (0.3, 0.2, ("0.30", "0.20")),
        (0.1604, 0.1596, ("0.1604", "0.1596")),
        (0.1604, 0.1594, ("0.160", "0.159")),
        (0.1596, 0.1604, ("0.16", "0.16")),  # no more than that
        (0.1, 0.1, ("0.10", "0.10")),
        (0.1049, 0.0951, ("0.105", "0.095")),
    ],
)
def test_of_two_figures_the_larger_is_shown_to_be(
    one: float, other: float, said: tuple[str, str]
) -> None:
    assert apart(one, other) == said


GOAL = Goal(accuracy=99.4951, last=2, epochs=3, params=2_000)
MISSES = (99.0, 99.49505, 99.49505)  # with two decimals, 99.50 as the goal


def _missing() -> list[Complete]:
    config = plain(epochs=3)
    found = drills.trials([Done(config, MISSES, MISSES[-1])], goal=GOAL)
    return [trial for trial in found if isinstance(trial, Complete)]


def _study() -> Study:
    study = stored.launched(optuna.create_study(study_name="near", direction="maximize"), GOAL)
    study.optuna.add_trial(stored.trial(plain(epochs=3), GOAL, MISSES))
    return study


def _of_a_study() -> Iterator[str]:
    (trial,), study = _missing(), _study()
    yield launched.report(
        Launched(study, PLAN, Path("best.toml"), 0), "drilldown launch", None, AGAIN
    )
    (worst,) = (column for column in columns.COLUMNS if column.name == "worst")
    yield f"{worst.shown(trial, GOAL)} {GOAL}"
    yield " ".join(listing.goal_cells(GOAL))
    yield note._text(study, [trial], [trial], "drilldown", "")
    yield str(note._drawing(GOAL, [trial])["layout"]["title"])
    watcher = Progress("near", GOAL, 1, [trial])
    watcher.started(0, trial.config)
    watcher.epoch(0, fakes.result(1, MISSES[-1]))
    yield f"{watcher._running[0].cells(GOAL.accuracy)} {GOAL} {watcher.summary()}"


def _of_a_drill() -> Iterator[str]:
    stages = [{**stage, "trials": 4} for stage in drills.VALUES["stage"]]  # too few to weigh
    spec = DrillSpec.from_dict({**drills.VALUES, "goal": GOAL.model_dump(), "stage": stages})
    result = drills.drill(spec, finalists=False)
    won = [replace(each, trial=_missing()[0]) for each in result.stages[-1].winners]
    ended = [replace(stage, winners=won) for stage in result.stages]
    runs = [drills.run(each.name, each.config, MISSES) for each in won]
    over = replace(
        result,
        stages=ended,
        finalists=[Finalist(each, [run]) for each, run in zip(won, runs, strict=True)],
    )
    for done in (replace(result, stages=ended), over):
        yield drilled._markdown(done, [findings(stage, done) for stage in ended], {})
        yield summary(Drilled(done, Path("drill.html"), None, 0), "drilldown drill", None, AGAIN)
    yield summary(Drilled(over, Path("a"), Path("b"), 0), "drilldown drill", None, AGAIN)
    yield f"{finalists(over)} {GOAL}"


@pytest.mark.parametrize("texts", [_of_a_study, _of_a_drill])
def test_no_text_rounds_a_goal_or_what_misses_it(texts: Callable[[], Iterator[str]]) -> None:
    for text in texts():
        assert "99.4951" in text
        assert "99.50" not in text, text


def test_figures_name_the_goal_with_its_decimals(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(figures, "_goal_line", lambda axes, goal, label: said.append(label))
    figures.curves([figures.Curve("net", plain(), MISSES)], GOAL)
    figures.accuracy_by_parameters([("net", [figures.Dot(1_900, 99.0, 98.0, True)])], GOAL)
    assert said == ["goal: 99.4951 %", "goal: 99.4951 % in the worst epoch"]


def test_nothing_writes_an_accuracy_by_itself() -> None:
    """What rounds to two decimals stands in one place, which knows the goal."""
    for path in _sources():
        by_hand = re.search(r"accuracy:\.\df|:\.2f\}\S? %|%\.2f %%", path.read_text())
        assert by_hand is None, path


# --- one and many ----------------------------------------------------------------------------

WHAT = "trial|epoch|seed|stage|experiment|write-up|width|degree|training|run|image|thread|layer"
ONE = re.compile(rf"(?<![\d.,/-])1 (?:[a-z]+ )?(?:{WHAT}|parameter)s\b")
MANY = re.compile(rf"(?<![\d.,/-])(?:0|[2-9]|[1-9]\d+) (?:complete |fresh )?(?:{WHAT})\b(?!-)")
PART = re.compile(r"(?<![\d.,])(\d+) of (?:the )?(\d+)\b")


def _miscounted(text: str) -> list[str]:
    said = " ".join(text.split())
    more = [found[0] for found in PART.finditer(said) if int(found[1]) > int(found[2])]
    return [*(found[0] for one in (ONE, MANY) for found in one.finditer(said)), *more]


@pytest.mark.parametrize(
    "text",
    ["1 trials", "the 1 complete trials", "0 complete trial", "last 2 epoch", "4 of 2 trials"],
)
def test_what_nobody_would_say_is_found(text: str) -> None:
    assert _miscounted(f"Here {text} are.")


def _drilled(count: int, last: int, confirm: int) -> Iterator[str]:
    stages = [{**stage, "trials": count, "keep": 1} for stage in drills.VALUES["stage"]]
    goal = {**drills.VALUES["goal"], "last": last, "epochs": max(2, last)}
    values = {**drills.VALUES, "stage": stages[: max(1, count)], "confirm": confirm, "goal": goal}
    spec = DrillSpec.from_dict(values)
    for how_far in ({"stages": 1}, {"cut": count}, {"finalists": False}, {}):
        result = drills.drill(spec, **how_far)  # type: ignore[arg-type]
        yield status(result)
        yield drilled._markdown(result, [findings(stage, result) for stage in result.stages], {})
        best = Path("best.toml") if result.finalists else None
        yield summary(Drilled(result, Path("drill.html"), best, 2), "drilldown drill", None, AGAIN)
    if confirm:
        first, *others = result.finalists
        failed = replace(result, finalists=[replace(first, runs=first.runs[1:]), *others])
        yield summary(Drilled(failed, Path("drill.html"), None, 0), "drilldown drill", None, AGAIN)
        yield status(failed)


@pytest.mark.parametrize("confirm", [0, 1, 2])
@pytest.mark.parametrize("last", [1, 2])
@pytest.mark.parametrize("count", [1, 2])
def test_a_drill_counts_as_a_person_would(count: int, last: int, confirm: int) -> None:
    for text in _drilled(count, last, confirm):
        assert _miscounted(text) == []


@pytest.mark.parametrize("count", [0, 1, 2])
@pytest.mark.parametrize("wanted", [1, 2])
def test_a_study_counts_as_a_person_would(count: int, wanted: int) -> None:
    goal = Goal(accuracy=80.0, last=wanted, epochs=2, params=2_000)
    done = [Done(plain(epochs=2), [90.0, 90.0 + n]) for n in range(count)]
    found = drills.trials(done, goal=goal)
    complete = [trial for trial in found if isinstance(trial, Complete)]
    texts = [
        str(goal),
        " ".join(listing.goal_cells(goal)),
        tally(Counter({State.COMPLETE: count}), wanted),
        Progress("few", goal, wanted, found).summary(),
        note._text(_study(), found, complete, "drilldown", ""),
    ]
    assert [_miscounted(text) for text in texts] == [[]] * len(texts)


@pytest.mark.parametrize("words", [["001-code1"], ["001-code1", "004-exp1"], []])
def test_a_comparison_counts_as_a_person_would(words: list[str]) -> None:
    for runs in ([], comparing.Results(None).runs):
        found = comparing.compare(select(words), runs, 15)
        for text in (page.page(found, "drilldown compare"), *comparison.summary(found)):
            assert _miscounted(text) == []


@pytest.mark.parametrize("differ", [0, 1, 2])
@pytest.mark.parametrize("same", [True, False])
def test_a_check_counts_as_a_person_would(differ: int, same: bool) -> None:
    for length in (1, 2):
        curve, other = [99.0] * length, [98.0] * min(differ, length) + [99.0] * length
        remarks = Check(tuple(curve), tuple(other[:length]), same).remarks()
        assert _miscounted(" ".join(remarks)) == []


def _sources() -> list[Path]:
    found = [
        path for room in ("search", "mnist_core", "spaces") for path in (ROOT / room).rglob("*.py")
    ]
    assert len(found) > 50
    return found


def test_nothing_makes_a_plural_by_itself() -> None:
    for path in _sources():
        if path.name != "words.py":
            assert not re.search(r"""['"]s['"] ?\*|\{'' if|'s' if""", path.read_text()), path


def test_places_are_counted_as_people_count() -> None:
    said = " ".join(ordinal(number) for number in (1, 2, 3, 4, 11, 12, 13, 21, 22, 101, 111))
    assert said == "1st 2nd 3rd 4th 11th 12th 13th 21st 22nd 101st 111th"
