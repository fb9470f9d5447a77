"""Whatever a person gets wrong is said in one line, and nothing is written; rows 15, 21 and 24 of
the reliability plan in part."""

import shlex
from pathlib import Path

import click
import optuna
import pytest
import sqlalchemy
from command_line import STAGES, TINY, Drilldown, one_line

from mnist_core import record
from mnist_core.native import library
from search import cli
from search.cli.interrupts import resumable

USAGE = [
    ("launch --trails 3", "--trails", "--trials", "drilldown launch --help"),
    ("luanch", "'luanch'", "'launch'"),
    ("launch quik", "no packaged study 'quik'; did you mean 'quick'?"),
    ("launch none.toml", "none.toml: no such file"),
    ("launch quick more", "unexpected extra argument"),
    ("launch --trials 0", "--trials", "must be a whole number of at least 1, not '0'"),
    ("launch --trials x", "--trials", "must be a whole number of at least 1, not 'x'"),
    ("launch --workers -1", "--workers"),
    ("launch --seed -1", "--seed"),
    ("launch --timeout 0", "--timeout"),
    ("launch --timeout nan", "--timeout", "must be a number above 0, not 'nan'"),
    ("launch smoke --name ../x", "--name '../x': use letters"),
    ("launch smoke --name ''", "--name '': use letters"),
    (f"launch smoke --name {'x' * 600}", "--name 'xxx", "200 bytes at most"),
    ("launch smoke --device nonsense", "--device", "'nonsense'", "cuda:N"),
    ("launch smoke --device meta", "--device", "'meta'"),
    ("launch {tiny} --device cuda:3", "--device cuda:3: not to be had here"),
    ("launch smoke --engine nativ", "--engine", "'nativ'", "'auto', 'native'"),
    ("launch smoke --storage runs.db", "--storage", "is not a database URL"),
    (
        "launch smoke --storage foo://bar",
        "no database is called 'foo'; a URL looks like sqlite:///",
    ),
    ("launch shallow", "shallow is a drill, not a study; run it with: drilldown drill shallow"),
    ("launch silu-squeeze", "is a config, not a study; run it with: drilldown train silu-squ"),
    ("drill quick", "quick is a study, not a drill; run it with: drilldown launch quick"),
    ("count quick", "quick is a study, not a config; run it with: drilldown launch quick"),
    ("launch smoke --workers most", "--workers", "'most' must be a whole number or auto"),
    ("launch smoke --set workers=most", '--set workers: must be a whole number or "auto", not \'m'),
    ("launch smoke --minutes 0", "--minutes", "must be a number above 0, not '0'"),
    ("launch smoke --minutes abc", "--minutes", "must be a number above 0, not 'abc'"),
    ("launch smoke --minutes 1 --timeout 9", "--minutes and --timeout say the same; keep one"),
    ("launch smoke --set", "--set"),
    ("launch smoke --set trials", "--set 'trials': must be KEY=VALUE, as in goal.params=8000"),
    ("launch smoke --set =3", "--set '=3': must be KEY=VALUE"),
    ("launch smoke --set trails=3", "--set trails: is not a field here; did you mean 'trials'?"),
    ("launch smoke --set goal.parms=3", "--set goal.parms: is not a field here", "'params'?"),
    ("launch smoke --set gaol.params=3", "--set gaol.params: gaol: is not", "mean 'goal'?"),
    (
        "launch smoke --set goal.params=8e3",
        "--set goal.params: must be a valid integer, not 8000.0",
    ),
    (
        "launch smoke --set goal.params=many",
        "--set goal.params: must be a valid integer, not 'many",
    ),
    ("launch smoke --set goal.params=[1", "--set goal.params: '[1' is not valid TOML"),
    (
        "launch --set space.vary.lr=[0.1, 0.4]",  # as a shell splits it without quotes
        "--set space.vary.lr: '[0.1,' is not valid TOML",
        "; quote it, as in --set 'space.vary.lr=[0.1, 0.4]'\n",
    ),
    (
        "launch smoke --set space.vary.lr=[0.1, 0.4]",
        "; quote it, as in --set 'space.vary.lr=[0.1, ",
    ),
    (
        "launch smoke --set space.vary.layout=[squeeze,two-pools]",
        "is not valid TOML",
        '; did you mean --set \'space.vary.layout=["squeeze", "two-pools"]\'?\n',
    ),
    (
        "launch smoke --set space.vary.lr=0.1,0.4",
        "--set space.vary.lr: must be an array, not '0.1,0.4'; did you mean --set "
        "'space.vary.lr=[0.1, 0.4]'?\n",
    ),
    (
        "launch smoke --set 'space.vary.lr=0.1 0.4'",
        "did you mean --set 'space.vary.lr=[0.1, 0.4]'?",
    ),
    (
        "drill shallow --set stage.optimizer.vary.lr=0.1,0.4",
        "'all' or an array, not '0.1,0.4'; did you mean --set 'stage.optimizer.vary.lr=[0.1, 0",
    ),
    (
        "drill shallow --set base=silu-squeeze",
        "--set base: must be an array, not 'silu-squeeze'; did you mean --set "
        "'base=[\"silu-squeeze\"]'?\n",
    ),
    (
        "launch smoke --set space.vary.layout=squeeze",
        "must be an array, not 'squeeze'; what is held at one value stands in fix\n",
    ),
    ("launch smoke --set goal.params=", "--set goal.params: '' is not valid TOML"),
    ("launch smoke --set 'goal.params=1\nlast = 2'", "--set goal.params: ", "more than one value"),
    ("launch smoke --set goal.params.x=1", "--set goal.params.x: goal.params is no table"),
    ("launch smoke --set goal.params=100", "--set goal.params: 100 is too few"),
    (
        "launch smoke --set goal.last=3",
        "--set goal.last: goal: last = 3 is more than epochs = 2; set goal.epochs too",
    ),
    ("launch smoke --set goal.last=3 --set goal.epochs=2", "last = 3 is more than epochs = 2\n"),
    (
        "launch smoke --set lr=0.1",
        "--set lr: lr is a dimension: --set space.fix.lr=0.1 or --set "
        "'space.vary.lr=[0.05, 0.2]'\n",
    ),
    ("launch smoke --set activation=silu", "--set space.fix.activation=silu or --set 'space.vary."),
    (
        "launch smoke --set batch_size=64",
        "--set batch_size: batch_size is a dimension; only a stage of a drill has it",
    ),
    ("drill shallow --set stage.1.lr=0.3", "is a dimension: --set stage.1.fix.lr=0.3 or --set "),
    ("drill shallow --set stage.1.vary.lr=0.3", "must be an array, not 0.3; what is held at one"),
    ("drill shallow --set dropout=0.1", "--set stage.NAME.fix.dropout=0.1 or --set 'stage.NAME.v"),
    (
        "launch smoke --set space.vary.lr=0.1",
        "must be an array, not 0.1; what is held at one value stands in fix\n",
    ),
    ("launch smoke --set goal.accuracy=0.96", "--set goal.accuracy: 0.96 is a share?", "mean 96?"),
    (
        "launch smoke --set space.vary.llr=[0.1,0.2]",
        "--set space.vary.llr: space.vary: the space "
        "'open' has no dimension 'llr'; did you mean 'lr'?",
    ),
    ("launch smoke --set space.vary.lr=[0.1,9]", "--set space.vary.lr: must be a number from 0.02"),
    ("launch smoke --set sampler.kind=bayes", "--set sampler.kind: 'bayes'", "'tpe' or 'gp'?"),
    ("launch smoke --set trials=3 --trials 4", "--set trials: --trials says that too; keep one"),
    (
        "launch smoke --set space.fix.schedule=step --set space.vary.warmup=[0.1,0.2]",
        "--set space.vary.warmup: does nothing where schedule is 'step'",
    ),
    (
        "drill shallow --set stage.optimiser.trials=3",
        "--set stage.optimiser.trials: no item "
        "'optimiser'; there are 1 to 3 (architecture, regularisation, optimizer)",
    ),
    (
        "drill shallow --set stage.optimizer.trials=x",
        "--set stage.optimizer.trials: must be a valid integer",
    ),
    ("drill shallow --set stage.2.trials=x", "--set stage.2.trials: stage.regularisation.trials"),
    ("drill shallow --set stage.2nd.trials=x", "stage.2nd.trials: stage.regularisation.trials"),
    ("drill shallow --set stage.0.trials=5", "no item '0'; there are 1 to 3 (architecture, "),
    ("drill shallow --set stage.4.trials=5", "no item '4'; there are 1 to 3 (architecture, "),
    ("drill shallow --set stage.2.vary.lr=[0.1,x]", "--set stage.2.vary.lr: '[0.1,x]' is not"),
    ("drill shallow --set stage.2.base=[]", "stage.regularisation.base: stands at the top of"),
    ("drill shallow --set stage.2.goal.last=1", "regularisation.goal: is a table of the whole"),
    ("launch smoke --set goal.trials=3", "--set goal.trials: stands at the top of the file, above"),
    ("launch smoke --start none.toml", "--start: none.toml: no such file"),
    (
        "launch smoke --start tniy {where}",
        "--start: no config and no study named 'tniy'; did you mean 'tiny'?",
    ),
    (
        "launch smoke --start silu-squeeze",
        "--start: silu-squeeze is not in the study's space: has 9,987 parameters, and the goal "
        "wants fewer than 4,000; is trained for 15 epochs, here it is 2; is trained and tested on "
        "60,000 and 10,000 images, here it is 3,000 and 1,000; start with: --set goal.epochs=15 "
        "--set goal.params=10000 --set data.train=60000 --set data.test=10000, or leave it out\n",
    ),
    (
        "launch smoke --start 001-code4",
        "--start: 001-code4 is not in the study's space: has 8,016",
        "; its net is of none of the layouts (squeeze, two-squeezes, two-pools); averaging is ",
        "; optimizer.nesterov is False, here True; no --set makes room for it; drill around it "
        "instead: drilldown drill --set 'base=[\"001-code4\"]' --name around-001-code4, or leave",
    ),
    (
        "launch smoke --start {best}",
        "best is not in the study's space: is trained and tested on "
        "200 and 200 images, here it is 3,000 and 1,000",
    ),
    (
        "launch quick --start under-10k",
        "--start: under-10k is not in the study's space: layout is 'two-pools', here 'squeeze'; "
        "activation is 'relu', here 'silu'; ",
        "; start with: --set space.fix.layout=two-pools --set space.fix.activation=relu --set ",
    ),
    (
        "launch quick --start silu-squeeze --set goal.params=9000",
        "silu-squeeze is not in the "
        "study's space: has 9,987 parameters, and the goal wants fewer than 9,000",
    ),
    (
        "launch quick --start silu-squeeze --set goal.epochs=20",
        "is trained for 15 epochs, here it is 20",
    ),
    (
        "launch quick --start silu-squeeze --set space.vary.lr=[0.3,0.6]",
        "lr is 0.259316, here from 0.3 to 0.6; start with: --set 'space.vary.lr=[0.25, 0.6]'",
    ),
    (
        "launch quick --start silu-squeeze --set space.vary.lr=[0.3,0.6] --set goal.epochs=2 "
        "--set goal.last=1 --set space.fix.activation=relu --set space.vary.augmentation=[0,0.1]",
        "is trained for 15 epochs, here it is 2; activation is 'silu', here 'relu'; lr is 0.259316,"
        " here from 0.3 to 0.6; augmentation is ",
        "; start with: --set goal.epochs=15 --set 'space.vary.lr=[0.25, 0.6]' --set "
        "'space.vary.augmentation=[0, 1.0]' --set space.fix.activation=silu, or leave it out\n",
    ),
    (
        "launch {tiny} --set space.name=classic --start {best}",
        "; no --set makes room for it; drill around it instead: drilldown drill --set 'base=[\"/",
        "/best.toml\"]' --name around-best, or leave it out\n",
    ),
    (
        "launch quick --start silu-squeeze --set goal.params=11000",
        "its widths are ",
        "use the budget of 11,000 parameters here, as ",
        "; start with: --set goal.params=10000, or leave it out\n",
    ),
    ("drill shalow", "did you mean 'shallow'?"),
    ("drill shallow --workers 0", "--workers"),
    (
        "drill shallow --until-held",
        "--until-held: each stage of a drill has its own: until_held = true in its [[stage]], or "
        "--set stage.NAME.until_held=true\n",
    ),
    ("drill shallow --set trials=5", "--set trials: is not a field here; it stands in a [[stage]]"),
    ("drill shallow --set until_held=true", "until_held: ", "a [[stage]], stage.NAME.until_held\n"),
    (
        "launch smoke --set accuracy=99",
        "--set accuracy: is not a field here; it stands in [goal]",
    ),
    ("launch smoke --set last=1", "--set last: is not a field here; it stands in [goal]\n"),
    ("drill shallow --trials 5", "its own: trials = 20 in its [[stage]], or --set stage.NAME.tri"),
    ("drill shallow --minutes 0", "--minutes", "must be a number above 0, not '0'"),
    ("drill shallow --minutes 1 --timeout 9", "--minutes and --timeout say the same; keep one"),
    ("drill shallow --start none.toml", "--start: none.toml: no such file"),
    ("drill shallow --start tniy {where}", "--start: no config and no study named 'tniy'; did you"),
    ("drill shallow --start 001-code4 --set base=[]", "--set base: --start says that too; keep"),
    (
        "drill shallow --start silu-squeeze --set goal.params=3000",
        "--start: silu-squeeze has 9,987 parameters, and the goal wants fewer than 3,000; leave it",
    ),
    ("drill shallow --engine ''", "--engine", "'auto', 'native', 'torch'"),
    ("compare --engine cuda", "--engine", "'cuda'", "'auto', 'native', 'torch'"),
    ("compare --seeds -1", "--seeds"),
    ("compare --epochs 0", "--epochs"),
    ("compare --workers 0", "--workers"),
    ("compare --format yaml", "--format", "'markdown'"),
    ("compare --device gpu", "--device", "'gpu'"),
    ("compare --results .", ".: cannot be read: Is a directory"),
    ("compare 001-code9", "no experiment '001-code9'", "did you mean '001-"),
    ("list --storage sqlite:///none.db", "none.db", "no study has been run here yet"),
    ("show x", "drilldown.sqlite3: no study has been run here yet", "drilldown launch"),
    ("show x --storage sqlite:///none.db", "none.db: no study has been run here"),
    ("show x --format yaml", "--format", "'table', 'json', 'csv'"),
    ("show", "NAME"),
    ("show tniy {where}", "no study named 'tniy'", "did you mean 'tiny'?"),
    ("export x", "no study has been run here yet"),
    ("export x --trial -1", "--trial"),
    ("export tniy {where}", "did you mean 'tiny'?"),
    ("export tiny {where} --trial 9", "has no trial 9", "drilldown show"),
    ("export tiny {where} -o {folder}", "cannot be written: it is a folder"),
    ("train none.toml", "none.toml: no such file"),
    ("train .", ".: is a folder, not a TOML file"),
    ("train", "CONFIG"),
    ("train 001-code5", "no packaged config", "did you mean '001-code4'?"),
    ("train 001-code4 --check", "has no curve to compare with"),
    ("train {bare} --check", "has no curve to compare with"),
    ("train {bare} --save {folder}", "is a folder; name a file"),
    ("train {best} --check --seed 1", "belongs to seed", "leave --seed"),
    ("train {best} --check --epochs 1", "belongs to epochs 2"),
    (f"train {{best}} --seed {2**63}", "seed: must be less than"),
    ("train x.toml --epochs 0", "--epochs"),
    ("train x.toml --device gpu", "--device", "'gpu'"),
    ("train {best} --device cuda", "--device cuda: not to"),
    ("train x.toml --engine jax", "--engine", "'jax'"),
    ("count none.toml", "none.toml: no such file"),
    ("count .", ".: is a folder"),
    ("count 001-code5", "no packaged config", "did you mean '001-code4'?"),
    ("dashboard x", "no study has been run here yet"),
    ("dashboard tniy {where}", "did you mean 'tiny'?"),
    ("dashboard --port 99999", "--port"),
]


@pytest.fixture
def places(exported: Path, tiny: Path, tmp_path: Path) -> dict[str, Path | str]:
    """What stands in braces. bare: a config without a curve."""
    best, bare = exported / "best.toml", tmp_path / "bare.toml"
    record.save(bare, record.Record(config=record.load(best).config))
    where = f"--storage=sqlite:///{exported.parent}/drilldown.sqlite3"
    return {"best": best, "bare": bare, "tiny": tiny, "folder": exported, "where": where}


@pytest.mark.usefixtures("no_data")
@pytest.mark.parametrize("row", USAGE, ids=lambda row: row[0][:40])
def test_usage_error_is_one_line_and_nothing_is_written(
    row: tuple[str, ...], drilldown: Drilldown, places: dict[str, Path | str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    line, *parts = row
    if "cuda" in line and _gpu():
        pytest.skip("there is a GPU here")
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    one_line(drilldown(*shlex.split(line.format(**places))), *parts)
    assert sorted(tmp_path.rglob("*")) == before


def _gpu() -> bool:
    import torch

    return torch.cuda.is_available()


@pytest.mark.parametrize(
    ("command", "text", "change", "parts"),
    [
        ("launch", TINY, "trials -> trails", ["trails: is not a field here", "mean 'trials'?"]),
        ("launch", TINY, "epochs = 2 -> epochs = nan", ["goal.epochs"]),
        ("launch", TINY, "params = 2_000 -> params = 100", ["goal.params: 100 is too few"]),
        ("launch", TINY, '"open" -> "opne"', ["space.name: no space 'opne'; did you mean 'open'?"]),
        ("launch", TINY, '"random" -> "randon"',
         ["sampler.kind: 'randon' is unknown; did you mean 'random'"]),
        ("launch", TINY, 'workers = 1 -> engine = "torhc"', ["engine: must be", "mean 'torch'?"]),
        ("launch", TINY, "[goal] -> [goal", ["is not valid TOML"]),
        ("drill", STAGES, "lr = -> rl =", ["stage.pace.vary", "'rl'"]),
        ("launch", TINY, '"random" -> "bayes"', ["sampler.kind: 'bayes'", "mean 'tpe' or 'gp'?"]),
        ("launch", TINY, '"random" -> "Bayesian"', ["did you mean 'tpe' or 'gp'?"]),
        ("launch", TINY, '[sampler]\nkind = "random" -> [pruner]\nkind = "asha"',
         ["pruner.kind: 'asha' is unknown; did you mean 'successive-halving'?"]),
        ("launch", TINY, "accuracy = 20.0 -> accuracy = 0.96",
         ["goal.accuracy: 0.96 is a share? accuracies are percent: did you mean 96?"]),
        ("drill", STAGES, "accuracy = 80.0 -> accuracy = 1.0",
         ["goal.accuracy: 1 is a share? accuracies are percent: did you mean 100?"]),
        ("launch", TINY, "workers = 1 -> workers = 0", ["workers: must be greater than or equal"]),
        ("launch", STAGES, " -> ", ["is a drill, not a study; run it with: drilldown drill "]),
        ("drill", TINY, " -> ", ["is a study, not a drill; run it with: drilldown launch "]),
        ("train", TINY, " -> ", ["is a study, not a config; run it with: drilldown launch "]),
        ("count", TINY, " -> ", ["is a study, not a config; run it with: drilldown launch "]),
        ("count", STAGES, " -> ", ["is a drill, not a config; run it with: drilldown drill "]),
        ("launch", 'layers = ["flatten"]', " -> ",
         ["is a config, not a study; run it with: drilldown train "]),
        ("drill", STAGES, 'name = "net" -> name = "net"\nbase = ["tiny"]',
         ["stage.net.base: stands at the top of the file, above [[stage]]\n"]),
        ("drill", STAGES, "confirm = 1 -> timeout = 60",
         ["timeout: is not a field here; it stands in a [[stage]], stage.NAME.timeout\n"]),
        ("drill", STAGES, "[goal] -> [space]\nname = 'open'\n[goal]",
         ["some.toml: space: a drill has no [space]; what varies stands in [stage.vary]\n"]),
        ("launch", TINY, "[goal] -> [[stage]]\nname = 'net'\n[goal]",
         ["stage: a study has no [[stage]]; a file of stages, with no [space], is a drill\n"]),
        ("launch", TINY, "workers = 1 -> params = 2000", ["params: ", "; it stands in [goal]\n"]),
        ("drill", STAGES, "confirm = 1 -> base = ['001-code5']",
         ["base: no config and no study named '001-code5'; did you mean '001-code4'?"]),
        ("drill", STAGES, "confirm = 1 -> base = ['none.toml']", ["base: ", "none.toml: no such"]),
        ("drill", STAGES, 'lr = [0.1, 0.5] -> batch_size = [32, 100]',
         ["stage.pace.vary.batch_size: must be 32 or 64", "(choices, not a range), not 100"]),
    ],
)  # fmt: skip
def test_bad_file_is_refused_by_its_field(
    drilldown: Drilldown, tmp_path: Path, command: str, text: str, change: str, parts: list[str]
) -> None:
    path = tmp_path / "some.toml"
    path.write_text(text.replace(*change.split(" -> "), 1))
    one_line(drilldown(command, path), f"{path}: ", *parts)


@pytest.mark.parametrize("name", ["../x", "..", "a/b"])
def test_export_of_a_study_that_another_program_named_stays_among_the_runs(
    drilldown: Drilldown, home: Path, name: str
) -> None:
    """Row 24."""
    (home / "runs").mkdir()
    storage = optuna.storages.RDBStorage(f"sqlite:///{home}/runs/drilldown.sqlite3")
    optuna.create_study(study_name=name, storage=storage)
    storage.engine.dispose()
    one_line(drilldown("export", name), "choose one with -o: ")
    assert not (home / "x").exists()


# --- passwords, and faults that are not the user's -------------------------------------------

SECRET = "postgresql+psycopg://me:cAnArY@127.0.0.1:1/x"


def test_password_appears_nowhere(
    drilldown: Drilldown, home: Path, tiny: Path, no_data: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row 21 in small."""
    for words in (["launch", tiny], ["list"], ["show", "x"], ["export", "x"], ["dashboard"]):
        done = drilldown(*words, "--storage", SECRET)
        one_line(done, "me:***@127.0.0.1:1/x")
        assert "cAnArY" not in done.err
        with monkeypatch.context() as patch:
            patch.setenv("DRILLDOWN_STORAGE", SECRET)
            assert "cAnArY" not in drilldown(*words).err
    written = [path for path in home.rglob("*") if path.is_file() and not path.is_symlink()]
    assert not any(b"cAnArY" in path.read_bytes() for path in written)


def _command(patch: pytest.MonkeyPatch, error: BaseException) -> None:
    """One more command, `fail`, that ends in this error."""

    @click.command()
    @click.option("--storage")
    def fail(storage: str | None) -> None:
        with resumable(storage):
            raise error

    patch.setitem(cli.cli.commands, "fail", fail)


@pytest.mark.parametrize("words", [["--storage", SECRET], [f"--storage={SECRET}"]])
def test_interrupted_command_says_how_to_go_on_without_the_password(
    drilldown: Drilldown, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    _command(monkeypatch, KeyboardInterrupt())
    done = drilldown("fail", *words)
    assert done.code == 130
    assert done.out.startswith("Interrupted. Go on with: drilldown fail ")
    assert "me:***@127.0.0.1:1/x" in done.out
    assert "cAnArY" not in done.out + done.err


def test_storage_that_stops_answering_is_one_line(
    drilldown: Drilldown, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = sqlalchemy.exc.OperationalError("SELECT 1", {}, Exception("disk I/O error"))
    _command(monkeypatch, lost)
    one_line(drilldown("fail"), "the storage failed: disk I/O error")


def test_what_is_a_fault_of_ours_is_not_hidden(
    drilldown: Drilldown, monkeypatch: pytest.MonkeyPatch
) -> None:
    _command(monkeypatch, KeyError("bug"))
    with pytest.raises(KeyError, match="bug"):
        drilldown("fail")


@pytest.mark.usefixtures("no_data")
@pytest.mark.parametrize(
    "line",
    [
        "launch {tiny}",
        "drill {stages}",
        "compare 001-code4 --seeds 9",
        "train {best} --save weights.safetensors",
    ],
)
def test_native_engine_that_was_not_built_is_one_line_and_nothing_is_written(
    drilldown: Drilldown, places: dict[str, Path | str], tmp_path: Path, line: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    reason = "the native engine was not built: no C++ compiler was found; install g++"
    monkeypatch.setattr(library, "unavailable", lambda *_: reason)
    monkeypatch.chdir(tmp_path)
    stages = tmp_path / "down.toml"
    stages.write_text(STAGES)
    before = sorted(tmp_path.rglob("*"))
    words = shlex.split(line.format(**places, stages=stages))
    done = drilldown(*words, "--engine", "native")
    one_line(done, f"engine native: {reason}; use engine auto, or torch")
    assert sorted(tmp_path.rglob("*")) == before
