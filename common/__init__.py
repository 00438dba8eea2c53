"""What every package may use and what depends on nothing: the registry and its error texts."""
