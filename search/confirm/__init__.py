"""Whether a config comes to what it promises.

`retrain` trains a config file on its own seed, and says whether its curve is the one that an export
has kept; `fresh` trains configs on seeds that no search has seen.
Behind the door: `check`.
"""
