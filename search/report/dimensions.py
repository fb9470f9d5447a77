"""What `space` prints: each dimension, what it can be, and what a study makes of it."""

from collections.abc import Iterator, Sequence
from typing import Any

from search.drill.spaces import STAGE, Offer
from search.text.console import records, table, width, wrapped
from search.text.wording import digits, listed, not_whole, plain
from spaces import SPACES
from spaces.around import ALL_WIDTHS
from spaces.catalogue import CATALOGUE, WIDTH_NAMES
from spaces.dimensions import Choice, Dimension, Whole

FIELDS = [
    "of",
    "dimension",
    "kind",
    "values",
    "whole",
    "log",
    "unit",
    "meaning",
    "idle_where",
    "state",
    "here",
]
_STATES = {"study": "idle", "stage": "as it was", "space": ""}
"""Of a dimension that neither varies nor is fixed."""
_WIDTHS = f"{WIDTH_NAMES[0]} to {WIDTH_NAMES[-1]}"
_ROOM = 120  # columns from which a table has room for sentences
_FULL = 100  # of a paragraph that no terminal limits
_SIGNS = "`a to b` is a range, `a or b` are choices; log: its logarithm is what is drawn evenly."


def told(offers: Sequence[Offer], form: str) -> str:
    """The dimensions of each offer. form: `table`, `json` or `csv`, of which the last two have
    ranges and choices as lists."""
    if form != "table":
        return records(
            [_record(each, name) for each in offers for name in each.whole], FIELDS, form
        )
    room = width() or _FULL
    first = offers[0]  # of a drill's stages all have its data
    reduced = "".join(f"{wrapped(line, room, '  ')}\n" for line in not_whole(first.data))
    pages = "\n\n".join(_page(offer, room) for offer in offers)
    return f"{reduced}{pages}\n\n{wrapped(f'{_SIGNS} {_advice(first)}', room)}"


def can_be(name: str, kind: Dimension) -> str:
    """`0.02 to 1 (log)`, `50 to 2,000 (updates, log)`, `relu or silu`."""
    unit = CATALOGUE[name].unit if name in CATALOGUE else ""  # which a stage's `base` is not in
    if isinstance(kind, Choice):
        said, remarks = listed([plain(each) for each in kind.choices], "or"), [unit]
    else:
        said = f"{digits(kind.low)} to {digits(kind.high)}"
        remarks = [unit, "whole" * isinstance(kind, Whole), "log" * kind.log]
    remark = ", ".join(filter(None, remarks))
    return f"{said} ({remark})" if remark else said


def idle_where(name: str, offer: Offer) -> str:
    """The choices of another dimension that leave nothing to do for this one, of those that the
    offer has; nothing where there are none."""
    if name not in offer.switches:
        return ""
    other, needed = offer.switches[name]
    there = offer.left.get(other)
    choices = there.choices if isinstance(there, Choice) else ()
    idle = [str(each) for each in choices if each not in needed]
    return f"{other} is {listed(idle, 'or')}" if idle else ""


def _state(name: str, offer: Offer) -> str:
    if name in offer.fixed:
        return "fixed"
    if name not in offer.left:
        return _STATES[offer.kind]
    return "varies" if offer.left[name] == offer.whole[name] else "narrowed"


def _record(offer: Offer, name: str) -> dict[str, Any]:
    kind, here = offer.whole[name], offer.left.get(name)
    return {
        "of": offer.name,
        "dimension": name,
        "kind": "choices" if isinstance(kind, Choice) else "range",
        "values": _values(kind),
        "whole": isinstance(kind, Whole),
        "log": not isinstance(kind, Choice) and kind.log,
        "unit": CATALOGUE[name].unit,
        "meaning": CATALOGUE[name].meaning,
        "idle_where": idle_where(name, offer),
        "state": _state(name, offer),
        "here": offer.fixed.get(name) if here is None else _values(here),
    }


def _values(kind: Dimension) -> list[Any]:
    return list(kind.choices) if isinstance(kind, Choice) else [kind.low, kind.high]


def _page(offer: Offer, room: int) -> str:
    """One table; where the terminal is narrow the meanings stand below it."""
    names = dict(_shown(offer))
    heads = ["dimension", "can be"] + ["here"] * (offer.kind != "space") + ["idle where"]
    lines = [
        [label, can_be(name, offer.whole[name])]
        + [_here(name, offer)] * (offer.kind != "space")
        + [idle_where(name, offer)]
        for label, name in names.items()
    ]
    if not any(line[-1] for line in lines):
        heads, lines = heads[:-1], [line[:-1] for line in lines]
    meanings = {label: meaning(name) for label, name in names.items()}
    below = [wrapped(f"{label}: {said}", room, "  ") for label, said in meanings.items()]
    if (width() or _ROOM) >= _ROOM:
        heads, below = [*heads, "meaning"], []
        lines = [[*line, meanings[line[0]]] for line in lines]
    title = f"{offer.name}: {offer.goal}" if offer.kind != "space" else offer.name
    shown = table(title, heads, lines, left=heads)
    return "\n".join([shown, *([""] if below else []), *below, *_rest(offer, room)])


def _shown(offer: Offer) -> Iterator[tuple[str, str]]:
    """(label, dimension) of each line; all widths share one where they are all the same."""
    named = [n for n in offer.whole if offer.kind != "stage" or n in offer.left or n in offer.fixed]
    widths = [name for name in named if name in WIDTH_NAMES]
    alike = len({_here(name, offer) for name in widths}) == 1
    for name in named:
        if name not in widths or not alike:
            yield name, name
        elif name == widths[0]:
            yield _WIDTHS if offer.kind == "study" or offer.name in SPACES else ALL_WIDTHS, name


def _here(name: str, offer: Offer) -> str:
    state = _state(name, offer)
    if state == "fixed":
        return f"fixed: {plain(offer.fixed[name])}"
    if state == "narrowed":
        return can_be(name, offer.left[name]).partition(" (")[0]
    other = offer.switches.get(name, ("",))[0]
    why = state == "idle" and other in offer.fixed
    return f"idle: {other} is {plain(offer.fixed[other])}" if why else state


def meaning(name: str) -> str:
    """Of the first width what holds for all."""
    said = CATALOGUE[name].meaning
    return said.replace("convolution 1", "each convolution") if name == WIDTH_NAMES[0] else said


def _rest(offer: Offer, room: int) -> list[str]:
    """What a stage leaves alone."""
    others = [n for n in offer.whole if n not in offer.left and n not in offer.fixed]
    if offer.kind != "stage" or not others:
        return []
    named = dict.fromkeys(ALL_WIDTHS if name in WIDTH_NAMES else name for name in others)
    said = f"As they are in the configs that the stage starts from: {', '.join(named)}"
    return [wrapped(said, room, "  ")]


def _advice(offer: Offer) -> str:
    """How a file says it."""
    table = "stage" if offer.kind == "stage" or offer.name == STAGE else "space"
    examples = {"batch_size": "[32, 128]", "schedule": '["linear", "step"]'}
    choices = [f"{name} = {given}" for name, given in examples.items() if name in offer.whole]
    either = f", and {choices[0]} one or the other" if choices else ""
    return (
        f"In a file, [{table}.vary] lr = [0.05, 0.2] is a range, from the lowest to the highest"
        f"{either}; [{table}.fix] dropout = 0.0 holds one."
    )
