"""The command line: parse, call, print; no logic.

Each command imports what it needs itself: Optuna takes a second to load, for which neither `--help`
nor a worker, whose process loads this file first, should wait.
"""

import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from mnist_core.errors import UserError
from search import options
from search.commands import command_for, program


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, invoke_without_command=True)
@click.version_option(package_name="drilldown", message="%(version)s")
@click.pass_context
def cli(context: click.Context) -> None:
    """Find a tiny network that reaches an MNIST goal consistently.

    Start with: drilldown launch
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@cli.command()
@click.argument("study", default="quick")
@click.option(
    "--trials",
    type=click.IntRange(min=1),
    metavar="N",
    help="Finish so many in all, with those of earlier launches",
)
@options.workers
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
def launch(
    study: str,
    name: str | None,
    url: str | None,
    device: str | None,
    quiet: bool,
    verbose: bool,
    **changes: float | None,
) -> None:
    """Run a study, or resume it where it was stopped.

    STUDY is a name that `drilldown list` shows, or a TOML file that says the same things. Without
    it `quick` is run: about ten minutes on two cores.
    """
    with _resumable(url):
        from search import launch as launches
        from search import progress, spec

        stem, plan = spec.load(study)
        plan = spec.changed(plan, changes)
        console = progress.start_log(quiet, verbose)
        ended = launches.launch(stem if name is None else name, plan, url, device or "cpu", console)
    click.echo(launches.report(ended, _typed(url), url))
    if ended.signal:
        sys.exit(128 + ended.signal)


@cli.command()
@click.argument("study", default="shallow")
@options.workers
@options.name("drill")
@options.seed
@options.quiet
@options.verbose
@options.device("cpu")
@options.storage
def drill(
    study: str,
    name: str | None,
    url: str | None,
    device: str | None,
    quiet: bool,
    verbose: bool,
    **changes: int | None,
) -> None:
    """Go down in stages: each a study around the winners of the one before.

    STUDY is a packaged drill, `shallow` (about half an hour on two cores) or `deep` (a night), or a
    TOML file. It ends with the finalists trained on fresh seeds, and a report of Target, Result
    and Analysis: runs/NAME/drill.html and drill.md. What was done before is not done again.
    """
    with _resumable(url):
        from search import drill as drills
        from search import drill_spec, drill_summary, progress, spec

        stem, plan, bases = drill_spec.load(study)
        plan = spec.changed(plan, changes)
        console = progress.start_log(quiet, verbose)
        run = drills.Drill(name or stem, plan, bases, url, device or "cpu", console)
        ended = run.run()
    click.echo(drill_summary.summary(ended, _typed(url), url))
    if ended.signal:
        sys.exit(128 + ended.signal)


@cli.command("list")
@options.storage
def list_(url: str | None) -> None:
    """Studies that can be launched or drilled, and studies that have been run."""
    from search import drill_spec, listing, spec

    click.echo(listing.studies(spec.packaged(), drill_spec.packaged(), url))


@cli.command()
@click.argument("name")
@options.form("table", "json", "csv")
@options.storage
def show(name: str, form: str, url: str | None) -> None:
    """Trials of a study that has been run, best first."""
    from search import listing, storage

    click.echo(listing.trials(storage.load_study(storage.open_storage(url), name), form))


@cli.command()
@click.argument("name")
@click.option(
    "--trial", type=click.IntRange(min=0), metavar="N", help="This one [default: the best]"
)
@click.option(
    "-o", "--output", type=options.FILE, help="[default: runs/NAME/best.toml or trial-N.toml]"
)
@options.storage
def export(name: str, trial: int | None, output: Path | None, url: str | None) -> None:
    """Write a trial as a config that anyone can run again.

    With it go the curve to expect and all that this depends on.
    """
    from search import export as exports
    from search import storage

    study = storage.load_study(storage.open_storage(url), name)
    if output is None:
        storage.check_name(name)  # another program may have named it otherwise
    path = output or exports.default_path(name, trial)
    exports.export(study, trial, path)
    click.echo(f"{path}\nTrain it again: {command_for(path)}")


@cli.command()
@click.argument("config")
@click.option("--seed", type=options.SEED, metavar="N", help="Instead of the config's")
@click.option("--epochs", type=click.IntRange(1, 1000), metavar="N", help="Instead of the config's")
@click.option(
    "--check",
    is_flag=True,
    help="Compare every epoch with the curve kept in the config; exit 1 on a difference",
)
@click.option(
    "--save", type=options.FILE, metavar="WEIGHTS", help="Keep the weights, as safetensors"
)
@click.option(
    "--threads",
    type=click.IntRange(1, 1024),
    metavar="N",
    help="Of this process [default: as the curve was made, else 1]",
)
@options.device("as the curve was made, else cpu")
def train(config: str, check: bool, save: Path | None, **changes: int | str | None) -> None:
    """Train a config, and show each epoch.

    CONFIG is a TOML file, or the name of a config that comes along: an experiment that `drilldown
    compare` shows, or a winner (under-10k).
    """
    from mnist_core import record
    from search import experiments, retrain

    wanted = retrain.Changes(**changes)  # type: ignore[arg-type]
    kept = record.load(experiments.config_path(config))
    trained = retrain.retrain(kept, wanted, check, save, click.echo)
    for line in trained.remarks():
        click.echo(line)
    if trained.differing:
        sys.exit(1)


@cli.command()
@click.argument("config")
@options.form("table", "json")
def count(config: str, form: str) -> None:
    """Layers, output shapes and parameters of a config.

    Nothing is trained. CONFIG is a TOML file, or the name of a config that comes along: an
    experiment that `drilldown compare` shows, or a winner (under-10k).
    """
    from mnist_core import record
    from search import experiments, tables

    click.echo(tables.layers(record.load(experiments.config_path(config)).config, form))


@cli.command()
@click.argument("words", nargs=-1, metavar="[SEED]...")
@click.option(
    "--seeds",
    type=click.IntRange(0, 1000),
    default=0,
    metavar="N",
    help="Train what is missing to N seeds of each [default: none, only show]",
)
@click.option(
    "--epochs",
    type=click.IntRange(1, 1000),
    default=15,
    show_default=True,
    metavar="N",
    help="Train and compare the first so many of each",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 1024),
    default=2,
    show_default=True,
    metavar="N",
    help="Processes that train, of one thread each",
)
@options.device("cpu")
@click.option(
    "--results",
    type=options.FILE,
    metavar="FILE",
    help="Your own finished runs [default: runs/seeds/results.jsonl]",
)
@options.form("table", "json", "csv", "markdown")
@click.option(
    "-o", "--output", type=options.FILE, metavar="FILE", help="Where to [default: the terminal]"
)
def compare(
    words: tuple[str, ...],
    seeds: int,
    epochs: int,
    workers: int,
    device: str | None,
    results: Path | None,
    form: str,
    output: Path | None,
) -> None:
    """What others report of their experiments, and what ours come to.

    SEED is one of five write-ups (001), an experiment (001-code4) or the beginning of several
    (003-f1); without any, all fifty are compared. Runs that come with drilldown count, and your
    own. If a training fails, the exit code is 1.
    """
    from search import compare as comparing
    from search import comparison, experiments, page

    chosen, kept, failed = experiments.select(words), comparing.Results(results), 0
    for sentence in comparing.stale(chosen, kept.runs):
        click.echo(sentence, err=True)
    if seeds:
        with _resumable(None):
            from search import progress

            progress.start_log(quiet=False, verbose=False)
            wanted = comparing.jobs(chosen, seeds, epochs)
            failed = comparing.train_missing(wanted, kept, workers, device or "cpu")
    found = comparing.compare(chosen, kept.runs, epochs)
    if form == "markdown":
        text = page.page(found, page.command_for(words, epochs, results, output))
    else:
        text = comparison.listed(found, form)
    _put_out(text, output)
    if failed:
        click.echo(f"{failed} trainings failed; type the same to try them again.", err=True)
        sys.exit(1)


@cli.command()
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
    from search import dashboard as dashboards
    from search import progress, storage

    progress.start_log(quiet=False, verbose=True)
    dashboards.serve(storage.open_storage(url), name, host, port, click.echo)


def main() -> None:
    """The `drilldown` command: a user's error is one line and exit code 2."""
    try:
        sys.exit(cli(standalone_mode=False))
    except click.UsageError as error:
        where = f" (see: {error.ctx.command_path} --help)" if error.ctx else ""
        _fail(f"{error.format_message()}{where}")
    except (click.ClickException, UserError) as error:
        _fail(str(error))
    except (KeyboardInterrupt, click.Abort):
        sys.exit(128 + signal.SIGINT)
    except Exception as error:
        from search.storage import explained

        reason = explained(error)
        if reason is None:
            raise
        _fail(reason)


def _fail(message: str) -> None:
    click.echo(f"Error: {' '.join(message.split())}", err=True)
    sys.exit(2)


def _put_out(text: str, output: Path | None) -> None:
    if output is None:
        click.echo(text)
        return
    from mnist_core.files import write_whole

    write_whole(output, f"{text}\n".encode())
    click.echo(output)


@contextmanager
def _resumable(url: str | None) -> Iterator[None]:
    """SIGTERM unwinds as Ctrl-C does, and after either a person is told how to go on.

    This is for the time in which no study runs yet, or no more; a running one sees to both itself.
    """
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        click.echo(f"Interrupted. Go on with: {_typed(url)}")
        raise


def _typed(url: str | None) -> str:
    """The command that this process was started with, the password of its storage left out."""
    words = sys.argv[1:]
    if url:
        from search.storage import shown

        words = [word.replace(url, shown(url)) for word in words]
    return f"{program()} {shlex.join(words)}"
