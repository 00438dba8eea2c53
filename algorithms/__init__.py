"""Learners: of this project they see ``envs.spec`` only."""
