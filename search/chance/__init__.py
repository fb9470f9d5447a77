"""Statistics without input or output: what is more than chance.

`noise` says whether two results of one recipe differ (of nets far apart: noise as a share of the
error), `leads` whether one training is ahead of another (of nets alike: noise in points), `referee`
whether a config holds a goal, `promise` how likely it comes to be said so, `importance` which
dimensions of a study mattered.
"""
