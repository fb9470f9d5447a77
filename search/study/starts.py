"""Configs that a study tries first, or that a drill starts from: by file, by the name of one that
comes along, or by the name of a study, whose best it is."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mnist_core import packaged, record
from mnist_core.config import Config
from mnist_core.errors import UserError
from mnist_core.frozen import shortened
from mnist_core.paths import is_there
from search.study.spec import StudySpec, folder_of
from spaces import Space, SpaceError
from spaces.reading import sample_of


def planned(study: str, plan: StudySpec, typed: bool, url: str | None) -> dict[str, dict[str, Any]]:
    """What a study tries first, as samples of its space by name.

    study: as it was typed. typed: whether `--start` says them, instead of the study's file. url: of
    the storage. Raises UserError naming the first that cannot be tried, and why.
    """
    if not plan.start:
        return {}
    where, folder = ("--start", Path()) if typed else (f"{study}: start", folder_of(study))
    return samples(find(plan.start, folder, url, where), plan.make_space(), where)


def find(words: Sequence[str], folder: Path, url: str | None, where: str) -> dict[str, Config]:
    """The configs that the words stand for, by name. folder: from which paths lead on. url: of the
    storage with the studies.

    Raises UserError naming the word, and `where` it stands.
    """
    found: dict[str, Config] = {}
    for word in words:
        file = _file(word, folder)
        name = str(Path(word).with_suffix("")) if word.lower().endswith(".toml") else word
        config = _best(word, url, where) if file is None else _read(file, where)
        if found.setdefault(name, config) != config:
            raise UserError(f"{where}: two configs are called {name!r}; rename one's file")
    return found


def samples(configs: dict[str, Config], space: Space, where: str) -> dict[str, dict[str, Any]]:
    """As what the configs are tried in the space. Raises UserError naming the first that lies
    outside, and why."""
    found = {}
    for name, config in configs.items():
        try:
            found[name] = sample_of(config, space)
        except SpaceError as error:
            raise UserError(f"{where}: {name} is not in the study's space: {error}") from None
    return found


def _file(word: str, folder: Path) -> Path | None:
    """None where a study is meant."""
    path = folder / word
    is_path = word.lower().endswith(".toml") or (word != "" and is_there(path) and path.is_file())
    return packaged.packaged_config(word) or (path if is_path else None)


def _read(file: Path, where: str) -> Config:
    try:
        return record.load(file).config
    except UserError as error:
        raise UserError(f"{where}: {error}") from None


def _best(name: str, url: str | None, where: str) -> Config:
    """Of the study of this name."""
    from search.study import storage  # which not every file that is read needs

    studies = None
    if url or storage.has_storage():
        studies = storage.open_storage(url, read_only=True)
    study = studies.find(name) if studies else None
    if study is None or not study.launched:
        known = studies.names() if studies else []
        near = packaged.nearest_config(name, known)
        raise UserError(f"{where}: no config and no study named {shortened(name)}{near}")
    best = study.best()
    if best is None:
        raise UserError(f"{where}: study {name!r} has no complete trial yet, and so no best")
    return best.config
