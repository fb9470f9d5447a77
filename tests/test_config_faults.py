"""Every fault of a config file is said in one line that names the field."""

import copy
import datetime
import math
import random
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from whole import WHOLE, Place, at, dotted, fields, places

from mnist_core import record
from mnist_core.errors import UserError

REQUIRED = {"epochs", "layers", "optimizer", "lr", "kind", "size", "milestones", "gamma", "decay"}
REQUIRED |= {"degrees", "device", "threads", "versions", "machine", "data_sha256", "study"}
REQUIRED |= {"trial", "goal", "test_acc"}
OPTIONAL_HERE = {("optimizer", "decay"), ("augment", 1, "degrees")}
FREE_TABLES = {("environment", "versions"), ("environment", "data_sha256")}
FREE_TEXTS = {("environment", "device"), ("environment", "machine"), ("origin", "study")}
FREE_TEXTS |= {("origin", "goal")}
NEVER = [math.nan, math.inf, -math.inf, -1.5, {"a": {}}, [[]], datetime.date(2020, 1, 1)]
ODD = [-1, 0, 2, 10**30, 2**63, 1e308, 0.5, True, "", "text", "nan", "ü\n\u2028\x1b", [], {}]
UNKNOWN = "is not a field here; "


class Files:
    """Loads texts as config files, checks the form of every refusal, and counts them."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "some config.toml"
        self.count = 0

    def fault(self, content: bytes | dict[str, Any]) -> str:
        """What is said of a file, without the file's name; empty where it loads."""
        text = content if isinstance(content, bytes) else tomli_w.dumps(content).encode()
        self.path.write_bytes(text)
        return self.fault_of(self.path)

    def fault_of(self, path: Path) -> str:
        self.count += 1
        try:
            record.load(path)
        except UserError as error:
            said = str(error)
        else:
            return ""
        assert len(said.splitlines()) == 1, said
        assert said.startswith(f"{path}: "), said
        assert len(said) < 600, said
        return said.removeprefix(f"{path}: ")


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def _with(values: dict[str, Any], place: Place, *value: Any) -> dict[str, Any]:
    """With another value there; with none, where there is no other."""
    changed = copy.deepcopy(values)
    table = at(changed, place[:-1])
    if value:
        (table[place[-1]],) = value
    else:
        del table[place[-1]]
    return changed


def _renamed(values: dict[str, Any], place: Place, name: str) -> dict[str, Any]:
    """The same file with another name for a field, in the same place of its table."""
    changed = copy.deepcopy(values)
    table = at(changed, place[:-1])
    renamed = {name if key == place[-1] else key: value for key, value in table.items()}
    table.clear()
    table.update(renamed)
    return changed


def _names(fault: str, place: Place) -> bool:
    """Whether the fault is said of this field, of one inside it or of the table around it."""
    said, meant = f"{fault.split(':')[0]}.", f"{dotted(place)}."
    return said.startswith(meant) or meant.startswith(said)


# --- any field -------------------------------------------------------------------------------


def _typos(word: str) -> set[str]:
    """One letter dropped, doubled, replaced, or swapped with the one before."""
    i = len(word) // 2
    before, letter, after = word[:i], word[i], word[i + 1 :]
    swapped = word[: i - 1] + letter + word[i - 1] + after
    return {before + after, before + 2 * letter + after, before + "x" + after, swapped} - {word, ""}


def test_a_typo_in_any_field_is_named_with_the_right_spelling(files: Files):
    for values, place in fields():
        *table, word = place
        if isinstance(word, int) or tuple(table) in FREE_TABLES:
            continue
        for typo in _typos(word):
            fault = files.fault(_renamed(values, place, typo))
            where = dotted((*table, typo))
            assert fault.startswith(f"{where}: {UNKNOWN}"), (place, typo, fault)
            remedy = f"did you mean '{word}'\\?" if len(word) > 2 else rf"\b{word}\b"
            assert re.search(remedy, fault.removeprefix(where)), fault
    assert files.count > 300


@pytest.mark.parametrize(("tried", "taken", "count"), [(NEVER, False, 500), (ODD, True, 1000)])
def test_a_value_that_does_not_fit_is_refused_naming_the_field(
    files: Files, tried: list[Any], taken: bool, count: int
):
    """taken: some fit somewhere."""
    for values, place in fields():
        for value in tried:
            fault = files.fault(_with(values, place, value))
            assert _names(fault, place) if fault else taken, (place, value, fault)
    assert files.count > count


def test_text_for_anything_else_is_refused(files: Files):
    for values, place in fields(again=True):
        fault = files.fault(_with(values, place, "text"))
        free = place in FREE_TEXTS or place[:-1] in FREE_TABLES
        assert (fault == "") == free, (place, fault)


def test_a_missing_field_is_named_where_it_is_needed(files: Files):
    for values, place in fields(again=True):
        if isinstance(place[-1], int) or place[:-1] in FREE_TABLES:
            continue
        fault = files.fault(_with(values, place))
        dip = place == ("schedule", "gamma") and values["schedule"]["kind"] == "loss_dip"
        if place[-1] in REQUIRED and place not in OPTIONAL_HERE and not dip:
            assert fault.startswith(f"{dotted(place)}: is missing"), (place, fault)
        else:  # without its momentum, nesterov cannot be
            assert fault == "" or place == ("optimizer", "momentum"), (place, fault)


@pytest.mark.parametrize(
    "word", ["zzz", "config", "", "a b", 'q"uote', "a.b", "ü", "é\n\x1b", "x" * 99]
)
def test_an_unknown_field_is_named_in_every_table(files: Files, word: str):
    for table in [(), *(place for place in places(WHOLE) if isinstance(at(WHOLE, place), dict))]:
        fault = files.fault(_with(WHOLE, (*table, word), 1))
        if table in FREE_TABLES:
            assert fault
            assert _names(fault, (*table, word)) or "valid string" in fault, fault
        else:
            assert UNKNOWN in fault, fault
            assert f"did you mean {word!r}" not in fault
            assert fault.startswith(dotted(table)), fault


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("epochs = 0", "epochs: must be greater than or equal to 1, not 0"),
        ("epochs = 1.0", "epochs: must be a valid integer, not 1.0"),
        ("epochs = [3, 4]", "epochs: must be a valid integer, not (3, 4)"),
        ("label_smoothing = 1", "label_smoothing: must be less than 1, not 1"),
        ("layers = []", "layers: must have at least 1 item, not 0"),
        ("layers = 'relu'", "layers: must be an array, not 'relu'"),
        ("layers = [3]", "layers.1st: must be a line of text such as 'bn', not 3"),
        ("layers = ['rleu']", "layers.1st: layer 'rleu': unknown kind 'rleu'; known are conv,"),
        ("layers = ['flatten']", "layers: the last one puts out (784,), not (10,) scores"),
        ("layers = ['flatten', 'linear 783->10']",
         "layers: layer 2 'linear 783->10 bias=true' gets 784 features and declares 783"),
        ("data = 3", "data: must be a table, not 3"),
        ("data = {train = 60_001}", "data.train: must be less than or equal to 60000"),
        ("data = {judge = 'holdout', train = 60_000}",
         "data.train: must be at most 50000 where judge = 'holdout' holds the others out, not "
         "60000; leave it out for all of them"),
        ("data = {judge = 'holdut'}",
         "data.judge: must be 'test' or 'holdout', not 'holdut'; did you mean 'holdout'?"),
        ("data = {judge = true}", "data.judge: must be 'test' or 'holdout', not True"),
        ("data = {judge = ['test']}", "data.judge: must be 'test' or 'holdout', not ('test',)"),
        ("optimizer = 3", "optimizer: must be a table, not 3"),
        ("optimizer = {}", "optimizer.kind: is missing; known are adam, adamw, sgd"),
        ("optimizer = {lr = 1}", "optimizer.kind: is missing; known are adam, adamw, sgd"),
        ("optimizer = {kind = 'sdg', lr = 1}",
         "optimizer.kind: 'sdg' is unknown; did you mean 'sgd'?"),
        ("optimizer = {kind = 3, lr = 1}",
         "optimizer.kind: 3 is unknown; known are adam, adamw, sgd"),
        ("optimizer = {kind = 'sgd', lr = 0.1, nesterov = true}",
         "optimizer: nesterov needs a momentum above 0"),
        ("optimizer = {kind = 'sgd', lr = 0.1, decay = 'al'}",
         "optimizer.decay: must be 'all' or 'weights', not 'al'"),
        ("schedule = {kind = 'step', size = 3, gamma = 0.1, cosine = 1}",
         f"schedule.cosine: {UNKNOWN}"),
        ("schedule = {kind = 'linear', per = 'batch', when = 'before'}",
         "schedule: when = 'before' goes with per = 'epoch' only"),
        ("augment = [{kind = 'jitter'}, {kind = 'affine', scale = [1.1, 0.9]}]",
         "augment.2nd: scale [1.1, 0.9] runs from large to small; swap the two"),
        ("augment = [{kind = 'affine', shear = [1]}]", "augment.1st.shear.2nd: is missing"),
        ("augment = [{kind = 'affine', shear = [1, 2, 3]}]",
         "augment.1st.shear: must have at most 2 items, not 3"),
        ("confirmed = [{seed = 1, test_acc = [9]}, {seed = 2}]",
         "confirmed.2nd.test_acc: is missing from the 2nd [[confirmed]]"),
        ("confirmed = [{seed = 1, test_acc = [99, 98, 101]}]",
         "confirmed.1st.test_acc.3rd: must be less than or equal to 100, not 101"),
        ("epohcs = 3\nlerning_rate = 3", f"epohcs: {UNKNOWN}did you mean 'epochs'? (and 1 more)"),
    ],
)  # fmt: skip
def test_message(files: Files, change: str, said: str):
    fault = files.fault(WHOLE | tomllib.loads(change))
    assert fault.startswith(said), fault


LONE = "layers = ['flatten', 'bn', 'linear 784->10']"  # it sees one value of a channel of an image


@pytest.mark.parametrize(("size", "images"), [(1, 60), (100, 1), (128, 129), (7, 59_998)])
def test_a_batch_of_one_image_is_refused_before_a_batch_norm(files: Files, size: int, images: int):
    change = f"{LONE}\nbatch_size = {size}\ndata = {{train = {images}}}"
    assert files.fault(WHOLE | tomllib.loads(change)) == (
        "layers: layer 2 'bn' sees a single value of each channel where a batch has 1 image, as "
        f"the last of {images} in batches of {size} has; change batch_size or data.train"
    )


@pytest.mark.parametrize(
    "change",
    [
        f"{LONE}\nbatch_size = 128\ndata = {{train = 130}}",
        "layers = ['bn', 'flatten', 'linear 784->10']\nbatch_size = 1",
    ],
)
def test_a_batch_norm_that_sees_two_values_is_none_to_refuse(files: Files, change: str):
    assert files.fault(WHOLE | tomllib.loads(change)) == ""


# --- any file --------------------------------------------------------------------------------


def test_torn_and_damaged_files(files: Files):
    """Cut short at any place; any quote, bracket, sign or line gone; any byte another."""
    text = tomli_w.dumps(WHOLE).encode()
    draw = random.Random(1)
    lines = text.splitlines(keepends=True)
    damaged = [text[:end] for end in range(0, len(text), 5)]
    damaged += [text[:i] + text[i + 1 :] for i, byte in enumerate(text) if byte in b"\"'[]{}=,.\n"]
    damaged += [b"".join(lines[:i] + lines[i + 1 :]) for i in range(len(lines))]
    damaged += [b"".join(lines[: i + 1] + lines[i:]) for i in range(len(lines))]
    for _ in range(200):
        i = draw.randrange(len(text))
        damaged.append(text[:i] + bytes([draw.randrange(256)]) + text[i + 1 :])
    refused = sum(files.fault(content) != "" for content in damaged)
    assert files.count > 600
    assert refused > files.count / 2


VALID = b"""
epochs = 1
layers = ["gap", "flatten", "linear 1->10"]
optimizer = {kind = "sgd", lr = 1}
"""
TOO_LARGE = "is too large for a TOML file (over 1,000,000 bytes)"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe", "is not UTF-8 text (byte 0)"),
        (b"epochs = 1 # \xc3", "is not UTF-8 text (byte 13)"),
        (b"\x7fELF\x02\x01\x01\x00\x00", "is not valid TOML"),
        (bytes(range(128)), "is not valid TOML"),
        (b"epochs 3", "is not valid TOML"),
        (b"epochs = 1\nepochs = 2", "is not valid TOML"),
        (b"# comment\n" * 200_000, TOO_LARGE),
        (b"seed = " + b"9" * 5000, "is not valid TOML"),
        (VALID + b"seed = 0x" + b"f" * 5000, "seed: must be less than 9223372036854775808"),
        (VALID + b"label_smoothing = 0x" + b"f" * 5000, "label_smoothing: must be"),
        (b"a = " + b"[" * 50_000, "is nested too deeply"),
        (b"a = " + b"{a=" * 50_000, "is nested too deeply"),
        (b".".join([b"a"] * 2_000) + b" = 1", "is nested too deeply"),
        (VALID + b"seed" + b".a" * 300 + b" = 1", "seed: must be a valid integer"),
        (VALID + b"seed = " + b"[" * 300 + b"]" * 300, "seed: must be a valid integer"),
        (b"", "epochs: is missing (and 2 more)"),
        (b"\xef\xbb\xbfepochs = 1", "layers: is missing (and 1 more)"),
    ],
)
def test_contents_that_are_no_config(files: Files, content: bytes, said: str):
    fault = files.fault(content)
    assert fault.startswith(said), fault


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("none.toml", "no such file"),
        ("", "is a folder, not a TOML file"),
        ("none/none.toml", "no such file"),
        ("file/config.toml", "cannot be read: Not a directory"),
        ("x" * 300, "cannot be read: File name too long"),
        ("/dev/zero", TOO_LARGE),
        ("nul\0l.toml", "is not valid TOML"),
    ],
)
def test_paths_that_are_no_config(files: Files, tmp_path: Path, path: str, said: str):
    (tmp_path / "file").touch()
    assert files.fault_of(tmp_path / path).partition(": embedded")[0] == said
