"""The rooms of the house, the floors they stand on, and the arrows between them, from the imports.

`python tests/rooms.py` prints them. A room is a folder of modules; `mnist_core` and `spaces` are
one each, with what lies in them.
"""

from collections.abc import Mapping

import grimp

HOUSES = ("mnist_core", "spaces", "search")
WHOLE = {"mnist_core", "spaces"}

Rooms = dict[str, set[str]]
"""Room -> the rooms that it imports."""


def rooms() -> Rooms:
    graph = grimp.build_graph(*HOUSES, cache_dir=None)
    found: Rooms = {}
    for module in graph.modules:
        if module in HOUSES and module not in WHOLE:
            continue  # the corridor, which holds nothing
        imported = {_room(other) for other in graph.find_modules_directly_imported_by(module)}
        found.setdefault(_room(module), set()).update(imported)
    return {room: others - {room} for room, others in sorted(found.items())}


def floors(of: Mapping[str, set[str]]) -> dict[str, int]:
    """Room -> its floor, from 1: one above the highest of those it imports.

    Raises ValueError where rooms import each other in a circle.
    """
    found: dict[str, int] = {}
    while len(found) < len(of):
        ready = {room for room in of if room not in found and of[room] <= found.keys()}
        if not ready:
            raise ValueError(f"a circle among {sorted(of.keys() - found.keys())}")
        found |= {room: 1 + max((found[other] for other in of[room]), default=0) for room in ready}
    return found


def _room(module: str) -> str:
    house, *inside = module.split(".")
    return house if house in WHOLE else f"{house}.{inside[0]}"


if __name__ == "__main__":
    seen = rooms()
    at = floors(seen)
    for room in sorted(seen, key=lambda room: (-at[room], room)):
        print(f"{at[room]}  {room:16} {' '.join(sorted(seen[room]))}")  # noqa: T201
    arrows = sum(map(len, seen.values()))
    print(f"{len(seen)} rooms, {max(at.values())} floors, {arrows} arrows")  # noqa: T201
