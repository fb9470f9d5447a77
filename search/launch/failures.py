"""What to tell a person whose trials came to nothing: why most of them failed, and what helps."""

import re
from collections import Counter
from collections.abc import Sequence

from mnist_core.words import of
from search.study.trials import State, Trial

_REMEDIES = {  # what a reason says -> what helps
    r"killed by SIGKILL": "a system that is short of memory kills so; fewer --workers take less",
    r"\b(nan|inf)\b": "it diverged: keep lr lower in the study's [space], under another --name",
}


def why(trials: Sequence[Trial]) -> str:
    """Of trials that all ended, none of them complete: how, the commonest reason, what helps."""
    if not trials:
        return "no trial ended in time"
    failed = [trial for trial in trials if trial.state == State.FAIL]
    if not failed:
        return f"{of(len(trials), 'trial')} ended, all pruned; another pruner may spare some"
    # Two reasons are one where nothing but an epoch or a batch is another.
    kinds = Counter(re.sub(r"\d+", "0", trial.reason) for trial in failed)
    ((kind, count),) = kinds.most_common(1)
    reason = next(each.reason for each in failed if re.sub(r"\d+", "0", each.reason) == kind)
    most = f", most often ({count})" if len(kinds) > 1 else ""
    helps = [remedy for known, remedy in _REMEDIES.items() if re.search(known, reason)]
    return f"{len(failed)} of {of(len(trials), 'trial')} failed{most}: " + "; ".join(
        [reason, *helps]
    )
