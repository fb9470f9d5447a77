"""The command that writes reports."""

from pathlib import Path

import click

from search.cli import complete, options


@click.command()
@click.argument("name", shell_complete=complete.runs)
@click.option(
    "-o",
    "--output",
    type=options.FILE,
    metavar="FILE.html",
    help="- is standard output, for the page alone [default: runs/NAME/report.html, of a drill "
    "runs/NAME/drill.html]",
)
@options.storage
def report(name: str, output: Path | None, url: str | None) -> None:
    """Write the report of a study or a drill, as far as it has come.

    NAME is one that has been run; nothing is trained. The report is one page of HTML that needs
    nothing else, and beside it the same in Markdown, with its figures: the best trials' curves,
    accuracy against parameters, what mattered, what was stopped and what failed, how to train the
    best again.
    """
    from search.report import reports
    from search.study import storage

    page = reports.write(storage.open_storage(url, read_only=True), name, output, url)
    for path in reports.files(page):
        click.echo(path)
