"""Command line: parsers, settings typed as NAME=VALUE, progress, errors."""
