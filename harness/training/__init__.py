"""One run, from its first battle to its stored result: training, its checkpoints, the final evaluation."""
