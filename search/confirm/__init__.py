"""Whether a config comes to what it promises.

`retrain` trains a config file on its own seed, and says whether its curve is the one that an export
has kept; `fresh` trains configs on seeds that no search has seen, and `race` does so until the
referee has a word for each.
Behind the door: `check`.
"""
