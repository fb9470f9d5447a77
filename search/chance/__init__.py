"""Statistics without input or output: what is more than chance.

`noise` says whether two results of one recipe differ, `leads` whether one training is ahead of
another, `importance` which dimensions of a study mattered.
"""
