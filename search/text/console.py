"""Tables as text, and the one of a config's layers: neither Optuna nor torch is loaded for it."""

import json
import sys
import textwrap
from collections.abc import Collection, Mapping, Sequence
from typing import Any, TextIO

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from mnist_core.config import Config

_WIDE = 1000  # columns where the output is no terminal: a line of a table stays one line
_GAP = 2  # between columns
_TIED = "\N{NO-BREAK SPACE}"
_SENTENCE = 24  # characters that a cell of several words gets before a column is left out for it


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a person watches it, whatever FORCE_COLOR says: a log must get no cursor codes."""
    return stream is not None and stream.isatty()


class Grid:
    """A table for rich, numbers to the right. Words are never broken, numbers least of all: where
    there is no room for a table of them, a line holds one cell.

    left: heads of columns that are no numbers, whatever they look like.
    """

    def __init__(
        self, heads: Sequence[str], lines: Sequence[Sequence[str]], left: Collection[str] = ()
    ) -> None:
        self._heads, self._lines, self._left = heads, lines, left

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        columns = [
            [head, *(line[number] for line in self._lines)]
            for number, head in enumerate(self._heads)
        ]
        widths = _widths(columns, options.max_width)
        yield self._table(columns, widths) if widths else self._list(options.max_width)

    def _table(self, columns: Sequence[Sequence[str]], widths: Sequence[int]) -> Table:
        grid = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0))
        for (head, *cells), width in zip(columns, widths, strict=True):
            digits = all(cell in ("", "-") or cell.strip("<>+- ")[:1].isdigit() for cell in cells)
            right = digits and head not in self._left
            grid.add_column(Text(head), justify="right" if right else "left", width=width)
        for line in self._lines:
            grid.add_row(*map(Text, line))
        return grid

    def _list(self, width: int) -> Text:
        """The cells of a line one below the other, each with its head, but for empty ones."""
        blocks = [
            "\n".join(
                wrapped(f"{head}: {cell}", width, "  ")
                for head, cell in zip(self._heads, line, strict=True)
                if cell
            )
            for line in self._lines
        ]
        # A word that is longer than a line is left to the terminal, which copies it as one.
        return Text("\n\n".join(blocks), no_wrap=True, overflow="ignore")


def wrapped(text: str, width: int, indent: str = "") -> str:
    """The text in lines of at most so many characters, but that a word (a name, a path, an option)
    is never broken, nor a percent sign parted from its number. indent: of all lines but the
    first."""
    filled = textwrap.fill(
        text.replace(" %", f"{_TIED}%"),
        width,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return filled.replace(_TIED, " ")


def _widths(columns: Sequence[Sequence[str]], width: int) -> list[int] | None:
    """Characters that each column gets: as many as it would take, or what its longest word takes
    and an equal share of the rest. None where the words alone take more than `width`."""
    most = [max(map(cell_len, cells)) for cells in columns]
    least = [
        max(cell_len(word) for cell in cells for word in ["", *cell.split()]) for cells in columns
    ]
    spare = width - sum(least) - _GAP * (len(columns) - 1)
    if spare < 0:
        return None
    widths = list(least)
    wishes = sorted(range(len(columns)), key=lambda column: most[column] - least[column])
    for before, column in enumerate(wishes):
        more = min(most[column] - least[column], spare // (len(columns) - before))
        widths[column] += more
        spare -= more
    return widths


def width() -> int | None:
    """Columns of the terminal; None where standard output is none, and a line may be any length."""
    return Console().width if is_terminal(sys.stdout) else None


def table(
    title: str, heads: Sequence[str], lines: Sequence[Sequence[str]], left: Collection[str] = ()
) -> str:
    """A table that fits the terminal, where standard output is one. left: see `Grid`."""
    terminal = is_terminal(sys.stdout)
    console = Console(
        highlight=False,
        markup=False,
        emoji=False,
        width=None if terminal else _WIDE,
        force_terminal=terminal,
    )
    with console.capture() as capture:
        if title:
            console.print(title, style="bold", soft_wrap=True)
        console.print(Grid(heads, lines, left), crop=False)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def folded(
    heads: Sequence[str], lines: Sequence[Sequence[str]], ranks: Sequence[int]
) -> tuple[list[str], list[list[str]], list[str]]:
    """(heads, lines, heads left out) of as many columns as the terminal has room for.

    ranks: of the columns; the highest go first, of equals the last. Those of rank 0 never go.
    """
    room = width()
    kept = list(range(len(heads)))
    wanted = [
        max(_wanted(cell) for cell in [head, *(line[place] for line in lines)])
        for place, head in enumerate(heads)
    ]
    while room is not None and sum(wanted[place] + _GAP for place in kept) - _GAP > room:
        least = max(kept, key=lambda place: (ranks[place], place))
        if not ranks[least]:
            break
        kept.remove(least)
    dropped = [head for place, head in enumerate(heads) if place not in kept]
    rows = [[line[place] for place in kept] for line in lines]
    return [heads[place] for place in kept], rows, dropped


def left_out(heads: Sequence[str]) -> list[str]:
    """What to say of columns that a terminal has no room for; nothing of none."""
    said = f"Not shown, for want of room: {', '.join(heads)}"
    return [wrapped(said, width() or _WIDE, "  ")] if heads else []


def _wanted(cell: str) -> int:
    """Characters that a cell wants beside others: a sentence takes several lines."""
    return max(min(cell_len(cell), _SENTENCE), *map(cell_len, cell.split()), 0)


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
