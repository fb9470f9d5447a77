"""What a shell completes: the names of what there is, looked up without Optuna."""

import click
from click.shell_completion import CompletionItem


def runs(context: click.Context, _parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """Studies and drills that have been run, of the storage that the line says."""
    from search.study.names import known

    return _items(known(context.params.get("url")), begun)


def studies(context: click.Context, parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """What `launch` takes: packaged studies, files, and what has been run."""
    from mnist_core import packaged

    listed = _items(packaged.names(packaged.STUDIES), begun)
    return [*listed, *runs(context, parameter, begun), *_files(begun)]


def drills(context: click.Context, _parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """What `drill` takes: packaged drills, files, and drills that have been run."""
    from mnist_core import packaged
    from search.study.names import known

    found = known(context.params.get("url"))
    run = [name for name in found if any(each.startswith(f"{name}.") for each in found)]
    return [*_items([*packaged.names(packaged.DRILLS), *run], begun), *_files(begun)]


def spaces(context: click.Context, parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """What `space` takes: spaces, and all that `launch` and `drill` take."""
    from mnist_core import packaged
    from spaces import SPACES

    listed = _items([*SPACES, "stage", *packaged.names(packaged.DRILLS)], begun)
    return [*listed, *studies(context, parameter, begun)]


def configs(
    _context: click.Context, _parameter: click.Parameter, begun: str
) -> list[CompletionItem]:
    """What `train` takes: configs that come along, and files."""
    from mnist_core import packaged

    known = [*packaged.names(packaged.SEEDS), *packaged.names(packaged.WINNERS)]
    return [*_items(known, begun), *_files(begun)]


def compared(
    context: click.Context, parameter: click.Parameter, begun: str
) -> list[CompletionItem]:
    """What `compare` takes: experiments, and studies that have been run."""
    from mnist_core import packaged

    return [*_items(packaged.names(packaged.SEEDS), begun), *runs(context, parameter, begun)]


def _items(names: list[str], begun: str) -> list[CompletionItem]:
    return [CompletionItem(name) for name in names if name.startswith(begun)]


def _files(begun: str) -> list[CompletionItem]:
    """Has the shell add the files there are."""
    return [CompletionItem(begun, type="file")]
