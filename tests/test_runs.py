"""Runs by their names: a drill's name is as good as a study's, and a study that has run needs its
file no more."""

import csv
import io
import json
import re
import shutil
import sqlite3
from pathlib import Path

import fakes
import pytest
from command_line import STAGES, TINY, Drilldown, one_line

from mnist_core import packaged, record
from search.drill import kept
from search.drill import spec as drill_spec
from search.study import starts
from search.study.fingerprint import SPEC
from search.study.storage import open_storage

LEFT = Path(__file__).parent / "data" / "before-rooms"


@pytest.fixture
def mini(home: Path) -> Path:
    """A home with a drill, `mini` of two stages, and a study, `smoke`; returns the drill's
    folder."""
    folder = home / "runs" / "mini"
    folder.mkdir(parents=True)
    shutil.copy(LEFT / "confirmed.jsonl", folder)
    with sqlite3.connect(home / "runs" / "drilldown.sqlite3") as database:
        database.executescript((LEFT / "drilldown.sql").read_text())
    database.close()
    return folder


# --- a drill's name --------------------------------------------------------------------------


@pytest.mark.usefixtures("mini")
def test_list_has_a_drill_with_its_stages_below_it(drilldown: Drilldown) -> None:
    run = drilldown("list").out.split("What has been run")[1]
    names = [re.split(r" {2,}\d", line)[0] for line in run.splitlines()[2:]]
    assert names == ["mini", "  mini.1.net", "  mini.2.pace", "smoke"]
    ended = [int(re.split(r" {2,}", line.strip())[2]) for line in run.splitlines()[2:]]
    assert ended[0] == ended[1] + ended[2]


@pytest.mark.usefixtures("mini")
def test_show_of_a_drill_has_its_stages_and_finalists(drilldown: Drilldown) -> None:
    done = drilldown("show", "mini")
    assert (done.code, done.err) == (0, "")
    first, title, *_ = done.out.splitlines()
    assert first == (
        "Not the whole of MNIST: 1,000 of 60,000 training images, 500 of 10,000 test images"
    )
    assert title.startswith("mini, a drill: ")
    assert re.search(r"^2.pace +5 +pace/3 +56.40 .* pace/3, net/3$", done.out, re.MULTILINE)
    finalists = done.out.partition("Finalists, best first")[2].splitlines()
    assert [line.split()[0] for line in finalists[2:4]] == ["net/3", "pace/3"]
    assert finalists[2].endswith("on 0 of 3 seeds")
    assert done.out.endswith("drilldown show mini.2.pace\n")


@pytest.mark.usefixtures("mini")
def test_show_of_a_drill_for_programs(drilldown: Drilldown) -> None:
    shown = json.loads(drilldown("show", "mini", "--format", "json").out)
    assert [stage["study"] for stage in shown["stages"]] == ["mini.1.net", "mini.2.pace"]
    assert [len(each["fresh_seeds"]) for each in shown["finalists"]] == [2, 2]
    text = drilldown("show", "mini", "--format", "csv").out
    assert [line["name"] for line in csv.DictReader(io.StringIO(text))] == ["net", "pace"]


def test_export_of_a_drill_is_its_winner(drilldown: Drilldown, mini: Path) -> None:
    done = drilldown("export", "mini")
    assert done.out.startswith(f"{mini / 'best.toml'}\n")
    ours, theirs = record.load(mini / "best.toml"), record.load(LEFT / "mini-best.toml")
    assert (ours.config, ours.expected) == (theirs.config, theirs.expected)
    assert set(ours.confirmed) == set(theirs.confirmed)


def test_a_drill_without_confirmed_finalists_has_no_winner(
    drilldown: Drilldown, mini: Path
) -> None:
    (mini / "confirmed.jsonl").unlink()
    one_line(drilldown("export", "mini"), "has no winner yet", "drilldown export mini.2.pace")
    assert "Finalists" not in drilldown("show", "mini").out
    said = "--start: drill 'mini' has no winner yet"
    one_line(drilldown("launch", "smoke", "--start", "mini"), said, "far: mini.2.pace")


@pytest.mark.usefixtures("mini")
def test_what_starts_from_a_drill_starts_from_its_winner(
    drilldown: Drilldown, tmp_path: Path
) -> None:
    winner = record.load(LEFT / "mini-best.toml").config
    assert starts.find(["mini"], Path(), None, "--start", kept.winner) == {"mini": winner}
    path = tmp_path / "down.toml"
    path.write_text('base = ["mini"]\n' + STAGES.replace("2_000", "4_000"))
    assert drill_spec.load(str(path))[2] == {"mini": winner}
    one_line(drilldown("launch", "smoke", "--start", "minni"), "did you mean 'mini'?")


@pytest.mark.usefixtures("mini")
@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("export mini --trial 1", "drilldown export mini.2.pace --trial 1"),
        ("show minni", "did you mean 'mini'?"),
        (
            "show mini --sort lr --columns trial,lr --reverse",
            "drill 'mini' has stages; ask one: drilldown show mini.2.pace --columns trial,lr "
            "--sort lr --reverse",
        ),
        ("show mini --sort lr", "ask one: drilldown show mini.2.pace --sort lr"),
        ("dashboard minni", "did you mean 'mini'?"),
        ("launch mini", "'mini' is a drill; resume it with: drilldown drill mini"),
        ("launch smokee", "no packaged study 'smokee'; did you mean 'smoke'?"),
        ("drill minni", "none that has been run; did you mean 'mini'?"),
        ("drill mini", "older version; resume it with: drilldown drill FILE.toml --name mini"),
        ("drill smoke", "'smoke' is a study; resume it with: drilldown launch smoke"),
        ("launch mini.1.net", "is a stage of a drill; resume that: drilldown drill mini\n"),
        ("train mini", "drill 'mini' is no config; train its best: drilldown export mini, then "),
        ("count mini.1.net", "study 'mini.1.net' is no config; count its best: drilldown export "),
        (
            "count {folder}/mini.toml",
            "mini.toml is a drill, no config; count its best: drilldown ",
        ),
        ("train {folder}/mini.toml", "drilldown export mini, then drilldown train "),
        (
            "count {folder}/two.toml",
            "two.toml: is a study, not a config; run it with: drilldown la",
        ),
        (
            "confirm {folder}/mini.toml",
            "mini.toml is a drill, no config; confirm what it found: drilldown confirm mini\n",
        ),
        (
            "confirm {folder}/down.toml",
            "down.toml: is a drill, not a config; run it with: drilldow",
        ),
        ("train smoke", "study 'smoke' is no config; train its best: drilldown export smoke, then"),
        (
            "count quick",
            "quick is a study, not a config; run it with: drilldown launch quick; what "
            "it found is one: drilldown export NAME\n",
        ),
        (
            "launch a/smoke.toml",
            "no such file; study 'smoke' has been run: drilldown launch smoke\n",
        ),
        ("drill mini.TOML", "no such file; drill 'mini' has been run: drilldown drill mini\n"),
        ("launch mini.toml", "mini.toml: no such file\n"),
        ("launch mini.1.net.toml", "mini.1.net.toml: no such file\n"),
        ("show quick", "quick is a study that has not been run; run it with: drilldown lau"),
        (
            "export shallow",
            "is a drill that has not been run; run it with: drilldown drill sha",
        ),
        ("report silu-squeeze", "is a config, not a study; run it with: drilldown train silu-sq"),
        ("note silu-squeeze x", "silu-squeeze is a config, not a study; run it with: drilldown tr"),
        ("space silu-squeeze", "silu-squeeze is a config, not a study; run it with: drilldown tr"),
        ("compare smoke silu-squeeze", "silu-squeeze is a config, not a study; run it with: drill"),
        ("compare quick smoke", "quick is a study that has not been run; run it with: drilldown l"),
        (
            "show {folder}/mini.toml",
            "mini.toml is a file, and a run goes by its name: did you mean 'mini'?\n",
        ),
        ("compare smoke {folder}/mini.toml", "a run goes by its name: did you mean 'mini'?\n"),
        (
            "delete {folder}/net.toml --yes",
            "net.toml is a config, not a study; run it with: drilld",
        ),
        (
            "rescore {folder}/two.toml --set goal.last=1",
            "two.toml is the file of a study that has not been run; run it with: drilldown launch",
        ),
        (
            "dashboard {folder}/down.toml",
            "the file of a drill that has not been run; run it with: ",
        ),
        (
            "show zzz",
            "no study named 'zzz' has been run; known are mini, mini.1.net, ",
        ),
        ("space zzz", "no space, study or drill 'zzz'; see them all: drilldown list (the path of"),
        (
            "space quick --set space.vary.zzz=[1,2]",
            "no dimension 'zzz'; see them all: drilldown sp",
        ),
        ("drill deep --set stage.1.vary.zzz=all", "'zzz'; see them all: drilldown space stage\n"),
        ("show smoke --sort zzz", "--sort: no column 'zzz'; see them all: --columns all\n"),
    ],
)
def test_what_a_run_is_not_or_has_not_is_said(
    drilldown: Drilldown, tmp_path: Path, line: str, said: str
) -> None:
    for name, text in (("mini", STAGES), ("down", STAGES), ("two", TINY)):
        (tmp_path / f"{name}.toml").write_text(text)
    shutil.copy(packaged.config_path("silu-squeeze"), tmp_path / "net.toml")
    one_line(drilldown(*line.format(folder=tmp_path).split()), said)


@pytest.mark.usefixtures("mini")
def test_dashboard_of_a_drill_opens_its_last_stage(
    drilldown: Drilldown, monkeypatch: pytest.MonkeyPatch
) -> None:
    from search.study import dashboard

    opened: list[str] = []
    monkeypatch.setattr(dashboard, "serve", lambda studies, name, *_: opened.append(name))
    said = drilldown("dashboard", "mini").out
    assert opened == ["mini.2.pace"]
    assert "mini.1.net, mini.2.pace" in said


def test_a_drill_that_has_run_is_resumed_without_its_file(
    drilldown: Drilldown, home: Path, tmp_path: Path, no_data: None
) -> None:
    path = tmp_path / "down.toml"
    winner = record.load(LEFT / "mini-best.toml").config
    net = record.Record(config=winner.changed(epochs=2))
    record.save(tmp_path / "net.toml", net)
    path.write_text('base = ["net.toml"]\n' + STAGES.replace("2_000", "4_000"))
    first = drilldown("drill", path, "--quiet")
    assert first.code == 0
    best = (home / "runs" / "down" / "best.toml").read_bytes()
    path.unlink()
    done = drilldown("drill", "down", "--quiet", start=fakes.unstartable)
    assert done.out == first.out.replace(str(path), "down")
    assert (home / "runs" / "down" / "best.toml").read_bytes() == best
    one_line(drilldown("drill", "down", "--seed", "8"), "was run with another seed")
    assert re.search(r"^Stages: +drilldown show down$", done.out, re.MULTILINE)
    (home / "runs" / "down" / "confirmed.jsonl").unlink()
    assert "Finalists" not in drilldown("show", "down").out
    alone = drilldown("drill", "down", "--quiet", "--set", "confirm=0", start=fakes.unstartable)
    assert "Fresh seeds: none asked for (confirm = 0)" in alone.out
    assert "Finalists" in drilldown("show", "down").out
    assert drilldown("export", "down").code == 0


# --- a study that has run --------------------------------------------------------------------


def test_a_study_that_has_run_is_resumed_without_its_file(
    drilldown: Drilldown, tiny: Path, no_data: None
) -> None:
    changed = TINY.replace('name = "open"', 'name = "open"\nfix = { activation = "silu" }')
    tiny.write_text(changed)
    assert drilldown("launch", tiny, "--quiet").code == 0
    tiny.unlink()
    assert "3 of 3 trials ended" in drilldown("launch", "tiny", "--trials", "3").out
    assert "Complete: 3 trials, 2 asked for" in drilldown("launch", "tiny").out
    one_line(drilldown("launch", "tny"), "none that has been run; did you mean 'tiny'?")
    one_line(drilldown("launch", "tiny", "--seed", "8"), "was launched with seed = 7")
    other = drilldown("launch", "tiny", "--name", "other").out
    assert "other: 2 of 2 trials ended" in other  # what --trials said was one launch's


@pytest.mark.usefixtures("no_data", "mini")
def test_a_packaged_study_of_that_name_comes_first(drilldown: Drilldown) -> None:
    assert "smoke: 4 of 4 trials ended" in drilldown("launch", "smoke", "--quiet").out
    assert open_storage().get("smoke").kept(SPEC)["title"].startswith("Seconds")


@pytest.mark.usefixtures("no_data")
def test_an_old_study_says_how_it_is_resumed(drilldown: Drilldown, tiny: Path) -> None:
    assert drilldown("launch", tiny, "--quiet").code == 0
    open_storage().get("tiny").keep(SPEC, None)
    one_line(drilldown("launch", "tiny"), "older version", "drilldown launch FILE.toml --name tiny")


def test_what_a_study_keeps_is_all_of_its_file() -> None:
    """Whatever a study may say comes back from JSON as it was."""
    from search.study.spec import StudySpec, come_along

    for spec in [*come_along().values(), fakes.study(timeout=2.5, pruner={"kind": "patient"})]:
        table = json.loads(json.dumps(spec.model_dump(mode="json", exclude_none=True)))
        assert StudySpec.from_dict(table) == spec
