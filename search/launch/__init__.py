"""One study's run: its owner, which asks, dispatches, prunes and tells.

`run.launch` starts or resumes a study, `progress` shows it to a person and `events` to a program,
`failures` says why it came to nothing.
`finalists` are the trials that are confirmed on fresh seeds, `unsealed` what of them that takes,
and `fresh` says how they stand.
Behind the door: `confirming`, `importance`, `owner`, `running`, `terminal`, `until_confirmed`.
"""
