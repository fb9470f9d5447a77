"""The command that has finalists judged on fresh seeds."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mnist_core.engine import Wanted
from search.cli import complete, options
from search.cli.interrupts import resumable
from search.text.commands import COLUMN, program

if TYPE_CHECKING:
    from search.workers.protocol import Start


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...", shell_complete=complete.raced)
@click.option(
    "--seeds",
    type=options.Whole(1, 1000),
    default=10,
    show_default=True,
    metavar="N",
    help="Fresh seeds for each at most, those of before included",
)
@click.option(
    "--top",
    type=options.Whole(1, 1000),
    metavar="N",
    help="So many of the best [default: 3 of a study, all finalists of a drill]",
)
@click.option(
    "--seed",
    "first",
    type=options.SEED,
    metavar="N",
    help="The fresh seeds are this one and those after it [default: they follow from the search's]",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="Of the goal: goal.accuracy=99.45, goal.last=3; of configs goal.params and goal.epochs "
    "too [default: the search's; of a config the one it was found for, else 99.40 % in each of "
    "the last 5 of 15 epochs with fewer than 10,000 parameters]",
)
@options.workers("auto")
@options.device("cpu")
@options.engine("auto")
@options.form("table", "json", "csv")
@click.option(
    "-o",
    "--output",
    type=options.FILE,
    metavar="FILE",
    help="Where to write the best's config [default: runs/NAME/best.toml, of configs "
    "runs/seeds/NAME.toml]",
)
@options.quiet
@options.verbose
@options.storage
@click.pass_obj
def confirm(
    start: "Start | None",
    /,
    names: tuple[str, ...],
    seeds: int,
    top: int | None,
    first: int | None,
    settings: tuple[str, ...],
    workers: int | str | None,
    device: str | None,
    engine: Wanted | None,
    form: str,
    output: Path | None,
    quiet: bool,
    verbose: bool,
    url: str | None,
) -> None:
    """Tell skill from luck: train the best again, on fresh seeds.

    NAME is a study, whose best trials race, a drill, whose finalists do, or one or several configs:
    files, or names of configs that come along. Each is trained on seeds that the search has not
    seen until the referee has a word for it: confirmed (at least nine of ten trainings hold the
    goal), refuted (they do not), each with 95 % confidence, or open. What was trained before is
    not trained again.

    Exit codes: 0 where the race is over, 1 where a training failed, 2 for what was typed, and 128
    and the signal's number (130 for Ctrl-C) where one stopped it.
    """
    from mnist_core.words import of
    from search.chance.referee import Verdict
    from search.drill import contenders
    from search.launch import progress
    from search.report import confirmed
    from search.workers import training

    with resumable(url, aside=form != "table"):
        entry = contenders.find(names, contenders.Wish(seeds, top, first, settings), url)
        if entry.remark:
            click.echo(entry.remark, err=True)
        raced = contenders.run(
            entry,
            seeds,
            workers if isinstance(workers, int) else None,
            device or "cpu",
            engine or "auto",
            start or training.start,
            progress.start_log(quiet or form != "table", verbose),
            output,
        )

    def again(number: int) -> str:
        words = [*names, "--seeds", str(number), *_top(top), *_set(settings)]
        return f"{program()} confirm {shlex.join(words)}{options.kept(device, url)}"

    found = raced.standings
    click.echo(confirmed.listed(entry.name, entry.goal, found, form, again(seeds)))
    if form == "table":
        more = again(2 * seeds)
        click.echo(confirmed.summary(raced.standings, seeds, raced.best, more))
        if entry.longer and all(each.verdict == Verdict.REFUTED for each in found):
            longer = f"{program()} {entry.longer}{options.kept(device, url)}"
            click.echo("Search on:".ljust(COLUMN) + longer)
    if raced.failed:
        click.echo(f"{of(raced.failed, 'training')} failed; type the same to try again.", err=True)
        sys.exit(1)


def _top(top: int | None) -> list[str]:
    return [] if top is None else ["--top", str(top)]


def _set(settings: tuple[str, ...]) -> list[str]:
    return [word for setting in settings for word in ("--set", setting)]
