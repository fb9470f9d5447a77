"""TOML files that come with drilldown: studies, drills, experiments and winners, by name."""

from importlib import resources
from pathlib import Path

from mnist_core.errors import UserError
from mnist_core.files import suggest
from mnist_core.frozen import shortened
from mnist_core.paths import is_there

STUDIES = Path(str(resources.files("studies")))
DRILLS, SEEDS, WINNERS = STUDIES / "drills", STUDIES / "seeds", STUDIES / "winners"


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
        raise UserError(
            f"no packaged {what} {shortened(given)}{suggest(given, known)} "
            f"(the path of a {what}'s file ends in .toml)"
        )
    return path
