"""One process per state directory."""

from __future__ import annotations

from pathlib import Path
from typing import IO

from config.errors import StateError, StateLocked
from exporters import lock

LOCK = "lock"


def hold(directory: Path) -> IO[str]:
    """Hold the directory's lock file; the system lets go of it when the process ends, however it ends.

    Raises:
        StateLocked: another process holds it.
        StateError: the directory cannot be made or written.
    """
    try:
        return lock.hold(directory / LOCK)
    except lock.Held as error:
        raise StateLocked(
            f"{directory}: process {error.holder} has it open. "
            "One agent per state directory: stop it, or choose another"
        ) from error
    except OSError as error:
        raise StateError(f"{directory}: {error.strerror}. The agent needs a directory that it may write") from error
