"""The configs that come along: found by their names, and told from paths."""

import random
from collections import Counter
from pathlib import Path

import pytest

from mnist_core.config import Config
from mnist_core.errors import UserError
from mnist_core.packaged import config_path
from search.compare import compare, experiments
from search.compare.experiments import DIFFERED, select

ROOT = Path(__file__).parents[1]
KNOWN = "; known are the experiments of drilldown compare, and silu-squeeze, under-10k"


def _names(*words: str) -> list[str]:
    return [experiment.name for experiment in select(words)]


def test_without_a_word_all_fifty_are_chosen() -> None:
    chosen = select([])
    assert len(chosen) == 50
    assert [each.name for each in chosen] == sorted(each.name for each in chosen)
    groups = {"000": 13, "001": 4, "002": 5, "003": 21, "004": 7}
    assert Counter(each.group for each in chosen) == groups
    for each in chosen:
        assert each.reported.test_acc
        assert each.repository.count("/") == 1


def test_the_noise_is_estimated_from_those_that_the_lot_gave_a_second_seed() -> None:
    """Eight of those that are judged, but for the ones that were picked because they differed."""
    rows = compare.compare(select([]), compare.Results(None).runs, compare.GOAL_EPOCHS).rows
    judged = [row for row in rows if row.whole and row.pair and not row.pair.below()]
    names = sorted({row.experiment.name for row in judged} - DIFFERED)
    lot = set(random.Random(17).sample(names, 8))
    assert {row.experiment.name for row in rows if len(row.runs) > 1} == lot | DIFFERED


@pytest.mark.parametrize(
    ("words", "count"),
    [
        (["001"], 4),
        (["001-code4"], 1),
        (["003-f1"], 19),
        (["003-f1-reduce"], 5),
        (["003-f1-const-lr0.01"], 1),  # and not lr0.015
        (["001", "001-code4", "001"], 4),
        (["004", "000-file3"], 12),
    ],
)
def test_words_choose_by_name_or_beginning(words: list[str], count: int) -> None:
    names = _names(*words)
    assert len(names) == len(set(names)) == count
    assert names == sorted(names)
    assert all(any(name.startswith(word) for word in words) for name in names)


@pytest.mark.parametrize(
    ("word", "remedy"),
    [
        ("001-code", "; did you mean '001-code4'?"),  # a beginning ends at a dash
        ("01", "; did you mean '001'?"),
        ("003-f1-cosnt", "; did you mean '003-f1-const'?"),
        ("001-", "; did you mean '001'?"),
        ("xyz", "; known are 000, 001, 002, 003, 004"),
        ("", "; known are 000, 001, 002, 003, 004"),
        ("a\nb", "; known are 000, 001, 002, 003, 004"),
        ("*", "; known are 000, 001, 002, 003, 004"),
        ("x" * 500, "; known are 000, 001, 002, 003, 004"),
    ],
)
def test_unknown_word_is_refused_with_the_nearest(word: str, remedy: str) -> None:
    with pytest.raises(UserError) as caught:
        select(["001", word])
    said = str(caught.value)
    assert said.startswith("no experiment ")
    assert said.endswith(remedy)
    assert "\n" not in said
    assert len(said) < 150


def test_experiment_that_reports_nothing_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(experiments, "SEEDS", tmp_path)
    text = (ROOT / "studies" / "seeds" / "001-code1.toml").read_text()
    (tmp_path / "001-code1.toml").write_text(text[: text.index("[reported]")])
    with pytest.raises(UserError, match=r"001-code1.toml: reported: is missing"):
        select([])


def test_another_seed_changes_nothing_else() -> None:
    (one,) = select(["001-code4"])
    assert one.seeded(7) == Config.from_dict({**one.config.to_dict(), "seed": 7})


def test_config_is_found_by_its_name_or_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").write_text("")
    assert config_path("001-code4") == ROOT / "studies" / "seeds" / "001-code4.toml"
    assert config_path("003-f1-const-lr0.01").name == "003-f1-const-lr0.01.toml"
    assert config_path("under-10k") == ROOT / "studies" / "winners" / "under-10k.toml"
    for path in ("none.toml", "001-code4.toml", "mine", "."):  # to be opened, or refused
        assert config_path(path) == Path(path)


@pytest.mark.parametrize(
    ("word", "remedy"),
    [
        ("001-code5", "; did you mean '001-code4'?"),
        ("under-10", "; did you mean 'under-10k'?"),
        ("001", KNOWN),
        ("none/such", KNOWN),
        ("x" * 500, KNOWN),
    ],
)
def test_unknown_config_is_refused_with_the_nearest(
    word: str, remedy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError) as caught:
        config_path(word)
    assert str(caught.value).startswith("no packaged config ")
    assert remedy + " (the path of a config's file ends in .toml)" in str(caught.value)
    assert len(str(caught.value)) < 250
