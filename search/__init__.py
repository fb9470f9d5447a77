"""The search, in rooms. Each may import those on the floors below it:

cli                           parse, call, print
report                        what a person reads
drill                         studies in stages
confirm | launch | compare    a config again; one study's run; others' experiments beside ours
study                         Optuna: storage, spec, samplers, pruners, trials
text | workers | chance       how things are written; where trainings run; what is chance
"""
