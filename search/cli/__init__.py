"""The command line: parse, call, print; no logic.

Each command imports what it needs itself: Optuna takes a second to load, for which neither `--help`
nor a worker, whose process loads this file first, should wait.
Behind the door: `beside`, `complete`, `completion`, `configs`, `confirm`, `interrupts`, `options`,
`reports`, `streams`, `studies`, `upkeep`.
"""

import signal
import sys
from typing import TYPE_CHECKING

import click

from mnist_core.errors import UserError
from mnist_core.main_guard import check_main
from search.cli import completion, configs, confirm, reports, studies, upkeep
from search.cli.streams import forgiving

if TYPE_CHECKING:
    from search.workers.protocol import Start


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, invoke_without_command=True)
@click.version_option(package_name="drilldown", message="%(version)s")
@click.pass_context
def cli(context: click.Context) -> None:
    """Find a tiny network that reaches an MNIST goal consistently.

    Start with: drilldown launch. Each command says more with --help.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


for _command in (
    studies.launch,
    studies.drill,
    studies.list_,
    studies.space,
    studies.show,
    studies.export,
    confirm.confirm,
    reports.report,
    studies.dashboard,
    upkeep.delete,
    upkeep.rename,
    upkeep.copy,
    upkeep.rescore,
    upkeep.note,
    configs.train,
    configs.count,
    configs.compare,
    completion.completion,
):
    cli.add_command(_command)


def main(start: "Start | None" = None) -> None:
    """The `drilldown` command: a user's error is one line and exit code 2, and 1 where something
    else took away what was being worked on, or all of it failed.

    start: what a worker of `launch`, `drill` and `compare` begins with instead of real training.
    """
    check_main()
    with forgiving():
        _run(start)


def _run(start: "Start | None") -> None:
    try:
        sys.exit(cli(standalone_mode=False, obj=start))
    except click.UsageError as error:
        where = f" (see: {error.ctx.command_path} --help)" if error.ctx else ""
        _fail(f"{error.format_message()}{where}")
    except UserError as error:
        _fail(str(error), error.exit_code)
    except click.ClickException as error:
        _fail(str(error))
    except (KeyboardInterrupt, click.Abort):
        sys.exit(128 + signal.SIGINT)
    except Exception as error:
        from search.study.storage import explained

        reason = explained(error)
        if reason is None:
            raise
        _fail(reason)


def _fail(message: str, code: int = UserError.exit_code) -> None:
    click.echo(f"Error: {' '.join(message.split())}", err=True)
    sys.exit(code)
