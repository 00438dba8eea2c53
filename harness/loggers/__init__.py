"""Loggers: follow a run while it trains, in a CSV file, TensorBoard, Weights & Biases or MLflow.

The study in the database stays the record of what was measured. A logger is a second, live view of the same numbers.
"""

from harness.loggers.registry import LoggedRun, Logger, check_loggers, register_logger
from harness.loggers.run_log import RunLog

__all__ = ["LoggedRun", "Logger", "RunLog", "check_loggers", "register_logger"]
