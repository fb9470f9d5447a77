"""A config's TOML file: the config, and what an export adds so that it can be run again and
compared: how it was trained, where it came from, the curve to expect, other seeds' curves and what
the referee says of them, and what somebody else reported of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import tomli_w
from pydantic import Field

from mnist_core import engine
from mnist_core.config import Config
from mnist_core.files import parsed
from mnist_core.frozen import Count, Frozen, tuples
from mnist_core.goal import Goal
from mnist_core.outputs import write_whole

Percent = Annotated[float, Field(ge=0, le=100)]
Share = Annotated[float, Field(ge=0, le=1)]


class EngineUsed(Frozen):
    """Which build of which engine trained; what torch is, stands among the versions."""

    name: engine.Name = "torch"
    version: str | None = None
    instruction_set: str | None = None
    """That it was compiled for."""
    compiler: str | None = None

    def __str__(self) -> str:
        build = ", ".join(part for part in (self.instruction_set, self.compiler) if part)
        return " ".join([self.name, self.version or "", f"({build})" if build else ""]).strip()


class Environment(Frozen):
    """What a curve depends on besides its config: equal here, the curve is equal bit for bit, as
    far as is known. Older files leave out what nothing was kept of then: None is not known."""

    device: str
    threads: Count
    versions: dict[str, str]
    """Of python, torch, torchvision and drilldown."""
    machine: str
    """The name of the processor (or GPU) the curve comes from."""
    processor: str | None = None
    """Its family, model and stepping: one name covers several generations."""
    torch_instruction_set: str | None = None
    """That torch chose on this processor; which one the native engine uses, it says itself."""
    variables: dict[str, str] | None = None
    """The environment variables that were set of those that change torch's arithmetic."""
    data_sha256: dict[str, str]
    engine: EngineUsed = EngineUsed()
    """Files from before there were two do not say it: theirs was torch."""


class Origin(Frozen):
    """The trial that a config was exported from, and the goal it was meant for."""

    study: str
    trial: Annotated[int, Field(ge=0)]
    score: Percent | None = None
    """None where the trial was stopped."""
    goal: Goal | str
    """A sentence in files from before it was a table."""


class Expected(Frozen):
    test_acc: tuple[Percent, ...]
    """In percent, one an epoch, of the images that judge: `data.judge` of the config."""
    stopped: Count | None = None
    """The epoch after which the pruner stopped the trial, with which the curve ends; None where it
    was trained to its end."""


class Confirmed(Frozen):
    """The same config trained on another seed: what tells skill from luck."""

    seed: Annotated[int, Field(ge=0, lt=2**63)]
    test_acc: tuple[Percent, ...]


class Statement(Frozen):
    """What the referee says of the config, by all the curves of `confirmed` together."""

    verdict: Literal["confirmed", "refuted", "open"]
    rule: Count
    """Which version of the referee's rule; see `search.chance.referee`."""
    seeds: Count
    held: Annotated[int, Field(ge=0)]
    """How many of the seeds hold the goal."""
    probability: Share
    """That a further training holds it, estimated."""
    low: Share
    """Of its interval of 90 %."""
    high: Share
    goal: Goal


class Reported(Frozen):
    """What the authors of an experiment wrote down of it, in a program of their own."""

    name: str
    write_up: str
    source: str
    """Repository and notebook."""
    params: Annotated[int, Field(ge=1)] | None = None
    """As they printed it, where they did."""
    test_acc: Annotated[tuple[Percent, ...], Field(min_length=1)]
    train_acc: tuple[Percent, ...] = ()
    """While training, as in `EpochResult`."""
    notes: tuple[str, ...] = ()


class Record(Frozen):
    """A config file, whole."""

    config: Config
    environment: Environment | None = None
    origin: Origin | None = None
    expected: Expected | None = None
    confirmed: tuple[Confirmed, ...] = ()
    statement: Statement | None = None
    reported: Reported | None = None

    @property
    def goal(self) -> Goal | None:
        """What the config was meant for, where that is known."""
        if self.statement is not None:
            return self.statement.goal
        meant = None if self.origin is None else self.origin.goal
        return meant if isinstance(meant, Goal) else None

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The config's fields stand at the top level, beside the tables of the record."""
        apart = cls.model_fields.keys() - {"config"}
        tables = {name: value for name, value in values.items() if name in apart}
        config = {name: value for name, value in values.items() if name not in apart}
        return cls.model_validate({"config": Config.from_dict(config), **tuples(tables)})

    def to_toml(self) -> str:
        tables = self.model_dump(mode="json", exclude_none=True)
        if not self.confirmed:
            del tables["confirmed"]
        return tomli_w.dumps({**tables.pop("config"), **tables})


def load(path: Path) -> Record:
    """A config file. Raises UserError naming the file, the field and the remedy."""
    return parsed(path, Record.from_dict, Config, Record, what="config")


def save(path: Path, record: Record) -> None:
    write_whole(path, record.to_toml().encode())
