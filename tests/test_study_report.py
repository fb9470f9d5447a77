"""The report of a study, and `drilldown report`, which writes it, and a drill's anew."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import drills
import fakes
import optuna
import pytest
from command_line import STAGES, TINY, Drilldown, one_line
from drills import Done
from optuna.trial import TrialState
from webpage import WebPage, check_harmless

from mnist_core.paths import runs_dir
from search.drill import kept, resume, stored
from search.drill.result import DrillResult
from search.report import drilled, ended, studied
from search.report.figures import Dot
from search.report.studied import StudyResult
from search.study import runs, storage
from search.study.rungs import Search
from search.study.studies import Studies
from search.study.trials import State, Trial
from spaces.dimensions import Choice, Dimension, Real

GOAL = drills.SPEC.goal  # 99.00 % in each of the last 3 of 8 epochs
KINDS: dict[str, Dimension] = {
    "lr": Real(0.05, 0.8, log=True),
    "averaging": Choice(("none", "ema")),
}


def _done(lr: float, state: TrialState = TrialState.COMPLETE, epochs: int = 8) -> Done:
    config = drills.plain(
        optimizer={"kind": "sgd", "lr": lr}, seed=int(1000 * lr), data={"train": 6_000}
    )
    curve = drills.curve(config, config.seed)[:epochs]
    return Done(config, curve, 99.4, state, {"lr": lr, "averaging": "none"})


def _result(trials: list[Trial], **changes: Any) -> StudyResult:
    kept = {
        "seed": "3",
        "data": "6000+10000",
        "space": "open",
        "fix.layout": "'squeeze'",
        "lr": "0.05 to 0.8",
    }
    return replace(
        StudyResult("made-up", trials, GOAL, kept, {"pruner": "median (n_min_trials = 2)"}, False),
        **changes,
    )


COMPLETE = [_done(0.05 + 0.07 * n) for n in range(10)]
STOPPED = [_done(0.06, TrialState.PRUNED, 2), _done(0.07, TrialState.PRUNED, 5)]


@pytest.fixture(scope="module")
def whole() -> StudyResult:
    return _result(drills.trials([*COMPLETE, *STOPPED], KINDS))


@pytest.fixture(scope="module")
def folder(whole: StudyResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("report")
    assert studied.write(whole, found / "report.html") == found / "report.html"
    return found


@pytest.fixture(scope="module")
def text(folder: Path) -> str:
    return (folder / "report.md").read_text()


def test_every_section_is_there(text: str) -> None:
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == [
        "Result",
        "What was varied",
        "What the numbers say",
        "What was stopped",
        "What failed",
        "How to run the best again",
        "Seeds",
        "Where it was trained",
    ]
    assert text.splitlines()[2].startswith("**Not the whole of MNIST: 6,000 of 60,000 training")
    assert f"**Goal:** {GOAL}." in text
    assert "Varied in the space `open`: `lr` (0.05 to 0.8) and `averaging` (`none`, `ema`)." in text
    assert "Held: `layout` = `squeeze`." in text
    assert "No trial failed." in text
    assert "The study's seed is 3," in text


def test_the_best_is_the_best_with_its_numbers(whole: StudyResult, text: str) -> None:
    best = whole.complete[0]
    short = GOAL.accuracy - best.ending.worst
    assert short > 0
    assert (
        f"**Trial {best.number}** is best, with {best.params:,} parameters: it misses the goal by "
        f"{short:.2f} points in the worst of its last 3 epochs (1 seed)."
    ) in text
    assert f"drilldown export made-up --trial {best.number} -o trial-{best.number}.toml\n" in text
    assert f"drilldown train trial-{best.number}.toml --check\n" in text
    assert f"lr = {best.config.optimizer.lr}" in text
    assert "`lr`, which explains" in text  # nothing else decides in `drills.curve`


def test_its_page_is_whole_and_asks_for_nothing(folder: Path) -> None:
    said = (folder / "report.html").read_text()
    page = WebPage(said)
    check_harmless(page)
    assert page.tags.count("svg") == 2 * 3
    assert "@media print" in said
    assert set(re.findall(r"https?://[^\"'\s<>]+", said)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    linked = re.findall(r"!\[.+\]\((.+)\)", (folder / "report.md").read_text())
    assert [(folder / address).is_file() for address in linked] == [True] * 3


def test_a_hostile_name_is_a_name(whole: StudyResult, tmp_path: Path) -> None:
    payload = "<img src=x onerror=alert(1)> ```"
    trials = [replace(trial, study=payload) for trial in whole.trials]
    page = studied.write(replace(whole, study=payload, trials=trials), tmp_path / "report.html")
    read = WebPage(page.read_text())
    check_harmless(read)
    assert read.text.count("<img src=x onerror=alert(1)>") >= 3  # title, heading, command


def test_others_nets_lie_behind_its_own(whole: StudyResult, folder: Path, tmp_path: Path) -> None:
    cloud = [Dot(each.config.params, 98.6, 98.5, leads=False) for each in whole.complete] * 3
    studied.write(whole, tmp_path / "report.html", cloud=cloud)
    name = "figures/accuracy-by-parameters.svg"
    alone, among = ((place / name).read_text().count("<use ") for place in (folder, tmp_path))
    assert among >= alone + 30


# --- What ended otherwise


def _cells(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]


def test_what_was_stopped_is_said_by_epoch(whole: StudyResult, text: str) -> None:
    assert (
        "2 of 12 trials were stopped, after epochs 2 to 5 of 8. `median`, the pruner of the "
        "latest launch, stops what is below the median of the others after the same epoch."
    ) in text
    _, _, second, fifth = _cells(ended.pruned_table(whole.trials, GOAL))
    there = sorted(trial.test_acc[1] for trial in whole.complete)
    assert second == [
        "2",
        "not kept",
        "10",
        f"{STOPPED[0].test_acc[-1]:.2f}",
        f"{there[0]:.2f} to {there[-1]:.2f}",
    ]
    assert fifth[:4] == ["5", "not kept", "11", f"{STOPPED[1].test_acc[-1]:.2f}"]


@pytest.mark.parametrize(
    ("methods", "said"),
    [
        ({"pruner": "none"}, "There was no pruner."),
        ({"pruner": "none", "search": "none"}, "There was no pruner."),
        ({"pruner": "none", "search": Search().said(GOAL)}, "No trial was stopped."),
        ({}, "No trial was stopped."),
    ],
)
def test_what_was_not_stopped(methods: dict[str, str], said: str) -> None:
    assert ended.pruned([], GOAL, methods) == said


def test_the_rungs_of_a_search_are_said(whole: StudyResult) -> None:
    search = Search(rungs=(1, 3), keep=0.25).said(GOAL)
    said = ended.pruned(whole.trials, GOAL, {"pruner": "none", "search": search})
    alone = Search(rungs=(1,), keep=0.25).said(GOAL)
    one = ended.pruned(whole.trials, GOAL, {"pruner": "none", "search": alone})
    assert "After epoch 1 the latest launch stops one" in one
    assert said == (
        "2 of 12 trials were stopped, after epochs 2 to 5 of 8. After epochs 1, 3 the latest "
        "launch stops one that is not among the best 25% of what complete trials had reached by "
        "then."
    )


def test_failures_of_one_reason_are_one_line() -> None:
    reasons = ["train loss is nan in epoch 2", "killed by SIGKILL", "train loss is nan in epoch 5"]
    trials = drills.trials([_done(0.1, TrialState.FAIL, 1)] * 3, KINDS)
    trials = [replace(trial, reason=why) for trial, why in zip(trials, reasons, strict=True)]
    assert ended.failed(trials) == "3 of 3 trials failed:"
    assert _cells(ended.failed_table(trials))[2:] == [
        ["0, 2", "2", "train loss is nan in epoch 2"],
        ["1", "1", "killed by SIGKILL"],
    ]


@pytest.mark.parametrize(
    ("running", "said"),
    [
        (True, "It is running now, with 1 trial under way."),
        (False, "Nobody runs it; 1 trial was left by an owner gone."),
        (None, "1 trial is said to run."),
    ],
)
def test_who_runs_it_is_said(running: bool | None, said: str) -> None:
    assert ended.status(drills.trials([_done(0.1, TrialState.RUNNING, 2)], KINDS), running) == said
    assert ended.status([], False) == "Nobody runs it now."
    assert ended.status([], False, 5) == "Nobody runs it now; 5 of 5 trials are missing."


def test_a_trial_that_has_just_been_asked_for_is_under_way() -> None:
    [new] = drills.trials([_done(0.1, TrialState.RUNNING, 2)], KINDS)
    new = replace(new, state=State.FOREIGN, test_acc=(), _tables={})
    assert ended.status([new], True) == "It is running now, with 1 trial under way."
    assert "1 not drilldown's" in ended.status([new], False)


@pytest.mark.parametrize("done", [[], STOPPED, [_done(0.1, TrialState.RUNNING, 2)]])
def test_without_a_complete_trial_it_tells_what_there_is(done: list[Done], tmp_path: Path) -> None:
    page = studied.write(_result(drills.trials(done, KINDS)), tmp_path / "report.html")
    text = page.with_suffix(".md").read_text()
    assert "No trial is complete yet, so there is no best." in text
    assert "How to run" not in text
    assert "Not the whole of MNIST: 6,000 of" in text
    assert ("2 of 2 trials were stopped" in text) == (done == STOPPED)
    assert not (tmp_path / "figures").exists()


# --- The command


def test_the_report_of_a_study_stands_in_its_folder(
    drilldown: Drilldown, tiny: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny.write_text(f'title = "A *first* look"\n{TINY}')
    monkeypatch.chdir(tmp_path)
    drilldown("launch", tiny, "--quiet")
    drilldown("note", "tiny", "as a **baseline**")
    place = home / "runs" / "tiny"
    done = drilldown("report", "tiny")
    assert (done.code, done.out, done.err) == (0, f"{place}/report.html\n{place}/report.md\n", "")
    text = (place / "report.md").read_text()
    assert text.startswith("# tiny: A \\*first\\* look\n")
    assert "**Note:** as a \\*\\*baseline\\*\\*\n" in text
    assert "**Status:** Nobody runs it now. Trials: 2 (2 complete)." in text
    steps = re.findall(r"^# (.+)\ndrilldown (launch tiny .+)$", text, re.MULTILINE)
    assert steps[0] == (
        "All of MNIST",
        "launch tiny --set data.train=60000 --set data.test=10000 --name tiny-all",
    )
    words = re.findall(r"^drilldown (export .+)$", text, re.MULTILINE)[0].split()
    assert drilldown(*words).code == 0  # as a reader would type it


def test_a_report_goes_where_it_is_told(drilldown: Drilldown, tiny: Path, tmp_path: Path) -> None:
    drilldown("launch", tiny, "--quiet")
    page = tmp_path / "there" / "mine.html"
    assert drilldown("report", "tiny", "-o", page).out == f"{page}\n{page.with_suffix('.md')}\n"
    assert "](mine-figures/curves.svg)" in page.with_suffix(".md").read_text()
    assert (page.parent / "mine-figures" / "curves.svg").is_file()
    before = set(tmp_path.rglob("*"))
    done = drilldown("report", "tiny", "-o", "-")
    assert done.out == page.read_text()
    assert set(tmp_path.rglob("*")) == before
    one_line(drilldown("report", "tiny", "-o", tmp_path / "x.md"), "x.md", "name the page, as x.ht")
    for name in ("x.txt", "x"):
        refused = drilldown("report", "tiny", "-o", tmp_path / name)
        one_line(refused, f"{name}: a report is a page of HTML; name the page, as x.html")


def test_a_launch_and_its_report_say_the_same_next(
    drilldown: Drilldown, tiny: Path, home: Path
) -> None:
    """Twice as many trials as the study asks for itself, whatever one launch was told."""
    typed = ["--set", "goal.accuracy=99.99", "--trials", "1", "--quiet"]
    said = drilldown("launch", tiny, *typed).out.partition("What next")[2]
    drilldown("report", "tiny")
    text = (home / "runs" / "tiny" / "report.md").read_text().partition("What next")[2]
    ours = re.findall(r"^(\w[\w ]+): +drilldown launch (?:.*(--trials .*))?", said, re.MULTILINE)
    theirs = re.findall(r"^# (.+)\ndrilldown launch (?:.*(--trials .*))?", text, re.MULTILINE)
    assert ours == theirs
    assert ("More epochs", "") in ours
    assert ("More trials", "--trials 4") in ours


def test_the_report_of_a_drill_is_written_anew(
    drilldown: Drilldown, tmp_path: Path, home: Path
) -> None:
    file = tmp_path / "down.toml"
    file.write_text(STAGES)
    drilldown("drill", file, "--quiet")
    place = home / "runs" / "down"
    names = ["drill.html", "drill.md", "figures/curves.svg"]
    before = [(place / name).read_bytes() for name in names]
    for name in names:
        (place / name).unlink()
    done = drilldown("report", "down", start=fakes.unstartable)
    assert (done.code, done.out) == (0, f"{place}/drill.html\n{place}/drill.md\n")
    assert [(place / name).read_bytes() for name in names] == before
    drilldown("report", "down", "-o", tmp_path / "elsewhere.html")
    text = (tmp_path / "elsewhere.md").read_text()
    assert "```sh\ndrilldown export down -o best.toml\ndrilldown train best.toml --check\n" in text
    stage = drilldown("report", "down.1.net")
    assert stage.out.splitlines()[0] == str(home / "runs" / "down.1.net" / "report.html")
    text = (home / "runs" / "down.1.net" / "report.md").read_text()
    assert "Varied as a stage of a drill: the " in text
    assert "What next" not in text


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("tinny", ["no study named 'tinny'", "did you mean 'tiny'"]),
        ("other", ["study 'other' has no goal: drilldown did not launch it"]),
        ("an/other", ["has no goal"]),
    ],
)
def test_of_what_there_is_no_report(
    name: str, parts: list[str], drilldown: Drilldown, tiny: Path
) -> None:
    drilldown("launch", tiny, "--quiet")
    studies = storage.open_storage()
    for foreign in ("other", "an/other"):
        optuna.create_study(study_name=foreign, storage=studies.storage)
    one_line(drilldown("report", name), *parts)


def test_without_a_storage_there_is_no_report(drilldown: Drilldown) -> None:
    one_line(drilldown("report", "tiny"), "drilldown launch")


def test_a_study_that_runs_has_a_report_that_says_so(
    drilldown: Drilldown, tiny: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drilldown("launch", tiny, "--quiet")
    monkeypatch.setattr(Studies, "running", lambda *_: True)
    assert drilldown("report", "tiny").code == 0
    text = (home / "runs" / "tiny" / "report.md").read_text()
    assert "**Status:** It is running now, with 0 trials under way. Trials: 2 (2 comp" in text


def test_a_folder_of_another_is_left_alone(drilldown: Drilldown, tiny: Path, home: Path) -> None:
    other = f"sqlite:///{home}/other.db"
    drilldown("launch", tiny, "--quiet")
    (home / "runs" / "tiny").rename(home / "runs" / "aside")
    drilldown("launch", tiny, "--quiet", "--storage", other)
    one_line(drilldown("report", "tiny"), "holds the results of study 'tiny' in")


# --- A drill as it is kept


@pytest.fixture
def drilled_before(
    drilldown: Drilldown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Studies:
    """A drill that is over, without a report."""
    monkeypatch.setattr(drilled, "write", lambda _, folder: folder / drilled.PAGE)
    file = tmp_path / "down.toml"
    file.write_text(STAGES)
    drilldown("drill", file, "--quiet")
    return storage.open_storage()


def _came(result: DrillResult) -> list[Any]:
    stages: list[Mapping[str, Any]] = [
        {"name": each.stage.name, "bases": each.bases, "winners": [w.name for w in each.winners]}
        for each in result.stages
    ]
    return [*stages, [(each.candidate.name, len(each.runs)) for each in result.finalists]]


def test_a_drill_is_read_as_far_as_it_has_come(drilled_before: Studies) -> None:
    studies = drilled_before
    whole = stored.read(studies, runs.find(studies, "down"))
    assert [stage.stage.name for stage in whole.stages] == ["net", "pace"]
    assert [len(each.runs) for each in whole.finalists] == [1, 1]
    place = runs_dir() / "down"
    (place / kept.LEDGER).write_text("")
    failed = stored.read(studies, runs.find(studies, "down"))
    assert [len(each.runs) for each in failed.finalists] == [0, 0]
    (place / stored.BEST).unlink()
    assert (
        stored.read(studies, runs.find(studies, "down")).finalists == []
    )  # they are still to be trained
    second = studies.get("down.2.pace")
    second.keep(kept.WINNERS, None)
    before = stored.read(studies, runs.find(studies, "down"))
    assert _came(before)[:1] == _came(whole)[:1]
    assert before.stages[1].winners == []


def test_a_drill_that_does_not_keep_its_file_says_what_to_do(
    drilldown: Drilldown, drilled_before: Studies
) -> None:
    studies = drilled_before
    studies.get("down.1.net").keep(resume._DRILL, None)
    one_line(drilldown("report", "down"), "drilldown drill FILE.toml --name down")
    studies.get("down.1.net").keep(resume._DRILL, {"spec": {"stage": []}, "bases": {}})
    one_line(drilldown("report", "down"), "cannot be read now: stage")
