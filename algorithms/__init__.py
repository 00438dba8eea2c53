"""Learners: of this project they see ``envs.spec`` only.

``registry.py`` lists and makes them; ``controls/`` holds what a reviewer would compare with; ``pymarl.py`` and
``presets.py`` bring settings; ``names.py`` tells where the names of PyMARL, Kaleidoscope and K24 are found here.
"""
