"""What decoding gives: events as columns, and the records that could not be placed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from detectors.columns import Inferences, Labels, Oversights

KEPT_BYTES = 16 * 1024
"""A rejected record is kept up to this many bytes."""


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that was set aside.

    Attributes:
        reason: a name from ``config.contract.REJECT_REASONS``; detail: where and why, for a person.
        value: the first ``KEPT_BYTES`` of the record; size: its full length; both 0 long for a tombstone.
    """

    topic: str
    partition: int
    offset: int
    reason: str
    detail: str
    value: bytes
    size: int


@dataclass(frozen=True, slots=True)
class Decoded:
    """The outcome of a batch: received = inferences + labels + oversights + rejects.

    Attributes:
        inferences, labels, oversights: in the order of reading within each partition; ``None`` where there are none.
        extra_fields: how often undeclared fields were seen, in the records that were sampled for them.
    """

    received: int
    inferences: Inferences | None = None
    labels: Labels | None = None
    oversights: Oversights | None = None
    rejects: tuple[Reject, ...] = ()
    extra_fields: Mapping[str, int] = field(default_factory=dict)
