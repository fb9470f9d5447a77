"""The room of Optuna: studies in their storage, and all that is read from and written to them.

A study's TOML, samplers and pruners, the storage and who owns it, the trials as rows, exports, and
what optuna-dashboard shows.
"""
