"""What knows Optuna: asks, dispatches, prunes, tells, and shows what came of it."""
