"""The built-in battle engine: state in, state out; no I/O; every random draw has an owner."""
