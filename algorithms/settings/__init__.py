"""Settings as PyMARL writes them, and the names that its users know."""
