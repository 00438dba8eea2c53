"""One run: its plan, training, evaluation, checkpoint and files."""
