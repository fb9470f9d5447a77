"""What a shell completes: the names of what there is, looked up without Optuna."""

import click
from click.shell_completion import CompletionItem


def runs(context: click.Context, _parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """Studies and drills that have been run, of the storage that the line says."""
    from search.study.names import known

    return _items(known(context.params.get("url")), begun)


def studies(
    context: click.Context, _parameter: click.Parameter, begun: str
) -> list[CompletionItem]:
    """What `launch` takes: packaged studies, files, and studies that have been run."""
    from mnist_core import packaged
    from search.study import names

    run = names.studies(names.known(context.params.get("url")))
    return [*_items([*packaged.names(packaged.STUDIES), *run], begun), *_files(begun)]


def drills(context: click.Context, _parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """What `drill` takes: packaged drills, files, and drills that have been run."""
    from mnist_core import packaged
    from search.study import names

    run = names.drills(names.known(context.params.get("url")))
    return [*_items([*packaged.names(packaged.DRILLS), *run], begun), *_files(begun)]


def spaces(context: click.Context, _parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """What `space` takes: spaces, and all that `launch` and `drill` take, stages too."""
    from mnist_core import packaged
    from search.study.names import known
    from spaces import SPACES

    packed = [*packaged.names(packaged.DRILLS), *packaged.names(packaged.STUDIES)]
    found = [*SPACES, "stage", *packed, *known(context.params.get("url"))]
    return [*_items(found, begun), *_files(begun)]


def starts(context: click.Context, parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """What `--start` takes: configs that come along, files, and studies that have been run."""
    from search.study import names

    run = names.studies(names.known(context.params.get("url")))
    return [*_items(run, begun), *configs(context, parameter, begun)]


COLUMNS = (
    "trial",
    "state",
    "score",
    "worst",
    "mean",
    "spread",
    "params",
    "epochs",
    "cost",
    "seed",
    "seconds",
    "network",
    "holds_goal",
    "reason",
    "test_acc",
)
"""Of `show`, but for the hyperparameters: `search.report.columns` has them, and loads Optuna."""


def columns(
    _context: click.Context, parameter: click.Parameter, begun: str
) -> list[CompletionItem]:
    """What `--sort` takes, and `--columns` after each comma."""
    from spaces.catalogue import CATALOGUE

    before, comma, last = begun.rpartition(",") if parameter.name == "columns" else ("", "", begun)
    words = ["all"] if parameter.name == "columns" and not comma else []
    names = [name for name in [*COLUMNS, *CATALOGUE, *words] if name.startswith(last)]
    return [CompletionItem(f"{before}{comma}{name}") for name in names]


def configs(
    _context: click.Context, _parameter: click.Parameter, begun: str
) -> list[CompletionItem]:
    """What `train` takes: configs that come along, and files."""
    from mnist_core import packaged

    known = [*packaged.names(packaged.SEEDS), *packaged.names(packaged.WINNERS)]
    return [*_items(known, begun), *_files(begun)]


def raced(context: click.Context, parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """What `confirm` takes: studies and drills that have been run, and what `train` takes."""
    return _once([*runs(context, parameter, begun), *configs(context, parameter, begun)])


def compared(
    context: click.Context, parameter: click.Parameter, begun: str
) -> list[CompletionItem]:
    """What `compare` takes: experiments, and studies that have been run."""
    from mnist_core import packaged

    return [*_items(packaged.names(packaged.SEEDS), begun), *runs(context, parameter, begun)]


def _items(names: list[str], begun: str) -> list[CompletionItem]:
    """Each once."""
    return [CompletionItem(name) for name in dict.fromkeys(names) if name.startswith(begun)]


def _once(items: list[CompletionItem]) -> list[CompletionItem]:
    return list({(item.value, item.type): item for item in items}.values())


def _files(begun: str) -> list[CompletionItem]:
    """Has the shell add the files there are."""
    return [CompletionItem(begun, type="file")]
