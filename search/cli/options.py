"""What several commands of the command line can be told."""

import math
import re
import shlex
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, get_args

import click

from mnist_core.engine import Wanted
from mnist_core.errors import UserError
from search.cli import complete

_Command = Callable[..., Any]


class Above0(click.ParamType[float]):
    """A number above 0."""

    name = "number"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        number = math.nan
        with suppress(ValueError):
            number = float(value)
        if not 0 < number < math.inf:
            self.fail(f"must be a number above 0, not {str(value)[:60]!r}", param, ctx)
        return number


class Whole(click.IntRange):
    """A whole number within bounds, refused in one sentence, whatever is wrong with it."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            number: int = super().convert(value, param, ctx)
            return number
        except click.BadParameter:
            least, most = self.min, self.max
            bounds = f"of at least {least}" if most is None else f"from {least} to {most:,}"
            self.fail(f"must be a whole number {bounds}, not {str(value)[:60]!r}", param, ctx)


FILE = click.Path(path_type=Path)
SEED = Whole(min=0)

seed = click.option(
    "--seed", type=SEED, metavar="N", help="Everything random follows from it [default: the file's]"
)
quiet = click.option("--quiet", is_flag=True, help="Warnings and the result only")
verbose = click.option("--verbose", is_flag=True, help="A line for every epoch, no live view")
storage = click.option(
    "--storage",
    "url",
    metavar="URL",
    help="Database of the studies [default: DRILLDOWN_STORAGE, else an SQLite file beside the "
    "runs]. Put one with a password into DRILLDOWN_STORAGE, which no process list shows.",
)


def name(of: str) -> Callable[[_Command], _Command]:
    return click.option(
        "--name",
        metavar="NAME",
        help=f"Name of the run [default: the {of}'s]; a known one is resumed",
    )


def workers(default: str) -> Callable[[_Command], _Command]:
    return click.option(
        "--workers",
        callback=_number_or_auto,
        metavar="N|auto",
        help="Processes that train, of one thread each; auto is one for each core, and two on a "
        f"GPU [default: {default}]",
    )


def log(*events: str) -> Callable[[_Command], _Command]:
    """events: that the command tells of."""
    return click.option(
        "--log",
        type=click.Choice(["text", "jsonl"]),
        default="text",
        show_default=True,
        help=f"jsonl: for programs, each event ({', '.join(events)}) as one line of JSON on "
        "standard output, and nothing else there; the fields stand in the README, Events",
    )


OF_STUDY, OF_DRILL = "'space.vary.lr=[0.1,0.4]'", "'stage.optimizer.vary.lr=[0.1,0.4]'"
"""Fields that `--set` can be told of, as they are typed."""


def settings(example: str, kept: str = "") -> Callable[[_Command], _Command]:
    """example: of a field that the command's files have, but for the goal. kept: for how long it
    holds, if not for this command."""
    return click.option(
        "--set",
        "settings",
        multiple=True,
        metavar="KEY=VALUE",
        callback=_readable,
        help="A field of the file, instead of what it says there (TOML; quoted, as shells change "
        f"brackets and blanks): goal.params=8000 or {example}; may be said several times{kept}",
    )


def seconds(minutes: float | None, timeout: float | None) -> float | None:
    """What `--minutes` or `--timeout` says. Raises UsageError where both do."""
    if minutes is None:
        return timeout
    if timeout is not None:
        raise click.UsageError(
            "--minutes and --timeout say the same; keep one of the two",
            click.get_current_context(),
        )
    return 60 * minutes


def limits(default: str, what: str) -> Callable[[_Command], _Command]:
    """`--minutes` and `--timeout`; see `seconds`. what: starts no further once they are over."""

    def added(command: _Command) -> _Command:
        in_minutes = click.option(
            "--minutes",
            type=Above0(),
            metavar="N",
            help=f"Start no further {what} after so many minutes{default}",
        )
        in_seconds = click.option(
            "--timeout", type=Above0(), metavar="SECONDS", help="The same in seconds"
        )
        return in_minutes(in_seconds(command))

    return added


def starts(what: str, more: str = "") -> Callable[[_Command], _Command]:
    """`--start`. what: is done with the config. more: what it has to be besides."""
    return click.option(
        "--start",
        "starts",
        multiple=True,
        metavar="CONFIG",
        shell_complete=complete.starts,
        help=f"{what}: a file, an experiment or winner that comes along, or a study or drill, "
        f"whose best it is{more}; may be said several times",
    )


def of_stages(*names: str, field: str, example: str) -> Callable[[_Command], _Command]:
    """An option of `launch` that a drill has not: it says where its stages have it, as a field."""
    return refused(
        *names,
        why=f"each stage of a drill has its own: {field} = {example} in its [[stage]], or --set "
        f"stage.NAME.{field}={example}",
    )


def refused(*names: str, why: str) -> Callable[[_Command], _Command]:
    """An option that another command has, and this one has not."""

    def refuse(_ctx: click.Context, option: click.Parameter, value: Any) -> None:
        if value is not None:
            raise UserError(f"{option.opts[0]}: {why}")

    return click.option(
        *names, hidden=True, expose_value=False, default=None, callback=refuse, help=f"Not: {why}"
    )


def kept(
    device: str | None, url: str | None, seed: int | None = None, starts: Sequence[str] = ()
) -> str:
    """The options, quoted, that a further run of the same wants too."""
    from search.study import storage

    said = [f"--device {device}"] * bool(device) + [f"--seed {seed}"] * (seed is not None)
    said += [f"--start {shlex.quote(word)}" for word in starts]
    return "".join(f" {each}" for each in said) + storage.option(url)


def device(default: str) -> Callable[[_Command], _Command]:
    return click.option(
        "--device",
        metavar="DEVICE",
        callback=_known_device,
        help=f"Where to train: cpu, cuda or cuda:N [default: {default}]",
    )


def engine(default: str) -> Callable[[_Command], _Command]:
    return click.option(
        "--engine",
        type=click.Choice(get_args(Wanted)),
        help=f"What trains; auto is native where it can run the config, else torch "
        f"[default: {default}]",
    )


def form(*choices: str) -> Callable[[_Command], _Command]:
    """The first is the default."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(choices),
        default=choices[0],
        show_default=True,
        help="For people (table) or for programs",
    )


def _number_or_auto(
    ctx: click.Context, option: click.Parameter, value: str | None
) -> int | str | None:
    if value is None or value == "auto":
        return value
    if re.fullmatch("-?[0-9]+", value):
        return Whole(1, 1024)(value, option, ctx)
    raise click.BadParameter(f"{value[:60]!r} must be a whole number or auto.")


def _readable(
    _ctx: click.Context, _option: click.Parameter, texts: tuple[str, ...]
) -> tuple[str, ...]:
    """Before what a shell has split off is taken for something else."""
    if texts:
        from search.study.settings import read

        for text in texts:
            read(text)
    return texts


def _known_device(_ctx: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    if value is None or re.fullmatch(r"cpu|cuda(:[0-9]{1,4})?", value):
        return value
    raise click.BadParameter(f"{value[:60]!r} is not one of them: cpu, cuda or cuda:N.")
