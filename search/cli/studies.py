"""Commands that run studies, and that show what came of them."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from search.cli import options
from search.cli.interrupts import resumable, typed
from search.text.commands import command_for

if TYPE_CHECKING:
    from search.workers.protocol import Start


@click.command()
@click.argument("study", default="quick")
@click.option(
    "--trials",
    type=click.IntRange(min=1),
    metavar="N",
    help="Finish so many in all, with those of earlier launches",
)
@options.workers()
@options.engine()
@options.name("study")
@options.seed
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Start no further trial after so long",
)
@options.quiet
@options.verbose
@options.device("cpu")
@options.storage
@click.pass_obj
def launch(
    start: "Start | None",
    /,
    study: str,
    name: str | None,
    url: str | None,
    device: str | None,
    quiet: bool,
    verbose: bool,
    **changes: float | str | None,
) -> None:
    """Run a study, or resume it where it was stopped.

    STUDY is a name that `drilldown list` shows, or a TOML file that says the same things. Without
    it `quick` is run: about ten minutes on two cores. If no trial was trained to its end, or each
    one of this launch failed, the exit code is 1.
    """
    with resumable(url):
        from search.launch import progress
        from search.launch import run as launches
        from search.report import launched
        from search.study import spec, storage
        from search.workers import training

        stem, plan = spec.load(study)
        plan = spec.changed(plan, changes)
        console = progress.start_log(quiet, verbose)
        ended = launches.launch(
            storage.run_name(name, stem, study),
            plan,
            url,
            device or "cpu",
            console,
            start or training.start,
        )
    click.echo(launched.report(ended, typed(url), url))
    if ended.signal:
        sys.exit(128 + ended.signal)
    if ended.in_vain:
        sys.exit(1)


@click.command()
@click.argument("study", default="shallow")
@options.workers()
@options.engine()
@options.name("drill")
@options.seed
@options.quiet
@options.verbose
@options.device("cpu")
@options.storage
@click.pass_obj
def drill(
    start: "Start | None",
    /,
    study: str,
    name: str | None,
    url: str | None,
    device: str | None,
    quiet: bool,
    verbose: bool,
    **changes: int | str | None,
) -> None:
    """Go down in stages, each around the winners of the last.

    STUDY is a packaged drill, `shallow` (about 15 minutes on two cores) or `deep` (a night), or a
    TOML file. It ends with the finalists trained on fresh seeds, and a report of Target, Result
    and Analysis: runs/NAME/drill.html and drill.md. What was done before is not done again. If a
    finalist fails on a fresh seed, the exit code is 1.
    """
    with resumable(url):
        from search.drill import run as drills
        from search.drill import spec as drill_spec
        from search.launch import progress
        from search.report import drilled
        from search.report import summary as drill_summary
        from search.study import spec, storage
        from search.workers import training

        stem, plan, bases = drill_spec.load(study)
        plan = spec.changed(plan, changes)
        console = progress.start_log(quiet, verbose)
        run = drills.Drill(
            storage.run_name(name, stem, study),
            plan,
            bases,
            url,
            device or "cpu",
            console,
            start or training.start,
            write=drilled.write,
        )
        ended = run.run()
    click.echo(drill_summary.summary(ended, typed(url), url))
    if ended.signal:
        sys.exit(128 + ended.signal)
    if ended.result.failed:
        sys.exit(1)


@click.command("list")
@options.storage
def list_(url: str | None) -> None:
    """Studies and drills that there are, and studies that were run."""
    from search.drill import spec as drill_spec
    from search.report import listing
    from search.study import spec

    click.echo(listing.studies(spec.come_along(), drill_spec.come_along(), url))


@click.command()
@click.argument("name")
@options.form("table", "json", "csv")
@options.storage
def show(name: str, form: str, url: str | None) -> None:
    """Trials of a study that has been run, best first."""
    from search.report import listing
    from search.study import storage

    click.echo(listing.trials(storage.open_storage(url, read_only=True), name, form, url))


@click.command()
@click.argument("name")
@click.option(
    "--trial", type=click.IntRange(min=0), metavar="N", help="This one [default: the best]"
)
@click.option(
    "-o",
    "--output",
    type=options.FILE,
    help="- is standard output [default: runs/NAME/best.toml or trial-N.toml]",
)
@options.storage
def export(name: str, trial: int | None, output: Path | None, url: str | None) -> None:
    """Write a trial as a config that anyone can run again.

    With it go the curve to expect and all that this depends on.
    """
    from mnist_core import outputs
    from search.study import export as exports
    from search.study import folder, storage

    studies = storage.open_storage(url, read_only=True)
    study = studies.get(name)
    if output is None:
        # Another program may have named it otherwise.
        storage.check_name(name, f"study {name!r} is no file's name; choose one with -o:")
        folder.check(studies, name)
    path = output or exports.default_path(name, trial)
    exports.export(study, trial, path, storage.option(url))
    if output is None:
        folder.claim(studies, name)
    if not outputs.passes_through(path):
        click.echo(f"{path}\nTrain it again: {command_for(path)}")


@click.command()
@click.argument("name", required=False)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Another address lets others in: the dashboard has no login and can delete",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="N",
    help="[default: 8080, or the next free one]",
)
@options.storage
def dashboard(name: str | None, host: str, port: int | None, url: str | None) -> None:
    """Open optuna-dashboard on the studies, until Ctrl-C."""
    from search.launch import progress
    from search.study import dashboard as dashboards
    from search.study import storage

    progress.start_log(quiet=False, verbose=True)
    dashboards.serve(storage.open_storage(url), name, host, port, click.echo)
