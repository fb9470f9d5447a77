"""Studies that `compare` is given, where it could be experiments too."""

from collections.abc import Collection, Sequence

import click
from click.core import ParameterSource

from mnist_core.errors import UserError


def are_studies(words: Sequence[str], url: str | None) -> bool:
    """Whether the words are of studies that have been run. Where a word is an experiment's too, a
    line says which is meant: the study, if not all the words are experiments'.

    Raises UserError where some are studies and others experiments, or a single one is a study.
    """
    from search.compare.experiments import stands_for_any
    from search.study.names import drills, known

    theirs = [word for word in words if stands_for_any(word)]
    if len(theirs) == len(words):  # also where there are no words
        _say_clash([word for word in theirs if word in known(url)], "the experiment")
        return False
    from search.study import runs, storage

    if not storage.has_storage(url):
        _refuse_mistakes([word for word in words if word not in theirs], ())
        return False
    studies = storage.open_storage(url, read_only=True)
    ours = [word for word in words if runs.there(studies, word)]
    names = studies.names()
    mistaken = [word for word in words if word not in theirs and word not in ours]
    _refuse_mistakes(mistaken, {*names, *drills(names)})
    others = [word for word in theirs if word not in ours]
    if not any(word not in theirs for word in ours):
        return False
    if others:
        raise UserError(
            f"{others[0]!r} is an experiment and {ours[0]!r} a study that has "
            "been run; compare experiments, or studies"
        )
    if len({*words}) < 2:
        raise UserError(f"{words[0]!r} is a study; name another to set it beside")
    _say_clash([word for word in theirs if word in ours], "the study")
    return True


def _refuse_mistakes(words: Sequence[str], known: Collection[str]) -> None:
    """Raises UserError for the first that is neither a run nor an experiment, but something else.
    known: the names of all runs."""
    from search.study import runs

    for word in words:
        if said := runs.mistake(word, known):
            raise UserError(said)


def _say_clash(words: Sequence[str], meant: str) -> None:
    for word in words:
        click.echo(
            f"{word}: is an experiment, and a study that has been run; {meant} is meant (drilldown "
            "rename gives a study another name)",
            err=True,
        )


def refuse_options(*names: str) -> None:
    """Raises UserError for the first of these options of the command that was given."""
    context = click.get_current_context()
    for name in names:
        if context.get_parameter_source(name) is not ParameterSource.DEFAULT:
            raise UserError(f"--{name} is for experiments; of studies nothing is trained here")


def compared(words: Sequence[str], form: str, url: str | None) -> str:
    """The studies side by side. Raises UserError where one has not been run."""
    from search.report import beside
    from search.study import runs, storage

    studies = storage.open_storage(url, read_only=True)
    named = [runs.find(studies, word) for word in dict.fromkeys(words)]
    return beside.compared(named, form, url)
