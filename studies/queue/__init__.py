"""The queue of work: rows that processes claim, who owns them, and whether that process still lives."""
