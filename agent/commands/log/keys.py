"""The keys that open sealed payloads, where the agent's state is here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from agent.commands.log.common import load_settings
from agent.state.beside import open_beside
from agent.state.evidence import key_of_id
from agent.state.store import DATABASE
from exporters.evidence.seal import FindKey


@contextmanager
def people_keys(settings: Path | None) -> Iterator[FindKey]:
    """The keys of the persons whom payloads speak of, in the state that the settings name; none without settings."""
    with kept_keys(settings) as find_key:
        yield find_key or (lambda key_id: None)


@contextmanager
def kept_keys(settings: Path | None) -> Iterator[FindKey | None]:
    """The same; ``None`` where no state is here that could hold any."""
    database = None if settings is None else load_settings(settings).state.directory / DATABASE
    if database is None or not database.is_file():
        yield None
        return
    with closing(open_beside(database, "ro")) as connection:
        yield lambda key_id: key_of_id(connection, key_id)
