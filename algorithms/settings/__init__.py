"""Settings as PyMARL writes them, K24's presets, and the names that users of PyMARL know."""
