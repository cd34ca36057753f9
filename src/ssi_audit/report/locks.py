"""A lock that the system drops when its holder ends, however it ends, and one between threads."""

from __future__ import annotations

import sys
import threading

# Held where Jupyter's objects are made: the first one of a class turns names of classes into classes, and two threads
# that do so at once fail (traitlets, `_resolve_classes`).
MAKING = threading.RLock()


def try_lock(descriptor: int) -> bool:
    """Lock an open file for as long as it stays open; False when another process or file handle holds it."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
