"""Run a config file: print each epoch, compare with the curve it expects, keep the weights."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from mnist_core.config import Config
from mnist_core.errors import UserError
from mnist_core.faults import explain
from mnist_core.record import Environment, Record
from mnist_core.result import EpochResult, NonFiniteLoss


@dataclass(frozen=True)
class Changes:
    """What the command line asks of a config; None leaves it as it is."""

    seed: int | None = None
    epochs: int | None = None
    device: str | None = None
    threads: int | None = None


@dataclass(frozen=True)
class Trained:
    """test_acc: percent, one an epoch. expected: of the first epochs, as many as are compared.
    elsewhere: what differs from where the expected curve was made."""

    test_acc: tuple[float, ...]
    expected: tuple[float, ...]
    elsewhere: tuple[str, ...]

    @property
    def differing(self) -> list[int]:
        """The epochs, from 1, whose accuracy is not the expected one to the last bit."""
        pairs = enumerate(zip(self.test_acc, self.expected, strict=False), start=1)
        return [epoch for epoch, (got, wanted) in pairs if got != wanted]

    def remarks(self) -> list[str]:
        """What a check found, in lines to print; none where nothing was compared."""
        compared = len(self.expected)
        if not compared:
            return []
        if not self.differing:
            return [f"Every epoch equals the expected curve ({compared} compared)."]
        lines = [
            f"epoch {epoch:3d}  test {self.test_acc[epoch - 1]:.4f} %, "
            f"expected {self.expected[epoch - 1]:.4f} %"
            for epoch in self.differing
        ]
        lines += [f"The curve was made elsewhere: {difference}" for difference in self.elsewhere]
        return [f"{len(self.differing)} of {compared} epochs differ from the curve:", *lines]


def retrain(
    record: Record,
    changes: Changes,
    check: bool,
    weights: Path | None,
    say: Callable[[str], None],
) -> Trained:
    """Train the record's config, and keep the weights where a file is given.

    say: gets a line after each epoch.

    Raises UserError where a check has nothing to compare with, the weights cannot be kept, the
    device is not to be had, or the training diverges.
    """
    config = _changed(record.config, changes)
    expected = _expected(record, config) if check else ()
    if weights is not None and weights.is_dir():
        raise UserError(f"--save {weights}: is a folder; name a file")
    from mnist_core import data, machine, model  # torch takes seconds: after what needs none
    from mnist_core.train import Training

    then = record.environment
    device = changes.device or (then.device if then else "cpu")
    machine.settle(changes.threads or (then.threads if then else 1))
    machine.check_device(device)
    training = Training(config, data.load(), device)
    curve = []
    try:
        for result in training.run():
            say(_line(result))
            curve.append(result.test_acc)
    except NonFiniteLoss as error:
        raise UserError(f"{error}; lower optimizer.lr") from None
    if weights is not None:
        model.save_weights(training.model, weights)
    elsewhere = _differences(then, machine.environment(device)) if then else ()
    return Trained(tuple(curve), expected, elsewhere)


def _line(result: EpochResult) -> str:
    return (
        f"epoch {result.epoch:3d}  test {result.test_acc:.2f} %  train {result.train_acc:.2f} %  "
        f"lr {result.lr:.4g}  {result.seconds:.1f} s"
    )


def _changed(config: Config, changes: Changes) -> Config:
    given = {"seed": changes.seed, "epochs": changes.epochs}
    updates = {name: value for name, value in given.items() if value is not None}
    try:
        return Config.from_dict({**config.to_dict(), **updates})
    except ValidationError as error:
        raise UserError(f"with {updates}: {explain(error, Config)}") from None


def _expected(record: Record, config: Config) -> tuple[float, ...]:
    curve = record.expected.test_acc if record.expected is not None else ()
    if not curve:
        raise UserError(
            "--check: the config has no curve to compare with (expected.test_acc); "
            "drilldown export writes one"
        )
    for field in ("seed", "epochs"):
        kept, now = getattr(record.config, field), getattr(config, field)
        if kept != now:
            raise UserError(f"--check: the curve belongs to {field} {kept}; leave --{field} out")
    return curve[: config.epochs]


def _differences(then: Environment, now: Environment) -> tuple[str, ...]:
    """Each difference between two environments, in a few words."""
    flat = [{**env.model_dump(exclude={"versions"}), **env.versions} for env in (then, now)]
    return tuple(
        f"{key} was {flat[0].get(key)}, is {flat[1].get(key)}"
        for key in flat[0] | flat[1]
        if flat[0].get(key) != flat[1].get(key)
    )
