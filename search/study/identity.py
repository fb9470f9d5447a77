"""What a study was launched with, which it keeps: its goal, its space and its seed."""

from mnist_core.errors import UserError
from search.study.spec import Plan
from search.study.study import GOAL, Study

FINGERPRINT = "drilldown:fingerprint"  # what is kept with the study of what it was launched with


def check_same(study: Study, plan: Plan) -> None:
    """A study keeps the goal, space and seed it began with; a new one is told them.

    Raises UserError naming what has changed.
    """
    ours = {
        **{f"goal.{field}": str(value) for field, value in plan.goal},
        "seed": str(plan.seed),
        **plan.make_space().fingerprint(),
    }
    theirs = study.kept(FINGERPRINT)
    if theirs is None and study.empty:
        study.optuna.set_user_attr(GOAL, plan.goal.model_dump(mode="json"))
        study.keep(FINGERPRINT, ours)
        return
    if theirs is None:  # another program made the study, or the dashboard renamed it
        raise UserError(
            f"study {study.name!r} does not say what it was launched with; launch under another "
            "--name"
        )
    changed = [key for key in ours | theirs if ours.get(key) != theirs.get(key)]
    if changed:
        key, *others = changed
        also = f" (changed too: {', '.join(others)})" if others else ""
        raise UserError(
            f"study {study.name!r} was launched with {key} = {theirs.get(key, 'absent')}, now it "
            f"is {ours.get(key, 'absent')}{also}; change it back or launch under another --name"
        )
