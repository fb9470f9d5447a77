"""Run a config file: print each epoch, compare with the curve it expects, keep the weights."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mnist_core.errors import UserError
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
    """test_acc: percent, one an epoch. differing: the epochs (from 1) whose accuracy is not the
    expected one, of the first `compared`. elsewhere: what differs from where the expected curve was made."""

    test_acc: tuple[float, ...]
    differing: tuple[int, ...]
    compared: int
    elsewhere: tuple[str, ...]

    def remarks(self) -> list[str]:
        """What a check found, in lines to print; none where nothing was compared."""
        if not self.compared:
            return []
        if not self.differing:
            return [f"all {self.compared} epochs equal the expected curve"]
        epochs = ", ".join(map(str, self.differing))
        lines = [f"{len(self.differing)} of {self.compared} epochs differ: {epochs}"]
        return [*lines, *(f"made elsewhere: {difference}" for difference in self.elsewhere)]


def retrain(
    record: Record,
    changes: Changes,
    check: bool,
    weights: Path | None,
    show: Callable[[EpochResult], None],
) -> Trained:
    """Train the record's config.

    Raises UserError where a check has nothing to compare with, or the training diverges.
    """
    from mnist_core import data, machine, model
    from mnist_core.train import Training

    expected = _expected(record, changes) if check else ()
    then = record.environment
    device = changes.device or (then.device if then else "cpu")
    machine.settle(changes.threads or (then.threads if then else 1))
    machine.check_device(device)
    given = {"seed": changes.seed, "epochs": changes.epochs}
    updates = {name: value for name, value in given.items() if value is not None}
    config = record.config.from_dict({**record.config.to_dict(), **updates})
    training = Training(config, data.load(), device)
    curve = []
    try:
        for result in training.run():
            show(result)
            curve.append(result.test_acc)
    except NonFiniteLoss as error:
        raise UserError(f"{error}; lower optimizer.lr") from None
    if weights is not None:
        model.save_weights(training.model, weights)
    differing = [n for n, (a, b) in enumerate(zip(curve, expected), start=1) if a != b]
    elsewhere = _differences(then, machine.environment(device)) if then else ()
    compared = min(len(curve), len(expected))
    return Trained(tuple(curve), tuple(differing), compared, elsewhere)


def _expected(record: Record, changes: Changes) -> tuple[float, ...]:
    if record.expected is None:
        raise UserError("--check: the config has no [expected] curve; export one, or leave it out")
    if changes.seed not in (None, record.config.seed):
        raise UserError(f"--check: the curve belongs to seed {record.config.seed}; drop --seed")
    return record.expected.test_acc


def _differences(then: Environment, now: Environment) -> tuple[str, ...]:
    """Each difference between two environments, in a few words."""
    flat = [{**env.model_dump(exclude={"versions"}), **env.versions} for env in (then, now)]
    return tuple(
        f"{key} was {flat[0].get(key)}, is {flat[1].get(key)}"
        for key in flat[0] | flat[1]
        if flat[0].get(key) != flat[1].get(key)
    )

