"""What to tell a person to type next."""

import shlex
import shutil
import sys
from pathlib import Path


def program() -> str:
    """`drilldown` where typing that finds this program, else the path it was started by: in a
    virtual environment that is not active, only the latter works."""
    started = Path(sys.argv[0])
    found = shutil.which("drilldown")
    if started.name != "drilldown" or (found and Path(found).resolve() == started.resolve()):
        return "drilldown"
    return shlex.quote(str(started))


def command_for(path: Path) -> str:
    """What trains a config again and compares it with its curve."""
    return f"{program()} train {shlex.quote(str(path))} --check"
