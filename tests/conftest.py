"""Settings for all tests."""

import harness  # noqa: F401  says how OpenMP threads wait, which must happen before torch is loaded
import tests.no_waiting  # noqa: F401
