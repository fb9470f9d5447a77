"""What a study may vary: from Optuna's parameters to a config that fits the goal's budget."""

from spaces import classic, free
from spaces.space import Frame, Space, SpaceError

__all__ = ["SPACES", "Frame", "Space", "SpaceError"]

SPACES = {"classic": classic.make, "open": free.make}
"""Name in a study's TOML -> maker of the space."""
