"""Launchers: start ``harness.worker`` beyond this machine, by Slurm or on a Ray cluster.

The queue is the study's database, so a launcher only has to keep workers going. Every worker claims runs, gives
heartbeats and resumes what a dead one left; that is the same code on one machine and on many.
"""
