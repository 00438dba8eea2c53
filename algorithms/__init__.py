"""Learners: of this project they see ``envs.spec`` only.

``registry.py`` lists and makes them; ``names.py`` tells where the names of PyMARL, Kaleidoscope and K24 are found here.
"""
