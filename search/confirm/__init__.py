"""Whether a config comes to what it promises.

`retrain` trains a config file again and says whether its curve is the one that was kept; `fresh`
trains configs on seeds that no search has seen.
Behind the door: `check`.
"""
