"""The README's table of dimensions: `python tests/readme.py` writes it anew, from what
`spaces/catalogue.py` says of each."""

from pathlib import Path

from search.drill.spaces import STAGE, Offer, find
from search.report.dimensions import can_be, idle_where, meaning
from search.text.markdown import table
from spaces import SPACES
from spaces.around import ALL_WIDTHS
from spaces.catalogue import WIDTH_NAMES

README = Path(__file__).parents[1] / "README.md"
BEGIN, END = "<!-- dimensions: python tests/readme.py -->\n", "<!-- /dimensions -->\n"


def dimensions() -> str:
    """Markdown: every dimension that there is, under the goal that is the default."""
    stage, *spaces = [find(name, (), None)[0] for name in (STAGE, "open", "classic")]
    assert {offer.name for offer in spaces} == SPACES.keys()
    names = [name for name in stage.whole if name not in WIDTH_NAMES[1:]]
    lines = [_line(name, stage, spaces) for name in names]
    heads = ["dimension", "can be", "in", "idle where", "meaning"]
    return table(heads, lines, left=heads) + "\n"


def _line(name: str, stage: Offer, spaces: list[Offer]) -> list[str]:
    having = [offer for offer in spaces if name in offer.whole]
    kind = having[0].whole[name] if having else stage.whole[name]
    said = [can_be(name, kind)]
    said += [
        f"{each.name}: {can_be(name, each.whole[name])}"
        for each in having
        if each.whole[name] != kind
    ]
    where = [offer.name for offer in having] + ["stages"]
    label = f"`{name}`"
    if name in WIDTH_NAMES:
        label = f"`{name}` to `{WIDTH_NAMES[-1]}`; in stages `{ALL_WIDTHS}`"
    return [label, "; ".join(said), ", ".join(where), idle_where(name, stage), meaning(name)]


def written(text: str) -> str:
    """The README with the table as it should be."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{dimensions()}\n{END}{after}"


if __name__ == "__main__":
    README.write_text(written(README.read_text()))
