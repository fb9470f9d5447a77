"""What `rescore` says below its table."""

from mnist_core.words import does, of
from search.study.rescore import Rescored
from search.study.study import Study
from search.study.trials import State


def remarks(before: Study, now: Rescored) -> str:
    """How many trials hold the goal now and before, and of how many that is not known."""
    held = [sum(trial.holds_goal for trial in study.trials()) for study in (now, before)]
    lines = [f"{_hold(held[0])} this goal; {_hold(held[1]).lower()} the study's own: {before.goal}"]
    stopped = sum(trial.state == State.PRUNED for trial in now.trials())
    if stopped:
        lines.append(
            f"{of(stopped, 'trial')} {does(stopped, 'was')} stopped early, under the "
            "study's own goal: what became of them under this one is not known."
        )
    return "\n".join(lines)


def _hold(count: int) -> str:
    """`1 trial holds`, `no trial holds`."""
    return f"{of(count, 'trial')} {does(count, 'holds')}" if count else "No trial holds"
