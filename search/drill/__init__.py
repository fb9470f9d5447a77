"""Studies in stages, each around the winners of the one before.

`spec` is a drill's TOML, `run` goes through its stages, `result` is what has come of them.
"""
