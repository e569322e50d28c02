"""The Kafka source: what the loop polls. See ``agent.source.Source`` for the contract."""

from __future__ import annotations

import time
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Literal

import structlog
from kafka import errors
from kafka.structs import OffsetAndMetadata, TopicPartition

from agent.kafka import oversized
from agent.kafka import trouble as troubles
from agent.kafka.connection import Connection
from agent.kafka.logs import quieten
from agent.kafka.membership import Membership
from agent.kafka.offsets import as_partition, ask_offsets
from agent.kafka.options import MEMORY_BYTES, batch_bytes, heartbeat_seconds
from agent.kafka.reading import Reading, as_fetched
from agent.kafka.watch import Watch
from agent.source import NO_IDS, Assignment, Committed, Gap, Partition, Poll, TopicIds, Trouble
from config.settings.source import KafkaSource as KafkaSettings

FIRST_RETRY_SECONDS = 1.0
LAST_RETRY_SECONDS = 5.0
COMMIT_SECONDS = 2.0
MAX_NOTE_BYTES = 4096
"""What a broker keeps of a commit's note (its ``offset.metadata.max.bytes``)."""

OnGap = Literal["earliest", "latest", "fail"]
Records = dict[TopicPartition, list[Any]]

_logger = structlog.get_logger("wachter.kafka")


class KafkaSource:
    """Reads the topics of the settings as the group's sole owner, or stands by.

    Args:
        on_gap: where to go on when a position is outside what the brokers hold.
        memory_bytes: of the whole process; what is fetched at once follows from it.

    Attributes:
        commit_failures: commits that did not succeed; each is tried again with the next.
    """

    def __init__(
        self, settings: KafkaSettings, *, on_gap: OnGap = "earliest", memory_bytes: int = MEMORY_BYTES
    ) -> None:
        quieten()
        oversized.install(batch_bytes(memory_bytes))
        self.commit_failures = 0
        self._settings = settings
        self._memory_bytes = memory_bytes
        self._on_gap = on_gap
        self._membership = Membership()
        self._lease_seconds = settings.session_timeout_seconds - heartbeat_seconds(settings)
        self._connection: Connection | None = None
        self._reading: Reading | None = None
        self._watch = Watch(settings)
        self._epoch = 0
        self._failures = 0
        self._retry_at = 0.0
        self._trouble: Trouble | None = None  # why we wait until retry_at
        self._stopped: Trouble | None = None  # why partitions of this assignment stand still
        self._closed = False

    def poll(self, timeout_seconds: float) -> Poll:
        """Fetch what is there. Whatever Kafka does ends here, as ``Poll.trouble``."""
        if self._closed:
            return Poll(self._epoch, finished=True)
        wait = self._retry_at - time.monotonic()
        if wait > 0:
            time.sleep(min(wait, timeout_seconds))
            return Poll(self._epoch, trouble=self._trouble)
        try:
            return self._poll(timeout_seconds)
        except Exception as error:  # the client leaks struct, codec and attribute errors on what it did not expect
            return self._failed(error)

    def begin(self, positions: Mapping[Partition, int], topic_ids: TopicIds = NO_IDS) -> None:
        """Fetch from these offsets on; a partition without one begins at its ``Assignment.starts``."""
        if self._reading is not None:
            self._reading.begin(positions, topic_ids)

    def hold(self, partitions: AbstractSet[Partition]) -> None:
        """Pause exactly these partitions; the next assignment forgets it."""
        if self._reading is not None:
            self._reading.hold(partitions)

    def still_owner(self, epoch: int) -> bool:
        """Whether nobody else can own the partitions: same epoch, still a member by the coordinator's last word, and
        that word younger than the session time-out less one heartbeat. A process that was frozen finds it too old."""
        connection, joined_at = self._connection, self._membership.joined_at
        if connection is None or joined_at is None or epoch != self._membership.epoch or not self._membership.owned:
            return False
        heard_at = max(joined_at, connection.probe.heartbeat_at())
        return time.monotonic() - heard_at < self._lease_seconds and not connection.probe.expelled()

    def commit(self, offsets: Mapping[Partition, Committed]) -> bool:
        """Commit next offsets with their notes, within ``COMMIT_SECONDS``. Failing is normal life: positions come from
        the state, and the next commit carries more."""
        commits = {TopicPartition(*part): OffsetAndMetadata(at.offset, at.note, -1) for part, at in offsets.items()}
        longest = max((len(at.note.encode()) for at in offsets.values()), default=0)
        if longest > MAX_NOTE_BYTES:
            return self._not_committed(f"a note of {longest} bytes is over the {MAX_NOTE_BYTES} that a broker keeps")
        if self._connection is None:
            return self._not_committed("not connected")
        try:
            self._connection.consumer.commit(commits, timeout_ms=COMMIT_SECONDS * 1000)
        except (errors.KafkaError, OSError, RuntimeError) as error:
            return self._not_committed(f"{type(error).__name__}: {str(error)[:200]}")
        return True

    def close(self, deadline_seconds: float) -> None:
        """Leave the group and close all connections; safe twice and safe without a start."""
        self._closed = True
        self._drop(deadline_seconds)

    def _poll(self, timeout_seconds: float) -> Poll:
        connection = self._connect()
        records, gaps = self._fetch(connection, timeout_seconds)
        assignment = self._turn(connection)
        if assignment is not None or self._reading is None:
            return Poll(self._epoch, assignment, trouble=self._watch.look(connection, self._membership))
        records, anew = self._without_made_anew(connection, self._reading, records)
        self._failures = 0
        return Poll(
            self._epoch,
            fetched=(
                *(as_fetched(part, found) for part, found in records.items()),
                *self._reading.pass_over(except_for=records),
            ),
            caught_up=self._reading.caught_up(),
            lag=self._reading.lag(),
            gaps=(*gaps, *anew),
            trouble=self._stopped or self._watch.look(connection, self._membership),
            topic_ids=self._reading.topic_ids,
        )

    def _without_made_anew(
        self, connection: Connection, reading: Reading, records: Records
    ) -> tuple[Records, tuple[Gap, ...]]:
        """Leave out what was read of topics that were deleted and made again: our offsets mean nothing there."""
        anew = reading.made_anew()
        if not anew:
            return records, ()
        wanted = {part: records[part][0].offset if part in records else at for part, at in anew.items()}
        return {part: found for part, found in records.items() if part not in anew}, self._bridge(
            connection, wanted, {}
        )

    def _connect(self) -> Connection:
        if self._connection is None:
            self._connection = Connection(self._settings, self._membership, self._memory_bytes)
        return self._connection

    def _fetch(self, connection: Connection, timeout_seconds: float) -> tuple[Records, tuple[Gap, ...]]:
        connection.probe.unpark()
        try:
            return connection.consumer.poll(timeout_ms=timeout_seconds * 1000), ()
        except errors.OffsetOutOfRangeError as error:
            return {}, self._bridge(connection, dict(error.args[0]), {})
        except errors.LogTruncationError as error:
            cut = {part: at.offset for part, at in error.divergent_offsets.items() if at is not None}
            wanted = {part: connection.probe.position(part) or 0 for part in error.divergent_offsets}
            return {}, self._bridge(connection, wanted, cut)

    def _turn(self, connection: Connection) -> Assignment | None:
        """Announce a new ownership; what was fetched before it, in the same poll, is dropped and read again."""
        if self._membership.epoch == self._epoch and (self._reading is not None or not self._membership.owned):
            return None
        self._reading, self._stopped = None, None
        epoch, owned = self._membership.epoch, self._membership.owned
        connection.consumer.pause(*owned)
        assignment = ask_offsets(connection, owned, self._settings.start)
        if owned:
            self._reading = Reading(connection, assignment)
        self._epoch = epoch
        return assignment

    def _bridge(self, connection: Connection, wanted: Mapping[TopicPartition, int], cut: Mapping[Any, int]) -> Any:
        """Go on behind records that are gone, and say so; or stop, where the policy is to fail."""
        beginnings, ends = connection.beginnings(wanted), connection.ends(wanted)
        if self._reading is not None:
            self._reading.know_topics()
        if self._on_gap == "fail":
            part, offset = next(iter(wanted.items()))
            self._stopped = troubles.lost_position(str(as_partition(part)), offset, beginnings[part], ends[part])
            connection.consumer.pause(*wanted)
            return ()
        got = {**(beginnings if self._on_gap == "earliest" else ends), **cut}
        for part in wanted:
            if self._reading is not None:
                self._reading.move(part, got[part])
        return tuple(Gap(as_partition(part), offset, got[part]) for part, offset in wanted.items())

    def _failed(self, error: Exception) -> Poll:
        """Say what is wrong; unless time alone may heal it, drop the connection and build a new one after a while."""
        self._trouble = troubles.explain(error, self._settings)
        if self._connection is None or not getattr(error, "retriable", False) or self._watch.worn_out(self._connection):
            self._drop(COMMIT_SECONDS)
            pause = min(LAST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2.0 ** min(self._failures, 10))
            fenced = isinstance(error, errors.FencedInstanceIdError)
            self._retry_at = float("inf") if fenced else time.monotonic() + pause
            self._failures += 1
        return Poll(self._epoch, self._lost(), trouble=self._trouble)

    def _lost(self) -> Assignment | None:
        """The empty assignment, once, where the ownership went with the connection."""
        if self._membership.epoch == self._epoch or self._membership.owned:
            return None
        self._epoch = self._membership.epoch
        return Assignment(())

    def _drop(self, deadline_seconds: float) -> None:
        connection, self._connection, self._reading = self._connection, None, None
        self._membership.lost(self._membership.owned)
        if connection is None:
            return
        try:
            connection.close(deadline_seconds)
        except Exception as error:  # the client leaks others too, see poll; the connection is given up whatever it was
            _logger.warning("kafka connection did not close in order", error=f"{type(error).__name__}: {error}")

    def _not_committed(self, why: str) -> bool:
        self.commit_failures += 1
        _logger.warning("offsets not committed, will be tried with the next", why=why)
        return False
