"""Speed: scripts that print medians with their spread; nothing here is a test."""

import harness  # noqa: F401  says how OpenMP threads wait, which must happen before torch is loaded
