"""Who else may write to a file: what others can write must not be run."""

from __future__ import annotations

import os
import stat


def other_writers(status: os.stat_result) -> str:
    """Say who besides this user (and root) may write to a file or folder; empty where nobody may.

    A group that has this user's name and no other member counts as the user. Systems without user ids are not asked.
    """
    if not hasattr(os, "geteuid"):
        return ""
    if status.st_uid not in (os.geteuid(), 0):
        return f"user {status.st_uid}, who owns it"
    if status.st_mode & stat.S_IWOTH:
        return "every user"
    if status.st_mode & stat.S_IWGRP and not _is_own_group(status.st_gid):
        return f"everybody of group {status.st_gid}"
    return ""


_ROOT = 0
"""Number of root's group."""


def _is_own_group(group: int) -> bool:
    """Root's group, or one of this user's name without other members, as many systems give each user."""
    import grp
    import pwd

    if group == _ROOT:
        return True
    try:
        found, user = grp.getgrgid(group), pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # an id without a name
        return False
    return found.gr_name == user and set(found.gr_mem) <= {user}
