"""The journal over an evidence log; see ``journal.py`` for its order."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import structlog

from agent import crash
from agent.clock import Clock
from agent.evidence.collected import Collected
from agent.evidence.copies import Copies
from agent.evidence.journal import Journal, Signing
from agent.evidence.opening import Opening
from agent.evidence.people import People
from agent.evidence.recorder import StepRecorder
from agent.flow.contexts import Contexts
from agent.flow.incident_book import severities_of
from agent.flow.notes import LogMark
from agent.state import evidence
from agent.state.evidence import recorded_of
from agent.state.ledger import Ledger
from agent.state.store import Store
from config.errors import LogRolledBack, LogUnwritable
from config.settings import Settings
from exporters.evidence.entries import Entries
from exporters.evidence.files import Files
from exporters.evidence.heads import Signed
from exporters.evidence.recorded import Recorded
from exporters.snapshot import LogStatus

AlsoWrite = Callable[[sqlite3.Connection], None]
ENTRIES = "log_entries"
"""Counter of entries that were recorded."""

SOON_SECONDS = 1.0
"""Between the checkpoints of a storm of incidents: each costs as much as thousands of events."""

log = structlog.get_logger(__name__)


def write_nothing(connection: sqlite3.Connection) -> None:
    """The ``AlsoWrite`` of entries that stand for themselves."""


class EventLog(Protocol):
    """What the journal needs of ``exporters.evidence.writer.EvidenceLog``; see there."""

    @property
    def name(self) -> str: ...

    @property
    def directory(self) -> Path: ...

    @property
    def files(self) -> Files: ...

    def append(self, entries: Entries, now_us: int) -> None: ...

    def sync(self) -> Recorded: ...

    def recorded(self) -> None: ...

    def cut_back(self, recorded: Recorded | None) -> None: ...

    def publish(self, now_us: int) -> Signed | None: ...

    def erase(self, entries: Mapping[str, Collection[int]]) -> None: ...

    def close(self) -> None: ...

    @property
    def bytes_on_disk(self) -> int: ...

    @property
    def last_signed(self) -> Signed | None: ...


class LogJournal(Journal):
    """Owned by the loop's thread.

    Attributes:
        unwritable: why the log cannot be written now; empty where it can.
        signed_us: when a checkpoint was last signed; ``None`` before the first one of this process.
    """

    def __init__(
        self,
        event_log: EventLog,
        store: Store,
        recorder: StepRecorder,
        opening: Opening,
        people: People,
        copies: Copies,
        clock: Clock,
        cadence_us: int,
    ) -> None:
        self.log = event_log
        self.copies = copies
        self.unwritable = ""
        self.signed_us: int | None = None
        self._recorder = recorder
        self._store = store
        self._connection = store.connection
        self._opening = opening
        self._people = people
        self._clock = clock
        self._cadence_seconds = cadence_us / 1e6
        self._published_at = float("-inf")
        self._is_urgent = False
        self._recorded = recorded_of(store.connection)
        self._synced: Recorded | None = None
        self._is_sound = True
        self._told = event_log.last_signed

    @property
    def recorder(self) -> StepRecorder:
        return self._recorder

    @property
    def directory(self) -> Path:
        """Of the log."""
        return self.log.directory

    @property
    def files(self) -> Files:
        """Where the log lies."""
        return self.log.files

    @property
    def mark(self) -> LogMark | None:
        return None if self._recorded is None else LogMark(self.log.name, *self._recorded)

    def compare(self, committed: Sequence[LogMark]) -> None:
        own = self._recorded or ("", 0)
        for mark in committed:
            if mark.name == self.log.name and (mark.shard, mark.size) > own:
                raise LogRolledBack(
                    f"log {mark.name}: {mark.size} entries of {mark.shard} were committed with the offsets, the state has "
                    f"recorded {own[1]} of {own[0] or 'nothing'}. State and log are older copies: bring back the newest "
                    "ones, or move both away to begin as a new member"
                )

    def use(self, settings: Settings, contexts: Contexts) -> None:
        self._recorder.severities = severities_of(settings)
        self._opening.use(settings, contexts)

    def keep(self, now_us: int) -> None:
        try:
            self._go_back()
            self._append(self._entries(now_us), now_us)
        except LogUnwritable as error:
            self._refused(error)
            raise

    def note(self, entries: Entries, store: Store, now_us: int, also: AlsoWrite = write_nothing) -> None:
        """Entries beside the steps, recorded in a transaction of their own. What a step has collected waits for its own.

        Args:
            also: writes with them, in the same transaction.

        Raises:
            LogUnwritable, StateError: nothing of it is kept.
        """
        try:
            self._go_back()
            self._append(entries, now_us)
        except LogUnwritable as error:
            self._refused(error)
            raise
        with store.transaction() as connection:
            evidence.put(connection, evidence.RECORDED, str(self._synced))
            also(connection)
        self._recorded, self._synced, self._is_sound = self._synced, None, True
        self._tend(self.log.recorded)

    def erase(self, entries: Mapping[str, Collection[int]]) -> None:
        """Erase payloads for good, by shard; behind the entry that says so.

        Raises:
            LogUnwritable: the disk did not take all of it; to be called again.
        """
        try:
            self._go_back()
            self._is_sound = False
            self.log.erase(entries)
        except LogUnwritable as error:
            self._refused(error)
            raise
        self._is_sound = True

    def write(self, ledger: Ledger) -> None:
        if self._synced is None:
            return
        ledger.count(ENTRIES, _grown(self._recorded, self._synced))
        evidence.put(self._connection, evidence.RECORDED, str(self._synced))
        self._people.write()
        self._opening.write()

    def kept(self) -> None:
        if self._synced is None:
            return
        self._recorded, self._synced, self._is_sound = self._synced, None, True
        self._people.begin()
        self._opening.written()
        self._tend(self.log.recorded)

    def publish(self, now_us: int, when: Signing = Signing.IN_TIME) -> None:
        now = self._clock.monotonic_seconds()
        self._is_urgent |= when is Signing.SOON
        pause = min(SOON_SECONDS, self._cadence_seconds) if self._is_urgent else self._cadence_seconds
        if when is not Signing.NOW and now - self._published_at < pause:
            return
        self._published_at, self._is_urgent = now, False
        crash.at("before_checkpoint")
        self._tend(lambda: self._publish(now_us))
        crash.at("after_checkpoint")

    def recover(self) -> None:
        self._synced = None
        self._people.begin()
        self._opening.forget()
        try:
            self._go_back()
        except LogUnwritable as error:
            self._refused(error)
            raise

    def status(self, ledger: Ledger) -> LogStatus:
        signed = self.log.last_signed
        return LogStatus(
            entries=ledger.value(ENTRIES),
            bytes=self.log.bytes_on_disk,
            signed_size=0 if signed is None else signed.size,
            signed_us=self.signed_us,
            unwritable=self.unwritable,
            copies_failed=self.copies.failed,
        )

    def close(self) -> None:
        self.copies.close()
        self.log.close()

    def _entries(self, now_us: int) -> Entries:
        collected = Collected()
        self._opening.tell(collected, self._recorder, now_us)
        collected.add_all(self._recorder.collect())
        return collected.entries()

    def _append(self, entries: Entries, now_us: int) -> None:
        if not len(entries):
            return
        self._is_sound = False
        crash.at("before_log_append")
        self.log.append(entries, now_us)
        crash.at("after_log_append")
        self._synced = self.log.sync()
        crash.at("after_log_sync")

    def _publish(self, now_us: int) -> None:
        if not self._is_sound:
            return
        self.log.publish(now_us)
        signed = self.log.last_signed  # perhaps of an earlier call, which failed behind its signing
        if signed is None or signed == self._told:
            return
        with self._store.transaction() as connection:
            evidence.put_signed(connection, signed)
        self.signed_us = now_us
        self.copies.send(signed)
        self._told = signed

    def _tend(self, work: Callable[[], None]) -> None:
        """What no step rests on. Where the disk refuses it, that is said, and the log is read anew before the next one."""
        try:
            work()
        except LogUnwritable as error:
            self._refused(error)

    def _go_back(self) -> None:
        if self._is_sound:
            return
        self.log.cut_back(recorded_of(self._connection))
        self._is_sound, self.unwritable = True, ""

    def _refused(self, error: LogUnwritable) -> None:
        self._is_sound = False
        self.unwritable = str(error)
        log.error("log_unwritable", error=str(error))


def _grown(before: Recorded | None, now: Recorded) -> int:
    """Entries between two recorded sizes; where a month began between them, those of the new one."""
    return now.size - (before.size if before is not None and before.shard == now.shard else 0)
