"""Commands that change what has been run, or ask it anew; nothing is trained."""

import shlex
import sys
from collections.abc import Callable
from typing import Any

import click

from mnist_core.errors import UserError
from search.cli import complete, options
from search.text.commands import program

_Command = Callable[..., Any]
_yes = click.option("--yes", is_flag=True, help="Do it without asking, as programs want it")


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...", shell_complete=complete.runs)
@_yes
@options.storage
def delete(names: tuple[str, ...], yes: bool, url: str | None) -> None:
    """Delete studies or drills that have been run, for good.

    With each goes its folder, runs/NAME. One that runs is refused, and so is a stage of a drill,
    which is deleted as a whole.
    """
    from search.study import storage, upkeep

    studies, where = storage.open_storage(url), storage.option(url)
    wanted = [upkeep.whole(studies, name, "delete", where) for name in dict.fromkeys(names)]
    said = ", ".join(
        f"{run.said} ({sum(study.size for study in run.studies)} trials)" for run in wanted
    )
    _ask(f"Delete {said} for good, with the folders of their results?", yes, "deleted")
    for run in wanted:
        upkeep.delete(studies, run.name)
        click.echo(f"Deleted: {run.name}")


@click.command()
@click.argument("name", shell_complete=complete.runs)
@click.argument("new")
@_yes
@options.storage
def rename(name: str, new: str, yes: bool, url: str | None) -> None:
    """Give a study or drill that has been run another name.

    Its folder, runs/NAME, gets the name too. It stays the same study: what was launched from a
    file goes on with `drilldown launch NEW`. A drill's report has the new name once it is written
    anew: drilldown drill NEW.
    """
    from search.study import storage, upkeep

    studies = storage.open_storage(url)
    run = upkeep.whole(studies, name, "rename", storage.option(url))
    _ask(f"Rename {run.said} to {new!r}, and its folder too?", yes, "renamed")
    upkeep.rename(studies, name, new)
    click.echo(f"{name} is now: {new}")


@click.command()
@click.argument("name", shell_complete=complete.runs)
@click.argument("new")
@_yes
@options.storage
def copy(name: str, new: str, yes: bool, url: str | None) -> None:
    """Copy a study or drill that has been run, with its folder.

    The copy is a study of its own: what is launched under the one name leaves the other alone.
    """
    from search.study import storage, upkeep

    studies = storage.open_storage(url)
    run = upkeep.whole(studies, name, "copy", storage.option(url))
    _ask(f"Copy {run.said} to {new!r}, and its folder too?", yes, "copied")
    upkeep.copy(studies, name, new)
    click.echo(f"Copied to: {new}")


@click.command()
@click.argument("name", shell_complete=complete.runs)
@click.option(
    "--set",
    "settings",
    multiple=True,
    required=True,
    metavar="KEY=VALUE",
    help="Of the goal: goal.accuracy=99.45 (percent) or goal.last=3 (epochs); may be "
    "said several times",
)
@click.option(
    "--save", metavar="NEW", help="Keep it, as a copy of the study with this goal and this name"
)
@options.form("table", "json", "csv")
@options.storage
def rescore(
    name: str, settings: tuple[str, ...], save: str | None, form: str, url: str | None
) -> None:
    """Show what a study comes to under another goal.

    The curves that are kept are scored anew: nothing is trained, and the study stays as it is.
    """
    from search.report import rescored, shown
    from search.study import rescore as rescoring
    from search.study import runs, storage, upkeep
    from search.study.settings import option

    studies = storage.open_storage(url, read_only=save is None)
    run = runs.find(studies, name)
    if run.kind == "drill":
        raise UserError(f"{run.said}: ask its stages: {', '.join(s.name for s in run.studies)}")
    if save is not None:
        upkeep.whole(studies, name, "copy", storage.option(url))
    (study,) = run.studies
    anew = rescoring.rescored(study, settings)
    if save is not None:
        upkeep.copy(studies, name, save, anew.rescoring())
    asked = f"{shlex.quote(name)} {option(settings)}{storage.option(url)}"
    view = shown.View(form, pickable=False)
    click.echo(shown.trials(anew, view, f"{program()} rescore {asked}"))
    if form == "table":
        click.echo(rescored.remarks(study, anew))
        if save is not None:
            click.echo(f"Kept as {save}; go on with: {program()} launch {save}{_where(url)}")


@click.command()
@click.argument("name", shell_complete=complete.runs)
@click.argument("text", nargs=-1, metavar="[TEXT]")
@click.option("--clear", is_flag=True, help="Forget what was noted")
@options.storage
def note(name: str, text: tuple[str, ...], clear: bool, url: str | None) -> None:
    """Keep a note of your own with a study or drill, or print it.

    `drilldown show NAME` and the dashboard show it, and nothing writes over it but the next TEXT.
    """
    from search.study import memo, runs, storage, upkeep

    said = " ".join(text)
    if clear and text:
        raise UserError("--clear forgets the note; leave TEXT away, or --clear")
    if text and not said.strip():
        raise UserError("TEXT: is empty; --clear forgets the note")
    if text or clear:
        upkeep.note(storage.open_storage(url), name, said)
        click.echo(f"Noted of {name}: {said}" if text else f"Nothing is noted of {name} any more")
        return
    kept = memo.of(runs.find(storage.open_storage(url, read_only=True), name).studies[0])
    if kept:
        click.echo(kept)
    else:
        click.echo(f"Nothing is noted of {name} yet; note it: {program()} note {name} TEXT")


def _where(url: str | None) -> str:
    from search.study import storage

    return storage.option(url)


def _ask(question: str, yes: bool, done: str) -> None:
    """Raises UserError where nobody can be asked; ends the command where the answer is no."""
    if yes:
        return
    if sys.stdin is None or not sys.stdin.isatty():
        raise UserError(f"nothing was {done}: no terminal to ask in; say --yes if it is meant")
    if not click.confirm(question):
        click.echo(f"Nothing was {done}.")
        sys.exit(1)
