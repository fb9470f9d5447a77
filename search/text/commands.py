"""What to tell a person to type next."""

import os
import shlex
import shutil
import sys
from functools import lru_cache
from pathlib import Path


def program(anywhere: bool = False) -> str:
    """`drilldown` where typing that finds this program, else the path it was started by: in a
    virtual environment that is not active, only the latter works.

    anywhere: whether it may be typed in another folder than this process was started in.
    """
    return _typed(sys.argv[0], os.environ.get("PATH"), anywhere)


@lru_cache(maxsize=2)
def _typed(argument: str, path: str | None, anywhere: bool) -> str:
    """path: where programs are looked for; the dashboard asks for each of a thousand trials."""
    started = Path(argument)
    if anywhere and started.name != str(started):
        started = started.absolute()
    found = shutil.which("drilldown", path=path)
    if started.name != "drilldown" or (found and Path(found).resolve() == started.resolve()):
        return "drilldown"
    return shlex.quote(str(started))


def command_for(path: Path, anywhere: bool = False) -> str:
    """What trains a config again and compares it with its curve. anywhere: see `program`."""
    name = path.absolute() if anywhere else path
    return f"{program(anywhere)} train {shlex.quote(str(name))} --check"
