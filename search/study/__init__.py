"""The room of Optuna: studies in their storage, and all that is read from and written to them.

`storage` opens them, `studies` has them by name and `runs` by that of a study or a drill (`names`:
those alone, at once), a `study` hands out its `trials` as rows, a `session` asks and tells it;
`spec` is its TOML, `fingerprint` what it was launched with, from which `resume` goes on, `methods`
what may change, `export` and `note` what it leaves in its `folder`, `dashboard` shows it; `upkeep`
deletes, renames and copies it, `rescore` asks it another goal, and `memo` is what a person notes of
it.
Behind the door: `dimensions`, `enqueued`, `forecast`, `goal_pruner`, `identity`, `learning`,
`locks`, `optuna_options`, `ownership`, `pages`, `peers`, `pruners`, `readable`, `rows`,
`rung_pruner`, `samplers`, `summary`.
"""
