"""What kafka-python 3.0.12 knows but does not tell. Every use of its private names stands here, and tests hold it to them.

Written on its I/O thread by whole values, read on ours; nothing here waits.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from kafka import errors
from kafka.structs import MemberState, TopicPartition

from agent.kafka.oversized import BatchTooLarge, Located

METADATA_TRIES = 5
SHORTEST_WAIT_SECONDS = 0.05
NEVER = float("-inf")
NOBODY = -1


class Answer(NamedTuple):
    """What the last fetch response said of a partition.

    Attributes:
        offset: the position that was asked for.
        end: the high watermark, the offset of the next record to come.
        sent_at, received_at: on the monotonic clock, seconds.
    """

    offset: int
    end: int
    sent_at: float
    received_at: float


def raise_refusals(client: Any) -> None:
    """Let a refused login end what needed the connection, by raising it at the next one to the same broker.

    The client means to, but 3.0.12 takes a connection whose login failed for a good one, and would try a wrong password
    until its time is over. It also drops the broker's answer when the end of the connection comes in the same read, so
    that a connection closed during the login counts as a refusal.
    """
    get_connection = client._manager.get_connection
    refused: dict[Any, errors.KafkaError] = {}

    def raising(node_id: Any, *args: Any, **others: Any) -> Any:
        if node_id in refused:
            raise refused.pop(node_id)
        connection = get_connection(node_id, *args, **others)
        if "_sasl_authenticate" not in vars(connection):
            connection._sasl_authenticate = noting(node_id, connection._sasl_authenticate)
        return connection

    def noting(node_id: Any, login: Any) -> Any:
        async def noted(*args: Any) -> None:
            try:
                await login(*args)
            except (errors.SaslAuthenticationFailedError, errors.UnsupportedSaslMechanismError) as error:
                refused[node_id] = error
                raise
            except errors.KafkaConnectionError:
                refused[node_id] = errors.SaslAuthenticationFailedError("the connection was closed during the login")
                raise

        return noted

    client._manager.get_connection = raising


class Probe:
    """Watches one consumer from the inside.

    Attributes:
        answers: the last good fetch answer per partition; after a failed fetch all are of ``NEVER``.
        answered_at: when any fetch was last answered; ``-inf`` before.
        too_large: batches that could not be fetched, until they are passed over.
    """

    def __init__(self, consumer: Any) -> None:
        self._consumer = consumer
        self._coordinator = consumer._coordinator
        self._cluster = consumer._cluster
        self._fetcher = consumer._fetcher
        self.answers: dict[TopicPartition, Answer] = {}
        self.answered_at = float("-inf")
        self.too_large: dict[TopicPartition, Located] = {}
        self._cluster.config["allow_auto_create_topics"] = False  # the consumer's option does not get there
        self._on_response = self._fetcher._handle_fetch_response
        self._on_error = self._fetcher._handle_fetch_error
        self._fetcher._handle_fetch_response = self._fetch_answered
        self._fetcher._handle_fetch_error = self._fetch_failed
        self._time_to_next_poll = self._coordinator.time_to_next_poll
        self._coordinator.time_to_next_poll = self._wait_in_spite_of_heartbeats

    def position(self, partition: TopicPartition) -> int | None:
        """Offset of the next record, without asking anybody (``consumer.position`` may wait for the network)."""
        state = self._consumer._subscription.assignment.get(partition)
        return None if state is None or state.position is None else int(state.position.offset)

    def unpark(self) -> None:
        """Let the records go on that were fetched before their partition was paused and then resumed.

        3.0.12 gives them back only when no other partition's records are at hand, and takes those it has handed out to the
        last for being at hand: such partitions would neither be read nor fetched again.
        """
        at_hand = self._fetcher._next_partition_records
        if at_hand is not None and not at_hand:
            self._fetcher._next_partition_records = None

    def contact_at(self) -> float:
        """When a broker last answered anything: a fetch, a heartbeat or a metadata request."""
        refreshed = self._cluster._last_successful_refresh_ms / 1000
        return float(max(self.answered_at, self._coordinator.heartbeat.last_receive, refreshed))

    def heartbeat_at(self) -> float:
        """When the group's coordinator last took a heartbeat of ours; ``-inf`` before."""
        return float(self._coordinator.heartbeat.last_receive)

    def expelled(self) -> bool:
        """Whether the coordinator has said that we are not a member any more."""
        return bool(self._coordinator._generation.is_lost()) or self.fenced()

    def fenced(self) -> bool:
        """Whether another process took our instance id: heartbeats end while the group looks stable."""
        coordinator = self._coordinator
        stable = coordinator.state is MemberState.STABLE and not coordinator.rejoining
        return stable and not coordinator._heartbeat_enabled

    def partition_counts(self, topics: Iterable[str]) -> dict[str, int]:
        """Partitions per topic as the metadata has them; 0 for a topic that is not there."""
        return {topic: len(self._cluster.partitions_for_topic(topic) or ()) for topic in topics}

    def leaderless(self, partitions: Iterable[TopicPartition]) -> list[TopicPartition]:
        """Those of the partitions that no broker leads, as the metadata has it."""
        return sorted(part for part in partitions if self._cluster.leader_for_partition(part) == NOBODY)

    def await_topics(self, topics: Iterable[str], timeout_seconds: float) -> None:
        """Wait for metadata of the topics, before the first join: whoever leads it without would give out nothing.

        Metadata asked for while a request is under way gets lost in 3.0.12, so ask again; a topic that is really missing
        is not waited for.
        """
        deadline = time.monotonic() + timeout_seconds
        for _ in range(METADATA_TRIES):
            if all(self.partition_counts(topics).values()) or time.monotonic() > deadline:
                return
            refreshed = self._cluster.request_update()
            with contextlib.suppress(errors.KafkaError):  # also where a topic is missing
                wait_ms = max(0.0, deadline - time.monotonic()) * 1000
                self._consumer._net.run(self._consumer._manager.wait_for, refreshed, wait_ms)

    def topic_id(self, topic: str) -> str | None:
        """What the brokers call the topic among themselves: another one after it was deleted and made again. ``None`` where
        it is missing, or the brokers are older than that."""
        found = self._cluster.topic_id(topic)
        return None if found is None else str(found)

    def unauthorised(self) -> frozenset[str]:
        """Topics that we may not describe."""
        return frozenset(self._cluster.unauthorized_topics)

    def refresh_metadata(self) -> None:
        """Ask for metadata soon, without waiting for it."""
        self._cluster.request_update()

    def rejoin(self) -> None:
        """Join again at the next poll, to be given what has changed."""
        self._coordinator.request_rejoin()

    def _wait_in_spite_of_heartbeats(self) -> float:
        """A poll waits no longer than until the next heartbeat; while one is not answered, 3.0.12 takes the next for
        overdue, waits not at all and burns most of a core until the broker answers. Fetched records end a wait early."""
        return max(SHORTEST_WAIT_SECONDS, float(self._time_to_next_poll()))

    def _fetch_answered(self, node: Any, asked: Mapping[TopicPartition, int], sent_at: float, response: Any) -> None:
        now = time.monotonic()
        if not response.error_code:
            self.answered_at = now
            self._note(asked, _ends(response), bool(response.session_id), sent_at, now)
        self._on_response(node, asked, sent_at, response)

    def _note(
        self,
        asked: Mapping[TopicPartition, int],
        ends: Mapping[TopicPartition, int | None],
        incremental: bool,
        sent_at: float,
        now: float,
    ) -> None:
        """An incremental response leaves out partitions of which there is nothing new; their end is the one before."""
        answers = dict(self.answers)
        for part, offset in asked.items():
            before = answers.pop(part, None)
            end = ends.get(part, before.end if before is not None and incremental else None)
            if end is not None:
                answers[part] = Answer(offset, end, sent_at, now)
        self.answers = answers

    def _fetch_failed(self, node: Any, error: BaseException) -> None:
        """Nothing is confirmed any more. The ends stay: another broker's next response leaves out what has not changed."""
        self.answers = {part: last._replace(sent_at=NEVER, received_at=NEVER) for part, last in self.answers.items()}
        if isinstance(error, BatchTooLarge):
            self.too_large = {**self.too_large, error.located.partition: error.located}
        self._on_error(node, error)


def _ends(response: Any) -> dict[TopicPartition, int | None]:
    """High watermarks of the partitions in a response; ``None`` for one that carries an error."""
    return {
        TopicPartition(topic.topic, part.partition_index): part.high_watermark if part.error_code == 0 else None
        for topic in response.responses
        for part in topic.partitions
    }
