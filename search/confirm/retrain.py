"""Run a config file: print each epoch, compare with the curve it expects, keep the weights."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from mnist_core import outputs
from mnist_core.config import Config
from mnist_core.engine import Wanted, choose, missing
from mnist_core.errors import UserError
from mnist_core.faults import explain
from mnist_core.judge import Judge
from mnist_core.record import EngineUsed, Environment, Record
from mnist_core.result import EpochResult, NonFiniteLoss
from mnist_core.words import of, percent
from search.confirm.check import Check


@dataclass(frozen=True)
class Changes:
    """What the command line asks of a config; None leaves it as it is."""

    seed: int | None = None
    epochs: int | None = None
    device: str | None = None
    threads: int | None = None
    engine: Wanted | None = None


def retrain(
    record: Record,
    changes: Changes,
    check: bool,
    weights: Path | None,
    say: Callable[[str], None],
) -> Check:
    """Train the record's config, say what a check has found and whether the goal is held that it
    was meant for, then keep the weights where a file is given.

    A check runs on the engine that made the curve, if that can be had and no other is asked for.

    say: gets a line after each epoch, one about the engine where there is something to say, and
    those of the check.

    Raises UserError where a check has nothing to compare with, the weights cannot be kept, the
    device or engine is not to be had, or the training diverges.
    """
    config = _changed(record.config, changes)
    expected = _expected(record, config) if check else ()
    if weights is not None:
        outputs.prepare(weights)
    from mnist_core import data, machine, model  # torch takes seconds: after what needs none
    from mnist_core.train import Training

    then = record.environment
    device = changes.device or (then.device if then else "cpu")
    machine.settle(changes.threads or (then.threads if then else 1))
    machine.check_device(device)
    made = then.engine if then else EngineUsed()
    wish = _wish(made, changes.engine, check)
    choose(config, wish.engine, device, wish.instruction_set)  # or refused, before data are fetched
    training = Training(config, data.load(), device, wish.engine, wish.instruction_set)
    used = training.engine.used
    exact = used == made
    remark = _elsewhere(made, used, wish.missing) if check and not exact else training.remark
    if remark:
        say(remark)
    curve = tuple(_curve(training.run(), config.data.judge, say))
    differences = _differences(then, machine.environment(device, used)) if then else None
    found = Check(curve, expected, exact, differences, config.data.judge)
    for line in [*found.remarks(), *_verdict(record, config, curve)]:
        say(line)
    if weights is not None:  # after all is said: the disk may be full by now
        model.save_weights(training.engine.state(), weights)
    return found


def _verdict(record: Record, config: Config, test_acc: Sequence[float]) -> list[str]:
    """Whether the goal is held that the config was meant for, in a line; nothing where that is not
    known, was of another training, or is known already, as of its own seed."""
    goal = record.goal
    if goal is None or config.epochs != goal.epochs or config.params >= goal.params:
        return []
    if record.expected is not None and config.seed == record.config.seed:
        return []
    ending = goal.ending(test_acc)
    where = f"the worst of the {goal.ends}" if goal.last > 1 else f"the {goal.ends}"
    worst = percent(ending.worst, goal.accuracy)
    said = "held" if ending.held else "missed"
    return [f"Goal {said}: {worst} % in {where}, {goal.wanted} is wanted."]


class _Wish(NamedTuple):
    """missing: why the engine that made the curve cannot be had."""

    engine: Wanted
    instruction_set: str | None = None
    missing: str = ""


def _wish(made: EngineUsed, asked: Wanted | None, check: bool) -> _Wish:
    """What is to train: as the curve was made where it is checked, unless another is asked for."""
    if not check or asked not in (None, made.name):
        return _Wish(asked or "auto")
    if made.name == "torch":
        return _Wish("torch")
    why_not = missing("cpu", made.instruction_set)
    if why_not:
        return _Wish(asked or "auto", missing=why_not)
    return _Wish(asked or "auto", made.instruction_set)


def _elsewhere(made: EngineUsed, used: EngineUsed, missing: str) -> str:
    why = f" ({missing})" if missing else ""
    return (
        f"The curve was made on {made}, this is {used}{why}: not every epoch is compared bit for "
        "bit, but the mean of the last, within a band."
    )


def _curve(
    results: Iterator[EpochResult], judge: Judge, say: Callable[[str], None]
) -> Iterator[float]:
    """The accuracy of each epoch by its judge, which is shown as it comes."""
    try:
        for result in results:
            say(
                f"epoch {result.epoch:3d}  {judge} {percent(result.test_acc)} %  "
                f"train {percent(result.train_acc)} %  "
                f"lr {result.lr:.4g}  {result.seconds:.1f} s"
            )
            yield result.test_acc
    except NonFiniteLoss as error:
        raise UserError(f"{error}; lower optimizer.lr") from None


def _changed(config: Config, changes: Changes) -> Config:
    given = {"seed": changes.seed, "epochs": changes.epochs}
    updates = {name: value for name, value in given.items() if value is not None}
    try:
        return config.changed(**updates)
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
    _check_length(record, len(curve))
    return curve


def _check_length(record: Record, length: int) -> None:
    """Raises UserError where a curve of this length does not end with the config's last epoch, or
    the one after which the trial was stopped."""
    epochs = record.config.epochs
    stopped = record.expected.stopped if record.expected else None
    end = stopped or (length if _stopped_somewhere(record) else epochs)
    if length != end or end > epochs:
        after = f", stopped after {stopped}" if stopped else ""
        raise UserError(
            f"--check: expected.test_acc has {of(length, 'epoch')}, and the config has {epochs}"
            f"{after}: one of them was changed; drilldown export writes both"
        )


def _stopped_somewhere(record: Record) -> bool:
    """Files from before an export said after which epoch a trial was stopped have no score then."""
    return record.origin is not None and record.origin.score is None


def _differences(then: Environment, now: Environment) -> tuple[str, ...]:
    """Each difference between two environments, in a few words."""
    known = {name: value for name, value in then.model_dump().items() if value is not None}
    was, is_ = _flat(then, known.keys()), _flat(now, known.keys())
    return tuple(
        f"{name} was {was.get(name, 'not set')}, is {is_.get(name, 'not set')}"
        for name in was | is_
        if was.get(name) != is_.get(name)
    )


def _flat(environment: Environment, fields: Collection[str]) -> dict[str, Any]:
    """Those of an environment's fields, with what its tables hold in their place."""
    flat: dict[str, Any] = {}
    for name, value in environment:
        if name not in fields:
            continue
        if isinstance(value, dict):
            flat |= value
        else:
            flat[name.replace("_", " ")] = str(value)
    return flat
