"""What every run stands on: budgets, plans, seeds, checkpoints, files, provenance and this process."""
