"""Which events of a log are asked for: a stream, a stretch of event time, and what became of them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from detectors.columns import ALL_VERSIONS, StreamKey
from exporters.evidence.leaf import Clock, Inference, Leaf

ACCEPTED = frozenset(("accepted",))


@dataclass(frozen=True, slots=True)
class Span:
    """What is read: events of a stream whose time lies in [start_us, end_us).

    Attributes:
        stream: version ``*`` means all versions; a segment, as ``country=NL``, is looked for in the events.
        classes: of events: ``accepted``, ``late``, ``duplicate``, ``rejected``.
    """

    stream: StreamKey
    start_us: int
    end_us: int
    classes: Collection[str] = ACCEPTED

    def holds(self, leaf: Leaf) -> bool:
        """Whether a leaf is that of an event that is wanted, as far as leaves say it."""
        if not isinstance(leaf, Inference) or leaf.class_ not in self.classes:
            return False
        system, model, version = leaf.stream
        return (
            self.start_us <= leaf.at < self.end_us
            and (system, model) == self.stream[:2]
            and self.stream.version in (version, ALL_VERSIONS)
        )

    def is_over(self, leaf: Leaf) -> bool:
        """Whether no event that is wanted can follow: what comes behind the window's clock is late."""
        return (
            isinstance(leaf, Clock)
            and leaf.system == self.stream.system
            and leaf.watermark >= self.end_us
            and set(self.classes) <= ACCEPTED
        )
