"""The log in the hands of a command that holds the state, while no agent runs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from agent.clock import Clock
from agent.evidence.begin import open_log
from agent.evidence.log_journal import AlsoWrite, write_nothing
from agent.state import evidence
from agent.state.store import Store
from config.settings import Settings
from exporters.evidence.entries import Entries
from exporters.evidence.files import Files
from exporters.evidence.signer import Signer
from exporters.evidence.writer import EvidenceLog


class Alone:
    """What ``Upkeep`` needs of a log, without a step beside it."""

    def __init__(self, event_log: EvidenceLog) -> None:
        self._log = event_log

    @property
    def directory(self) -> Path:
        return self._log.directory

    @property
    def files(self) -> Files:
        return self._log.files

    def note(self, entries: Entries, store: Store, now_us: int, also: AlsoWrite = write_nothing) -> None:
        """Append entries, and record them in a transaction that ``also`` writes to."""
        self._log.append(entries, now_us)
        synced = self._log.sync()
        with store.transaction() as connection:
            evidence.put(connection, evidence.RECORDED, str(synced))
            also(connection)
        self._log.recorded()

    def erase(self, entries: Mapping[str, Collection[int]]) -> None:
        """Erase payloads for good, by shard."""
        self._log.erase(entries)


@contextmanager
def opened_alone(settings: Settings, store: Store, clock: Clock, successor: Signer | None = None) -> Iterator[Alone]:
    """Open the log, and sign what was added to it at the end.

    Args:
        successor: of the key, while it is exchanged: both sign.

    Raises:
        EvidenceError, StateError: as ``open_log``.
    """
    event_log, _ = open_log(settings, store, clock, successor)
    try:
        yield Alone(event_log)
        signed = event_log.publish(clock.now_us())
        if signed is not None:
            with store.transaction() as connection:
                evidence.put_signed(connection, signed)
    finally:
        event_log.close()
