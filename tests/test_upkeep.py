"""Delete, rename, copy and rescore: what is ours stays ours, and a kill leaves something whole."""

import io
import json
import os
import shutil
import socket
import sqlite3
import sys
from pathlib import Path
from typing import Any

import fakes
import optuna
import optuna_dashboard
import pytest
from command_line import Drilldown, one_line
from fakes import FakeWorkers, Fate
from optuna.trial import create_trial

from mnist_core import record
from mnist_core.errors import UserError
from search.launch.owner import Owner
from search.launch.run import launch
from search.study import folder, memo, rows, upkeep
from search.study.rescore import rescored
from search.study.session import drilled, opened
from search.study.storage import open_storage
from search.study.studies import Studies
from search.study.study import Study
from search.study.trials import Complete, State, Trial, TrialAttr

PLAN = fakes.study()
LEFT = Path(__file__).parent / "data" / "before-rooms"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of runs in which a study, `tiny`, has run; to be copied."""
    home = tmp_path_factory.mktemp("ran")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DRILLDOWN_HOME", str(home))
        studies = open_storage(create=True)
        _run(studies)
        studies.storage.engine.dispose()
    return home / "runs"


@pytest.fixture
def studies(runs: Path, home: Path) -> Studies:
    """The storage of a home in which `tiny` has run."""
    shutil.copytree(runs, home / "runs")
    return open_storage()


@pytest.fixture
def mini(home: Path) -> Path:
    """A home with a drill of an older version, `mini` of two stages; returns its folder."""
    runs = home / "runs"
    (runs / "mini").mkdir(parents=True)
    shutil.copy(LEFT / "confirmed.jsonl", runs / "mini")
    with sqlite3.connect(runs / "drilldown.sqlite3") as database:
        database.executescript((LEFT / "drilldown.sql").read_text())
    database.close()
    return runs / "mini"


def _curve(job: int) -> list[float]:
    """The later the better, but for the last epoch."""
    return [90.0, 91.0 + 0.2 * job, 91.5 + job % 2]


def _run(studies: Studies, name: str = "tiny", trials: int = 4) -> Study:
    """A study that has run, with the folder and the files that a launch leaves."""
    with opened(studies, name, PLAN) as session:
        fates = FakeWorkers(1, lambda job, _: Fate(_curve(job), "it failed" * (job == 2)))
        assert Owner(session, fates, []).run(trials) == 0
    folder.claim(studies, name)
    upkeep.export(session.study, None, folder.runs_dir() / name / "best.toml")
    (folder.runs_dir() / name / "launch.log").write_text("so it went\n")
    return studies.get(name)


def _rows(study: Study) -> list[tuple[Any, ...]]:
    """All that is to be seen of its trials, but for the study's name."""
    return [_row(trial) for trial in study.trials()]


def _row(trial: Trial) -> tuple[Any, ...]:
    held = trial.holds_goal
    return (
        trial.number,
        trial.state,
        trial.score,
        trial.test_acc,
        trial.sample,
        trial.config,
        held,
    )


def _origin(home: Path, name: str) -> str | None:
    origin = record.load(home / "runs" / name / "best.toml").origin
    return origin and origin.study


# --- copy ------------------------------------------------------------------------------------


def test_a_copy_is_a_study_of_its_own_and_its_trials_stay_ours(
    studies: Studies, home: Path
) -> None:
    before = studies.get("tiny")
    before.optuna.add_trial(create_trial(value=99.9))  # somebody else's, in the copy too
    kept = _rows(before)
    upkeep.copy(studies, "tiny", "other")
    copied = studies.get("other")
    assert _rows(copied) == kept
    assert [trial.state for trial in copied.trials()].count(State.FOREIGN) == 1
    assert copied.identity is not None
    assert copied.identity != before.identity
    assert _origin(home, "other") == "other"
    assert (home / "runs" / "other" / "launch.log").read_text() == "so it went\n"
    _run(studies, "other", 6)
    assert _rows(studies.get("tiny")) == kept
    assert studies.get("other").counted == 6


def test_a_copy_goes_on_as_the_study_would(studies: Studies) -> None:
    upkeep.copy(studies, "tiny", "other")
    assert _rows(_run(studies, "tiny", 6)) == _rows(_run(studies, "other", 6))


def test_a_copy_is_not_owned_by_the_studys_owner(studies: Studies) -> None:
    with opened(studies, "tiny", PLAN) as session:
        assert session.study.optuna.user_attrs["owner"].startswith(f"process {os.getpid()} on ")
        rows.copy(studies.storage.engine, {"tiny": "other"})
    assert "owner" not in studies.get("other").optuna.user_attrs


def test_who_has_run_a_study_is_not_its_owner_any_more(studies: Studies) -> None:
    assert "owner" not in studies.get("tiny").optuna.user_attrs  # it has run
    with opened(studies, "tiny", PLAN) as session:
        session.study.optuna.set_user_attr("owner", "theirs")
    assert studies.get("tiny").optuna.user_attrs["owner"] == "theirs"  # which others wrote


@pytest.mark.parametrize(
    ("owner", "how"),
    [
        (
            f"process 123 on {socket.gethostname()} (hold ab12)",
            "Ctrl-C in its terminal, or kill -INT 123",
        ),
        ("process 123 on elsewhere (hold ab12)", "Ctrl-C in its terminal"),
        ("theirs", "Ctrl-C in its terminal"),
    ],
)
def test_how_to_stop_what_runs_is_said(
    drilldown: Drilldown, studies: Studies, owner: str, how: str
) -> None:
    with opened(studies, "tiny", PLAN) as session:
        session.study.optuna.set_user_attr("owner", owner)
        said = f"is being run by {owner}; wait for it, or stop it ({how})"
        one_line(drilldown("delete", "tiny", "--yes"), said)
        session.study.forget("owner", owner)
        one_line(drilldown("delete", "tiny", "--yes"), "by another process; wait for it, or stop")


def test_a_copy_that_is_killed_on_the_way_leaves_nothing(
    studies: Studies, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(rows._Copy, "_numbers", _killed)
        with pytest.raises(KeyboardInterrupt):
            upkeep.copy(studies, "tiny", "other")
    assert studies.names() == ["tiny"]
    assert not (home / "runs" / "other").exists()
    upkeep.copy(studies, "tiny", "other")
    assert _rows(studies.get("other")) == _rows(studies.get("tiny"))


# --- rename ----------------------------------------------------------------------------------


def test_a_renamed_study_is_the_same_under_another_name(studies: Studies, home: Path) -> None:
    before = studies.get("tiny")
    kept, identity = _rows(before), before.identity
    upkeep.rename(studies, "tiny", "other")
    renamed = studies.get("other")
    assert studies.find("tiny") is None
    assert (_rows(renamed), renamed.identity) == (kept, identity)
    assert not (home / "runs" / "tiny").exists()
    mark = json.loads((home / "runs" / "other" / "run.json").read_text())
    assert (mark["name"], mark["identity"]) == ("other", identity and identity.id)
    assert _origin(home, "other") == "other"
    assert _run(studies, "other", 5).counted == 5
    assert _run(studies, "tiny").identity != identity  # the name is free again


@pytest.mark.parametrize("step", ["claim", "move", "rows", "settle"])
def test_a_rename_that_was_killed_is_finished_by_the_same_command(
    studies: Studies, home: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    kept = _rows(studies.get("tiny"))
    module, name = {
        "claim": (folder, "claim"),
        "move": (folder, "move"),
        "rows": (rows, "rename"),
        "settle": (upkeep, "_settle"),
    }[step]
    with monkeypatch.context() as patch:
        patch.setattr(module, name, _killed)
        with pytest.raises(KeyboardInterrupt):
            upkeep.rename(studies, "tiny", "other")
    if step != "settle":  # after which it has its name, and the next launch does the rest
        assert _rows(studies.get("tiny")) == kept
        upkeep.rename(studies, "tiny", "other")
    assert _rows(_run(studies, "other")) == kept
    assert _origin(home, "other") == "other"
    assert [path.name for path in (home / "runs").iterdir() if path.is_dir()] == ["other"]


def _killed(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


# --- delete ----------------------------------------------------------------------------------


def test_a_deleted_study_is_gone_with_its_folder(studies: Studies, home: Path) -> None:
    upkeep.copy(studies, "tiny", "other")
    upkeep.delete(studies, "tiny")
    assert studies.names() == ["other"]
    assert not (home / "runs" / "tiny").exists()
    assert _origin(home, "other") == "other"


def test_a_delete_that_was_killed_is_finished_by_the_same_command(
    studies: Studies, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = _rows(studies.get("tiny"))
    for module, name in [(Path, "rmdir"), (optuna, "delete_study")]:
        with monkeypatch.context() as patch:
            patch.setattr(module, name, _killed)
            with pytest.raises(KeyboardInterrupt):
                upkeep.delete(studies, "tiny")
        assert _rows(studies.get("tiny")) == kept
    upkeep.delete(studies, "tiny")
    assert studies.names() == []
    assert not (home / "runs" / "tiny").exists()


def test_a_folder_of_another_is_left(studies: Studies, home: Path, tmp_path: Path) -> None:
    other = open_storage(f"sqlite:///{tmp_path / 'other.sqlite3'}", create=True)
    with opened(other, "tiny", PLAN):
        pass
    upkeep.delete(other, "tiny")
    assert other.names() == []
    assert _origin(home, "tiny") == "tiny"


# --- what is refused -------------------------------------------------------------------------


def test_nothing_is_done_to_a_study_that_runs(studies: Studies, home: Path) -> None:
    kept = _rows(studies.get("tiny"))
    with opened(studies, "tiny", PLAN):
        for do in (
            lambda: upkeep.delete(studies, "tiny"),
            lambda: upkeep.rename(studies, "tiny", "other"),
            lambda: upkeep.copy(studies, "tiny", "other"),
        ):
            with pytest.raises(UserError, match=r"is being run by process .*; wait for it, or"):
                do()
    assert studies.names() == ["tiny"]
    assert _rows(studies.get("tiny")) == kept
    assert (home / "runs" / "tiny" / "best.toml").exists()


def test_a_strangers_study_is_left(studies: Studies) -> None:
    optuna.create_study(study_name="theirs", storage=studies.storage)
    with pytest.raises(UserError, match="drilldown did not launch it"):
        upkeep.delete(studies, "theirs")
    assert studies.names() == ["theirs", "tiny"]


@pytest.fixture
def two(studies: Studies) -> Studies:
    """`tiny` and `other`, and a folder `taken`."""
    upkeep.copy(studies, "tiny", "other")
    (folder.runs_dir() / "taken").mkdir()
    return studies


REFUSED = [
    ("delete tiny", "no terminal to ask in; say --yes"),
    ("rename tiny new", "no terminal to ask in; say --yes"),
    ("copy tiny new", "no terminal to ask in; say --yes"),
    ("delete tiny tniy --yes", "no study named 'tniy'", "did you mean 'tiny'?"),
    ("delete --yes", "NAME..."),
    ("rename tiny other --yes", "'other' is there already"),
    ("rename tiny tiny --yes", "'tiny' is there already"),
    ("copy tiny other --yes", "'other' is there already"),
    ("copy tiny taken --yes", "runs/taken is there already; move it away"),
    ("copy tiny ../x --yes", "'../x': use letters"),
    ("rename tiny 'a b' --yes", "'a b': use letters"),
    ("note tiny ''", "TEXT: is empty; --clear forgets the note"),
    ("note tiny x --clear", "leave TEXT away, or --clear"),
    (f"note tiny {'x' * 10_001}", "TEXT: has 10,001 signs"),
    ("note tniy x", "did you mean 'tiny'?"),
    ("rescore tiny", "--set"),
    ("rescore tniy --set goal.last=2", "did you mean 'tiny'?"),
    ("rescore tiny --set goal.last", "must be KEY=VALUE"),
    ("rescore tiny --set goal.last=9", "last = 9 is more than the 3 epochs that", "for 3 at most"),
    ("rescore tiny --set goal.last=x", "--set goal.last: must be a valid integer"),
    ("rescore tiny --set goal.last=1.5", "--set goal.last: must be a valid integer"),
    ("rescore tiny --set goal.accuracy=0.9", "--set goal.accuracy: 0.9 is a share?", "mean 90?"),
    ("rescore tiny --set goal.last=[1", "goal.last: '[1' is not valid TOML"),
    ("rescore tiny --set goal.accuracy=101", "--set goal.accuracy: must be less than"),
    ("rescore tiny --set goal.acuracy=99", "did you mean 'goal.accuracy'?"),
    ("rescore tiny --set goal.epochs=9", "goal.epochs: cannot be changed", "schedule"),
    ("rescore tiny --set goal.params=9", "goal.params: cannot be changed", "budget"),
    ("rescore tiny --set goal.judge=holdout", "goal.judge: cannot be changed", "other images"),
    ("rescore tiny --set seed=9", "seed: cannot be changed"),
    ("rescore tiny --set space.vary.lr=[0.1,0.2]", "cannot be changed", "sample"),
    ("rescore tiny --set trials=9", "trials: is not of the goal"),
    ("rescore tiny --set goal.last=2 --save other", "'other' is there already"),
]


def test_what_cannot_be_done_is_one_line_and_changes_nothing(
    drilldown: Drilldown, two: Studies, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shlex

    monkeypatch.setattr(sys, "stdin", None)
    kept = {name: _rows(two.get(name)) for name in two.names()}
    files = sorted((home / "runs").rglob("*"))
    for line, *parts in REFUSED:
        one_line(drilldown(*shlex.split(line)), *parts)
        assert {name: _rows(two.get(name)) for name in two.names()} == kept, line
    assert [path for path in sorted((home / "runs").rglob("*")) if path not in files] == []


@pytest.mark.parametrize(("answer", "left"), [("n\n", ["tiny"]), ("y\n", [])])
def test_a_person_is_asked(
    drilldown: Drilldown,
    studies: Studies,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    left: list[str],
) -> None:
    stdin = io.StringIO(answer)
    monkeypatch.setattr(stdin, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", stdin)
    done = drilldown("delete", "tiny")
    assert "Delete study 'tiny' (4 trials) for good, with the folders of their results?" in done.out
    assert done.code == bool(left)
    assert done.out.endswith("Nothing was deleted.\n" if left else "Deleted: tiny\n")
    assert studies.names() == left


# --- drills ----------------------------------------------------------------------------------


def test_a_drill_is_renamed_copied_and_deleted_as_a_whole(drilldown: Drilldown, mini: Path) -> None:
    shown = drilldown("show", "mini", "--format", "json").out
    assert drilldown("copy", "mini", "maxi", "--yes").code == 0
    assert drilldown("rename", "mini", "micro", "--yes").code == 0
    for name in ("maxi", "micro"):
        assert drilldown("show", name, "--format", "json").out == shown.replace("mini", name)
        assert drilldown("export", name).code == 0
    assert not mini.exists()
    assert drilldown("delete", "maxi", "micro", "--yes").out == "Deleted: maxi\nDeleted: micro\n"
    assert open_storage().names() == ["smoke"]
    assert [path for path in mini.parent.iterdir() if path.is_dir()] == []


def test_a_renamed_drill_goes_on_without_a_training(drilldown: Drilldown, mini: Path) -> None:
    assert drilldown("rename", "mini", "micro", "--yes").code == 0
    words = ("drill", LEFT / "mini.toml", "--name", "micro", "--quiet")
    done = drilldown(*words, start=fakes.unstartable)
    assert (done.code, done.err) == (0, "")
    assert "micro" in (mini.parent / "micro" / "drill.md").read_text()


@pytest.mark.usefixtures("mini")
@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("delete mini.2.pace --yes", "which cannot go on without it; delete the whole: "),
        ("rename mini.1.net new --yes", "which cannot go on without it; rename the whole: "),
        ("copy mini.1.net new --yes", "without which it cannot go on; copy the whole: "),
        ("rescore mini.1.net --set goal.last=1 --save new", "without which it cannot go on; copy"),
    ],
)
def test_a_stage_alone_is_neither_deleted_nor_renamed_nor_copied(
    drilldown: Drilldown, home: Path, line: str, part: str
) -> None:
    url = f"sqlite:///{home}/runs/drilldown.sqlite3"
    verb = part.partition("; ")[2].split()[0]
    new = "" if verb == "delete" else " NEW"
    command = f"drilldown {verb} mini{new} --storage {url}"
    one_line(
        drilldown(*line.split(), "--storage", url), "is a stage of drill 'mini'", part, command
    )
    assert open_storage().names() == ["mini.1.net", "mini.2.pace", "smoke"]


def test_what_is_left_without_a_first_stage_is_told_truly_and_deleted(
    drilldown: Drilldown, mini: Path
) -> None:
    studies = open_storage()
    first = studies.get("mini.1.net")
    first.keep("drilldown:identity", {"id": "0" * 16, "name": first.name, "trials": first.size})
    folder.claim(studies, "mini", "drill", first)
    whole = drilldown("show", "mini").out.splitlines()
    optuna.delete_study(study_name="mini.1.net", storage=studies.storage)
    shown = drilldown("show", "mini").out.splitlines()
    assert shown[3] == next(line for line in whole if line.startswith("2.pace")), shown
    assert "Deleted since it ran: stage 1; the drill cannot go on without" in shown
    for line in ("drill mini", "report mini"):
        one_line(
            drilldown(*line.split()),
            "its first stage, which kept its file, was deleted",
            "drilldown delete mini",
        )
    one_line(drilldown("rename", "mini", "new", "--yes"), "delete the rest: drilldown delete mini")
    done = drilldown("delete", "mini", "--yes")
    assert (done.out, done.err) == ("Deleted: mini\n", "")
    assert not mini.exists()


@pytest.mark.usefixtures("mini")
def test_a_drill_that_runs_is_left(drilldown: Drilldown) -> None:
    with drilled(open_storage(), "mini"):
        one_line(drilldown("delete", "mini", "--yes"), "drill 'mini' is in another process's hands")
        again = drilldown("drill", LEFT / "mini.toml", "--quiet")
        one_line(again, "drill 'mini' is in another process's hands")


# --- a person's note -------------------------------------------------------------------------

WORDS = "wide <b>first</b> layer,\n*then* squeeze; 50 % | `lr` 0.2"


@pytest.mark.usefixtures("studies")
def test_a_note_is_kept_and_shown_and_nothing_writes_over_it(
    drilldown: Drilldown, no_data: None
) -> None:
    assert "Nothing is noted of tiny yet" in drilldown("note", "tiny").out
    assert drilldown("note", "tiny", WORDS).out == f"Noted of tiny: {WORDS}\n"
    assert drilldown("copy", "tiny", "copied", "--yes").code == 0
    launch("tiny", fakes.study(trials=5), None, start=fakes.quick)
    for name in ("tiny", "copied"):
        assert drilldown("note", name).out == f"{WORDS}\n"
        assert drilldown("show", name).out.endswith(f"Note: {WORDS}\n")
        shown = optuna_dashboard.get_note(open_storage().get(name).optuna)
        assert shown.startswith("> wide \\<b\\>first\\</b\\> layer,  \n> \\*then\\* squeeze;")
        assert "**Goal:** 90.00 %" in shown
    json.loads(drilldown("show", "tiny", "--format", "json").out)
    assert drilldown("note", "tiny", "--clear").out == "Nothing is noted of tiny any more\n"
    assert "Note:" not in drilldown("show", "tiny").out
    told = optuna_dashboard.get_note(open_storage().get("tiny").optuna)
    assert told.startswith("**Not the whole of MNIST")


def test_a_study_that_runs_can_be_noted_of(studies: Studies) -> None:
    with opened(studies, "tiny", PLAN):
        upkeep.note(open_storage(), "tiny", "look at trial 3")
    assert memo.of(studies.get("tiny")) == "look at trial 3"


# --- rescore ---------------------------------------------------------------------------------


def test_a_study_under_another_goal_is_as_if_it_had_been_launched_with_it(
    studies: Studies,
) -> None:
    study = studies.get("tiny")
    before = _rows(study)
    anew = rescored(study, ["goal.accuracy=91.6", "goal.last=1"])
    for trial in anew.trials():
        if isinstance(trial, Complete):
            assert trial.ending == anew.goal.ending(_curve(trial.number))
            assert trial.score == trial.test_acc[-1]
    assert [trial.number for trial in anew.trials() if trial.holds_goal] == [1, 3]
    upkeep.copy(studies, "tiny", "anew", anew.rescoring())
    kept = studies.get("anew")
    assert kept.goal == anew.goal
    assert _rows(kept) == _rows(anew)
    assert _rows(studies.get("tiny")) == before
    values = {trial.number: trial.user_attrs[TrialAttr.WORST] for trial in kept.optuna.trials[:2]}
    assert values == {0: 91.5, 1: 92.5}


@pytest.mark.parametrize("elsewhere", [False, True])
@pytest.mark.usefixtures("no_data", "studies")
def test_a_launch_with_another_goal_says_what_asks_the_study_for_it(
    drilldown: Drilldown, home: Path, elsewhere: bool
) -> None:
    where = ["--storage", f"sqlite:///{home}/runs/drilldown.sqlite3"] if elsewhere else []
    refused = drilldown("launch", "tiny", "--set", "goal.accuracy=91.5", *where)
    assert refused.code == 2
    command = refused.err.partition("to ask its curves for this goal: ")[2].strip()
    assert ("--storage" in command) == elsewhere
    assert drilldown(*command.split()[1:]).out.count("this goal") == 1
    other = drilldown("launch", "tiny", "--set", "goal.accuracy=91.5", "--seed", "8")
    assert "rescore" not in other.err  # whose other seed no curve knows


@pytest.mark.usefixtures("no_data", "studies")
def test_a_study_kept_under_another_goal_goes_on_with_that(drilldown: Drilldown) -> None:
    done = drilldown("rescore", "tiny", "--set", "goal.accuracy=91.5", "--save", "higher")
    assert "1 trial holds this goal; 3 trials hold the study's own: 90.00 %" in done.out
    assert done.out.endswith("Kept as higher; go on with: drilldown launch higher\n")
    resumed = drilldown("launch", "higher", "--trials", "5")
    assert "higher: 5 of 5 trials ended" in resumed.out
    assert "91.50 % in every one of the last 2 of 3 epochs" in resumed.out
