"""Looks after a connection that raises nothing: silent brokers, a silent group, missing topics, partitions that are new
or that nobody leads, a stolen name."""

from __future__ import annotations

import time

from kafka import errors
from kafka.structs import TopicPartition

from agent.kafka import trouble as troubles
from agent.kafka.connection import Connection
from agent.kafka.membership import Membership
from agent.source import Trouble
from config.settings.source import KafkaSource as KafkaSettings

LOOK_SECONDS = 1.0
ASK_AFTER_SECONDS = 5.0
SILENT_AFTER_SECONDS = 10.0
TRY_SECONDS = 15.0
REJOIN_SECONDS = 15.0
JOIN_SECONDS = 30.0
"""How long a join may take beside the session time-out, for which the coordinator waits for a dead member."""
LEADERLESS_SECONDS = 30.0
"""How long a partition may be without a leader; elections take seconds."""


class Watch:
    """Looks at most once a second, and remembers what it saw in between."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._looked_at = float("-inf")
        self._rejoined_at = float("-inf")
        self._tried_at = float("-inf")
        self._leaderless_since: dict[TopicPartition, float] = {}
        self._unreachable: Trouble | None = None
        self._trouble: Trouble | None = None

    def look(self, connection: Connection, membership: Membership) -> Trouble | None:
        """What keeps this connection from reading, if anything.

        Raises:
            FencedInstanceIdError: another process goes by our name.
            KafkaTimeoutError: no broker has answered for ``rebuild_after_seconds``.
        """
        now = time.monotonic()
        if now - self._looked_at < LOOK_SECONDS:
            return self._trouble
        if connection.probe.fenced():
            raise errors.FencedInstanceIdError()
        if self.worn_out(connection):
            raise errors.KafkaTimeoutError("no broker has answered for too long")
        self._trouble = (
            self._silence(connection, now)
            or self._group(connection, membership, now)
            or self._topics(connection, membership, now)
            or self._leaders(connection, membership, now)
        )
        self._looked_at = time.monotonic()
        return self._trouble

    def worn_out(self, connection: Connection) -> bool:
        """Whether the addresses that the client learned may be stale: it never asks the first ones again (KIP-899)."""
        return time.monotonic() - connection.contact_at() > self._settings.rebuild_after_seconds

    def _silence(self, connection: Connection, now: float) -> Trouble | None:
        silent = now - connection.contact_at()
        if silent > ASK_AFTER_SECONDS:  # a member that waits in a join hears nothing from a healthy broker
            connection.probe.refresh_metadata()
        if silent <= SILENT_AFTER_SECONDS:
            self._unreachable = None
        elif self._unreachable is None or now - self._tried_at > TRY_SECONDS:
            self._unreachable = troubles.unreachable(self._settings)  # may take seconds
            self._tried_at = time.monotonic()
        return self._unreachable

    def _group(self, connection: Connection, membership: Membership, now: float) -> Trouble | None:
        """A join that is not answered, or a coordinator that does not come back: nothing we read could be written."""
        heard_at = max(connection.opened_at, membership.joined_at or 0.0, connection.probe.heartbeat_at())
        if now - heard_at <= JOIN_SECONDS + self._settings.session_timeout_seconds:
            return None
        return troubles.silent_group(self._settings)

    def _topics(self, connection: Connection, membership: Membership, now: float) -> Trouble | None:
        hidden = sorted(connection.probe.unauthorised())
        if hidden:
            return troubles.unauthorised_topics(hidden)
        counts = connection.probe.partition_counts(self._settings.topics)
        missing = [topic for topic, count in counts.items() if not count]
        if (
            membership.owned
            and sum(counts.values()) > len(membership.owned)
            and now - self._rejoined_at > REJOIN_SECONDS
        ):
            self._rejoined_at = now  # the leader sees new partitions too, unless it restarted as a static member
            connection.assignor.saw(counts)
            connection.probe.rejoin()
        if not missing:
            return None
        connection.probe.refresh_metadata()
        return troubles.missing_topics(missing, self._settings)

    def _leaders(self, connection: Connection, membership: Membership, now: float) -> Trouble | None:
        """Such a partition is neither read nor known to stand at its end: windows wait for it."""
        leaderless = connection.probe.leaderless(membership.owned)
        self._leaderless_since = {part: self._leaderless_since.get(part, now) for part in leaderless}
        lasting = [part for part, since in self._leaderless_since.items() if now - since > LEADERLESS_SECONDS]
        if leaderless:
            connection.probe.refresh_metadata()
        return troubles.no_leader(lasting) if lasting else None
