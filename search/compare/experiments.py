"""The configs that come with drilldown, by name: experiments of other people's write-ups, each with
what they reported of it, and winners of our own."""

import difflib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from mnist_core import record
from mnist_core.config import Config
from mnist_core.errors import UserError
from mnist_core.files import suggest
from mnist_core.frozen import shortened
from mnist_core.packaged import SEEDS, names
from mnist_core.record import Reported

DIFFERED = frozenset({"001-code1", "002-step2", "004-exp2", "004-exp4"})
"""Experiments that were given further seeds because theirs and ours differed most: what another
seed changes, they overstate."""


@dataclass(frozen=True)
class Experiment:
    """One recipe of a write-up, and what its author got from it."""

    name: str
    config: Config
    reported: Reported

    @property
    def group(self) -> str:
        """The write-up it is of: its name's first part."""
        return self.name.partition("-")[0]

    @property
    def repository(self) -> str:
        """owner/name on GitHub."""
        return self.reported.source.partition(",")[0]

    def seeded(self, seed: int) -> Config:
        """Its config with another seed."""
        return self.config.changed(seed=seed)


def results_path() -> Path:
    """The ledger of the runs that come along; the file may be absent."""
    return SEEDS / "results.jsonl"


def select(words: Sequence[str]) -> list[Experiment]:
    """The experiments that any of the words stands for, in the order of their names; all of them
    where there are no words.

    A word is a name, or the beginning of names up to a dash: '003-f1' is all of that file's.
    Raises UserError for one that is neither.
    """
    known = names(SEEDS)
    for word in words:
        if not any(_stands_for(word, name) for name in known):
            raise UserError(f"no experiment {shortened(word)}{_nearest(word, known)}")
    chosen = [name for name in known if not words or any(_stands_for(w, name) for w in words)]
    return [_load(name) for name in chosen]


def stands_for_any(word: str) -> bool:
    """Whether a word is the name of an experiment, or the beginning of some."""
    return any(_stands_for(word, name) for name in names(SEEDS))


def _stands_for(word: str, name: str) -> bool:
    return name == word or name.startswith(f"{word}-")


def _nearest(word: str, names: Collection[str]) -> str:
    """Of all that a word may be, the nearest; where none is near, only the write-ups are listed."""
    beginnings = {name[:end] for name in names for end in _ends(name)}
    near = difflib.get_close_matches(word, beginnings, n=1)
    return suggest(word, beginnings if near else {name.partition("-")[0] for name in names})


def _ends(name: str) -> list[int]:
    """Where a name may be cut: before its dashes, and at its end."""
    return [place for place, sign in enumerate(name) if sign == "-"] + [len(name)]


def _load(name: str) -> Experiment:
    path = SEEDS / f"{name}.toml"
    kept = record.load(path)
    if kept.reported is None:
        raise UserError(f"{path}: reported: is missing")
    return Experiment(name, kept.config, kept.reported)
