"""A C++ compiler for the native engine: the system's, or the clang that comes with zig."""

import importlib.util
import os
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

# What an old or a foreign compiler would not know of what src/ uses.
_PROGRAM = """
#include <string>
#include <vector>

typedef float Vector __attribute__((vector_size(16)));

template <class T>
T larger(T a, T b) {
  if constexpr (sizeof(T) == sizeof(Vector)) return a > b ? a : b;
  return T{};
}

extern "C" int answer() {
  const Vector sum = larger(Vector{1, 2, 3, 4}, Vector{2, 1, 4, 3}) * 2.0f;
  return int(std::vector<float>{sum[0]}.size() + std::to_string(sum[1]).size());
}
"""
_SHARED = ("-std=c++17", "-O1", "-fPIC", "-shared")


def system_compiler() -> list[str] | None:
    """The command of the first that can compile C++17: $CXX, c++, g++ or clang++; else None."""
    named = shlex.split(os.environ.get("CXX", ""))
    candidates = [command for command in (named, ["c++"], ["g++"], ["clang++"]) if command]
    return next((command for command in candidates if _works(command)), None)


def _works(command: list[str]) -> bool:
    """Being found is not enough: on a Mac without its tools c++ is a stub that offers them."""
    with TemporaryDirectory() as folder:
        source = Path(folder, "program.cpp")
        source.write_text(_PROGRAM)
        try:
            subprocess.run(
                [*command, *_SHARED, str(source), "-o", f"{source}.so"],
                check=True,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=60,
            )
        except (OSError, subprocess.SubprocessError):
            return False
    return True


def zig() -> Path | None:
    """The program of the package ziglang where it is installed; for a platform that zig has no
    build for, the package is empty."""
    spec = importlib.util.find_spec("ziglang")
    folders = spec.submodule_search_locations if spec is not None else None
    programs = (Path(folder, "zig") for folder in folders or ())
    return next((program for program in programs if program.is_file()), None)


_DRIVER = """#!/bin/sh
# zig compiles for the processor at hand unless told otherwise. It builds its C++ library for the
# first link: a smaller one is ready sooner, and a program that CMake only tries does without.
case " $* " in
  *" -shared "* | *" -dynamiclib "*) exec {zig} c++ -mcpu=baseline "$@" -Os ;;
  *" -c "*) exec {zig} c++ -mcpu=baseline "$@" ;;
  *) exec {zig} c++ -mcpu=baseline "$@" -nostdlib++ ;;
esac
"""


@contextmanager
def zig_compiler(zig: Path) -> Iterator[list[str]]:
    """The command of a compiler made of zig.

    Meanwhile zig builds its C++ library, with one core; most of a minute that the first link would
    begin with. What zig keeps for later builds goes with the command, unless the environment
    variable ZIG_GLOBAL_CACHE_DIR names a place for it.
    """
    with TemporaryDirectory() as folder:
        os.environ.setdefault("ZIG_GLOBAL_CACHE_DIR", str(Path(folder, "global")))
        os.environ.setdefault("ZIG_LOCAL_CACHE_DIR", str(Path(folder, "local")))
        driver = Path(folder, "c++")
        driver.write_text(_DRIVER.format(zig=shlex.quote(str(zig))))
        driver.chmod(0o755)
        source = Path(folder, "program.cpp")
        source.write_text(_PROGRAM)
        command = [str(driver)]
        with subprocess.Popen(
            [*command, *_SHARED, str(source), "-o", f"{source}.so"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as library:
            yield command
            library.terminate()
