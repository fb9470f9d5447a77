"""Where drilldown keeps its files.

The environment variable DRILLDOWN_HOME, when set and not empty, is the one folder for everything.
Without it the data go where the platform keeps caches, and runs go to ./runs.
"""

import os
from pathlib import Path

import platformdirs


def data_dir() -> Path:
    """Folder of the downloaded data: $DRILLDOWN_HOME/data, else data/ in the user's cache."""
    home = _home()
    cache = platformdirs.user_cache_path("drilldown", appauthor=False)
    return (home if home is not None else cache) / "data"


def runs_dir() -> Path:
    """Folder of the results (storages, logs, reports, weights): $DRILLDOWN_HOME/runs or ./runs."""
    home = _home()
    return home / "runs" if home is not None else Path("runs")


def _home() -> Path | None:
    value = os.environ.get("DRILLDOWN_HOME", "")
    return Path(value).expanduser() if value else None
