"""Lock files: one process at a time, told apart by its number."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import IO


class Held(Exception):
    """Another process holds the lock.

    Attributes:
        holder: its number, or ``unknown``.
    """

    def __init__(self, holder: str) -> None:
        super().__init__(holder)
        self.holder = holder


def hold(path: Path) -> IO[str]:
    """Hold a lock file until the result is closed; the system lets go of it when the process ends, however it ends.

    Raises:
        Held: another process has it.
        OSError: the file cannot be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = path.open("a+")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        handle.seek(0)
        holder = handle.read().strip()
        handle.close()
        raise Held(holder or "unknown") from error
    with suppress(OSError):  # on a full disk the lock holds all the same, it only does not say whose it is
        os.truncate(handle.fileno(), 0)
        os.write(handle.fileno(), str(os.getpid()).encode())
    return handle
