"""Who a study is: an identity of its own, made once and stored with it.

A name that is free again can be given to another study, and SQLite hands out a number again:
neither is a study. What is remembered of one, in memory or in files, hangs on its identity, which
is checked before anything is written.
"""

import secrets
from dataclasses import dataclass
from typing import Any

IDENTITY = "drilldown:identity"  # what it is kept under


@dataclass(frozen=True)
class Identity:
    """id: no other study has it. trials: so many trials, the first ones, were there before it, made
    by a version that named none in its trials."""

    id: str
    trials: int


def made(name: str, trials: int) -> dict[str, Any]:
    """A new identity as it is kept with a study of this name that has so many trials."""
    return {"id": secrets.token_hex(8), "name": name, "trials": trials}


def read(kept: Any, name: str) -> Identity | None:
    """What is kept with the study of this name; None where there is none of its own: a copy of a
    study brings along that of the study which it was made from."""
    match kept:
        case {"id": str(own), "name": str(whose), "trials": int(trials)} if whose == name:
            return Identity(own, trials)
    return None
