"""Whether a config comes to what it promises.

`retrain` trains a config file again, `check` says whether its curve is the one that was kept.
"""
