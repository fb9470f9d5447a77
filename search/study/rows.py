"""The rows of studies in their database, renamed and copied.

Optuna has no function for the one, and adds the trials of the other one by one. Here each is one
transaction: a kill leaves all of it or nothing.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from optuna.storages._rdb import models

from mnist_core.errors import UserError
from mnist_core.goal import Ending, Goal
from search.study import identity, summary
from search.study.fingerprint import with_goal
from search.study.identity import IDENTITY
from search.study.ownership import OWNER
from search.study.trials import TRAINING, TrialAttr

_Row = dict[str, Any]
_STUDIES, _TRIALS = models.StudyModel.__table__, models.TrialModel.__table__
_KEPT = models.StudySystemAttributeModel.__table__
_OF_STUDIES = [
    model.__table__
    for model in (
        models.StudyDirectionModel,
        models.StudyUserAttributeModel,
        models.StudySystemAttributeModel,
    )
]
_OF_TRIALS = [
    model.__table__
    for model in (
        models.TrialParamModel,
        models.TrialValueModel,
        models.TrialIntermediateValueModel,
        models.TrialUserAttributeModel,
        models.TrialSystemAttributeModel,
    )
]


@dataclass(frozen=True)
class Rescoring:
    """What a copy has otherwise: another goal, and what its complete trials, by their numbers, come
    to under it."""

    goal: Goal
    endings: Mapping[int, Ending]


def rename(engine: sa.Engine, names: Mapping[str, str]) -> None:
    """Give studies (old name -> new) other names; each keeps its identity.

    Raises UserError where a name is taken.
    """
    with _transaction(engine) as connection:
        for old, new in names.items():
            study = _id(connection, old)
            connection.execute(
                sa.update(_STUDIES).where(_STUDIES.c.study_id == study).values(study_name=new)
            )
            who = _kept_identity(connection, study)
            if identity.read(who, old) is not None:
                connection.execute(
                    sa.update(_KEPT)
                    .where(_its_identity(study))
                    .values(value_json=json.dumps({**who, "name": new}))
                )


def copy(engine: sa.Engine, names: Mapping[str, str], rescoring: Rescoring | None = None) -> None:
    """Copy studies (old name -> new), each under an identity of its own, by which the trials that
    were ours are ours in the copy too. Nobody owns a copy.

    Raises UserError where a name is taken.
    """
    with _transaction(engine) as connection:
        for old, new in names.items():
            _Copy(connection, old, new, rescoring).make()


class _Copy:
    def __init__(
        self, connection: sa.Connection, old: str, new: str, rescoring: Rescoring | None
    ) -> None:
        self._connection, self._new, self._rescoring = connection, new, rescoring
        self._from = _id(connection, old)
        connection.execute(sa.insert(_STUDIES).values(study_name=new))
        self._to = _id(connection, new)
        self._before = identity.read(_kept_identity(connection, self._from), old)
        unsigned = self._before.trials if self._before else len(self._numbers(self._from))
        self._now = identity.made(new, unsigned)

    def make(self) -> None:
        for table in _OF_STUDIES:
            self._copy(table, table.c.study_id == self._from, self._study_row)
        self._insert(_KEPT, [self._attribute()])
        self._copy(_TRIALS, _TRIALS.c.study_id == self._from, self._of_study)
        numbers, ids = self._numbers(self._from), self._numbers(self._to)
        now = {number: trial for trial, number in ids.items()}
        ours = sa.select(_TRIALS.c.trial_id).where(_TRIALS.c.study_id == self._from)
        for table in _OF_TRIALS:

            def change(row: _Row, table: sa.Table = table) -> _Row | None:
                number = numbers[row["trial_id"]]
                changed = self._trial_row(table, number, row)
                return changed and {**changed, "trial_id": now[number]}

            self._copy(table, table.c.trial_id.in_(ours), change)
        if self._rescoring:
            self._insert(
                models.TrialUserAttributeModel.__table__,
                [
                    {"trial_id": now[number], "key": key, "value_json": json.dumps(value)}
                    for number, ending in self._rescoring.endings.items()
                    for key, value in summary.of_ending(ending).items()
                ],
            )

    def _copy(
        self, table: sa.Table, wanted: sa.ColumnElement[bool], change: Callable[[_Row], _Row | None]
    ) -> None:
        """The rows that are wanted, each as `change` has it; None leaves one out."""
        rows = self._connection.execute(sa.select(table).where(wanted)).mappings()
        (key,) = table.primary_key.columns
        changed = (change({**row}) for row in rows.all())
        self._insert(
            table,
            [{name: row[name] for name in row if name != key.name} for row in changed if row],
        )

    def _insert(self, table: sa.Table, rows: list[_Row]) -> None:
        if rows:
            self._connection.execute(sa.insert(table), rows)

    def _of_study(self, row: _Row) -> _Row:
        return {**row, "study_id": self._to}

    def _study_row(self, row: _Row) -> _Row | None:
        key = row.get("key")
        if key in (OWNER, IDENTITY):
            return None
        if key is not None and self._rescoring:
            value = with_goal(key, json.loads(row["value_json"]), self._rescoring.goal)
            row["value_json"] = json.dumps(value)
        return self._of_study(row)

    def _attribute(self) -> _Row:
        return self._of_study({"key": IDENTITY, "value_json": json.dumps(self._now)})

    def _trial_row(self, table: sa.Table, number: int, row: _Row) -> _Row | None:
        ending = self._rescoring.endings.get(number) if self._rescoring else None
        key = row.get("key")
        if key == TRAINING and self._before is not None:
            training = json.loads(row["value_json"])
            if training.get("of") == [self._before.id, number]:
                training["of"] = [self._now["id"], number]
                row["value_json"] = json.dumps(training)
        elif ending is not None and table.name == "trial_values":
            row["value"] = ending.score
        elif ending is not None and key in (TrialAttr.WORST, TrialAttr.MEAN, TrialAttr.GOAL_EPOCH):
            return None
        elif self._rescoring and key in (TrialAttr.FORECAST, TrialAttr.FORECAST_ERROR):
            return None  # they are of the other score
        return row

    def _numbers(self, study: int) -> dict[int, int]:
        """Trial's id -> its number."""
        wanted = sa.select(_TRIALS.c.trial_id, _TRIALS.c.number).where(_TRIALS.c.study_id == study)
        return {row.trial_id: row.number for row in self._connection.execute(wanted)}


@contextmanager
def _transaction(engine: sa.Engine) -> Iterator[sa.Connection]:
    try:
        with engine.begin() as connection:
            yield connection
    except sa.exc.IntegrityError:
        raise UserError("somebody has just taken that name; nothing was done") from None


def _id(connection: sa.Connection, name: str) -> int:
    found = connection.scalar(sa.select(_STUDIES.c.study_id).where(_STUDIES.c.study_name == name))
    if found is None:
        raise UserError(f"study {name!r} was deleted meanwhile; nothing was done")
    return int(found)


def _its_identity(study: int) -> sa.ColumnElement[bool]:
    return sa.and_(_KEPT.c.study_id == study, _KEPT.c.key == IDENTITY)


def _kept_identity(connection: sa.Connection, study: int) -> Any:
    kept = connection.scalar(sa.select(_KEPT.c.value_json).where(_its_identity(study)))
    return json.loads(kept) if kept else None
