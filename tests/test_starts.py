"""What is tried first, and what `--set` says: found in the space, counted, never tried twice, kept
with the study; and `--until-held`."""

import json
import math
import random
import re
import shlex
from itertools import pairwise
from pathlib import Path
from typing import Any

import fakes
import pytest
from command_line import STAGES, TINY, Drilldown, one_line
from fakes import study
from test_spaces import sampled

from mnist_core import fetch, packaged, record
from mnist_core.config import Config, Data
from mnist_core.errors import UserError
from search.drill import resume as drill_resume
from search.drill import spec as drill_spec
from search.report import drilled
from search.study import fingerprint, resume, spec, starts, storage
from search.study.session import opened
from search.study.settings import applied, read
from search.study.study import Study
from spaces import SPACES, Frame, Sample, SpaceError
from spaces.catalogue import WIDTH_NAMES
from spaces.reading import sample_of


@pytest.fixture(autouse=True)
def _no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "ensure", lambda *_: None)


# --- from a config to a sample ---------------------------------------------------------------


@pytest.mark.parametrize("budget", [1_500, 10_000, 40_000])
@pytest.mark.parametrize("name", SPACES)
def test_a_sample_is_read_back_from_its_config(name: str, budget: int) -> None:
    """All that does something in it; shares of widths by the widths that they come to."""
    space = SPACES[name](Frame(budget, 15, Data(train=6_000)))
    chance = random.Random(budget)
    for _ in range(25):
        sample = sampled(space, chance)
        config = space.config(sample, 9)
        found = sample_of(config, space)
        assert found.keys() == space.dimensions.keys()
        assert space.config(found, 9) == config
        for dimension in space.dimensions.keys() - set(WIDTH_NAMES):
            theirs, ours = sample[dimension], found[dimension]
            if theirs != ours and (isinstance(ours, str) or not math.isclose(theirs, ours)):
                idle = {**sample, dimension: found[dimension]}
                assert space.config(idle, 9) == config, dimension


def test_widths_are_found_within_bounds_that_are_narrowed() -> None:
    whole = SPACES["open"](Frame(10_000, 15))
    chance = random.Random(4)
    for _ in range(20):
        sample = sampled(whole, chance)
        narrow = {name: [0.3, 0.7] for name in WIDTH_NAMES}
        inside = {**sample, **{name: chance.uniform(0.3, 0.7) for name in WIDTH_NAMES}}
        space = whole.narrowed(narrow, {})
        found = sample_of(space.config(inside, 0), space)
        assert all(0.3 <= found[name] <= 0.7 for name in WIDTH_NAMES)


WINNER = record.load(packaged.config_path("silu-squeeze")).config
QUICK = spec.load("quick")[1].make_space()


def _changed(**tables: Any) -> Config:
    return Config.from_dict({**WINNER.to_dict(), **tables})


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (_changed(batch_size=64), "batch_size is 64, here 128"),
        (_changed(label_smoothing=0.01), "label_smoothing is 0.01, here 0.0"),
        (_changed(augment=[]), "augmentation is 0, here from 0.2 to 1"),
        (
            _changed(optimizer={**WINNER.optimizer.model_dump(), "nesterov": False}),
            "optimizer.nesterov is False, here True",
        ),
        (
            _changed(layers=[*map(str, WINNER.layers[:-1]), "relu", str(WINNER.layers[-1])]),
            "its net is of none of the layouts (squeeze, two-squeezes, two-pools)",
        ),
        (_changed(averaging={"kind": "none"}), "averaging is 'none', here 'ema'"),
        (_changed(averaging={"kind": "ema", "decay": 0.9}), "average_over is 10, here from 100 to"),
    ],
)
def test_what_keeps_a_config_out_of_the_space_is_said(config: Config, reason: str) -> None:
    with pytest.raises(SpaceError, match=r"^[^\n]+$") as refused:
        sample_of(config, QUICK)
    assert str(refused.value).startswith(reason)


# --- a study that begins with them -----------------------------------------------------------


def _starts(count: int) -> dict[str, Sample]:
    space, chance = study().make_space(), random.Random(1)
    return {f"net-{number}": sampled(space, chance) for number in range(count)}


def _recipes(made: Study) -> list[Config | None]:
    return [trial.recipe for trial in sorted(made.trials(), key=lambda trial: trial.number)]


def _launch(starts: dict[str, Sample], trials: int) -> Study:
    """Until so many are finished, without workers."""
    with opened(storage.open_storage(create=True), "tiny", study()) as session:
        session.start_with(starts)
        while session.missing(trials):
            asked = session.ask(9)
            assert asked is not None
            results = [fakes.result(*each) for each in enumerate(fakes.curve(asked.config), 1)]
            for result in results:
                session.report(asked.number, result)
            session.complete(asked.number, results, fakes.ENVIRONMENT)
    return session.study


def test_starts_come_first_and_count_and_are_never_tried_twice() -> None:
    starts, space = _starts(2), study().make_space()
    wanted = [space.config(sample, 0) for sample in starts.values()]
    made = _launch(starts, trials=3)
    assert made.counted == 3
    assert _recipes(made)[:2] == wanted
    again = _launch(starts, trials=4)
    assert again.counted == 4
    assert [_recipes(again).count(recipe) for recipe in wanted] == [1, 1]


def test_samplers_learn_from_what_is_tried_first() -> None:
    """As from any trial: the sample is what it would be of one of the sampler's own."""
    starts = _starts(1)
    made = _launch(starts, trials=1)
    (trial,) = made.trials()
    assert trial.sample == dict(starts["net-0"])
    assert trial.dimensions == study().make_space().dimensions


def test_starts_that_wait_are_tried_by_the_next_launch_with_or_without_them() -> None:
    starts, space = _starts(3), study().make_space()
    wanted = [space.config(sample, 0) for sample in starts.values()]
    _launch(starts, trials=1)
    _launch(starts, trials=2)
    assert _recipes(_launch({}, trials=4))[:3] == wanted


def test_a_start_that_was_interrupted_is_tried_again() -> None:
    starts = _starts(2)
    with opened(storage.open_storage(create=True), "tiny", study()) as session:
        assert session.start_with(starts) == ["net-0", "net-1"]
        assert session.start_with(starts) == []  # they wait
        asked = session.ask(9)
        assert asked is not None
        assert asked.config.recipe == session.study.trials()[0].recipe
        assert session.start_with(starts) == []  # the first runs
        session.interrupt()
        assert session.start_with(starts) == ["net-0"]
        assert session.missing(4) == 4


def test_a_study_begins_with_files_winners_and_another_studys_best(
    drilldown: Drilldown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "studies"
    folder.mkdir()
    (folder / "one.toml").write_text(TINY)
    assert drilldown("launch", "studies/one.toml", "--quiet").code == 0
    best = storage.open_storage().get("one").best()
    assert best is not None
    record.save(folder / "net.toml", record.Record(config=best.config))
    for name, start in (("two", "one"), ("three", "net.toml")):  # beside the study's file
        (folder / f"{name}.toml").write_text(f'start = ["{start}"]\n{TINY}')
        assert drilldown("launch", f"studies/{name}.toml", "--quiet").code == 0
        assert _recipes(storage.open_storage().get(name))[0] == best.config.recipe
    typed = ["--start", "studies/net.toml", "--start", "one", "--name", "four", "--quiet"]
    assert drilldown("launch", "studies/one.toml", *typed).code == 0  # the same net twice
    assert _recipes(storage.open_storage().get("four")).count(best.config.recipe) == 1
    (folder / "five.toml").write_text(f'start = ["silu-squeeze"]\n{TINY}')
    said = "five.toml: start: silu-squeeze is not in the study's space: has 9,987 parameters"
    one_line(drilldown("launch", "studies/five.toml"), said)


def test_a_study_without_its_file_begins_with_what_set_says(
    drilldown: Drilldown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "one.toml"
    path.write_text(TINY)
    assert drilldown("launch", "one.toml", "--quiet").code == 0
    path.unlink()
    best = storage.open_storage().get("one").best()
    assert best is not None
    record.save(tmp_path / "net.toml", record.Record(config=best.config))
    for name, word in (("two", "one"), ("three", "net.toml")):
        words = ["launch", "one", "--seed", "8", "--name", name, "--quiet"]
        assert drilldown(*words, "--set", f'start=["{word}"]').code == 0
        assert _recipes(storage.open_storage().get(name))[0] == best.config.recipe
    more = ["--trials", "3", "--name", "three", "--quiet"]
    assert drilldown("launch", "three", *more).code == 0  # it has tried them
    assert _recipes(storage.open_storage().get("three")).count(best.config.recipe) == 1
    said = "--set start: silu-squeeze is not in the study's space: has 9,987 parameters"
    one_line(drilldown("launch", "one", "--set", 'start=["silu-squeeze"]', "--name", "no"), said)
    assert storage.open_storage().find("no") is None


def test_a_drill_begins_with_what_train_takes(drilldown: Drilldown, tmp_path: Path) -> None:
    path = tmp_path / "down.toml"
    text = STAGES.replace("params = 2_000", "params = 20_000").replace("widths", "lr")
    path.write_text(f'base = ["001-code4", "tiny"]\n{text}')
    (tmp_path / "tiny.toml").write_text(TINY)
    assert drilldown("launch", tmp_path / "tiny.toml", "--quiet").code == 0
    _, _, bases = drill_spec.load(str(path))
    best = storage.open_storage().get("tiny").best()
    assert best is not None
    code = record.load(packaged.config_path("001-code4")).config
    assert bases == {"001-code4": code, "tiny": best.config}


@pytest.mark.parametrize(
    ("epochs", "settings"),
    [
        (15, ["goal.epochs=15", "goal.params=10000", "data.train=60000", "data.test=10000"]),
        (1, ["goal.last=1", "goal.epochs=1", "goal.params=10000", "data.train=60000"]),
    ],
)
def test_a_start_is_tried_with_the_settings_that_are_named(
    epochs: int, settings: list[str]
) -> None:
    made = spec.load("smoke", ["goal.epochs=3", "goal.last=2"])[1]
    configs = {"net": WINNER.changed(epochs=epochs)}
    with pytest.raises(UserError) as refused:
        starts.samples(configs, made, "--start")
    named = re.findall(r"--set (\S+?),? ", f"{refused.value} ")
    assert named[: len(settings)] == settings
    wanted = spec.load("smoke", ["goal.epochs=3", "goal.last=2", *named])[1]
    assert starts.samples(configs, wanted, "--start").keys() == configs.keys()


@pytest.mark.parametrize("name", ["quick", "smoke"])
def test_whatever_lies_outside_a_study_is_told_a_way_that_works(name: str) -> None:
    """Settings with which it lies inside, or a drill around it."""
    made, ways = spec.load(name)[1], set()
    for config in [*packaged.names(packaged.SEEDS)[::4], *packaged.names(packaged.WINNERS)]:
        configs = {config: record.load(packaged.config_path(config)).config}
        try:
            starts.samples(configs, made, "--start")
            continue
        except UserError as error:
            match = re.search("; (start with|drill around it instead): (.*), or", str(error))
            assert match
            way, typed = match.groups()
        ways.add(way)
        words = shlex.split(typed)
        settings = [word for before, word in pairwise(words) if before == "--set"]
        if way == "start with":
            starts.samples(configs, spec.load(name, settings)[1], "--start")
        else:
            assert drill_spec.load("shallow", settings)[2] == configs
    assert ways == {"start with", "drill around it instead"}


@pytest.mark.parametrize("kind", ["file", "named", "packaged", "study", "drill"])
def test_the_drill_around_whatever_was_named_can_be_run(
    drilldown: Drilldown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Also where a file of the run's name lies beside it."""
    monkeypatch.setattr(drilled, "write", lambda _, folder: folder / "drill.html")
    monkeypatch.setattr(starts, "_settings", lambda *_: [])  # as of a net of no layout
    monkeypatch.chdir(tmp_path)
    Path("tiny.toml").write_text(TINY)
    Path("down.toml").write_text(STAGES)
    net = record.Record(config=drill_spec.load("down.toml")[1].plain())
    for place in ("my net.toml", "net"):
        record.save(Path(place), net)
    where = ("--storage", f"sqlite:///{tmp_path / 'there.sqlite3'}")
    word = {"file": "my net.toml", "named": "net", "packaged": "001-code4"}.get(kind, kind)
    if kind in ("study", "drill"):
        word = "tiny" if kind == "study" else "down"
        command = "launch" if kind == "study" else "drill"
        assert drilldown(command, f"{word}.toml", "--quiet", *where).code == 0
    refused = drilldown("launch", "quick", "--start", word, "--name", "other", *where)
    one_line(refused, "drill around it instead: ")
    match = re.search("instead: drilldown (.*), or leave it out", refused.err)
    assert match
    done = drilldown(*shlex.split(match[1]), "--minutes", "1e-9", "--quiet")
    assert (done.code, done.err) == (0, ""), done


# --- --set -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a=8000", 8000),
        ("a = 8_000", 8000),
        ("a=0.1", 0.1),
        ("a=[0.1, 0.4]", [0.1, 0.4]),
        ('a={ kind = "tpe" }', {"kind": "tpe"}),
        ("a=true", True),
        ("a='8'", "8"),
        ("a=silu", "silu"),
        ("a=two-pools", "two-pools"),
        ("a=two words", "two words"),
        ("a=x=y", "x=y"),
    ],
)
def test_a_value_is_toml_and_a_word_that_is_none_is_text(text: str, value: Any) -> None:
    found = read(text)
    assert (found.key, found.value) == ("a", value)
    assert type(found.value) is type(value)


def test_settings_reach_into_tables_and_arrays_of_them() -> None:
    table = {"goal": {"last": 1}, "stage": [{"name": "net"}, {"name": "pace", "trials": 2}]}
    texts = ["goal.params=9", "stage.pace.trials=5", "stage.1st.vary.lr=all", "stage.2.keep=1"]
    texts.append("data.train=7")
    found = applied(texts, dict)(table)
    assert found == {
        "goal": {"last": 1, "params": 9},
        "stage": [{"name": "net", "vary": {"lr": "all"}}, {"name": "pace", "trials": 5, "keep": 1}],
        "data": {"train": 7},
    }
    assert table["goal"] == {"last": 1}


def test_settings_are_kept_shown_and_named_where_they_are_missing(
    drilldown: Drilldown, tiny: Path
) -> None:
    typed = ["--set", "space.vary.lr=[0.1, 0.4]", "--set", "trials=1"]
    done = drilldown("launch", tiny, *typed, "--quiet")
    assert done.code == 0
    assert "1 of 1 trial ended" in done.out
    said = "--set 'space.vary.lr=[0.1, 0.4]' --set trials=1"
    assert f"launched with {said}\n" in drilldown("show", "tiny").out
    before = storage.open_storage().get("tiny").settings
    one_line(
        drilldown("launch", tiny),
        "launched with space.vary.lr = [0.1, 0.4], now it is ",
        "change it back",
        said,
    )
    assert storage.open_storage().get("tiny").settings == before
    done = drilldown("launch", tiny, *typed[:2], "--quiet")
    assert "2 of 2 trials ended" in done.out
    assert storage.open_storage().get("tiny").settings == ("space.vary.lr=[0.1, 0.4]",)


def test_a_fault_of_the_file_is_the_files_whatever_is_set(drilldown: Drilldown, tiny: Path) -> None:
    tiny.write_text(TINY.replace("epochs = 2", "epochs = 0"))
    one_line(drilldown("launch", tiny, "--set", "trials=3"), f"{tiny}: goal.epochs: must be")
    assert spec.load(str(tiny), ["goal.epochs=1"])[1].goal.epochs == 1


def test_a_drills_stages_keep_the_settings(
    drilldown: Drilldown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drilled, "write", lambda _, folder: folder / "drill.html")
    path = tmp_path / "down.toml"
    path.write_text(STAGES)
    done = drilldown("drill", path, "--set", "stage.pace.trials=3", "--quiet")
    assert done.code == 0, done
    made = storage.open_storage().get("down.2.pace")
    assert (made.counted, made.settings) == (3, ("stage.pace.trials=3",))
    assert "What next, since the goal is held on every one of 2 seeds:" in done.out
    assert "More seeds:                 drilldown confirm down\n" in done.out
    assert f"drilldown drill {path} --set stage.pace.trials=3 --set " in done.out


def test_what_is_tried_next_has_the_seed_that_was_said(drilldown: Drilldown, tiny: Path) -> None:
    done = drilldown("launch", tiny, "--seed", "9", "--trials", "1", "--quiet")
    lines = [line for line in done.out.partition("What next")[2].splitlines() if " launch " in line]
    assert lines
    assert all(line.endswith(" --seed 9") or " --seed 9 --" in line for line in lines), lines


def test_a_drill_starts_from_what_start_says(
    drilldown: Drilldown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drilled, "write", lambda _, folder: folder / "drill.html")
    monkeypatch.chdir(tmp_path)
    Path("down.toml").write_text(STAGES)
    plain = drill_spec.load("down.toml")[1].plain()
    record.save(Path("my net.toml"), record.Record(config=plain.changed(epochs=7)))
    done = drilldown("drill", "down.toml", "--start", "my net.toml", "--seed", "4", "--quiet")
    assert done.code == 0, done
    first = storage.open_storage().get("down.1.net")
    told, bases = drill_resume.told("down", first)
    assert (told.base, list(bases), told.seed) == (("my net.toml",), ["my net"], 4)
    again = [line for line in done.out.splitlines() if "drilldown drill down.toml" in line]
    assert again
    assert all(line.endswith("--seed 4 --start 'my net.toml'") for line in again)
    assert drilldown("drill", "down", "--quiet").code == 0  # it keeps what it started from
    said = "stage 'net' was run with other configs to start from (base in the drill's file, or --st"
    one_line(drilldown("drill", "down.toml", "--seed", "4"), said, "another --name")
    one_line(drilldown("drill", "down", "--start", "silu-squeeze"), "--start: silu-squeeze has 9,9")


# --- when a study ends -----------------------------------------------------------------------


def test_until_held_stops_at_the_first_holder_and_can_go_on(
    drilldown: Drilldown, tiny: Path
) -> None:
    done = drilldown("launch", tiny, "--until-held", "--trials", "5", "--quiet")
    assert "1 of 5 trials ended" in done.out
    said = " ".join(done.out.split())
    assert f"Goal held; go on with: drilldown launch {tiny} --trials 5 --quiet" in said
    again = drilldown("launch", tiny, "--until-held", "--trials", "5", "--quiet")
    assert "1 of 5 trials ended" in again.out
    whole = drilldown("launch", tiny, "--trials", "5", "--quiet")
    assert "5 of 5 trials ended" in whole.out


def test_minutes_are_a_timeout(
    drilldown: Drilldown, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def changed(plan: Any, options: dict[str, Any], _: Any) -> Any:
        if "timeout" not in options:
            return plan
        seen.append(options["timeout"])
        raise UserError("no further")

    monkeypatch.setattr(spec, "changed", changed)
    for options in (["--minutes", "0.5"], ["--timeout", "30"], []):
        one_line(drilldown("launch", tiny, *options), "no further")
    assert seen == [30.0, 30.0, None]


OF_ONE_LAUNCH = {
    "--trials=3": {},
    "--minutes=30": {},
    "--timeout=1000": {},
    "--until-held": {},
    "--until-confirmed": {},
    "--workers=2": {},
    "--engine=torch": {},
    "--set=trials=3": {"trials": 3},
    "--set=timeout=1000": {"timeout": 1000.0},
    "--set=until_held=true": {"until_held": True},
    "--set=until_confirmed=true": {"until_confirmed": True},
    "--set=workers=2": {"workers": 2},
    "--set=engine=torch": {"engine": "torch"},
}


@pytest.mark.parametrize("typed", OF_ONE_LAUNCH)
def test_an_option_holds_for_one_launch_and_what_is_set_is_kept(
    drilldown: Drilldown, tiny: Path, typed: str
) -> None:
    own = {**spec.load(str(tiny))[1].model_dump(), **OF_ONE_LAUNCH[typed]}
    assert drilldown("launch", tiny, "--quiet", typed).code == 0
    tiny.unlink()
    assert resume.load("tiny", (), None)[1].model_dump() == own


def test_an_option_of_a_drill_holds_for_once(
    drilldown: Drilldown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drilled, "write", lambda _, folder: folder / "drill.html")
    path = tmp_path / "down.toml"
    path.write_text(STAGES)
    typed = ["--workers", "2", "--engine", "torch", "--seed", "5", "--set", "confirm=0"]
    assert drilldown("drill", path, "--quiet", *typed).code == 0
    kept = drill_resume.load("down", (), None)[1]
    assert (kept.workers, kept.engine, kept.seed, kept.confirm) == (None, "auto", 5, 0)
    stage = fingerprint.told(storage.open_storage().get("down.1.net"))
    assert ("workers" in stage, stage["engine"], stage["trials"]) == (False, "auto", "2")


def test_minutes_of_a_drill_are_of_all_of_it(
    drilldown: Drilldown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drilled, "write", lambda _, folder: folder / "drill.html")
    path = tmp_path / "down.toml"
    path.write_text(STAGES)
    words = ["drill", path, "--minutes", "1e-9"]
    done = drilldown(*words, "--quiet", start=fakes.unstartable)
    assert done.code == 0, done
    again = f"drilldown drill {path} --minutes 1e-9 --quiet\n"
    assert again in done.out.partition("Out of time; ")[2]
    *_, last = drilldown(*words, "--log", "jsonl").out.splitlines()
    event = json.loads(last)
    assert (event["event"], event["config"], event["signal"]) == ("drilled", None, 0)
    assert event["resume"] == "drilldown drill down"
    done = drilldown(*event["resume"].split()[1:], "--minutes", "9", "--quiet")
    assert "Winner: " in done.out


@pytest.mark.parametrize("options", [[], ["--workers", "auto"]])
def test_how_many_workers_there_are_is_said_where_nobody_said_it(
    drilldown: Drilldown, tiny: Path, options: list[str]
) -> None:
    if not options:
        tiny.write_text(TINY.replace("workers = 1", 'workers = "auto"'))
    done = drilldown("launch", tiny, "--trials", "1", *options)
    assert "workers: 1, of " in done.err
