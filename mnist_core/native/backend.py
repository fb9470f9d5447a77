"""The build backend: scikit-build-core's, with a promise of its own. No installation fails for want
of the native engine: without a compiler, on a platform that is not known, where the build fails or
the environment variable DRILLDOWN_NATIVE=0 forbids it, what is installed is Python only, and its
not_built.txt says why.

An editable installation has its libraries in the checkout, beside this file.
"""

import os
import platform
import shlex
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZipFile

from scikit_build_core import build as scikit

from mnist_core.native.compiler import system_compiler, zig, zig_compiler

Settings = dict[str, Any] | None

_NATIVE = "mnist_core/native"
_LIBRARIES = "drilldown_*"
_NOTE = "not_built.txt"

_PLATFORMS = ("linux", "darwin")
_MACHINES = ("x86_64", "aarch64", "arm64", "armv7l", "i686", "ppc64le", "riscv64", "s390x")
"""What there are wheels of CMake and Ninja for, where the system has none."""

build_sdist = scikit.build_sdist
get_requires_for_build_sdist = scikit.get_requires_for_build_sdist


class _NotBuilt(Exception):
    """Why, and what to do about it, in one line."""


def get_requires_for_build_wheel(config_settings: Settings = None) -> list[str]:
    """CMake and Ninja where the system has none, and zig where it has no compiler."""
    try:
        _check()
    except _NotBuilt:
        return []
    tools: list[str] = scikit.get_requires_for_build_wheel(config_settings)
    return tools if system_compiler() else [*tools, "ziglang"]


get_requires_for_build_editable = get_requires_for_build_wheel


def prepare_metadata_for_build_wheel(
    metadata_directory: str, config_settings: Settings = None
) -> str:
    name: str = scikit.prepare_metadata_for_build_wheel(metadata_directory, _pure(config_settings))
    return name


prepare_metadata_for_build_editable = prepare_metadata_for_build_wheel


def build_wheel(
    wheel_directory: str,
    config_settings: Settings = None,
    metadata_directory: str | None = None,
) -> str:
    """metadata_directory is not used: which platforms the wheel is for is known only now."""
    try:
        return _with_libraries(wheel_directory, config_settings)
    except _NotBuilt as reason:
        return _without_libraries(wheel_directory, config_settings, str(reason))


def build_editable(
    wheel_directory: str,
    config_settings: Settings = None,
    metadata_directory: str | None = None,
) -> str:
    """Old libraries stay until there are new ones: a search that runs goes on starting trainings.
    None outlive this."""
    with TemporaryDirectory() as folder:
        try:
            wheel = _with_libraries(folder, config_settings)
            _remove_what_was_built()
            _unpack_libraries(Path(folder, wheel))
        except _NotBuilt as reason:
            _remove_what_was_built()
            _write_note(Path(_NATIVE), str(reason))
    name: str = scikit.build_editable(wheel_directory, _pure(config_settings))
    return name


def _check() -> None:
    """Raises _NotBuilt where no build is to be tried."""
    if os.environ.get("DRILLDOWN_NATIVE") == "0":
        raise _NotBuilt(
            "DRILLDOWN_NATIVE=0 forbade it when drilldown was installed; "
            "install drilldown again without that"
        )
    if sys.platform not in _PLATFORMS or platform.machine() not in _MACHINES:
        raise _NotBuilt(f"it knows no {sys.platform} on {platform.machine()}")


def _with_libraries(wheel_directory: str, config_settings: Settings) -> str:
    """Raises _NotBuilt where there are none, for whatever reason."""
    _check()
    with _compiler() as command:
        os.environ["CXX"] = shlex.join(command)
        try:
            name: str = scikit.build_wheel(wheel_directory, config_settings)
        except (Exception, SystemExit) as error:
            sys.stderr.write(f"The native engine could not be built: {error!r}\n")
            raise _NotBuilt(
                "its build failed; install drilldown again with `pip install -v` to see how"
            ) from error
    return name


@contextmanager
def _compiler() -> Iterator[list[str]]:
    command, program = system_compiler(), zig()
    if command is not None:
        yield command
    elif program is not None:
        with zig_compiler(program) as command:
            yield command
    else:
        raise _NotBuilt("no C++17 compiler was found; install g++ or clang++, then drilldown again")


def _without_libraries(wheel_directory: str, config_settings: Settings, reason: str) -> str:
    with TemporaryDirectory() as folder:
        note = _write_note(Path(folder), reason)
        settings = _pure(config_settings) | {f"wheel.force-include.{note}": f"{_NATIVE}/{_NOTE}"}
        name: str = scikit.build_wheel(wheel_directory, settings)
    return name


def _pure(config_settings: Settings) -> dict[str, Any]:
    return {**(config_settings or {}), "wheel.cmake": "false"}


def _write_note(folder: Path, reason: str) -> Path:
    note = folder / _NOTE
    note.write_text(f"{reason}\n", encoding="utf-8")
    return note


def _remove_what_was_built() -> None:
    for old in [*Path(_NATIVE).glob(_LIBRARIES), Path(_NATIVE, _NOTE)]:
        old.unlink(missing_ok=True)


def _unpack_libraries(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        for member in archive.namelist():
            if Path(member).match(f"{_NATIVE}/{_LIBRARIES}"):
                with archive.open(member) as packed, Path(member).open("wb") as library:
                    shutil.copyfileobj(packed, library)
