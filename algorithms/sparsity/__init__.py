"""How weights are masked: thresholds (Kalei), 2:4 patterns (K24), diversity between unit types."""
