"""Optuna's side of a study: what its dashboard shows of each run."""
