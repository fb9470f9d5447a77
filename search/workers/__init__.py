"""Where trainings run: one loop that hands jobs to workers and passes on what they say (`crew`),
workers as processes of this machine, replaced when they die or hang (`local`), and trainings
outside any study with the ledger that keeps them (`ledger`).

A worker trains one config at a time and decides nothing; a client of the crew says what is trained,
hears of each epoch and says whether to go on.
"""
