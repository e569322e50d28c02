"""Connections to the state of an agent from outside its loop."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Literal

WAIT_SECONDS = 5.0
"""As long as another's transaction may take."""


def open_beside(database: Path, mode: Literal["ro", "rw"]) -> sqlite3.Connection:
    """A connection to a database that is there; none is made.

    Raises:
        sqlite3.OperationalError: it is not there, or cannot be opened.
    """
    return sqlite3.connect(f"{database.absolute().as_uri()}?mode={mode}", uri=True, timeout=WAIT_SECONDS)
