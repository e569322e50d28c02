"""Three Apache Kafka brokers that are one cluster, each its own controller too; any one may be killed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

from kafka.admin import NewTopic

from tests.parts.kafka import KafkaBroker, free_ports

NODES = 3


class Cluster:
    """As a context manager it starts on entry, and ends and leaves nothing behind on exit."""

    def __init__(self) -> None:
        self.brokers = [KafkaBroker() for _ in range(NODES)]
        controllers = free_ports(NODES)
        voters = ",".join(f"{number + 1}@127.0.0.1:{port}" for number, port in enumerate(controllers))
        for number, (broker, port) in enumerate(zip(self.brokers, controllers, strict=True)):
            own = broker.get("listeners").rpartition("CONTROLLER://")[0]
            broker.set("node.id", str(number + 1))
            broker.set("controller.quorum.voters", voters)
            broker.set("listeners", f"{own}CONTROLLER://127.0.0.1:{port}")
            for topic in ("offsets.topic", "transaction.state.log", "share.coordinator.state.topic"):
                broker.set(f"{topic}.replication.factor", str(NODES))
            broker.set("replica.lag.time.max.ms", "3000")
            broker.set("min.insync.replicas", "2")

    def __enter__(self) -> Self:
        with ThreadPoolExecutor(NODES) as pool:
            list(pool.map(KafkaBroker.format, self.brokers))
            list(pool.map(KafkaBroker.start, self.brokers))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for broker in self.brokers:
            broker.__exit__(kind, error, trace)

    @property
    def addresses(self) -> list[str]:
        """Of the plain listeners."""
        return [broker.bootstrap for broker in self.brokers]

    def create_topic(self, name: str, partitions: int, copies: int = NODES) -> None:
        """A topic with so many copies, each on a broker of its own."""
        topic = NewTopic(name, partitions, copies, topic_configs={"min.insync.replicas": str(min(2, copies))})
        self.brokers[0].admin.create_topics([topic])

    def leaders(self, topic: str) -> dict[int, int]:
        """Index of the broker that leads, by partition."""
        (described,) = self.brokers[0].admin.describe_topics([topic])
        return {part["partition_index"]: part["leader_id"] - 1 for part in described["partitions"]}
