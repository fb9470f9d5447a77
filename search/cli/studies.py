"""Commands that run studies, and that show what came of them."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mnist_core.errors import UserError
from search.cli import complete, options
from search.cli.interrupts import resumable, typed
from search.text.commands import Command, command_for, program

if TYPE_CHECKING:
    from search.study.runs import Run
    from search.workers.protocol import Start


@click.command()
@click.argument("study", default="quick", shell_complete=complete.studies)
@click.option(
    "--trials",
    type=options.Whole(min=1),
    metavar="N",
    help="Finish so many in all in this launch, with those of earlier ones [default: the study's]",
)
@click.option(
    "--until-held/--no-until-held",
    default=None,
    help="Start no further trial once one holds the goal [default: the study's]",
)
@click.option(
    "--until-confirmed/--no-until-confirmed",
    default=None,
    help="Try the configs that promise most on fresh seeds meanwhile, as `drilldown confirm` does, "
    "and stop once one is confirmed [default: the study's]",
)
@options.limits(" [default: the study's timeout]", "trial")
@options.starts(
    "Try this config first, as one of the study's trials",
    ". It must lie in the study's space and be trained for as many epochs on as many images",
)
@options.settings(options.OF_STUDY, "; kept with the study")
@options.workers("the study's, else auto")
@options.engine("the study's, else auto")
@options.name("study")
@options.seed
@options.quiet
@options.verbose
@options.log("started", "epoch", "ended", "confirming", "judged", "over")
@options.device("cpu")
@options.storage
@click.pass_obj
def launch(
    start: "Start | None",
    /,
    study: str,
    starts: tuple[str, ...],
    settings: tuple[str, ...],
    minutes: float | None,
    name: str | None,
    url: str | None,
    device: str | None,
    quiet: bool,
    verbose: bool,
    log: str,
    **changes: Any,
) -> None:
    """Run a study, or resume it where it was stopped.

    STUDY is a name that `drilldown list` shows, or a TOML file that says the same things; one that
    has been run needs its file no more. Without it `quick` is run: about ten minutes on two cores.

    With --set goal.judge=holdout the test images stay unseen: training images of other writers,
    held out, judge in their place.

    What --set says is kept with the study, as are its seed and what it is to start with. The other
    options hold for this launch alone: resumed by its name, the study has its own trials, limits,
    workers and engine again.

    Exit codes: 0 where the launch ended by itself, 1 where no trial was trained to its end or each
    one of this launch failed, 2 for what was typed, and 128 and the signal's number (130 for
    Ctrl-C) where one stopped it.
    """
    tell = click.echo if log == "jsonl" else None
    with resumable(url, aside=tell is not None):
        from search.drill import kept as drills
        from search.launch import progress
        from search.launch import run as launches
        from search.report import launched
        from search.study import resume, spec, storage
        from search.study import starts as starting
        from search.workers import training

        changes["timeout"] = options.seconds(minutes, changes["timeout"])
        stem, plan, kept = resume.load(study, settings, url)
        seed = changes.pop("seed")
        own = {"seed": seed, "start": starts or None}
        kept_plan = spec.changed(plan, own, settings)
        plan = spec.changed(kept_plan, changes, settings)
        first = starting.planned(study, plan, bool(starts), url, drills.winner)
        console = progress.start_log(quiet or tell is not None, verbose)
        ended = launches.launch(
            storage.run_name(name, stem, study),
            plan,
            url,
            device or "cpu",
            console,
            start or training.start,
            tell,
            starts=first,
            settings=kept,
            own=kept_plan,
        )
    if tell is None:
        more = options.kept(device, url, seed)
        again = Command("launch", study, ended.study.name, kept, more)
        click.echo(launched.report(ended, typed(url), url, again))
    if ended.signal:
        sys.exit(128 + ended.signal)
    if ended.in_vain:
        sys.exit(1)


@click.command()
@click.argument("study", default="shallow", shell_complete=complete.drills)
@options.of_stages("--trials", field="trials", example="20")
@options.of_stages("--until-held/--no-until-held", field="until_held", example="true")
@options.refused(
    "--until-confirmed/--no-until-confirmed",
    why="a drill ends with its finalists on fresh seeds; for a word on each, once it is over: "
    "drilldown confirm NAME",
)
@options.limits("; the same command goes on [default: none]", "training")
@options.starts("Have the first stage start from this, instead of the drill's base")
@options.settings(options.OF_DRILL, "; kept with the drill")
@options.workers("the drill's, else auto")
@options.engine("the drill's, else auto")
@options.name("drill")
@options.seed
@options.quiet
@options.verbose
@options.log("started", "epoch", "ended", "over", "drilled")
@options.device("cpu")
@options.storage
@click.pass_obj
def drill(
    start: "Start | None",
    /,
    study: str,
    starts: tuple[str, ...],
    settings: tuple[str, ...],
    minutes: float | None,
    timeout: float | None,
    name: str | None,
    url: str | None,
    device: str | None,
    quiet: bool,
    verbose: bool,
    log: str,
    **changes: Any,
) -> None:
    """Go down in stages, each around the winners of the one before.

    STUDY is a packaged drill, `shallow` (about 15 minutes on two cores) or `deep` (a night), or a
    TOML file; one that has been run needs its file no more. It ends with the finalists trained on
    fresh seeds, and a report of Target, Result and Analysis: runs/NAME/drill.html and drill.md.
    What was done before is not done again. --set goal.judge=holdout is as of `launch`.

    What --set says is kept with the drill, as are its seed and what it starts from; the other
    options hold for this once.

    In a stage's `vary` a number has a range, lr = [0.05, 0.5], and what comes in steps has choices:
    batch_size = [32, 128] is one or the other, and so is schedule = ["linear", "step"];
    `drilldown space stage` lists them all.

    Exit codes: 0 where the drill or its time is over, 1 where a finalist's training on a fresh seed
    failed or a stage came to nothing, 2 for what was typed, and 128 and the signal's number (130
    for Ctrl-C) where one stopped it.
    """
    tell = click.echo if log == "jsonl" else None
    with resumable(url, aside=tell is not None):
        from search.drill import resume
        from search.drill import run as drills
        from search.drill import spec as drill_spec
        from search.launch import progress
        from search.report import drilled
        from search.report import summary as drill_summary
        from search.study import spec, storage
        from search.workers import training

        timeout = options.seconds(minutes, timeout)
        stem, plan, bases, kept = resume.load(study, settings, url)
        seed = changes.pop("seed")
        own = spec.changed(plan, {"seed": seed}, settings)
        if starts:
            own, bases = drill_spec.started(own, starts, settings, url)
        plan = spec.changed(own, changes, settings)
        console = progress.start_log(quiet or tell is not None, verbose)
        run = drills.Drill(
            storage.run_name(name, stem, study),
            plan,
            bases,
            url,
            device or "cpu",
            console,
            start or training.start,
            write=drilled.write,
            tell=tell,
            settings=kept,
            own=own,
            timeout=timeout,
        )
        ended = run.run()
    if tell is None:
        more = options.kept(device, url, seed, starts)
        again = Command("drill", study, ended.result.name, kept, more)
        click.echo(drill_summary.summary(ended, typed(url), url, again))
    if ended.signal:
        sys.exit(128 + ended.signal)
    if ended.result.failed:
        sys.exit(1)


@click.command("list")
@options.storage
def list_(url: str | None) -> None:
    """List the studies and drills there are, and what has been run."""
    from search.drill import spec as drill_spec
    from search.report import listing
    from search.study import spec

    click.echo(listing.studies(spec.come_along(), drill_spec.come_along(), url))


@click.command()
@click.argument("name", default="open", shell_complete=complete.spaces)
@options.settings(f"{options.OF_STUDY}, of a drill {options.OF_DRILL}")
@options.form("table", "json", "csv")
@options.storage
def space(name: str, settings: tuple[str, ...], form: str, url: str | None) -> None:
    """Show what can vary: bounds or choices, and what each means.

    NAME is a space (`open`, `classic`, or `stage`, all that a drill's stage can vary), or a study
    or drill, by its name or its TOML file, of which it is shown what is narrowed, fixed and idle;
    `shallow.2.regularisation` is one stage. Without it, `open`.
    """
    from search.drill import spaces
    from search.report import dimensions

    click.echo(dimensions.told(spaces.find(name, settings, url), form))


@click.command()
@click.argument("name", shell_complete=complete.runs)
@options.form("table", "json", "csv")
@click.option(
    "--columns",
    metavar="NAME,...",
    shell_complete=complete.columns,
    help="These alone, of all that JSON has, or `all` [default: as many as the terminal has room "
    "for]",
)
@click.option(
    "--sort",
    metavar="NAME",
    shell_complete=complete.columns,
    help="By this column; -NAME from the highest down [default: best first]",
)
@click.option("--reverse", is_flag=True, help="The other way round")
@click.option(
    "--trial",
    type=options.Whole(min=0),
    metavar="N",
    help="This one alone, all that is known of it, and how to train it again",
)
@options.storage
def show(
    name: str,
    form: str,
    columns: str | None,
    sort: str | None,
    reverse: bool,
    trial: int | None,
    url: str | None,
) -> None:
    """Show the trials of a study that has been run, best first.

    Of each trial its result, its net as the widths of its layers, and its hyperparameters: first
    those that vary; a dash where one does nothing. Accuracies are percent. `spread` is the highest
    less the lowest of the epochs that the goal is about, in points; `cost`, which --columns can
    name, is what the training took, in epochs of all 60,000 images.

    Of a drill: its stages, each with its best trial, and its finalists; --columns, --sort and
    --reverse ask one of its stages, by that one's name. What you have noted of it with `drilldown
    note` stands below.
    """
    from search.report import shown
    from search.report import trial as single
    from search.study import memo, runs, storage

    if trial is not None and (columns or sort or reverse):
        raise UserError("--trial shows one trial; leave --columns, --sort and --reverse away")
    studies = storage.open_storage(url, read_only=True)
    run = runs.find(studies, name)
    if trial is not None:
        if run.kind == "drill":
            stages = ", ".join(study.name for study in run.studies)
            raise UserError(f"--trial: {run.said} has none of its own; ask its stages: {stages}")
        (study,) = run.studies
        where = storage.option(url)
        click.echo(single.trial(study, trial, form, where, studies.running(study)))
        return
    if run.kind == "study":
        from search.launch import finalists
        from search.report import confirmed

        (study,) = run.studies
        where = f"{shlex.quote(name)}{storage.option(url)}"
        told = shown.trials(
            study,
            shown.View(form, columns, sort, reverse),
            f"{program()} show {where}",
            lambda: studies.running(study),
            f"{program()} {runs.resumed_by(study)}{storage.option(url)}",
        )
        click.echo(told)
        if form == "table":
            for line in confirmed.brief(finalists.standings(studies, study)):
                click.echo(line)
    else:
        from search.drill import kept as drills
        from search.report import kept

        _check_whole(run, storage.option(url), columns=columns, sort=sort, reverse=reverse)
        click.echo(kept.drill(drills.read(studies, run), form, storage.option(url)))
    noted = memo.of(run.studies[0])
    if noted and form == "table":
        click.echo(f"Note: {noted}")


def _check_whole(drill: "Run", where: str, **options: str | bool | None) -> None:
    """Raises UserError where `show` of a drill is given options that are for trials. where: see
    `search.study.storage.option`."""
    asked = [
        f"--{name}" if said is True else f"--{name} {shlex.quote(str(said))}"
        for name, said in options.items()
        if said not in (None, False)
    ]
    if asked:
        raise UserError(
            f"{drill.said} has stages; ask one: {program()} show "
            f"{shlex.quote(drill.studies[-1].name)} {' '.join(asked)}{where}"
        )


@click.command()
@click.argument("name", shell_complete=complete.runs)
@click.option(
    "--trial", type=options.Whole(min=0), metavar="N", help="This one [default: the best]"
)
@click.option(
    "-o",
    "--output",
    type=options.FILE,
    metavar="FILE",
    help="Where to; - is standard output [default: runs/NAME/best.toml or trial-N.toml]",
)
@options.storage
def export(name: str, trial: int | None, output: Path | None, url: str | None) -> None:
    """Write a trial as a config that anyone can run again.

    With it go the curve to expect and all that this depends on, and what `drilldown confirm` has
    found on fresh seeds: then the best is the one of which these say most. Of a drill it is the
    winner.
    """
    from mnist_core import outputs
    from search.drill import kept as drills
    from search.launch import finalists
    from search.report import confirmed
    from search.study import export as exports
    from search.study import folder, runs, storage

    studies = storage.open_storage(url, read_only=True)
    run = runs.find(studies, name)
    whose = (studies, name, run.kind, run.studies[0])
    if output is None:
        # Another program may have named it otherwise.
        storage.check_name(name, f"study {name!r} is no file's name; choose one with -o:")
        folder.check(*whose)
    path = output or exports.default_path(name, trial)
    said = ""
    if run.kind == "drill":
        drills.export(studies, run, trial, path)
    else:
        kept = finalists.write(studies, run.studies[0], trial, path, storage.option(url))
        said = confirmed.exported(kept)
    if output is None:
        folder.claim(*whose)
    if not outputs.passes_through(path):
        click.echo(f"{path}\nTrain it again: {command_for(path)}{said}")


@click.command()
@click.argument("name", required=False, shell_complete=complete.runs)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    metavar="ADDRESS",
    help="Where to serve; from another address others can look, and delete: there is no login",
)
@click.option(
    "--port",
    type=options.Whole(0, 65535),
    metavar="N",
    help="At which port [default: 8080, or the next free one]",
)
@options.storage
def dashboard(name: str | None, host: str, port: int | None, url: str | None) -> None:
    """Serve optuna-dashboard on the studies, until Ctrl-C.

    It prints the address to open in a browser: of the study NAME, of the last stage of the drill
    NAME, or without it of the list of all.
    """
    from search.launch import progress
    from search.study import dashboard as dashboards
    from search.study import runs, storage

    progress.start_log(quiet=False, verbose=True)
    studies = storage.open_storage(url)
    if name is not None:
        run = runs.find(studies, name)
        name = run.studies[-1].name
        if run.kind == "drill":
            stages = ", ".join(study.name for study in run.studies)
            click.echo(f"{run.said}: a page each stage ({stages}); this is the last one's:")
    dashboards.serve(studies, name, host, port, click.echo)
