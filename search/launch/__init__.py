"""One study's run: its owner, which asks, dispatches, prunes and tells.

`run.launch` starts or resumes a study, `progress` shows it to a person and `events` to a program,
`failures` says why it came to nothing.
Behind the door: `importance`, `owner`, `running`, `terminal`.
"""
