"""The room of Optuna: studies in their storage, and all that is read from and written to them.

`storage` opens them, `studies` has them by name, a `study` hands out its `trials` as rows, a
`session` asks and tells it; `spec` is its TOML, `fingerprint` what it was launched with and keeps,
`methods` what may change, `export` and `note` what it leaves in its `folder`, `dashboard` shows it.
Behind the door: `dimensions`, `enqueued`, `goal_pruner`, `identity`, `locks`, `optuna_options`,
`ownership`, `pages`, `peers`, `pruners`, `samplers`.
"""
