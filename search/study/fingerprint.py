"""What a study was launched with, which it keeps: its goal, its space and its seed. All else in its
file (trials, timeout, workers, engine, sampler, pruner, title) may change from launch to launch."""

from mnist_core.errors import UserError
from search.study import identity
from search.study.identity import IDENTITY
from search.study.spec import Plan
from search.study.study import GOAL, GOAL_TABLE, Study

FINGERPRINT = "drilldown:fingerprint"  # what is kept with the study of what it was launched with


def check_same(study: Study, plan: Plan) -> None:
    """A study keeps the goal, space and seed it began with. Nothing is written.

    Raises UserError naming what has changed, or that the study is another program's.
    """
    theirs, ours = study.kept(FINGERPRINT), _fingerprint(plan)
    if theirs is None and study.blank:
        return
    if not isinstance(theirs, dict) or not study.maximised:
        raise UserError(  # another program made the study, or the dashboard renamed it
            f"study {study.name!r} is not drilldown's: it does not say what it was launched with; "
            "launch under another --name"
        )
    changed = [key for key in ours | theirs if ours.get(key) != theirs.get(key)]
    if changed:
        key, *others = changed
        also = f" (changed too: {', '.join(others)})" if others else ""
        raise UserError(
            f"study {study.name!r} was launched with {key} = {theirs.get(key, 'absent')}, now it "
            f"is {ours.get(key, 'absent')}{also}; change it back or launch under another --name"
        )


def sign_launch(study: Study, plan: Plan) -> None:
    """Tell a study that is the same, or new, all that it keeps of its launch and does not have yet.

    The fingerprint comes first: a process that dies in between leaves a study that is ours.
    """
    if study.kept(FINGERPRINT) is None:
        study.keep(FINGERPRINT, _fingerprint(plan))
    goal = plan.goal.model_dump(mode="json")
    if study.kept(GOAL_TABLE) != goal:  # which the fingerprint has, if others have written here
        study.keep(GOAL_TABLE, goal)
        study.optuna.set_user_attr(GOAL, goal)
    if study.identity is None:
        study.keep(IDENTITY, identity.made(study.name, study.size))


def _fingerprint(plan: Plan) -> dict[str, str]:
    return {
        **{f"goal.{field}": str(value) for field, value in plan.goal},
        "seed": str(plan.seed),
        **plan.make_space().fingerprint(),
    }
