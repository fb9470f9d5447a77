"""Tables as text, and the one of a config's layers: neither Optuna nor torch is loaded for it."""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from mnist_core.config import Config

_WIDE = 1000  # columns where the output is no terminal: a line of a table stays one line


def table(
    title: str, heads: Sequence[str], lines: Sequence[Sequence[str]], left: Collection[str] = ()
) -> str:
    """A table that fits the terminal, where standard output is one; numbers to the right.

    left: heads of columns that are no numbers, whatever they look like.
    """
    width = None if Console().is_terminal else _WIDE
    console = Console(highlight=False, markup=False, emoji=False, width=width)
    grid = Table(box=None, pad_edge=False)
    for number, head in enumerate(heads):
        cells = [line[number] for line in lines]
        digits = all(not cell or cell.strip("<+- ")[:1].isdigit() for cell in cells)
        numeric = digits and head not in left
        grid.add_column(head, justify="right" if numeric else "left", overflow="fold")
    for line in lines:
        grid.add_row(*line)
    with console.capture() as capture:
        if title:
            console.print(title, style="bold", soft_wrap=True)
        console.print(grid)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def records(rows: Sequence[Mapping[str, Any]], fields: Sequence[str], form: str) -> str:
    """The fields of each row as `json` or `csv`, for programs: every number in full precision."""
    import pandas as pd  # takes half a second, which a table for people need not wait for

    # As objects: beside a None, whole numbers would become floats.
    frame = pd.DataFrame(rows, columns=list(fields), dtype=object)
    if form == "csv":
        text: str = frame.to_csv(index=False, lineterminator="\n")
        return text.removesuffix("\n")
    # pandas' own JSON rounds to 15 digits, of which a float may need 17.
    return json.dumps(frame.to_dict("records"), indent=2)


def layers(config: Config, form: str) -> str:
    """Layers, output shapes and parameters; as `json` the parameters are in all under `params`."""
    rows = config.trace()
    if form == "json":
        listed = [{"layer": str(r.layer), "shape": list(r.shape), "params": r.params} for r in rows]
        return json.dumps({"params": config.params, "layers": listed}, indent=2)
    lines = [[str(r.layer), "x".join(map(str, r.shape)), f"{r.params:,}"] for r in rows]
    total = ["total", "", f"{config.params:,}"]
    return table("", ["layer", "output", "parameters"], [*lines, total])
