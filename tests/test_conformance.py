"""Optuna's own conformance suites, on the storages that drilldown opens and the samplers that it
makes, bare and as a session has them, which hides the trials of others.

One storage and one sampler here; `pytest -m slow tests/test_conformance.py` runs the rest.
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import optuna
import pytest
from optuna.pruners import NopPruner
from optuna.samplers import BaseSampler
from optuna.storages import BaseStorage, get_storage
from optuna.testing.pytest_samplers import (
    BasicSamplerTestCase,
    MultiObjectiveSamplerTestCase,
    RelativeSamplerTestCase,
    SingleOnlySamplerTestCase,
)
from optuna.testing.pytest_storages import StorageTestCase

from search.study.peers import _Hiding, among_peers
from search.study.samplers import CmaEs, Gp, Qmc, Random, Sampler, Tpe
from search.study.storage import open_storage

SEEN: dict[str, Callable[[BaseStorage], Any]] = {
    "bare": lambda storage: storage,
    "cached": get_storage,
    "of a session": lambda storage: _Hiding(get_storage(storage), lambda _: True),
}
"""What is asked of a storage: a session has it cached by Optuna, and of a study of its own."""


def slowly(*values: Any) -> Iterator[Any]:
    """As parameters, all but the first of them behind the marker."""
    first, *others = values
    yield first
    yield from (pytest.param(other, marks=pytest.mark.slow) for other in others)


for many in ("all_studies", "trial", "all_trials", "all_trials_not_modified", "n_trials"):
    pytest.mark.slow(getattr(StorageTestCase, f"test_get_{many}"))  # it makes hundreds of trials


class TestStorages(StorageTestCase):
    @pytest.fixture(params=[*slowly("sqlite", "postgresql")])
    def url(self, request: pytest.FixtureRequest, tmp_path: Path, tables: Path) -> str:
        if request.param == "sqlite":
            shutil.copy(tables, tmp_path / "studies.sqlite3")
            return f"sqlite:///{tmp_path / 'studies.sqlite3'}"
        return request.getfixturevalue("server").new_database()

    @pytest.fixture(params=[*slowly("of a session", "bare", "cached")])
    def storage(self, request: pytest.FixtureRequest, url: str, one_version: None) -> Iterator[Any]:
        opened = open_storage(url, create=True).storage
        yield SEEN[request.param](opened)
        opened.engine.dispose()

    def test_pickle_storage(self, storage: Any) -> None:
        if isinstance(storage, _Hiding):
            pytest.skip("a session is one process's, which hands it on to nobody")
        super().test_pickle_storage(storage)


class _OfOurs:
    """Samplers as a study's `[sampler]` makes them; few trials before they model anything."""

    kinds: tuple[Any, ...] = (
        Random(),
        Tpe(n_startup_trials=0),
        Tpe(n_startup_trials=0, multivariate=False, constant_liar=False),
        Gp(n_startup_trials=0),
        CmaEs(n_startup_trials=0),
        CmaEs(n_startup_trials=0, with_margin=True),
        Qmc(),
        Qmc(qmc_type="halton", scramble=False),
    )

    @pytest.fixture(params=[*slowly("of a session", "bare")], autouse=True)
    def _studies(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
        """All that the suite makes are as a session sees them."""
        if request.param == "bare":
            return
        make = optuna.create_study

        def made(sampler: BaseSampler | None = None, **options: Any) -> optuna.Study:
            seen = among_peers(make(**options), NopPruner(), lambda _: True)
            seen.sampler = sampler
            return seen

        monkeypatch.setattr(optuna, "create_study", made)
        monkeypatch.setattr(optuna.study, "create_study", made)

    @pytest.fixture
    def sampler(self, kind: Any) -> Callable[[], BaseSampler]:
        return lambda: kind.make(1, 0)


def ours(*kinds: Any) -> Any:
    return pytest.fixture(params=[*slowly(*kinds)], ids=str)(lambda self, request: request.param)


class TestSamplers(_OfOurs, BasicSamplerTestCase):
    kind = ours(*_OfOurs.kinds)


class TestRelativeSamplers(_OfOurs, RelativeSamplerTestCase):
    kind = ours(*[kind for kind in _OfOurs.kinds if kind.kind not in ("random",)])


class TestSamplersOfSeveral(_OfOurs, MultiObjectiveSamplerTestCase):
    kind = ours(*[kind for kind in _OfOurs.kinds if kind.kind in ("random", "tpe", "gp", "qmc")])


class TestSamplersOfOne(_OfOurs, SingleOnlySamplerTestCase):
    kind = ours(*[kind for kind in _OfOurs.kinds if kind.kind == "cmaes"])


def test_every_sampler_has_its_suite() -> None:
    assert {type(kind) for kind in _OfOurs.kinds} == set(get_args(get_args(Sampler)[0]))
