"""What a study was launched with, which it keeps: its goal, its space and its seed. All else in its
file (trials, timeout, workers, engine, sampler, pruner, search, title) may change from launch to
launch; of that it keeps what its file and `--set` said last, so that it can be resumed without its
file."""

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import ValidationError

from mnist_core.errors import UserError
from mnist_core.files import explain
from mnist_core.goal import Goal
from search.study import identity
from search.study.differences import differing
from search.study.identity import IDENTITY
from search.study.settings import applied
from search.study.spec import Plan, StudySpec
from search.study.study import GOAL, GOAL_TABLE, SETTINGS, Study

FINGERPRINT = "drilldown:fingerprint"  # what is kept with the study of what it was launched with
SPEC = "drilldown:spec"  # the whole table, as its file and --set said it last
_MAY_CHANGE = (
    *("trials", "timeout", "until_held", "until_confirmed"),
    *("workers", "engine", "sampler", "pruner", "search"),
)
_TWICE = {"budget": "goal.params", "epochs": "goal.epochs"}  # which the goal says too
_UNSAID = {"goal.judge": "test"}  # what a part is that a fingerprint has not


def check_same(study: Study, plan: Plan, where: str = "") -> None:
    """A study keeps the goal, space and seed it began with. Nothing is written.

    where: what a command needs to find its storage.

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
    goals = theirs.keys() & ours.keys()
    theirs, ours = (
        {key: value for key, value in {**_UNSAID, **each}.items() if _TWICE.get(key) not in goals}
        for each in (theirs, ours)
    )
    said = differing(study.name, theirs, ours, study.settings, where)
    if said is not None:
        raise UserError(said)


def sign_launch(study: Study, plan: Plan, settings: Sequence[str] = ()) -> None:
    """Tell a study that is the same, or new, all that it keeps of its launch and does not have yet,
    and what `--set` said in this one. plan: without what options say of this launch alone.

    The fingerprint comes first: a process that dies in between leaves a study that is ours.
    """
    if study.kept(FINGERPRINT) is None:
        study.keep(FINGERPRINT, _fingerprint(plan))
    goal = plan.goal.model_dump(mode="json")
    if study.kept(GOAL_TABLE) != goal:  # which the fingerprint has, if others have written here
        study.keep(GOAL_TABLE, goal)
        study.optuna.set_user_attr(GOAL, str(plan.goal))
    if study.identity is None:
        study.keep(IDENTITY, identity.made(study.name, study.size))
    if study.settings != tuple(settings):
        study.keep(SETTINGS, list(settings))
    table = plan.model_dump(mode="json", exclude_none=True)
    if study.kept(SPEC) != table:
        study.keep(SPEC, table)


def is_stage(study: Study) -> bool:
    """Whether it was launched as a stage of a drill, around configs."""
    kept = study.kept(FINGERPRINT)
    return isinstance(kept, dict) and "bases" in kept


def launched_with(study: Study, changes: Sequence[str] = ()) -> StudySpec:
    """What file and `--set` of a study said last. changes: what `--set` says instead.

    Raises UserError, saying what to do, where that was not kept, or cannot be read.
    """
    table = _table(study)
    try:
        return applied(changes, StudySpec.from_dict, StudySpec)(table)
    except ValidationError as error:
        raise UserError(
            f"study {study.name!r} was launched with what cannot be read now: "
            f"{explain(error, StudySpec)}; launch its TOML file under another --name"
        ) from None


def with_goal(key: str, value: Any, goal: Goal) -> Any:
    """What a study keeps under a key, had it been launched with another goal of the same epochs and
    parameters."""
    if key in (GOAL, GOAL_TABLE):
        return goal.model_dump(mode="json")
    if key == FINGERPRINT:
        return {**value, **_of_goal(goal)}
    if key == SPEC and isinstance(value, dict):
        return {**value, "goal": goal.model_dump(mode="json")}
    return value


def told(study: Study) -> dict[str, str]:
    """All that a study was launched with, part by part, as far as it is kept: its goal, seed and
    space, and what its file and `--set` said last besides."""
    spec = study.kept(SPEC)
    besides = spec if isinstance(spec, dict) else {}
    flat = {name: value for name, value in _flat(besides) if name.partition(".")[0] in _MAY_CHANGE}
    found = {**_UNSAID, **(study.kept(FINGERPRINT) or {}), **flat}
    return {name: value for name, value in found.items() if name not in _TWICE}


def _flat(table: dict[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", str(value)


def _table(study: Study) -> dict[str, Any]:
    table = study.kept(SPEC)
    if isinstance(table, dict):
        return table
    study.goal  # noqa: B018 - says it where drilldown never launched it
    raise UserError(
        f"study {study.name!r} does not keep its file, as it was launched by an older version; "
        f"resume it with: drilldown launch FILE.toml --name {study.name}"
    )


def _fingerprint(plan: Plan) -> dict[str, str]:
    return {
        **_of_goal(plan.goal),
        "seed": str(plan.seed),
        **plan.make_space().fingerprint(),
    }


def _of_goal(goal: Goal) -> dict[str, str]:
    return {f"goal.{field}": str(value) for field, value in goal.model_dump().items()}


def wanted(study: Study) -> int | None:
    """So many trials it should have, unless a launch is told another number; None where it does not
    say so."""
    table = study.kept(SPEC)
    found = table.get("trials") if isinstance(table, dict) else None
    return found if isinstance(found, int) else None
