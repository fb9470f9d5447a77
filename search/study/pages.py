"""optuna-dashboard's pages, which remember studies by their number.

A number that belongs to another study now, since SQLite hands out those of deleted ones again, must
not show what is remembered of the one before. Storages that drilldown makes never hand one out
twice (see `search.study.sqlite`); for all others every request is preceded by a look at who has
which number.
"""

import re
import threading
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import optuna_dashboard
import sqlalchemy as sa
from optuna.storages import RDBStorage, get_storage
from optuna_dashboard import _importance

from search.study.identity import IDENTITY
from search.study.readable import readable

_DETAILS = re.compile(r"/api/studies/\d+")

_WHO = sa.text(
    "SELECT study_id, study_name,"
    " (SELECT value_json FROM study_system_attributes AS kept"
    "  WHERE kept.study_id = studies.study_id AND kept.key = :identity) AS identity,"
    " (SELECT datetime_start FROM trials"
    "  WHERE trials.study_id = studies.study_id ORDER BY trial_id LIMIT 1) AS began "
    "FROM studies"
)


class _Study(NamedTuple):
    """Who has a number. identity: of drilldown's; began: when its first trial did, if any."""

    name: str
    identity: str | None
    began: str | None

    def may_be(self, before: "_Study") -> bool:
        """Whether it can be the one that had the number before: what was not there may have come
        since, but nothing may be another."""
        return all(then in (None, now) for then, now in zip(before, self, strict=True))


class Pages:
    """A WSGI application: the dashboard, made anew where what it remembers would be wrong."""

    def __init__(self, storage: RDBStorage) -> None:
        self._storage, self._lock = storage, threading.Lock()
        self._known: dict[int, _Study] = {}
        self._app = self._made()

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if "/api/" in path:
            with self._lock:
                self._look()
        if environ.get("REQUEST_METHOD") == "GET" and _DETAILS.fullmatch(path):
            return self._readable(environ, start_response)
        answer: Iterable[bytes] = self._app(environ, start_response)
        return answer

    def _readable(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """A study's details, as a person reads them."""
        begun: list[Any] = []
        answer = b"".join(self._app(environ, lambda *said: begun.append(said)))
        status, headers, *rest = begun[-1]
        if status.startswith("200"):
            answer = readable(answer)
        kept = [(name, value) for name, value in headers if name.lower() != "content-length"]
        start_response(status, [*kept, ("Content-Length", str(len(answer)))], *rest)
        return [answer]

    def _look(self) -> None:
        with self._storage.engine.connect() as connection:
            rows = connection.execute(_WHO, {"identity": IDENTITY})
            now = {row[0]: _Study(row[1], row[2], row[3] and str(row[3])) for row in rows}
        for number, before in self._known.items():
            if number not in now or not now[number].may_be(before):
                self._app = self._made()
                break
        self._known = now

    def _made(self) -> Any:
        # The page asks for all trials every few seconds. Optuna's cache answers from memory what
        # cannot change any more: 0.01 s instead of 1.4 s at 1,000 trials, with the file locked.
        _importance.param_importance_cache.clear()  # the only one that all applications share
        return optuna_dashboard.wsgi(get_storage(self._storage))
