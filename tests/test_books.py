"""What the books say of a study: who runs it, what came of a launch, what it will do next."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fakes
import optuna
import pytest
from command_line import TINY, Drilldown, one_line
from fakes import FakeWorkers, Fate
from optuna.trial import create_trial

from mnist_core import locks, record
from mnist_core.config import Config
from mnist_core.paths import runs_dir
from search.launch import failures
from search.study.identity import IDENTITY
from search.study.methods import METHODS
from search.study.session import Session, opened
from search.study.spec import load
from search.study.storage import open_storage
from search.study.studies import Studies
from search.study.study import GOAL
from search.study.trials import CONFIG, TRAINING, State, Trial, TrialAttr

PLAN = fakes.study()


@pytest.fixture
def studies(home: Path) -> Studies:
    return open_storage(create=True)


# --- who runs it -----------------------------------------------------------------------------


def _states(drilldown: Drilldown, name: str = "tiny") -> list[tuple[str, str]]:
    listed = json.loads(drilldown("show", name, "--format", "json").out)
    return [(row["state"], row["reason"]) for row in listed]


def test_a_study_that_runs_is_told_from_one_whose_owner_is_gone(
    studies: Studies, drilldown: Drilldown
) -> None:
    with opened(studies, "tiny", PLAN) as session:
        assert drilldown("show", "tiny").out.endswith("\nRunning now: 0 trials\n")
        for _ in range(2):
            session.ask(9)
        assert drilldown("show", "tiny").out.endswith("\nRunning now: 2 trials\n")
        assert drilldown("list").out.endswith("\nRunning now: tiny\n")
        assert _states(drilldown) == [("running", "")] * 2
        with session.ours():
            pass  # it holds the study still
    left = drilldown("show", "tiny")
    said = "Left by an owner that is gone: 2 trials; resume with: drilldown launch tiny"
    assert left.out.splitlines()[-1] == said
    assert drilldown("list").out.endswith("\nLeft by an owner that is gone: tiny\n")
    assert _states(drilldown) == [("interrupted", "its owner is gone")] * 2
    with opened(studies, "tiny", PLAN) as session:
        assert session.reconcile() == 2  # nobody who looked has written anything
    assert "its owner went away" in drilldown("show", "tiny").out
    assert drilldown("list").out.splitlines()[-1].startswith("tiny ")


def test_a_study_that_comes_along_says_how_it_is_resumed(
    studies: Studies, drilldown: Drilldown, tmp_path: Path
) -> None:
    _, smoke = load("smoke")
    for name, plan in (("smoke", smoke), ("quick", PLAN)):
        with opened(studies, name, plan) as session:
            session.ask(9)
    assert drilldown("show", "smoke").out.endswith("resume with: drilldown launch smoke\n")
    assert drilldown("show", "quick").out.endswith("resume with: drilldown launch quick\n")
    url = f"sqlite:///{tmp_path}/home/runs/drilldown.sqlite3"
    shown = drilldown("show", "smoke", "--storage", url).out
    assert shown.endswith(f"resume with: drilldown launch smoke --storage {url}\n")


def test_where_it_cannot_be_told_nothing_is_said(
    studies: Studies, drilldown: Drilldown, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(studies, "tiny", PLAN) as session:
        session.ask(9)
    monkeypatch.setattr("search.study.locks.is_locked", lambda path: None)
    assert _states(drilldown) == [("running", "")]
    assert "owner" not in drilldown("show", "tiny").out + drilldown("list").out


def test_studies_of_one_name_in_two_files_of_a_folder_run_apart(
    drilldown: Drilldown, tmp_path: Path
) -> None:
    urls = [f"sqlite:///{tmp_path}/{name}.sqlite3" for name in ("one", "two")]
    one, two = (open_storage(url, create=True) for url in urls)
    with opened(one, "tiny", PLAN) as session:
        session.ask(9)
        with opened(two, "tiny", PLAN):
            pass
        said = [drilldown("show", "tiny", "--storage", url).out.splitlines()[-1] for url in urls]
        assert said[0] == "Running now: 1 trial"
        assert "Running" not in said[1]


def test_a_lock_is_looked_at_without_being_taken_or_made(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert locks.is_locked(path) is False
    assert not path.exists()
    with locks.locked(path):
        path.chmod(0o444)
        assert locks.is_locked(path) is True
    assert locks.is_locked(path) is False
    assert locks.is_locked(path / "below a file") is None


# --- what came of a launch -------------------------------------------------------------------

GOOD = Fate([91.0, 92.0])
FAILED = Fate([91.0], "the worker died: killed by SIGKILL")


class Instant(FakeWorkers):
    def __enter__(self) -> "Instant":
        return self

    def __exit__(self, *_: object) -> None: ...


Launch = Callable[..., Any]


@pytest.fixture
def launch(
    drilldown: Drilldown, tmp_path: Path, no_data: None, monkeypatch: pytest.MonkeyPatch
) -> Launch:
    """Launches a study of two trials, each of which has the same fate."""

    def run(*words: str, fate: Fate = GOOD, pruned: bool = False, change: Any = ("", "")) -> Any:
        path = tmp_path / "tiny.toml"
        path.write_text(TINY.replace(*change))
        with monkeypatch.context() as patch:
            patch.setattr("search.launch.run.LocalWorkers", lambda *_: Instant(1, _always(fate)))
            if pruned:
                patch.setattr(Session, "hopeless", lambda *_: True)
            return drilldown("launch", path, *words)

    return run


def _always(fate: Fate) -> Callable[[int, Config], Fate]:
    return lambda job, config: fate


NO_BEST = "No trial was trained to its end, so there is no best yet."


def test_a_launch_in_which_all_failed_says_why_and_what_helps(launch: Launch) -> None:
    done = launch(fate=FAILED)
    assert done.code == 1
    said = done.out.splitlines()
    assert said[1:5] == [
        "tiny: 2 of 2 trials ended: 0 complete, 0 pruned, 2 failed",
        NO_BEST,
        "2 of 2 trials failed: the worker died: killed by SIGKILL; a system that is short of "
        "memory kills so; fewer --workers take less",
        "All these count; to try more, launch with --trials above 2.",
    ]
    again = launch()
    assert again.code == 1
    assert again.out.splitlines()[2:4] == ["Complete: 2 trials; nothing trained", NO_BEST]
    assert launch("--trials", "3").code == 0


def test_a_launch_in_which_all_were_pruned_says_so(launch: Launch) -> None:
    done = launch(pruned=True)
    assert done.code == 1
    assert "2 trials ended, all pruned; another pruner may spare some" in done.out


def test_a_launch_that_had_no_time_says_how_to_go_on(launch: Launch) -> None:
    done = launch("--timeout", "1e-9")
    assert done.code == 1
    assert NO_BEST in done.out
    assert "No trial was begun: the 1e-09 s allowed were over; raise --minutes\n" in done.out
    assert re.search(r"^Out of time; go on with: .* --minutes 10$", done.out, re.MULTILINE)
    assert "1e-9" not in done.out
    assert "All these count" not in done.out


@pytest.fixture
def complete(launched: Path, home: Path) -> Studies:
    """The storage of the study `tiny`, whose five trials are complete."""
    shutil.copytree(launched.parent, home / "runs")
    return open_storage()


@pytest.mark.usefixtures("complete")
@pytest.mark.parametrize(
    ("trials", "options", "code", "said"),
    [
        (5, {"fate": FAILED}, 0, "Complete: 5 trials; nothing trained\n"),
        (1, {"fate": FAILED}, 0, "Complete: 5 trials, 1 asked for; nothing trained\n"),
        (7, {"fate": FAILED}, 1, "In this launch 2 of 2 trials failed: the worker died"),
        (7, {"pruned": True}, 0, "7 of 7 trials ended: 5 complete, 2 pruned, 0 failed"),
    ],
)
def test_a_study_that_has_a_best_is_launched_again(
    launch: Launch, trials: int, options: dict[str, Any], code: int, said: str
) -> None:
    done = launch("--trials", str(trials), **options)
    assert (done.code, said in done.out) == (code, True), done
    assert f"{max(trials, 5)} of {max(trials, 5)} trials ended" in done.out
    assert "from here on" not in done.err


def test_the_reason_is_the_commonest() -> None:
    """Epochs and batches are no difference."""
    reasons = ["it ended", *(f"the loss became nan in epoch {n}, batch {n + 5}" for n in (2, 3))]
    assert failures.why([_failed(reason) for reason in reasons]).startswith(
        "3 of 3 trials failed, most often (2): the loss became nan in epoch 2, batch 7; it diverged"
    )
    assert failures.why([_failed("it ended")]) == "1 of 1 trial failed: it ended"
    assert failures.why([]) == "no trial ended in time"


def _failed(reason: str) -> Trial:
    return Trial("tiny", 0, State.FAIL, {}, {}, (), (), None, None, reason, None, None, {})


# --- what it does next -----------------------------------------------------------------------

MEDIAN = ("[sampler]", '[pruner]\nkind = "median"\n[sampler]')


@pytest.mark.usefixtures("complete")
@pytest.mark.parametrize(
    ("change", "still", "then"),
    [
        (
            ('"random"', '"tpe"\nn_startup_trials = 3'),
            "the sampler is still random",
            "the sampler is tpe (n_startup_trials = 3) from here on; it was random",
        ),
        (MEDIAN, "the pruner is still goal", "the pruner is median from here on; it was goal"),
    ],
)
def test_another_sampler_or_pruner_is_said_and_holds_from_the_next_trial_on(
    launch: Launch, change: tuple[str, str], still: str, then: str
) -> None:
    done = launch("--trials", "5", change=change)
    assert done.out.splitlines()[2] == f"Complete: 5 trials; nothing trained; {still}"
    more = launch("--trials", "6", change=change)
    assert [line for line in more.err.splitlines() if "from here on" in line] == [then]
    again = launch("--trials", "6", change=change)
    assert again.out.splitlines()[2] == "Complete: 6 trials; nothing trained"


def test_of_a_study_that_does_not_say_how_it_was_searched_nothing_is_said(
    launch: Launch, complete: Studies
) -> None:
    complete.get("tiny").keep(METHODS, None)  # as older versions left it
    other = launch("--trials", "5", change=MEDIAN)
    assert other.out.splitlines()[2] == "Complete: 5 trials; nothing trained"


@pytest.mark.usefixtures("complete")
def test_another_seed_is_refused_also_of_a_complete_study(launch: Launch) -> None:
    one_line(launch("--seed", "9"), "was launched with seed = 7, now it is 9")


# --- studies of others -----------------------------------------------------------------------


def _plain(name: str, studies: Studies, **options: Any) -> optuna.Study:
    return optuna.create_study(study_name=name, storage=studies.storage, **options)


def test_studies_of_others_are_listed_as_such(complete: Studies, drilldown: Drilldown) -> None:
    studies = complete
    _plain("plain", studies).add_trial(create_trial(value=1.0))
    _plain("two", studies, directions=["maximize", "minimize"]).set_user_attr(GOAL, {})
    for number, odd in enumerate(["99.5 %", [1], None, {"accuracy": "x"}, 1e400]):
        _plain(f"odd-{number}", studies, direction="maximize").set_user_attr(GOAL, odd)
    _plain("\x1b[31mred\n", studies)
    done = drilldown("list")
    assert (done.code, done.err) == (0, "")
    run = done.out.split("What has been run\n")[1].splitlines()
    assert [line.split()[0] for line in run[:2]] == ["name", "tiny"]
    assert " ".join(map(str.strip, run[2:])) == (
        r"Not drilldown's: '\x1b[31mred\n', odd-0, odd-1, odd-2, odd-3, odd-4, plain, two"
    )


@pytest.mark.parametrize("odd", [None, 5, {"name": "tiny"}])
def test_an_odd_identity_is_none(complete: Studies, drilldown: Drilldown, odd: Any) -> None:
    complete.get("tiny").keep(IDENTITY, odd)
    assert drilldown("list").code == drilldown("show", "tiny").code == 0


def test_odd_attributes_of_trials_end_nothing(complete: Studies, drilldown: Drilldown) -> None:
    odd = {
        TrialAttr.PARAMS: "many", TrialAttr.SECONDS: [], TrialAttr.REASON: {}, "interrupted": "no",
    }  # fmt: skip
    attributes = {str(name): value for name, value in odd.items()}
    study = complete.get("tiny").optuna
    study.add_trial(create_trial(value=99.9, user_attrs=attributes))
    study.add_trial(create_trial(value=99.9, user_attrs=attributes, system_attrs={TRAINING: 5}))
    study.add_trial(create_trial(value=99.9, system_attrs={CONFIG: "x", TRAINING: {"of": 1}}))
    for name, value in attributes.items():
        study.ask().set_user_attr(name, value)
    for form in ("table", "json", "csv"):
        done = drilldown("show", "tiny", "--format", form)
        assert (done.code, done.err) == (0, "")
    assert [state for state, _ in _states(drilldown)].count("foreign") == 7
    assert drilldown("list").code == drilldown("export", "tiny").code == 0
    best = json.loads(drilldown("show", "tiny", "--format", "json").out)[0]["trial"]
    origin = record.load(runs_dir() / "tiny" / "best.toml").origin
    assert origin is not None
    assert origin.trial == best < 5
    for number in ("5", "6", "8"):
        one_line(
            drilldown("export", "tiny", "--trial", number),
            "has no curve to expect: ",
            "; see: drilldown show tiny",
        )
