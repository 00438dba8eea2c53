"""Launchers: start ``harness.worker`` beyond this machine, by Slurm or on a Ray cluster.

The queue is the study's database, so a launcher only has to keep workers going. Every worker claims runs, gives
heartbeats and resumes what a dead one left; that is the same code on one machine and on many.
"""

from harness.launchers.request import LOCAL, Workers, check_storage, parse_workers
from harness.launchers.start import launch

__all__ = ["LOCAL", "Workers", "check_storage", "launch", "parse_workers"]
