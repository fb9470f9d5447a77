"""What a study was launched with, which it keeps: its goal, its space and its seed."""

from optuna.storages import RDBStorage
from optuna.study import Study

from mnist_core.errors import UserError
from search.study import trials as results
from search.study.spec import StudySpec


def check_same(study: Study, store: RDBStorage, spec: StudySpec) -> None:
    """A study keeps the goal, space and seed it began with; a new one is told them.

    Raises UserError naming what has changed.
    """
    ours = {
        **{f"goal.{field}": str(value) for field, value in spec.goal},
        "seed": str(spec.seed),
        **spec.make_space().fingerprint(),
    }
    number = store.get_study_id_from_name(study.study_name)
    theirs = store.get_study_system_attrs(number).get(results.FINGERPRINT)
    if theirs is None and not study.get_trials(deepcopy=False):
        study.set_user_attr(results.GOAL, spec.goal.model_dump(mode="json"))
        store.set_study_system_attr(number, results.FINGERPRINT, ours)
        return
    if theirs is None:  # another program made the study, or the dashboard renamed it
        raise UserError(
            f"study {study.study_name!r} does not say what it was launched with; launch under "
            "another --name"
        )
    changed = [key for key in ours | theirs if ours.get(key) != theirs.get(key)]
    if changed:
        key, *others = changed
        also = f" (changed too: {', '.join(others)})" if others else ""
        raise UserError(
            f"study {study.study_name!r} was launched with {key} = {theirs.get(key, 'absent')}, "
            f"now it is {ours.get(key, 'absent')}{also}; change it back or launch under another "
            "--name"
        )
