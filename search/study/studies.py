"""The studies of a storage, by name."""

from functools import cached_property

import optuna
from optuna.storages import RDBStorage

from mnist_core.errors import UserError
from mnist_core.files import suggest
from search.study.locks import lock_of
from search.study.sqlite import file_of, numbers_once
from search.study.study import Study


class Studies:
    """A storage that has been opened; see `search.study.storage.open_storage`."""

    def __init__(self, storage: RDBStorage, where: str = "") -> None:
        """storage: Optuna's, for this room only. where: what a command needs to find it; see
        `search.study.storage.option`."""
        self.storage, self.where = storage, where

    @property
    def place(self) -> str:
        """Where it is: an SQLite file's own path, however it was spelled, or a server's URL,
        without what is secret in it."""
        url = self.storage.engine.url
        if url.get_backend_name() == "sqlite":
            return str(file_of(url).resolve())
        return url.set(query={}).render_as_string(hide_password=True)

    @cached_property
    def numbers_once(self) -> bool:
        """Whether the number of a study or trial that is deleted comes to no other."""
        backend = self.storage.engine.dialect.name
        return backend == "postgresql" or (
            backend == "sqlite" and numbers_once(self.storage.engine)
        )

    def names(self) -> list[str]:
        """Of all that there are, whoever made them, in the order of the alphabet."""
        return sorted(optuna.get_all_study_names(self.storage))

    def all(self) -> list[Study]:
        """Of all that there are, as `names`, but for what is deleted meanwhile."""
        return [study for study in map(self.find, self.names()) if study is not None]

    def find(self, name: str) -> Study | None:
        """A study that has been made; None where there is none."""
        try:
            return Study(optuna.load_study(study_name=name, storage=self.storage))
        except (KeyError, UnicodeEncodeError):
            return None

    def get(self, name: str) -> Study:
        """A study that has been made. Raises UserError, with the nearest name, where there is
        none."""
        study = self.find(name)
        if study is None:
            known = self.names()
            remedy = suggest(name, known, "drilldown list") if known else "; none has been run yet"
            raise UserError(f"no study named {name!r} has been run{remedy}")
        return study

    def running(self, study: Study) -> bool | None:
        """Whether some process runs a study now, which is left in peace; None where that cannot be
        told from here. What was read before, and still runs where nobody does, was left behind."""
        return lock_of(study.name, self.storage.engine).taken()

    def make(self, name: str) -> Study:
        """The study of this name, a new one where there is none."""
        return Study(
            optuna.create_study(
                study_name=name, storage=self.storage, direction="maximize", load_if_exists=True
            )
        )
