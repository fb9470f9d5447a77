"""One study's run: its owner, which asks, dispatches, prunes and tells.

`run.launch` starts or resumes a study, `progress` shows it to a person.
Behind the door: `owner`.
"""
