"""What to tell a person to type next."""

import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

COLUMN = 28  # where the commands begin at the end of a launch, a drill or a race


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


def latest(settings: Sequence[str]) -> list[str]:
    """Of what `--set` said (KEY=VALUE) each key once, as it was said last."""
    said: dict[str, str] = {}
    for text in settings:
        key = text.partition("=")[0].strip()
        said.pop(key, None)  # it stands where it was said last, behind what that may be a part of
        said[key] = text
    return list(said.values())


@dataclass(frozen=True)
class Command:
    """A launch or a drill as it was typed, to be typed again with something changed."""

    verb: str
    file: str
    """The study or the drill, as it was typed."""
    name: str
    """Of the run."""
    settings: tuple[str, ...] = ()
    """Of `--set`."""
    more: str = ""
    """Options that hold for any run of it, quoted."""

    def changed(self, settings: Sequence[str], ending: str) -> str:
        """What runs it with further settings, under its name and this ending."""
        return self._typed([*self.settings, *settings], f"{self.name}-{ending}")

    def resumed(self, *more: str, settings: Sequence[str] = ()) -> str:
        """What goes on with the run itself, with further settings and words."""
        named = self.name if self.name != Path(self.file).stem else ""
        return " ".join([self._typed([*self.settings, *settings], named), *more])

    def _typed(self, settings: Sequence[str], name: str) -> str:
        words = [self.verb, self.file]
        for text in latest(settings):
            words += ["--set", text]
        if name:
            words += ["--name", name]
        return f"{program()} {shlex.join(words)}{self.more}"
