"""Commands about single configs, and about the experiments that come along."""

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mnist_core.engine import Wanted
from mnist_core.errors import UserError
from search.cli import beside, complete, options
from search.cli.interrupts import resumable

if TYPE_CHECKING:
    from mnist_core.record import Record
    from search.workers.protocol import Start


@click.command()
@click.argument("config", shell_complete=complete.configs)
@click.option("--seed", type=options.SEED, metavar="N", help="Instead of the config's")
@click.option("--epochs", type=options.Whole(1, 1000), metavar="N", help="Instead of the config's")
@click.option(
    "--check",
    is_flag=True,
    help="Compare every epoch with the curve kept in the config (on another engine than its own: "
    "the mean of the last five, within a band); exit 1 on a difference",
)
@click.option(
    "--save",
    type=options.FILE,
    metavar="FILE",
    help="Keep the weights in this file, as safetensors",
)
@click.option(
    "--threads",
    type=options.Whole(1, 1024),
    metavar="N",
    help="Threads that train [default: as the curve was made, else 1]",
)
@options.device("as the curve was made, else cpu")
@options.engine("with --check as the curve was made, else auto")
def train(config: str, check: bool, save: Path | None, **changes: int | str | None) -> None:
    """Train a config, and show each epoch.

    CONFIG is a TOML file, or the name of a config that comes along: an experiment that `drilldown
    compare` shows, or a winner (silu-squeeze or
    under-10k).
    """
    from mnist_core import outputs
    from search.confirm import retrain

    wanted = retrain.Changes(**changes)  # type: ignore[arg-type]
    kept = _load(config, "train")
    # Lines among the weights would spoil them.
    say = partial(click.echo, err=save is not None and outputs.passes_through(save))
    checked = retrain.retrain(kept, wanted, check, save, say)
    if not checked.passed:
        sys.exit(1)


@click.command()
@click.argument("config", shell_complete=complete.configs)
@options.form("table", "json")
def count(config: str, form: str) -> None:
    """Show layers, output shapes and parameters of a config.

    Nothing is trained. CONFIG is a TOML file, or the name of a config that comes along: an
    experiment that `drilldown compare` shows, or a winner (silu-squeeze or
    under-10k).
    """
    from search.text import console as tables

    click.echo(tables.layers(_load(config, "count").config, form))


def _load(config: str, verb: str) -> "Record":
    """verb: of the command. Raises UserError where it is none; of a study or a drill that has been
    run, or its file, with what makes a config of its best."""
    from mnist_core import files, packaged, record
    from mnist_core.paths import is_there

    path = packaged.path_of(config)
    if packaged.packaged_config(config) is None and (path is None or path.is_dir()):
        from search.study import export  # which loads Optuna

        export.check_no_run(config, verb)
    path = packaged.config_path(config)
    try:
        return record.load(path)
    except UserError:
        if is_there(path) and path.is_file() and files.kind_of(path) in ("study", "drill"):
            from search.study import export

            export.check_no_run(config, verb)
        raise


@click.command()
@click.argument("words", nargs=-1, metavar="[NAME]...", shell_complete=complete.compared)
@click.option(
    "--seeds",
    type=options.Whole(0, 1000),
    default=0,
    metavar="N",
    help="Train what is missing to N seeds of each [default: none, only show]",
)
@click.option(
    "--epochs",
    type=options.Whole(1, 1000),
    default=15,
    show_default=True,
    metavar="N",
    help="Train and compare the first so many of each",
)
@options.workers("auto")
@options.device("cpu")
@options.engine("auto")
@click.option(
    "--results",
    type=options.FILE,
    metavar="FILE",
    help="Your own finished runs [default: runs/seeds/results.jsonl]",
)
@options.form("table", "json", "csv", "markdown")
@click.option(
    "-o", "--output", type=options.FILE, metavar="FILE", help="Where to [default: standard output]"
)
@options.storage
@click.pass_obj
def compare(
    start: "Start | None",
    /,
    words: tuple[str, ...],
    seeds: int,
    epochs: int,
    workers: int | str | None,
    device: str | None,
    engine: Wanted | None,
    results: Path | None,
    form: str,
    output: Path | None,
    url: str | None,
) -> None:
    """Set others' experiments beside ours, or studies side by side.

    NAME is one of five write-ups (001), one of their experiments (001-code4) or the beginning of
    several (003-f1); without any, all fifty are compared. Runs that come with drilldown count, and
    your own. If a training fails, the exit code is 1.

    Or there are two NAMEs or more of studies that have been run: what they came to and cost, and
    what differs in how they were launched.
    """
    from mnist_core import outputs
    from search.compare import compare as comparing
    from search.compare import experiments
    from search.compare import listing as comparison

    if output is not None:
        outputs.prepare(output)
    if beside.are_studies(words, url):
        beside.refuse_options("seeds", "epochs", "workers", "device", "engine", "results")
        _put(beside.compared(words, form, url), output)
        return
    chosen, kept, failed = experiments.select(words), comparing.Results(results), 0
    for sentence in comparing.stale(chosen, kept.runs):
        click.echo(sentence, err=True)
    if seeds:
        with resumable(None):
            from search.launch import progress
            from search.workers import ledger, training

            progress.start_log(quiet=False, verbose=False)
            wanted = comparing.jobs(chosen, seeds, epochs)
            failed = ledger.train_missing(
                wanted,
                kept.runs,
                kept.own,
                workers if isinstance(workers, int) else None,
                device or "cpu",
                engine or "auto",
                start or training.start,
            )
    found = comparing.compare(chosen, kept.runs, epochs)
    if form == "markdown":
        from search.compare import page

        text = page.page(found, page.command_for(words, epochs, results, output))
    else:
        text = comparison.listed(found, form)
    _put(text, output)
    if failed:
        from mnist_core.words import of

        click.echo(f"{of(failed, 'training')} failed; type the same to try again.", err=True)
        sys.exit(1)


def _put(text: str, output: Path | None) -> None:
    """To the terminal, or into a file, which is named then."""
    from mnist_core import outputs

    if output is None:
        click.echo(text)
        return
    outputs.write_whole(output, f"{text}\n".encode())
    if not outputs.passes_through(output):
        click.echo(output)
