"""The search, in rooms. Each may import those on the floors below it:

cli                           parse, call, print
report                        what a person reads
drill                         studies in stages
launch | compare              one study's run; others' experiments beside ours
study | confirm               Optuna: storage, spec, samplers, pruners, trials; a config again
text | workers | chance       how things are written; where trainings run; what is chance
"""
