"""What every package may use and what depends on nothing: registry, search spaces, checks of arguments, signals."""
