"""The command that says how a shell comes to complete drilldown's words."""

import click

from search.text.commands import program

_LINES = {
    "bash": ('eval "$(_DRILLDOWN_COMPLETE=bash_source {program})"', "~/.bashrc"),
    "zsh": ('eval "$(_DRILLDOWN_COMPLETE=zsh_source {program})"', "~/.zshrc"),
    "fish": (
        "_DRILLDOWN_COMPLETE=fish_source {program} | source",
        "~/.config/fish/config.fish",
    ),
}


@click.command()
@click.argument("shell", type=click.Choice(list(_LINES)), metavar="SHELL")
def completion(shell: str) -> None:
    """Print the line that has a shell complete drilldown's words.

    SHELL is bash, zsh or fish. The line goes into what that reads when it starts, as with:
    drilldown completion bash >> ~/.bashrc
    """
    line, file = _LINES[shell]
    click.echo(line.format(program=program()))
    click.echo(f"Add that line to {file}, and open a new shell.", err=True)
