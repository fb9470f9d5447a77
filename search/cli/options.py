"""What several commands of the command line can be told."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import click

from mnist_core.engine import Wanted

_Command = Callable[..., Any]

FILE = click.Path(path_type=Path)
SEED = click.IntRange(min=0)

seed = click.option("--seed", type=SEED, metavar="N", help="Everything random follows from it")
quiet = click.option("--quiet", is_flag=True, help="Warnings and the result only")
verbose = click.option("--verbose", is_flag=True, help="A line for every epoch, no live view")
log = click.option(
    "--log",
    type=click.Choice(["text", "jsonl"]),
    default="text",
    show_default=True,
    help="jsonl: for programs, each event (started, epoch, ended, over) as one line of JSON on "
    "standard output, and nothing else there; accuracies are percent, times seconds",
)
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


def workers(default: int | None = None) -> Callable[[_Command], _Command]:
    """Without a default it is the study's own number."""
    return click.option(
        "--workers",
        type=click.IntRange(1, 1024),
        default=default,
        show_default=default is not None,
        metavar="N",
        help="Processes that train, of one thread each",
    )


def device(default: str) -> Callable[[_Command], _Command]:
    return click.option(
        "--device",
        metavar="DEVICE",
        callback=_known_device,
        help=f"cpu, cuda or cuda:N [default: {default}]",
    )


def engine(default: str | None = None) -> Callable[[_Command], _Command]:
    """Without a default it is the study's own."""
    known = f" [default: {default}]" if default else ""
    return click.option(
        "--engine",
        type=click.Choice(get_args(Wanted)),
        help=f"What trains; auto is native where it can run the config, else torch{known}",
    )


def form(*choices: str) -> Callable[[_Command], _Command]:
    """The first is the default."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(choices),
        default=choices[0],
        show_default=True,
        help="For people or for programs",
    )


def _known_device(_ctx: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    if value is None or re.fullmatch(r"cpu|cuda(:[0-9]{1,4})?", value):
        return value
    raise click.BadParameter(f"{value[:60]!r} is not one of them: cpu, cuda or cuda:N.")
