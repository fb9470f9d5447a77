"""One training: its config and goal, MNIST, the nets, the one loop and its two engines.

It knows nothing of studies. `train.Training` is the way in.
Behind the door: `augment`, `dropout`, `holdout`, `memory`, `native`, `native_engine`, `optim`,
`pace`, `streams`, `torch_engine`.
"""
