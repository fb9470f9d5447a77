"""What was found without the test images is confirmed on them, whoever asks for it."""

from dataclasses import replace

from mnist_core.goal import Goal
from mnist_core.record import Record
from search.confirm.race import Contender
from spaces.unsealed import unsealed


def contender(found: Contender) -> Contender:
    """As it is trained on fresh seeds: judged by the test images, on all that there is to train on
    where it was found on all that the holdout left. One that the test images judged stays as it is.
    """
    kept = found.kept
    if kept.config.data.judge == "test":
        return found
    final = Record(config=unsealed(kept.config), origin=kept.origin)
    return replace(found, kept=final, picked_for=found.test_acc)


def goal(searched: Goal) -> Goal:
    """What it has to hold then."""
    return searched.changed(judge="test")
