"""Speed and memory of learning: updates, whole runs, several runs at once, other people's learners beside ours."""
