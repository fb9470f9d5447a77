"""A study in its storage, as all other rooms know it: its goal, its trials as rows, and what is
kept with it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import Any

import optuna
import sqlalchemy as sa
from optuna.storages import RDBStorage
from optuna.storages._rdb import models
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial
from pydantic import ValidationError

from mnist_core.config import Data
from mnist_core.errors import Lost, UserError
from mnist_core.goal import Goal
from search.study import identity, trials
from search.study.identity import IDENTITY, Identity
from search.study.trials import Complete, State, Trial

GOAL = "goal"  # user attribute: the goal as a sentence, for people; in old ones as a table
SETTINGS = "drilldown:settings"  # what --set said in its latest launch
GOAL_TABLE = "drilldown:goal"  # the same as it is read, out of other hands' reach
_KEPT = sa.text(
    "SELECT value_json FROM study_system_attributes WHERE study_id = :study AND key = :key"
)


class Study:
    """A study that has been made; whether drilldown launched it, `launched` says."""

    def __init__(self, study: optuna.Study) -> None:
        """study: Optuna's, for this room only."""
        self.optuna = study
        self._ended: dict[int, Trial] = {}  # by number: they never change any more

    @property
    def name(self) -> str:
        return self.optuna.study_name

    @property
    def launched(self) -> bool:
        """Whether drilldown launched it: else it has no goal, and no trial means anything."""
        return self._goal is not None

    @property
    def goal(self) -> Goal:
        """What it was launched with. Raises UserError where drilldown never launched it."""
        if self._goal is None:
            raise UserError(f"study {self.name!r} has no goal: drilldown did not launch it")
        return self._goal

    @cached_property
    def _goal(self) -> Goal | None:
        with self.there(), suppress(ValidationError):  # somebody else's goal is something else
            kept = self.kept(GOAL_TABLE) or self.optuna.user_attrs.get(GOAL)  # 2nd: in old ones
            return Goal.model_validate(kept) if self.maximised else None
        return None

    @cached_property
    def identity(self) -> Identity | None:
        """Who it is; None in storages from before studies had one, and of other programs."""
        return identity.read(self.kept(IDENTITY), self.name)

    @property
    def settings(self) -> tuple[str, ...]:
        """What `--set` said in its latest launch, as it was typed: KEY=VALUE."""
        return tuple(self.kept(SETTINGS) or ())

    @property
    def still_there(self) -> bool:
        """Whether it was not deleted, or replaced by another of its name or number, since its
        identity was read. One indexed read."""
        now = identity.read(self.kept(IDENTITY), self.name)
        return now is not None and now == self.identity

    @property
    def data(self) -> Data | None:
        """What it trains and tests on; None where that is not known, as no trial has begun."""
        return next((trial.config.data for trial in self.trials() if trial.config), None)

    @property
    def maximised(self) -> bool:
        """Whether it looks for the highest of one value, as all of drilldown's do."""
        return self.optuna.directions == [StudyDirection.MAXIMIZE]

    @property
    def blank(self) -> bool:
        """Whether nobody has put anything into it yet."""
        attributes = self._storage.get_study_system_attrs(self.optuna._study_id)
        return self.maximised and not (self.size or attributes or self.optuna.user_attrs)

    @property
    def size(self) -> int:
        """How many trials it has, whoever made them and whatever became of them."""
        with self.there():
            return self._storage.get_n_trials(self.optuna._study_id)

    @property
    def counted(self) -> int:
        """How many of its trials count: complete, pruned or failed."""
        return sum(trial.counts for trial in self.trials())

    def trials(self) -> list[Trial]:
        """All of them, best first: by score, then those without one by number.

        Raises UserError where drilldown never launched it, and Lost where it was deleted since.
        """
        goal = self.goal
        with self.there():
            frozen = self.optuna.get_trials(deepcopy=False)
        return trials.best_first(self._row(each, goal) for each in frozen)

    def trial(self, frozen: FrozenTrial) -> Trial:
        """One of its trials. Raises UserError where drilldown never launched it."""
        return self._row(frozen, self.goal)

    def ours(self, frozen: FrozenTrial) -> bool:
        """Whether a trial was asked for by drilldown, and told if it has ended."""
        return self.trial(frozen).state != State.FOREIGN

    def best(self) -> Complete | None:
        """The complete trial with the highest score, the earliest of equals; None if there is
        none."""
        return next((trial for trial in self.trials() if isinstance(trial, Complete)), None)

    @contextmanager
    def there(self) -> Iterator[None]:
        """What Optuna says of a study that was deleted since it was found, as a Lost."""
        try:
            yield
        except KeyError:
            raise Lost(f"study {self.name!r} was deleted meanwhile") from None

    @property
    def holders(self) -> list[Trial]:
        """The trials that hold the goal, best first."""
        return [trial for trial in self.trials() if trial.holds_goal]

    def kept(self, name: str) -> Any:
        """What was kept with the study under a name; None where nothing was, or it is gone."""
        backend = getattr(self._storage, "_backend", None)
        if isinstance(backend, RDBStorage):  # Optuna would read all attributes
            with backend.engine.connect() as connection:
                wanted = {"study": self.optuna._study_id, "key": name}
                found = connection.scalar(_KEPT, wanted)
            return None if found is None else json.loads(found)
        return self._storage.get_study_system_attrs(self.optuna._study_id).get(name)

    def keep(self, name: str, value: Any) -> None:
        """Keep something with the study that JSON can say, where the dashboard does not show it."""
        self._storage.set_study_system_attr(self.optuna._study_id, name, value)
        for remembered in ("identity", "_goal"):
            self.__dict__.pop(remembered, None)

    def forget(self, attribute: str, value: str) -> None:
        """Take a user attribute away that still has this value, for which Optuna has no function.
        Raises SQLAlchemyError."""
        backend = getattr(self._storage, "_backend", self._storage)
        if not isinstance(backend, RDBStorage):
            return
        table = models.StudyUserAttributeModel.__table__
        wanted = (
            table.c.study_id == self.optuna._study_id,
            table.c.key == attribute,
            table.c.value_json == json.dumps(value),
        )
        with backend.engine.begin() as connection:
            connection.execute(sa.delete(table).where(*wanted))

    def _row(self, frozen: FrozenTrial, goal: Goal) -> Trial:
        known = self._ended.get(frozen.number)
        if known is not None:
            return known
        trial = trials.read(self.name, frozen, goal, self.identity)
        if frozen.state.is_finished():
            self._ended[trial.number] = trial
        return trial

    @property
    def _storage(self) -> optuna.storages.BaseStorage:
        return self.optuna._storage
