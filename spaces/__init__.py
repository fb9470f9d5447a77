"""What a study may vary: dimensions, and the way from a sample of them to a config that fits the
goal's budget, by construction.

`SPACES` are those that a study names; `around` makes the one of a drill's stage.
Behind the door: `budget`, `classic`, `differences`, `edit`.
"""

from spaces import classic, free
from spaces.space import Frame, Sample, Space, SpaceError

__all__ = ["SPACES", "Frame", "Sample", "Space", "SpaceError"]

SPACES = {"classic": classic.make, "open": free.make}
"""Name in a study's TOML -> maker of the space."""
