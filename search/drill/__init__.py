"""Studies in stages, each around the winners of the one before.

`spec` is a drill's TOML, and `resume` goes on without it; `run` goes through its stages, `result`
is what has come of them, `kept` what others need of that, read back from the storage, and `stored`
all of it.
"""
