"""One process at a time runs a study: it holds a lock, and says who it is."""

import logging
import os
import re
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import monotonic, sleep

import sqlalchemy as sa
from optuna.exceptions import StorageInternalError

from mnist_core.errors import Lost, UserError
from mnist_core.main_guard import check_main
from search.study.locks import Lock, lock_of
from search.study.studies import Studies
from search.study.study import Study

log = logging.getLogger("drilldown")
_SETTLE = 0.5  # seconds in which one who has just taken the lock has said who it is
_RETURN = 30.0  # seconds in which a server that restarts has come back
_AGAIN = 0.25  # seconds between looks whether it has
_HELD_AGAIN = "the connection that held the study broke; it is held again by a new one"
STOP = "stop it ({how})"  # in a remedy: how, once it is known who runs it
_OR_ANOTHER = f"wait for it, {STOP}, or launch under another --name"
OR_STOP = f"wait for it, or {STOP}"
_INTERRUPT = "Ctrl-C in its terminal"
OWNER = "owner"  # study attribute: who holds it, or held it and was killed


class Hold:
    """A process's being the one owner of a study; see `owned`."""

    def __init__(self, study: Study, lock: Lock, numbers_once: bool, remedy: str) -> None:
        self._study, self._lock, self._numbers_once = study, lock, numbers_once
        self._remedy = remedy
        hold = secrets.token_hex(4)  # tells it from every other, also of this process
        self._owner = f"process {os.getpid()} on {socket.gethostname()} (hold {hold})"
        self._lost: Exception | None = None

    def take(self) -> None:
        """Nothing is written. Raises UserError, saying who holds the study, where somebody does."""
        deadline = monotonic() + _SETTLE
        while not self._lock.take():  # whoever only looks whether somebody has it, has it a moment
            if monotonic() < deadline:
                sleep(_SETTLE / 10)
                continue
            holder = self._holder()
            remedy = self._remedy.format(how=_how_to_stop(holder))
            raise UserError(f"study {self._study.name!r} is being run by {holder}; {remedy}")

    def sign(self) -> None:
        """Say in the study who holds it: once it is known to be ours."""
        self._study.optuna.set_user_attr(OWNER, self._owner)

    def clear(self) -> None:
        """Say no more who holds it: to be called when that is over in order."""
        with suppress(sa.exc.SQLAlchemyError):  # then it says who held it last, as after a kill
            self._study.forget(OWNER, self._owner)

    def check(self, to_trial: bool = False) -> None:
        """To be called before each write to the study: so nobody writes who lost it meanwhile.

        to_trial: nothing is written but to a trial that runs; where the storage hands out no number
        twice it is gone with its study, which need not be looked for.

        Where the connection that held a server's lock broke, as in a restart, the lock is taken
        again; the server is waited for some seconds.

        Raises Lost where the study is not there any more, or somebody took it in between, saying
        who runs it now, and the storage's error where that does not come back. What is lost stays
        so, and raises the same.
        """
        if self._lost is not None:
            raise self._lost
        try:
            if not self._lock.held():
                self._take_again()
                log.warning(_HELD_AGAIN)
            if not (to_trial and self._numbers_once) and not self._study.still_there:
                raise Lost(
                    f"study {self._study.name!r} was deleted or replaced while it ran; nothing "
                    "more was written; launch again to begin anew"
                )
        except Exception as error:
            self._lost = error
            raise

    def _take_again(self) -> None:
        """Until the time is over a lock that is not to be had may be our own broken connection's,
        which the server has not noticed yet, or a new owner's, who has not said so yet."""
        deadline = monotonic() + _RETURN
        while True:
            late = monotonic() >= deadline
            try:
                ours = self._lock.held() or self._lock.take()
                untouched = self._holder() == self._owner
            except (sa.exc.SQLAlchemyError, StorageInternalError):
                if late:
                    raise
            else:
                if ours and untouched:
                    return
                if late or not untouched:
                    raise self._taken(untouched)
            sleep(_AGAIN)

    def _holder(self) -> str:
        return str(self._study.optuna.user_attrs.get(OWNER, "another process"))

    def _taken(self, unknown: bool) -> Lost:
        holder = "a process that does not say which" if unknown else self._holder()
        return Lost(
            f"study {self._study.name!r} was taken by {holder} while the connection to its "
            "storage was broken; all that had finished is kept; once that process is through, "
            "launch again to resume"
        )


@contextmanager
def owned(study: Study, studies: Studies, remedy: str = _OR_ANOTHER) -> Iterator[Hold]:
    """Hold a study as its one owner, who signs it and calls `check` before each write.

    remedy: what to do where somebody else holds it; may have `STOP` in it.

    The hold ends with the process, however that ends: it is a lock of the operating system on a
    file beside an SQLite storage, and PostgreSQL's advisory lock on its connection.

    Raises UserError, saying who holds the study, where somebody does.
    """
    check_main()
    lock = lock_of(study.name, studies.storage.engine)
    hold = Hold(study, lock, studies.numbers_once, remedy)
    try:
        hold.take()
        yield hold
        hold.clear()
    finally:
        lock.release()


def _how_to_stop(holder: str) -> str:
    """A process that is known and on this machine."""
    match = re.fullmatch(r"process (\d+) on (\S+) \(hold \w+\)", holder)
    here = match is not None and match[2] == socket.gethostname()
    return f"{_INTERRUPT}, or kill -INT {match[1]}" if match and here else _INTERRUPT


@contextmanager
def reserved(drill: str, studies: Studies) -> Iterator[None]:
    """Hold the name of a drill, as `owned` holds a study. Raises UserError where somebody does."""
    check_main()
    lock = lock_of(f"drill {drill}", studies.storage.engine)  # no study's name has a space
    if not lock.take():
        remedy = OR_STOP.format(how=_INTERRUPT)
        raise UserError(f"drill {drill!r} is in another process's hands; {remedy}")
    try:
        yield
    finally:
        lock.release()
