"""A campaign of breaking: kills, signals, restarts, full disks, damaged files and senseless input, with counts."""
