"""`train` and `count`: a config trained again, and compared with the curve that it keeps."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from command_line import Drilldown

from mnist_core import record
from mnist_core.native import library
from mnist_core.record import EngineUsed, Expected

NATIVE = EngineUsed(name="native", version="1", instruction_set="avx512", compiler="gcc 12.2.0")
NOT_BUILT = "the native engine was not built: no C++ compiler was found; install g++"


@pytest.fixture
def no_native(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "unavailable", lambda *_: NOT_BUILT)


@pytest.fixture
def best(exported: Path) -> Path:
    return exported / "best.toml"


@pytest.fixture
def curve(best: Path) -> tuple[float, ...]:
    expected = record.load(best).expected
    assert expected is not None
    return expected.test_acc


def _altered(best: Path, path: Path, curve: tuple[float, ...], **environment: Any) -> Path:
    """The export as if it had come to this curve in another environment."""
    kept = record.load(best)
    assert kept.environment is not None
    elsewhere = kept.environment.model_copy(update=environment)
    changes = {"environment": elsewhere, "expected": Expected(test_acc=curve)}
    record.save(path, kept.model_copy(update=changes))
    return path


# --- training --------------------------------------------------------------------------------


def test_weights_that_are_saved_load_back_to_the_same_accuracy(
    drilldown: Drilldown, best: Path, curve: tuple[float, ...], tmp_path: Path
) -> None:
    weights = tmp_path / "new" / "weights.safetensors"
    assert drilldown("train", best, "--save", weights).code == 0
    from safetensors.torch import load_file

    from mnist_core import data, model
    from mnist_core.torch_engine import evaluate

    net = model.build(record.load(best).config)
    net.load_state_dict(load_file(weights))
    mnist = data.load().take(200, 200)
    one_image = 100 / 200  # that another engine may see otherwise
    accuracy = evaluate(net, mnist.test_images, mnist.test_labels)[1]
    assert accuracy == pytest.approx(curve[-1], abs=one_image)


def test_seed_and_epochs_may_be_others(drilldown: Drilldown, best: Path) -> None:
    usual, other = (
        drilldown("train", best, "--engine", "torch", *words).out.splitlines()
        for words in ([], ["--seed", "1", "--epochs", "3"])
    )
    assert [len(usual), len(other)] == [2, 3]
    assert usual[0].split()[:6] != other[0].split()[:6]


def test_diverging_training_is_one_line(drilldown: Drilldown, best: Path, tmp_path: Path) -> None:
    path = tmp_path / "wild.toml"
    path.write_text(re.sub(r"\nlr = .*", "\nlr = 1e30", best.read_text()))
    done = drilldown("train", path)
    assert done.code == 2
    said = r"Error: .*the training loss became (nan|inf).*; lower optimizer.lr\n"
    assert re.fullmatch(said, done.err)


@pytest.mark.usefixtures("no_native")
def test_train_says_why_torch_stands_in(drilldown: Drilldown, best: Path) -> None:
    out = drilldown("train", best).out
    assert out.splitlines()[0] == f"Training on torch: {NOT_BUILT}"
    assert drilldown("train", best, "--engine", "torch").out.startswith("epoch   1")


# --- checking --------------------------------------------------------------------------------


def test_export_trained_again_equals_its_curve(drilldown: Drilldown, best: Path) -> None:
    """Row 20 in small: the search's processes and this one come to the same."""
    done = drilldown("train", best, "--check")
    assert (done.code, done.err) == (0, "")
    *epochs, verdict = done.out.splitlines()
    assert [line.split()[:2] for line in epochs] == [["epoch", "1"], ["epoch", "2"]]
    assert verdict == "Every epoch equals the expected curve (2 compared)."


def test_altered_curve_is_found_by_its_epoch(
    drilldown: Drilldown, best: Path, curve: tuple[float, ...], tmp_path: Path
) -> None:
    first, second = curve
    path = _altered(best, tmp_path / "x.toml", (first, second + 0.5))
    done = drilldown("train", path, "--check")
    assert done.code == 1
    assert "1 of 2 epochs differs from the curve:" in done.out
    *_, differing, why = done.out.splitlines()
    assert differing == f"epoch   2  test {second:.4f} %, expected {second + 0.5:.4f} %"
    assert why.startswith("Nothing that is known of where the curve was made differs from here")


def test_curve_made_elsewhere_says_so_when_it_differs(
    drilldown: Drilldown, best: Path, tmp_path: Path
) -> None:
    abacus = {"versions": {"torch": "1.0"}, "machine": "an abacus"}
    path = _altered(best, tmp_path / "x.toml", (1.0, 2.0), **abacus)
    done = drilldown("train", path, "--check")
    assert done.code == 1
    assert "The curve was made elsewhere: machine was an abacus, is " in done.out
    assert "The curve was made elsewhere: torch was 1.0, is " in done.out


@pytest.mark.usefixtures("no_native")
def test_check_on_an_engine_that_cannot_be_had_says_so_and_compares_within_a_band(
    drilldown: Drilldown, best: Path, curve: tuple[float, ...], tmp_path: Path
) -> None:
    done = drilldown("train", _altered(best, tmp_path / "x.toml", curve, engine=NATIVE), "--check")
    assert (done.code, done.err) == (0, "")
    first, *_, last = done.out.splitlines()
    assert first == (
        f"The curve was made on native 1 (avx512, gcc 12.2.0), this is torch ({NOT_BUILT}): not "
        "every epoch is compared bit for bit, but the mean of the last, within a band."
    )
    assert "within the band of" in last
    far = (curve[0] + 60, curve[1] + 60)
    done = drilldown("train", _altered(best, tmp_path / "x.toml", far, engine=NATIVE), "--check")
    assert done.code == 1
    assert "outside the band of" in done.out
    assert "made elsewhere: engine was native 1 (avx512, gcc 12.2.0), is torch\n" in done.out


@pytest.mark.parametrize(
    ("made", "words", "said"),
    [
        (NATIVE, ["--engine", "torch"], "native 1 (avx512, gcc 12.2.0), this is torch"),
        (
            NATIVE.model_copy(update={"instruction_set": "portable", "compiler": "cc 0"}), [],
            "native 1 (portable, cc 0), this is native 1 (p",
        ),
    ],
)  # fmt: skip
def test_check_on_another_engine_or_build_compares_within_a_band(
    drilldown: Drilldown, best: Path, curve: tuple[float, ...], tmp_path: Path,
    made: EngineUsed, words: list[str], said: str,
) -> None:  # fmt: skip
    if not words and (reason := library.unavailable("portable")):
        pytest.skip(reason)
    path = _altered(best, tmp_path / "x.toml", curve, engine=made)
    done = drilldown("train", path, "--check", *words)
    assert done.code == 0
    assert done.out.startswith(f"The curve was made on {said}")
    assert "within the band of" in done.out


@pytest.mark.parametrize("engine", ["torch", *library.INSTRUCTION_SETS])
def test_check_runs_on_the_engine_that_made_the_curve(
    drilldown: Drilldown, best: Path, tmp_path: Path, engine: str
) -> None:
    """By itself; a file that names none is torch's."""
    if engine != "torch" and (reason := library.unavailable(engine)):
        pytest.skip(reason)
    used, curve = _trained(record.load(best), engine)
    path = _altered(best, tmp_path / "x.toml", curve, engine=used)
    if engine == "torch":
        text = path.read_text().replace('[environment.engine]\nname = "torch"\n', "")
        assert "engine" not in text
        path.write_text(text)
    done = drilldown("train", path, "--check")
    assert (done.code, done.err) == (0, "")
    assert done.out.endswith("Every epoch equals the expected curve (2 compared).\n")
    assert len(done.out.splitlines()) == 3


def _trained(kept: record.Record, engine: str) -> tuple[EngineUsed, tuple[float, ...]]:
    from mnist_core import data, machine
    from mnist_core.train import Training

    machine.settle(threads=1)
    wanted = ("torch", None) if engine == "torch" else ("native", engine)
    training = Training(kept.config, data.load(), "cpu", *wanted)
    curve = tuple(result.test_acc for result in training.run())
    return training.engine.used, curve


# --- what is in the file ---------------------------------------------------------------------


def test_exported_file_is_plain_toml_and_says_which_engine_trained_it(best: Path) -> None:
    """The best there is here, in whichever process it was trained."""
    values = tomllib.loads(best.read_text())
    assert values["environment"]["threads"] == 1
    assert values["origin"]["study"] == "tiny"
    used = EngineUsed(**values["environment"]["engine"])
    if library.unavailable():
        assert used == EngineUsed()
    else:
        assert (used.name, used.version) == ("native", library.VERSION)
        assert used.instruction_set in library.INSTRUCTION_SETS


def test_count_adds_up_to_the_configs_parameters(drilldown: Drilldown, best: Path) -> None:
    config = record.load(best).config
    counted = json.loads(drilldown("count", best, "--format", "json").out)
    assert counted["params"] == config.params == sum(row["params"] for row in counted["layers"])
    assert [row["layer"] for row in counted["layers"]] == [str(layer) for layer in config.layers]
    assert counted["layers"][-1]["shape"] == [10]
    table = drilldown("count", best).out.splitlines()
    assert table[0].split() == ["layer", "output", "parameters"]
    assert table[-1].split() == ["total", f"{config.params:,}"]
    assert max(map(len, table)) <= 80


@pytest.mark.parametrize(("name", "params"), [("001-code4", 8016), ("under-10k", 9905)])
def test_config_that_comes_along_is_counted_by_its_name(
    drilldown: Drilldown, name: str, params: int
) -> None:
    assert json.loads(drilldown("count", name, "--format", "json").out)["params"] == params
