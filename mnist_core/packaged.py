"""TOML files that come with drilldown: studies, drills, experiments and winners, by name."""

import difflib
import shlex
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Literal

from mnist_core.errors import UserError
from mnist_core.files import mistaken, suggest
from mnist_core.frozen import shortened
from mnist_core.paths import is_there

STUDIES = Path(str(resources.files("studies")))
DRILLS, SEEDS, WINNERS = STUDIES / "drills", STUDIES / "seeds", STUDIES / "winners"
Kind = Literal["study", "drill", "config"]
_KINDS: dict[Kind, tuple[Path, ...]] = {
    "study": (STUDIES,),
    "drill": (DRILLS,),
    "config": (SEEDS, WINNERS),
}


def names(folder: Path) -> list[str]:
    """What the files of a folder are called, without their `.toml`."""
    return sorted(path.stem for path in folder.glob("*.toml"))


def path_of(given: str) -> Path | None:
    """The path, where what is given is one: it ends in .toml, or leads to something.

    Raises UserError where that cannot be told.
    """
    path = Path(given)
    is_path = given.lower().endswith(".toml") or (given != "" and is_there(path))
    return path if is_path else None


def find(given: str, folder: Path, what: str) -> Path:
    """The file of that name in a folder, or the path that is given.

    what: a file of the folder is called, as in 'no packaged study'. Raises UserError with the
    nearest name where there is none.
    """
    known = names(folder)
    if given in known:
        return folder / f"{given}.toml"
    path = path_of(given)
    if path is None:
        check_kind(given, what)
        raise UserError(
            f"no packaged {what} {shortened(given)}{suggest(given, known)} "
            f"(the path of a {what}'s file ends in .toml)"
        )
    return path


def config_path(config: str) -> Path:
    """The file of a config: a packaged one's by its name, else the path itself.

    Raises UserError where it is no packaged name and no path: one that ends in .toml, or is there.
    """
    found = packaged_config(config) or path_of(config)
    if found is None:
        check_kind(config, "config")
        raise UserError(f"no packaged config {shortened(config)}{nearest_config(config)}")
    return found


def packaged_config(name: str) -> Path | None:
    """The file of an experiment or a winner that comes along."""
    return next(
        (folder / f"{name}.toml" for folder in (SEEDS, WINNERS) if name in names(folder)), None
    )


def nearest_config(name: str, others: Sequence[str] = ()) -> str:
    """What to say of a name that is none of a config. others: further ones that would do."""
    winners = names(WINNERS)
    near = difflib.get_close_matches(name, [*names(SEEDS), *winners, *others], n=1)
    known = f"; known are the experiments of drilldown compare, and {', '.join(winners)}"
    return (
        f"{f'; did you mean {near[0]!r}?' if near else known} "
        "(the path of a config's file ends in .toml)"
    )


def check_kind(given: str, what: str) -> None:
    """Raises UserError, saying what it is, for a name that comes along as something else."""
    kind = kind_of(given)
    if kind not in (None, what):
        raise UserError(f"{given} {mistaken(what, kind, shlex.quote(given))}")


def kind_of(name: str) -> Kind | None:
    """What comes along under a name."""
    return next(
        (kind for kind, places in _KINDS.items() if any(name in names(each) for each in places)),
        None,
    )
