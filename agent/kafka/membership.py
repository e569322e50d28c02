"""What this member knows of its place in the group.

Written by the group protocol on kafka-python's I/O thread, which runs it only while our thread waits in ``poll`` or
``close``; read on our thread. Nothing here blocks or calls back.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from kafka.structs import TopicPartition


class Membership:
    """Owned partitions, and an epoch that changes whenever they do.

    Attributes:
        epoch: 0 before the first join; one more with every assignment or loss.
        owned: the partitions this member may read and commit.
        generation: of the last join; -1 before.
        owner: name of the member that owned the partitions at the last join, if one did.
        joined_at: when the last join completed, on the monotonic clock in seconds; ``None`` before.
    """

    def __init__(self) -> None:
        self.epoch = 0
        self.owned: frozenset[TopicPartition] = frozenset()
        self.generation = -1
        self.owner: str | None = None
        self.joined_at: float | None = None

    def joined(self, owned: AbstractSet[TopicPartition], generation: int, owner: str | None, now: float) -> None:
        """A join has completed and this is our part of it; the epoch stays where the part did."""
        if self.epoch == 0 or owned != self.owned:
            self.epoch += 1
            self.owned = frozenset(owned)
        self.generation, self.owner, self.joined_at = generation, owner, now

    def lost(self, partitions: AbstractSet[TopicPartition]) -> None:
        """These partitions are no longer ours; repeating what is known changes nothing."""
        if self.owned & partitions:
            self.owned -= partitions
            self.epoch += 1
