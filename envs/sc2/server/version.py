"""Which game the stand-in says it is: version 4.10, for which SMAC and SMACv2 were made."""

GAME_VERSION = "4.10.0.75689"
BASE_BUILD = DATA_BUILD = 75689
DATA_VERSION = "B89B5D6FA7CBF6452E721311BFBC6CB2"
"""Source: buildinfo/versions.json of Blizzard's s2client-proto; ``pysc2`` asks for the data by this hash."""
