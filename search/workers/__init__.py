"""Where trainings run: one loop that starts, feeds, watches and buries workers (`crew`), workers as
processes of this machine (`local`), and the ledger of trainings that are finished.

A worker trains one config at a time and decides nothing; a client of the crew says what is trained,
hears of each epoch and says whether to go on.
"""
