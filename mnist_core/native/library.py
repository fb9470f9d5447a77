"""The compiled library: found, checked and loaded.

Beside this file lies one for each instruction set, built from src/ when drilldown was installed
(CMakeLists.txt, backend.py); the best that this processor has is taken. Where none was built,
not_built.txt says why.

The environment variable DRILLDOWN_NATIVE=0 forbids the native engine;
DRILLDOWN_INSTRUCTION_SET=avx2 or portable names a lesser instruction set than the best.
"""

import hashlib
import os
import sys
from ctypes import (
    CDLL,
    POINTER,
    c_char_p,
    c_double,
    c_float,
    c_int,
    c_int32,
    c_int64,
    c_uint8,
    c_uint32,
    c_uint64,
    c_void_p,
)
from functools import cache
from pathlib import Path
from typing import Any

from mnist_core.errors import UserError
from mnist_core.native.structs import Augmentation, Layer, Recipe

Library = CDLL

VERSION = "1"
"""Of the engine, as src/binding.cpp has it: the same version gives the same bits."""

INSTRUCTION_SETS = ("avx512", "avx2", "portable")
"""Best first."""

_VARIABLE = "DRILLDOWN_INSTRUCTION_SET"
_FOLDER = Path(__file__).parent
_SUFFIX = {"win32": ".dll", "darwin": ".dylib"}.get(sys.platform, ".so")

_PIXELS, _INTEGERS = POINTER(c_uint8), POINTER(c_int64)
_FLOATS, _DOUBLES = POINTER(c_float), POINTER(c_double)
_LAYERS, _AUGMENTATIONS, _RECIPE = POINTER(Layer), POINTER(Augmentation), POINTER(Recipe)
_ENGINE = c_void_p

SIGNATURES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "dd_version": (c_char_p, ()),
    "dd_compiler": (c_char_p, ()),
    "dd_instruction_set": (c_char_p, ()),
    "dd_best_instruction_set": (c_char_p, ()),
    "dd_error": (c_char_p, ()),
    "dd_bytes": (c_int64, (_LAYERS, c_int32, _RECIPE)),
    "dd_create": (_ENGINE, (_LAYERS, c_int32, _AUGMENTATIONS, c_int32, _RECIPE)),
    "dd_destroy": (None, (_ENGINE,)),
    "dd_backward": (
        c_int,
        (_ENGINE, _PIXELS, _INTEGERS, c_int64, _INTEGERS, c_int32, c_int64, _DOUBLES, _INTEGERS),
    ),
    "dd_update": (c_int, (_ENGINE, c_double, c_double)),
    "dd_reset_optimizer": (None, (_ENGINE,)),
    "dd_evaluate": (c_int, (_ENGINE, _PIXELS, _INTEGERS, c_int64, c_int32, _DOUBLES, _INTEGERS)),
    "dd_read": (c_int, (_ENGINE, c_int32, c_int32, _FLOATS, c_int64)),
    "dd_write": (c_int, (_ENGINE, c_int32, c_int32, _FLOATS, c_int64)),
    "dd_costs": (c_int, (_ENGINE, _DOUBLES, c_int32)),
    "dd_random_words": (
        None,
        (c_uint64, c_uint64, c_uint32, c_uint32, c_uint32, POINTER(c_uint32)),
    ),
    "dd_augment": (
        c_int,
        (_AUGMENTATIONS, c_int32, c_uint64, c_int64, _PIXELS, _INTEGERS, c_int32, _FLOATS),
    ),
    "dd_warp": (c_int, (_PIXELS, _DOUBLES, c_double, c_int32, _FLOATS)),
}
"""Result and parameters of each function of src/binding.h."""


def load(instruction_set: str | None = None) -> Library:
    """The library for an instruction set: that of the environment variable or else the best, unless
    one is given.

    Raises UserError where it is not to be had.
    """
    reason = unavailable(instruction_set)
    if reason:
        raise UserError(reason)
    return _library(_path(instruction_set or _chosen()))


def unavailable(instruction_set: str | None = None) -> str | None:
    """Why the native engine cannot be used here and what to do about it, in one line; None where it
    can.

    Raises UserError where that is a mistake: an environment variable that names no instruction set
    of this processor, or libraries that an earlier state of the sources has left behind.
    """
    if os.environ.get("DRILLDOWN_NATIVE") == "0":
        return "DRILLDOWN_NATIVE=0 forbids the native engine"
    if not _path("portable").exists():
        return f"the native engine was not built: {_why_not_built()}"
    try:
        wanted = instruction_set or _chosen()
        if wanted not in INSTRUCTION_SETS:
            return f"the native engine knows no instruction set {wanted!r}"
        if wanted not in _possible():
            return f"this processor lacks the instruction set {wanted}"
        if not _path(wanted).exists():
            return f"the native engine was not built for {wanted}: the compiler did not know it"
        _library(_path(wanted))
    except OSError as error:
        return f"the native engine cannot be loaded ({error}): install drilldown again"
    return None


def _path(instruction_set: str) -> Path:
    return _FOLDER / f"drilldown_{instruction_set}{_SUFFIX}"


def _why_not_built() -> str:
    try:
        return (_FOLDER / "not_built.txt").read_text(encoding="utf-8").strip()
    except OSError:
        return "drilldown runs from sources that were not installed; `pip install -e .` builds it"


def _possible() -> tuple[str, ...]:
    """What this processor has, best first."""
    best = _library(_path("portable")).dd_best_instruction_set().decode()
    return INSTRUCTION_SETS[INSTRUCTION_SETS.index(best) :]


def _chosen() -> str:
    """What the environment variable names, else the best that was built and that there is."""
    possible = _possible()
    named = os.environ.get(_VARIABLE, "")
    if not named:
        return next(name for name in possible if _path(name).exists())
    if named not in possible:
        raise UserError(f"{_VARIABLE}={named}: this processor has {', '.join(possible)}")
    return named


@cache
def _library(path: Path) -> Library:
    """Raises OSError where it cannot be loaded, UserError where it is not of these sources."""
    library = CDLL(str(path))
    version, sources = (_text(library, name) for name in ("dd_version", "dd_sources"))
    if version != VERSION or fingerprint() not in ("", sources):
        raise UserError(
            "the native engine was built from other sources than are here; "
            "build it again with `pip install -e .`"
        )
    for name, (result, parameters) in SIGNATURES.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, parameters
    return library


def _text(library: Library, name: str) -> str:
    """What a function without parameters says; empty where the library does not have it."""
    function = getattr(library, name, None)
    if function is None:
        return ""
    function.restype = c_char_p
    return bytes(function()).decode()


def fingerprint() -> str:
    """Of what the libraries are built from; empty where only they were installed.

    Computed as in CMakeLists.txt, which has it built into them.
    """
    names = [path.name for path in _FOLDER.glob("src/*") if path.suffix in (".cpp", ".hpp", ".h")]
    if not names:
        return ""
    lines = [
        f"{hashlib.sha256((_FOLDER / name).read_bytes()).hexdigest()}  {name}\n"
        for name in ["CMakeLists.txt", *(f"src/{name}" for name in sorted(names))]
    ]
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:16]
