"""Exit when the parent process exits, however it died.

Linux can signal a process at the death of its parent (PR_SET_PDEATHSIG), but means the *thread* that started it, so
a game started from a thread that ends would die in play. A look at the parent's id every quarter of a second is right
on every Unix, and sees a parent killed by ``kill -9`` as well.
"""

from __future__ import annotations

import os
import threading
import time

INTERVAL = 0.25
ORPHANED = 0
"""Exit code: nobody is left to read it, and the game did nothing wrong."""


def end_with_parent(parent: int) -> threading.Thread:
    """Watch the parent from now on.

    Args:
        parent: its process id, as the launcher saw it; when another process is the parent now, it is dead already.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(INTERVAL)
        os._exit(ORPHANED)  # at once, whatever the other threads are at

    thread = threading.Thread(target=watch, name="parent-watch", daemon=True)
    thread.start()
    return thread
