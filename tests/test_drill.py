"""Drills: stage after stage around the winners, resumed, refused where the file has changed."""

import json
import math
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import fakes
import pytest
import tomli_w

from mnist_core import fetch, packaged, record
from mnist_core.config import Config
from mnist_core.errors import InVain, UserError
from mnist_core.files import inline
from mnist_core.paths import runs_dir
from search.confirm.retrain import Changes, retrain
from search.drill import run as drill
from search.drill import spec as drill_spec
from search.drill.result import DrillResult, ranked
from search.drill.run import Drill, Drilled
from search.drill.spec import DrillSpec
from search.report import drilled as drill_report
from search.report import summary as drill_summary
from search.study import storage
from search.study.spec import Searching
from search.text.commands import Command

WRITTEN = drill_report.write
AGAIN = Command("drill", "tiny.toml", "tiny")


def _write(result: DrillResult, folder: Path) -> Path:
    return drill_report.write(result, folder)


VALUES: dict[str, Any] = {
    "workers": 1,
    "seed": 3,
    "confirm": 1,
    "goal": {"accuracy": 90.0, "last": 2, "epochs": 3, "params": 2_000},
    "data": {"train": 300, "test": 200},
    "stage": [
        {"name": "net", "trials": 3, "keep": 2, "vary": {"widths": "all"}, "fix": {"lr": 0.2}},
        {"name": "pace", "trials": 4, "keep": 2, "vary": {"lr": [0.1, 0.5], "schedule": "all"}},
    ],
}


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is trained, and no report is drawn: test_drill_report.py has those."""
    monkeypatch.setattr(fetch, "ensure", lambda *_: None)
    monkeypatch.setattr(drill_report, "write", _unwritten)


def _unwritten(result: DrillResult, folder: Path) -> Path:
    return folder / "drill.html"


def _spec(**changes: Any) -> DrillSpec:
    return DrillSpec.from_dict({**VALUES, **changes})


@pytest.mark.parametrize(("name", "fits"), [("d" * 193, True), ("d" * 194, False)])
def test_a_name_too_long_for_a_stage_is_refused_before_the_first(name: str, fits: bool):
    """The longest study's, `name.2.pace`, has 200 letters, or one more."""

    def made() -> Drill:
        return Drill(name, _spec(), {}, None, start=fakes.unstartable, write=_write)

    if fits:
        assert made().folder.name == name
        return
    with pytest.raises(UserError, match="too long a name with that of its stage 'pace' behind it"):
        made()
    assert not runs_dir().exists()


def test_all_that_a_stage_says_of_its_search_is_what_its_study_is_launched_with():
    searched = {
        "trials": 4,
        "timeout": 60.0,
        "until_held": True,
        "sampler": {"kind": "random"},
        "pruner": {"kind": "none"},
        "search": {"rungs": [1]},
    }
    spec = _spec(stage=[{**VALUES["stage"][0], **searched}])
    study = spec.study(1, {"plain": spec.plain()})
    assert searched.keys() == Searching.model_fields.keys()
    for name in searched:
        assert (
            getattr(study, name) == getattr(spec.stage[0], name) != getattr(_spec().stage[0], name)
        )


def _stages(*changes: dict[str, Any]) -> list[dict[str, Any]]:
    return [{**stage, **change} for stage, change in zip(VALUES["stage"], changes, strict=True)]


def _drill(spec: DrillSpec | None = None, bases: dict[str, Config] | None = None, **options: Any):
    options = {"start": fakes.quick, **options}
    return Drill("tiny", spec or _spec(), bases or {}, None, write=_write, **options)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runs that a whole drill leaves; made once, since its workers take seconds to start."""
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("finished")
        patch.setenv("DRILLDOWN_HOME", str(home))
        patch.delenv("DRILLDOWN_STORAGE", raising=False)
        patch.setattr(fetch, "ensure", lambda *_: None)
        patch.setattr(drill_report, "write", _unwritten)
        _drill().run()
    return home / "runs"


@pytest.fixture
def drilled(finished: Path, home: Path) -> Drilled:
    """The finished drill in this test's own home, as running it again finds it."""
    shutil.copytree(finished, home / "runs")
    return _drill(start=fakes.unstartable).run()


def test_each_stage_starts_from_the_winners_of_the_one_before(drilled: Drilled):
    first, second = drilled.result.stages
    assert [base.name for base in first.bases] == ["plain"]
    ranked = sorted(first.complete, key=lambda trial: -trial.score)
    assert [winner.name for winner in first.winners] == [
        f"net/{each.number}" for each in ranked[:2]
    ]
    assert second.bases == first.winners
    bases = {base.name: base.config for base in second.bases}
    for trial in second.complete:
        assert trial.config.layers == bases[trial.sample["base"]].layers
        assert trial.config.optimizer.lr == trial.sample["lr"]
        assert trial.config.schedule.kind == trial.sample["schedule"]
    assert len(second.complete) == len(second.trials) == 4


def test_what_a_stage_fixes_stays_with_its_winners(drilled: Drilled):
    assert {winner.config.optimizer.lr for winner in drilled.result.stages[0].winners} == {0.2}


def test_a_base_that_no_trial_beats_is_handed_on():
    spec = _spec(stage=_stages({}, {"vary": {"lr": [0.3, 0.5]}}))
    first, second = _drill(spec, start=fakes.best_at_a_fifth).run().result.stages
    assert second.winners == first.winners


def test_finalists_are_trained_on_fresh_seeds_and_ranked_by_them(drilled: Drilled):
    finalists = drilled.result.finalists
    assert len(finalists) == 2
    seeds = {run.seed for finalist in finalists for run in finalist.runs}
    assert len(seeds) == 1  # the same for all, so that they are compared on equal terms
    assert all(len(finalist.runs) == 1 for finalist in finalists)
    goal = drilled.result.spec.goal
    standings = [goal.ending(finalist.runs[0].test_acc).score for finalist in finalists]
    assert standings == sorted(standings, reverse=True)
    stages = drilled.result.stages
    searched = {trial.config.seed for stage in stages for trial in stage.trials}
    assert seeds.isdisjoint(searched)


def test_one_recipe_on_two_seeds_is_one_winner():
    """A stage of choices alone gives the same recipe more than once."""
    spec = _spec(stage=_stages({}, {"vary": {"averaging": "all"}, "trials": 6, "keep": 5}))
    result = _drill(spec).run().result
    recipes = [winner.config.changed(seed=0) for winner in result.stages[1].winners]
    assert len(recipes) == len(set(recipes)) < 5 + 1
    assert all(len(finalist.runs) == spec.confirm for finalist in result.finalists)


def test_a_finalist_that_fails_on_a_fresh_seed_is_behind_all_others(drilled: Drilled):
    first, second = drilled.result.finalists
    failed = replace(first, runs=())
    spec = drilled.result.spec
    assert ranked([failed, second], spec.goal, spec.confirm) == [second, failed]


def test_a_finished_report_outlives_a_drill_that_is_refused(
    drilled: Drilled, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(drill_report, "write", lambda *_: pytest.fail("written anew"))
    changed = _spec(stage=_stages({}, {"trials": 5}))
    with pytest.raises(UserError):
        _drill(changed, start=fakes.unstartable).run()


def test_the_winner_is_kept_with_all_its_curves(drilled: Drilled):
    kept = record.load(drilled.best)
    best = drilled.result.finalists[0]
    assert kept.config == best.candidate.config
    assert kept.expected.test_acc == best.candidate.trial.test_acc
    assert [(run.seed, run.test_acc) for run in kept.confirmed] == [
        (run.seed, run.test_acc) for run in best.runs
    ]
    assert drilled.best == Path(drilled.report).with_name("best.toml")


def test_a_report_is_written_after_each_stage_and_at_the_end(monkeypatch: pytest.MonkeyPatch):
    told: list[tuple[int, int]] = []

    def write(result: DrillResult, folder: Path) -> Path:
        told.append((len(result.stages), len(result.finalists)))
        return _unwritten(result, folder)

    monkeypatch.setattr(drill_report, "write", write)
    _drill().run()
    assert told == [(1, 0), (2, 0), (2, 2)]


def test_a_drill_that_is_over_trains_nothing_again(drilled: Drilled):
    kept = drilled.best.read_bytes()
    again = _drill(start=fakes.unstartable).run()
    assert again == drilled
    assert again.best.read_bytes() == kept


def test_a_drill_goes_on_where_it_was_stopped(drilled: Drilled):
    half = Drill("half", _spec(), {}, None, start=fakes.quick, write=_write)
    half._stage(1, half._bases)  # as far as a kill between two stages lets it come
    resumed = half.run()
    for ours, straight in zip(resumed.result.stages, drilled.result.stages, strict=True):
        assert [w.config for w in ours.winners] == [w.config for w in straight.winners]


def test_a_signal_ends_the_drill_and_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch):
    def interrupted(name: str, *args: Any, **more: Any) -> Any:
        launched = launch(name, *args, **more)
        return replace(launched, signal=15) if "pace" in name else launched

    launch = drill.launch
    with monkeypatch.context() as patch:
        patch.setattr(drill, "launch", interrupted)
        ended = _drill().run()
    assert (ended.signal, ended.best) == (15, None)
    text = drill_summary.summary(ended, "drilldown drill tiny.toml", None, AGAIN)
    assert "Stage 2, pace: 4 trials ended, not over yet" in text
    assert re.search("go on with: +drilldown drill tiny.toml\n", text)
    assert _drill().run().best is not None


def test_a_drill_whose_time_is_over_goes_on_where_it_was(
    drilled: Drilled, monkeypatch: pytest.MonkeyPatch
):
    def late(name: str, *args: Any, **more: Any) -> Any:
        return launch(name, *args, **{**more, "deadline": 0.0 if "pace" in name else math.inf})

    launch = drill.launch
    half = Drill("half", _spec(), {}, None, start=fakes.quick, write=_write)
    with monkeypatch.context() as patch:
        patch.setattr(drill, "launch", late)
        ended = half.run()
    first, second = ended.result.stages
    assert (ended.out_of_time, ended.signal, ended.best) == (True, 0, None)
    assert (len(first.winners), second.trials, second.winners) == (2, [], ())
    text = drill_summary.summary(ended, "drilldown drill half.toml", None, AGAIN)
    assert re.search("Out of time; go on with: +drilldown drill half.toml\n", text)
    resumed = Drill("half", _spec(), {}, None, start=fakes.quick, write=_write).run()
    assert not resumed.out_of_time
    for ours, straight in zip(resumed.result.stages, drilled.result.stages, strict=True):
        assert [w.config for w in ours.winners] == [w.config for w in straight.winners]


def test_without_any_time_nothing_is_trained():
    ended = _drill(start=fakes.unstartable, timeout=1e-9).run()
    assert (ended.out_of_time, ended.best) == (True, None)
    assert [stage.counted for stage in ended.result.stages] == [0]


@pytest.mark.usefixtures("drilled")
def test_finalists_whose_time_is_over_are_trained_later(monkeypatch: pytest.MonkeyPatch):
    (runs_dir() / "tiny" / drill.LEDGER).unlink()
    late = _drill(start=fakes.unstartable)
    monkeypatch.setattr(late, "_deadline", 0.0)
    ended = late.run()
    assert (ended.out_of_time, ended.best, ended.result.finalists) == (True, None, ())
    assert all(stage.winners for stage in ended.result.stages)
    again = _drill().run()
    assert (again.out_of_time, again.result.failed) == (False, 0)
    assert again.best is not None


def test_a_stages_own_time_ends_the_stage_and_not_the_drill():
    spec = _spec(stage=_stages({"trials": 500, "timeout": 2.0}, {}))
    ended = _drill(spec, timeout=600.0).run()
    first, second = ended.result.stages
    assert not ended.out_of_time
    assert 0 < first.counted < 500
    assert second.winners


def test_the_summary_names_winner_report_and_commands(drilled: Drilled):
    text = drill_summary.summary(drilled, "drilldown drill", None, AGAIN)
    winner = drilled.result.finalists[0].candidate
    assert f"Winner: {winner.name}, {winner.config.params:,} parameters" in text
    assert f"Goal: held on {2} of 2 seeds" in text
    assert f"train {drilled.best} --check" in text
    assert str(drilled.report) in text


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"stage": _stages({"trials": 5}, {})},
            "stage 'net' is over, with trials = 3; now it is 5",
        ),
        (
            {"stage": _stages({"sampler": {"kind": "tpe", "multivariate": True}}, {})},
            'sampler = { kind = "tpe" }; now it is { kind = "tpe", multivariate = true }; chan',
        ),
        ({"stage": _stages({"keep": 1}, {})}, "stage 'net' is over, with keep = 2; now it is 1"),
        (
            {"stage": _stages({"vary": {"widths": "all", "layout": "all"}}, {})},
            "stage 'net' was run with no stage.net.vary.layout, now it is [\"squeeze\", ",
        ),
        (
            {"stage": _stages({"fix": {"lr": 0.3}}, {})},
            "was run with stage.net.fix.lr = 0.2, now it is 0.3; change it back, or drill",
        ),
        ({"stage": _stages({"name": "nets"}, {})}, "stage 1 was 'net' when it was run, now it is"),
        ({"stage": _stages({}, {})[:1]}, "stage 2 was 'pace' when it was run, now there is 1 st"),
        (
            {"stage": _stages({}, {"vary": {"lr": [0.1, 0.4], "schedule": "all"}})},
            "drill 'tiny': stage 'pace' was run with stage.pace.vary.lr = [0.1, 0.5], now it is "
            "[0.1, 0.4]; change it back, or drill under another --name",
        ),
        ({"stage": _stages({"timeout": 60}, {})}, "is over, without timeout; now it is 60.0; ch"),
        ({"seed": 4}, "stage 'net' was run with another seed of the drill; change it back, or dr"),
        (
            {"goal": {**VALUES["goal"], "accuracy": 91.0}},
            "was run with goal.accuracy = 90.0, now it is 91.0; ",
        ),
        (
            {"data": {"train": 301, "test": 200}},
            "with data = { train = 300, test = 200 }, now it is { train",
        ),
    ],
)
def test_a_drill_whose_file_has_changed_is_refused(drilled: Drilled, changes, message):
    with pytest.raises(UserError, match=r"^[^\n]+$") as refused:
        _drill(_spec(**changes), start=fakes.unstartable).run()
    assert message in str(refused.value)
    assert "another --name" in str(refused.value)


KEPT = {
    "name": "net",
    "trials": 3,
    "keep": 2,
    "timeout": None,
    "vary": {"widths": "all"},
    "fix": {"lr": 0.2},
    "sampler": {"kind": "tpe"},
    "pruner": {"kind": "goal"},
}
"""What versions that knew samplers and pruners by name alone kept of the first stage."""


def _keep_instead(kept: dict[str, Any]) -> None:
    """In the storage, of the first stage."""
    study = storage.open_storage().get("tiny.1.net")
    study.keep(drill.WINNERS, {**study.kept(drill.WINNERS), "stage": kept})


def test_what_an_older_version_kept_of_a_stage_goes_on(drilled: Drilled):
    _keep_instead(KEPT)
    assert _drill(start=fakes.unstartable).run() == drilled


@pytest.mark.parametrize(
    ("field", "was", "now"),
    [
        ("sampler", {"kind": "qmc", "scramble": False}, {"kind": "tpe"}),
        ("pruner", {"kind": "patient", "wrapped": "median"}, {"kind": "goal"}),
    ],
)
@pytest.mark.usefixtures("drilled")
def test_what_an_older_version_kept_otherwise_is_refused(field: str, was: Any, now: Any):
    _keep_instead({**KEPT, field: was})
    with pytest.raises(UserError) as refused:
        _drill(start=fakes.unstartable).run()
    assert str(refused.value) == (
        f"drill 'tiny': stage 'net' is over, with {field} = {inline(was)}; "
        f"now it is {inline(now)}; change it back in its [[stage]], or drill under another --name"
    )


@pytest.mark.usefixtures("drilled")
def test_a_stage_kept_in_terms_unknown_today_is_refused_in_one_line():
    _keep_instead({**KEPT, "sampler": {"kind": "nsga"}})
    with pytest.raises(UserError, match=r"^[^\n]+sampler.kind: 'nsga' is unknown[^\n]+$"):
        _drill(start=fakes.unstartable).run()


def test_a_stage_yet_to_come_may_change(drilled: Drilled):
    longer = [*VALUES["stage"], {"name": "last", "trials": 1, "vary": {"dropout": "all"}}]
    again = _drill(_spec(stage=longer)).run()
    assert [stage.stage.name for stage in again.result.stages] == ["net", "pace", "last"]


def test_a_stage_of_which_nothing_was_trained_is_said():
    spec = _spec(stage=_stages({"trials": 1}, {}))
    why = "1 of 1 trial failed: ended after 0 of 3 epochs; see: drilldown show"
    with pytest.raises(InVain, match=f"stage 'net': no trial was trained to its end: {why}"):
        _drill(spec, start=fakes.ending_at_once).run()


def _file(folder: Path, values: dict[str, Any]) -> Path:
    path = folder / "mine.toml"
    path.write_text(tomli_w.dumps(values))
    return path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stage": []}, "mine.toml: stage: must have at least 1 item"),
        (
            {"stage": [{}]},
            "stage.1st.trials: is missing from the 1st [[stage]]; add trials = 60 (and 2 more)",
        ),
        (
            {"stage": [{"name": "net", "trials": 2}]},
            "stage.net.vary: is missing from the 1st [[stage]]; add [stage.vary] with lr = [0.05, ",
        ),
        (
            {"stage": [{"trials": 2, "vary": {"lr": "all"}}]},
            'stage.1st.name: is missing from the 1st [[stage]]; add name = "optimizer"',
        ),
        ({"stage": {"name": "net"}}, "; each of its tables begins with [[stage]]"),
        ({"stage": _stages({"vary": {}}, {})}, "mine.toml: stage.net.vary: is empty; name what"),
        (
            {"stage": _stages({}, {"vary": {"drop": "all"}})},
            "stage.pace.vary: a stage has no dimension",
        ),
        (
            {"stage": _stages({}, {"vary": {"drop": "all"}})},
            "did you mean 'dropout'?",
        ),
        (
            {"stage": _stages({}, {"vary": {"lr": "some"}})},
            "vary.lr: must be 'all' or an array",
        ),
        (
            {"stage": _stages({}, {"vary": {"lr": [0.5, 0.1]}})},
            "stage.pace.vary.lr: must be [low, high]",
        ),
        ({"stage": _stages({}, {"fix": {"lr": 9}})}, "pace.fix.lr: is in stage.pace.vary too"),
        ({"stage": _stages({}, {"name": "net"})}, "stage: two stages are called 'net'; rename one"),
        (
            {"stage": _stages({}, {"name": "a b"})},
            "stage.2nd.name: must be at most 41 letters, digits",
        ),
        (
            {"stage": [VALUES["stage"][0], {"trials": 3, "vary": {"lr": "all"}}]},
            "stage.2nd.name: is missing from the 2nd [[stage]]",
        ),
        (
            {"stage": _stages({}, {"trails": 3})},
            "stage.pace.trails: is not a field here; did you mean",
        ),
        (
            {"stage": _stages({}, {"sampler": {"kind": "tp"}})},
            "mine.toml: stage.pace.sampler.kind: 'tp' is unknown; did you mean 'tpe'?",
        ),
        (
            {"stage": _stages({"sampler": {"kind": "tpe", "n_startup": 3}}, {})},
            "stage.net.sampler.n_startup: is not a field here; did you mean 'n_startup_trials'?",
        ),
        ({"stage": _stages({"vary": {"gamma": "all"}}, {})}, "does nothing where schedule is 'lin"),
        ({"base": ["nowhere.toml"]}, "nowhere.toml: no such file"),
        ({"base": ["large.toml"]}, "base: large has 14,670 parameters, and the goal wants fewer"),
        ({"goal": {"params": 100}}, "goal.params: 100 is too few"),
        ({"confirm": -1}, "mine.toml: confirm: "),
        ({"engine": "trch"}, "mine.toml: engine: must be 'auto', 'native' or 'torch', not 'trch'"),
    ],
)
def test_nonsense_is_refused_when_the_file_is_read(tmp_path: Path, changes, message):
    large = record.Record(
        config=Config(
            epochs=1,
            layers=("conv 1->10 k5", "relu", "maxpool 2", "flatten", "linear 1440->10"),
            optimizer=_spec().plain().optimizer,
        )
    )
    record.save(tmp_path / "large.toml", large)
    path = _file(tmp_path, {**VALUES, **changes})
    with pytest.raises(UserError, match=r"^[^\n]+$") as refused:
        drill_spec.load(str(path))
    assert message in str(refused.value)


def test_bases_come_from_files_beside_the_drill(tmp_path: Path):
    plain = _spec().plain()
    record.save(tmp_path / "mine" / "start.toml", record.Record(config=plain))
    path = _file(tmp_path, {**VALUES, "base": ["mine/start.toml"]})
    name, spec, bases = drill_spec.load(str(path))
    assert (name, bases) == ("mine", {"mine/start": plain})
    assert _drill(spec, bases).run().result.stages[0].bases[0].name == "mine/start"


@pytest.mark.parametrize("name", packaged.names(packaged.DRILLS))
def test_packaged_drills_can_be_run(name: str):
    loaded, spec, _ = drill_spec.load(name)
    assert loaded == name
    assert spec.title


def test_a_real_drill_ends_with_a_page_and_a_config_that_gives_its_curve_again(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(drill_report, "write", WRITTEN)
    spec = _spec(stage=_stages({"trials": 2}, {"trials": 2}))
    ended = Drill("real", spec, {}, None, write=_write).run()
    page = ended.report.read_text()
    assert all(word in page for word in ("Target", "Result", "Analysis", "<svg"))
    assert ended.report.with_suffix(".md").exists()
    again = retrain(record.load(ended.best), Changes(), True, None, lambda _: None)
    assert again.differing == []
    assert len(again.expected) == 3


def test_stages_and_finalists_train_on_the_engine_that_is_wanted():
    result = _drill(_spec(engine="torch"), start=fakes.telling).run().result
    environments = [trial.environment for stage in result.stages for trial in stage.trials]
    environments += [run.environment for finalist in result.finalists for run in finalist.runs]
    assert {environment.machine for environment in environments} == {"torch on cpu"}


def test_an_unknown_drill_is_named_with_the_nearest():
    with pytest.raises(UserError, match=r"no packaged drill 'shalow'; did you mean 'shallow'\?"):
        drill_spec.load("shalow")


def test_winners_survive_as_plain_json(drilled: Drilled):
    """The storage keeps names, no pickles."""
    kept = storage.open_storage().get("tiny.1.net").kept(drill.WINNERS)
    assert json.loads(json.dumps(kept)) == kept
    assert kept["winners"] == [winner.name for winner in drilled.result.stages[0].winners]
