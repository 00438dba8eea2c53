"""Which game the stand-in says it is: version 4.10, for which SMAC and SMACv2 were made."""

from typing import Any

GAME_VERSION = "4.10.0.75689"
BASE_BUILD = DATA_BUILD = 75689
DATA_VERSION = "B89B5D6FA7CBF6452E721311BFBC6CB2"
"""Source: buildinfo/versions.json of Blizzard's s2client-proto; ``pysc2`` asks for the data by this hash."""
FIELDS: dict[str, Any] = dict(
    game_version=GAME_VERSION, data_version=DATA_VERSION, data_build=DATA_BUILD, base_build=BASE_BUILD
)
"""The same as fields of responses."""
