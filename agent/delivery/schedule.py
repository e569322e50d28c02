"""When people may be called: not in a silence, not in a maintenance window. All by the clock on the wall."""

from __future__ import annotations

from dataclasses import dataclass

from detectors.columns import StreamKey
from exporters.notice import Notice


@dataclass(frozen=True, slots=True)
class QuietTime:
    """A maintenance window.

    Attributes:
        starts_us, ends_us: half open; microseconds since the epoch.
        repeats_us: it comes again after so long; ``None`` for once.
        systems, models: whose incidents wait; empty for all.
    """

    starts_us: int
    ends_us: int
    repeats_us: int | None = None
    systems: frozenset[str] = frozenset()
    models: frozenset[str] = frozenset()

    def concerns(self, stream: StreamKey) -> bool:
        """Whether incidents of this stream wait."""
        return (not self.systems or stream.system in self.systems) and (not self.models or stream.model in self.models)

    def end_of(self, at_us: int) -> int | None:
        """The end of the window that a moment lies in; ``None`` where it lies in none."""
        if at_us < self.starts_us:
            return None
        passed = (at_us - self.starts_us) // self.repeats_us if self.repeats_us else 0
        ends_us = self.ends_us + passed * (self.repeats_us or 0)
        return ends_us if at_us < ends_us else None


def called_at(planned_us: int, notice: Notice, quiet: tuple[QuietTime, ...]) -> int:
    """When a call planned for then is made: after the silence of its incident, and after the windows it falls into."""
    if not notice.firing:
        return planned_us
    return after_windows(max(planned_us, notice.silenced_until_us or 0), notice.stream, quiet)


def after_windows(at_us: int, stream: StreamKey, quiet: tuple[QuietTime, ...]) -> int:
    """The first moment from then on that lies in no window which concerns the stream."""
    concerned = [window for window in quiet if window.concerns(stream)]
    for _ in range(2 * len(concerned)):  # windows may follow one another; those that never end are bounded here
        ends = [end for window in concerned if (end := window.end_of(at_us)) is not None]
        if not ends:
            return at_us
        at_us = max(ends)
    return at_us
