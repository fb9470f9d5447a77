"""One training: its config and goal, MNIST, the nets, the one loop and its two engines.

It knows nothing of studies. `train.train` is the way in; `native/` is known to this room alone.
"""
