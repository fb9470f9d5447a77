"""Replays real full-length curves through pruners: what each saves, and what it kills.

`python tests/replay.py` prints the README's table.
"""

import json
import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import TrialState

from mnist_core.goal import Goal
from search.study.pruners import (
    GoalPruning,
    Hyperband,
    Median,
    NoPruning,
    Patient,
    Pruner,
    SuccessiveHalving,
)
from search.study.trials import CONFIG, attach

CURVES = Path(__file__).parent / "data" / "curves.json"
PRUNERS = (
    NoPruning(),
    GoalPruning(),
    Median(),
    SuccessiveHalving(),
    Hyperband(max_resource=15),
    Patient(patience=3, wrapped="median"),
)
ORDERS = 20  # random orders of the trials that every figure is a mean over
TOP = 0.1


@dataclass(frozen=True)
class Recorded:
    """A trial that was trained to its end. test_acc: percent, one an epoch."""

    config: dict[str, Any]
    test_acc: tuple[float, ...]


@dataclass(frozen=True)
class Outcome:
    """Of one order of the trials. epochs: trained in all. killed: how many of the best tenth were
    pruned, as a share. best: the highest score of a trial that was let finish."""

    epochs: int
    killed: float
    best: float


def recorded() -> tuple[Goal, list[Recorded]]:
    """The curves and the goal they were recorded for (see `note` in the file)."""
    kept = json.loads(CURVES.read_text())
    base = kept["config"]
    trials = [
        Recorded(
            {**base, **{part: trial[part] for part in ("schedule", "averaging")}},
            tuple(trial["test_acc"]),
        )
        for trial in kept["trials"]
    ]
    return Goal(**kept["goal"]), trials


def replay(goal: Goal, trials: Sequence[Recorded], pruner: Pruner) -> Outcome:
    """One trial after another, in this order, each for as long as the pruner lets it run."""
    study = optuna.create_study(direction="maximize", pruner=pruner.make(goal))
    epochs = 0
    finished = []
    for recorded_trial in trials:
        trial = study.ask()
        attach(trial, CONFIG, recorded_trial.config)
        length = _run(trial, recorded_trial.test_acc)
        epochs += length
        if length == len(recorded_trial.test_acc):
            finished.append(recorded_trial)
            study.tell(trial, goal.ending(recorded_trial.test_acc).score)
        else:
            study.tell(trial, state=TrialState.PRUNED)
    ranked = sorted(trials, key=lambda one: goal.ending(one.test_acc).score, reverse=True)
    top = ranked[: max(1, round(TOP * len(trials)))]
    killed = sum(one not in finished for one in top) / len(top)
    return Outcome(epochs, killed, max(goal.ending(one.test_acc).score for one in finished))


def average(goal: Goal, trials: Sequence[Recorded], pruner: Pruner) -> Outcome:
    """The mean over random orders, the same for every pruner."""
    outcomes = []
    for seed in range(ORDERS):
        order = list(trials)
        random.Random(seed).shuffle(order)
        outcomes.append(replay(goal, order, pruner))
    return Outcome(
        round(statistics.mean(o.epochs for o in outcomes)),
        statistics.mean(o.killed for o in outcomes),
        statistics.mean(o.best for o in outcomes),
    )


def table() -> str:
    """Markdown, for the README."""
    goal, trials = recorded()
    whole = sum(len(trial.test_acc) for trial in trials)
    lines = [
        "| pruner | epochs spent | share of the eventual top 10 % killed | best score found |",
        "|---|---|---|---|",
    ]
    for pruner in PRUNERS:
        mean = average(goal, trials, pruner)
        lines.append(
            f"| {pruner.kind} | {mean.epochs} ({mean.epochs / whole:.0%}) | {mean.killed:.0%} "
            f"| {mean.best:.2f} |"
        )
    return "\n".join(lines)


def _run(trial: optuna.Trial, test_acc: Sequence[float]) -> int:
    """Epochs until the pruner stops the trial, or all of them. The owner never asks at the last."""
    for epoch, accuracy in enumerate(test_acc, start=1):
        trial.report(accuracy, epoch)
        if epoch < len(test_acc) and trial.should_prune():
            return epoch
    return len(test_acc)


if __name__ == "__main__":
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    print(table())  # noqa: T201
