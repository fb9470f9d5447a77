"""TOML files that come with drilldown: studies, drills, experiments and winners, by name."""

from importlib import resources
from pathlib import Path

from mnist_core.errors import UserError
from mnist_core.files import suggest
from mnist_core.frozen import shortened

STUDIES = Path(str(resources.files("studies")))
DRILLS, SEEDS, WINNERS = STUDIES / "drills", STUDIES / "seeds", STUDIES / "winners"


def names(folder: Path) -> list[str]:
    """What the files of a folder are called, without their `.toml`."""
    return sorted(path.stem for path in folder.glob("*.toml"))


def find(given: str, folder: Path, what: str) -> Path:
    """The path that is given, which ends in .toml, or the file of that name in a folder.

    what: a file of the folder is called, as in 'no packaged study'. Raises UserError with the
    nearest name where there is none.
    """
    path = Path(given)
    if path.suffix == ".toml":
        return path
    known = names(folder)
    if given not in known:
        raise UserError(
            f"no packaged {what} {shortened(given)}{suggest(given, known)} "
            f"(the path of a {what}'s file ends in .toml)"
        )
    return folder / f"{given}.toml"
