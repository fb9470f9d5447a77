"""Where trainings run: local processes, and the ledger of those that are finished.

A worker trains one config at a time and decides nothing; whoever gives it a job hears of each epoch
and says whether to go on.
"""
