"""A report by the name of what it is of."""

from pathlib import Path

from mnist_core.outputs import passes_through
from mnist_core.paths import runs_dir
from search.drill import stored
from search.launch import finalists
from search.report import drilled, studied
from search.report.page import FIGURES, figures_beside, markdown_beside
from search.study import folder, runs, storage
from search.study.runs import Run
from search.study.studies import Studies


def write(studies: Studies, name: str, output: Path | None, url: str | None) -> Path:
    """Write the report of the study or drill of this name; returns the page,
    `output` where it is given. url: of the storage, where it was given.

    Raises UserError where there is no such thing, drilldown never launched it, its folder is
    another's, or the report cannot be written.
    """
    run = runs.find(studies, name)
    if run.kind == "drill":
        result = stored.read(studies, run)
        if output is None:
            return drilled.write(result, _own(studies, run))
        return drilled.write_page(result, output, figures_beside(output), storage.option(url))
    study = run.studies[0]
    fresh = finalists.standings(studies, study)
    found = studied.StudyResult.of(study, studies.running(study), fresh)
    page = output or _own(studies, run) / studied.PAGE
    beside = figures_beside(page) if output else FIGURES
    return studied.write(found, page, beside, storage.option(url))


def files(page: Path) -> list[Path]:
    """What a written report is, for people to open: the page and its Markdown. None of one that
    went through a pipe or a device."""
    return [] if passes_through(page) else [page, markdown_beside(page)]


def _own(studies: Studies, run: Run) -> Path:
    """The folder of the study or drill itself."""
    # Another program may have named a study otherwise.
    storage.check_name(run.name, f"study {run.name!r} is no file's name; choose one with -o:")
    first = run.studies[0] if run.kind == "drill" else None
    folder.check(studies, run.name, run.kind, first)
    folder.claim(studies, run.name, run.kind, first)
    return runs_dir() / run.name
