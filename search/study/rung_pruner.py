"""The pruner of a search: at a few epochs a trial goes on only if it is among the best."""

import math
from collections.abc import Sequence

from optuna.pruners import BasePruner
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from mnist_core.words import apart, of
from search.study.trials import curve

STARTUP = 4
"""Complete trials that there have to be before any is stopped."""


class RungPruner(BasePruner):
    """Holds a trial against the complete ones. They are those that were good enough before, so it
    asks the more the longer a study runs: replayed on the tuning half, a config was confirmed for
    0.8 of what it cost with ranks among all that came to the rung."""

    def __init__(self, rungs: Sequence[int], keep: float, other: BasePruner) -> None:
        """rungs: epochs. keep: the share of the complete trials that a trial has to be among.
        other: asked wherever that lets a trial go on."""
        self._rungs, self._keep, self._other = frozenset(rungs), keep, other

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Whether the trial should stop after the epochs it has reported (percent, from step 1)."""
        return bool(self.why(study, trial)) or self._other.prune(study, trial)

    def why(self, study: Study, trial: FrozenTrial) -> str:
        """What a rung stops a trial for; nothing where it is at none, or good enough for it."""
        reached = curve(trial)
        if len(reached) not in self._rungs or not all(map(math.isfinite, reached)):
            return ""
        done = study.get_trials(deepcopy=False, states=[TrialState.COMPLETE])
        theirs = [max(curve(other)[: len(reached)]) for other in done if curve(other)]
        if len(theirs) < STARTUP:
            return ""
        best, needed = max(reached), _least_of_best(theirs, self._keep)
        if best >= needed:
            return ""
        asked, had = apart(needed, best)
        return (
            f"rung after epoch {len(reached)}: {had} % is not among the best "
            f"{100 * self._keep:g} % of {of(len(theirs), 'complete trial')} ({asked} % is needed)"
        )


def _least_of_best(accuracies: Sequence[float], share: float) -> float:
    """The lowest accuracy that fewer than this share of them are above."""
    return sorted(accuracies, reverse=True)[math.ceil(share * len(accuracies)) - 1]
