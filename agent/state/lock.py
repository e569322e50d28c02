"""One process per state directory."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import IO

from config.errors import StateError, StateLocked

LOCK = "lock"


def hold(directory: Path) -> IO[str]:
    """Hold the directory's lock file; the system lets go of it when the process ends, however it ends.

    Raises:
        StateLocked: another process holds it.
        StateError: the directory cannot be made or written.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        handle = (directory / LOCK).open("a+")
    except OSError as error:
        raise StateError(f"{directory}: {error.strerror}. The agent needs a directory that it may write") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        handle.seek(0)
        holder = handle.read().strip()
        handle.close()
        raise StateLocked(
            f"{directory}: process {holder or 'unknown'} has it open. "
            "One agent per state directory: stop it, or choose another"
        ) from error
    with suppress(OSError):  # on a full disk the lock holds all the same, it only does not say whose it is
        os.truncate(handle.fileno(), 0)
        os.write(handle.fileno(), str(os.getpid()).encode())
    return handle
