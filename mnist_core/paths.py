"""Where drilldown keeps its files.

The environment variable DRILLDOWN_HOME, when set and not empty, is the one folder for everything.
Without it the data go where the platform keeps caches, and runs go to ./runs.
"""

import errno
import os
from contextlib import suppress
from pathlib import Path

import platformdirs

from mnist_core.errors import UserError


def data_dir() -> Path:
    """Folder of the downloaded data: $DRILLDOWN_HOME/data, else data/ in the user's cache.

    Raises UserError where there is no such home.
    """
    home = _home()
    return (home if home is not None else _cache()) / "data"


def runs_dir() -> Path:
    """Folder of the results (storages, logs, reports, weights): $DRILLDOWN_HOME/runs or ./runs.

    Raises UserError where there is no such home.
    """
    home = _home()
    return home / "runs" if home is not None else Path("runs")


def is_there(path: Path) -> bool:
    """Whether a path leads anywhere. Raises UserError where that cannot be told, as behind a folder
    that may not be entered."""
    try:
        path.stat()
    except ValueError:  # a zero byte, which no path has
        return False
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG):
            return False
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    return True


def make_folder(path: Path) -> None:
    """Make a folder and those above it. Raises UserError where it cannot be made."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{path}: cannot be made: {error.strerror}") from None


def _home() -> Path | None:
    value = os.environ.get("DRILLDOWN_HOME", "")
    try:
        return Path(value).expanduser() if value else None
    except RuntimeError:
        raise UserError(f"DRILLDOWN_HOME={value}: there is no such user's home here") from None


def _cache() -> Path:
    with suppress(RuntimeError):  # a user that the system does not know, as in a container
        cache = platformdirs.user_cache_path("drilldown", appauthor=False)
        if cache.parts[0] != "~":  # as which older versions leave it
            return cache
    raise UserError("there is no home folder for the data; set DRILLDOWN_HOME to a folder")
