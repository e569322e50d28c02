"""What the agent watches about its own input: a silent model, a source that cannot be read, records that were gone.

These are findings of the agent track: they depend on the journey of the events, so they stand outside of what a replay
repeats.
"""

from __future__ import annotations

import msgspec
import structlog

from agent.clock import Clock
from agent.flow.contexts import Context, Contexts
from agent.source import Gap, Trouble
from agent.state.ledger import Ledger
from detectors.columns import ALL_VERSIONS, StreamKey
from detectors.incident import Transition
from detectors.incidents import agent_finding

AGENT_STREAM = StreamKey("wachter", "agent", "")
SILENCE = "silence"
UNREADABLE = "source_unreadable"
MISSING = "records_missing"
PATIENCE_SECONDS = 60.0
MISSING_SECONDS = 3600.0
"""How long an incident about missing records stays open; another gap lengthens it, a restart ends it."""
MOST_GAPS_NAMED = 3
GAPS_OF_SILENCE = 4
SHORTEST_SILENCE_US = 3_600_000_000
MINUTE_US = 60_000_000

log = structlog.get_logger(__name__)


class Watch:
    """Owned by the loop's thread."""

    def __init__(self, contexts: Contexts, clock: Clock) -> None:
        self.contexts = contexts
        self.clock = clock
        self._trouble_since: float | None = None
        self._gaps: dict[Gap, float] = {}

    def gap(self, gap: Gap) -> None:
        """Records were gone before they were read, or offsets come again: logged, and an incident at the next check. A gap
        whose step could not be written is met again."""
        if gap not in self._gaps:
            log.warning(MISSING, partition=str(gap.partition), wanted=gap.wanted, got=gap.got)
        self._gaps[gap] = self.clock.monotonic_seconds()

    def check(
        self, ledger: Ledger, trouble: Trouble | None, *, reading: bool, caught_up: bool, now_us: int
    ) -> list[Transition]:
        """What began or ended.

        Args:
            reading: partitions are owned and the broker answers; a silence that we cannot hear is none.
            caught_up: nothing waits to be read; who reads history has not heard the newest events yet.
            now_us: the time that silence is measured by.
        """
        transitions = [*self._check_trouble(ledger, trouble, now_us), *self._check_gaps(ledger, now_us)]
        if reading and trouble is None:
            for context in self.contexts.of_models():
                transitions += self._check_silence(ledger, context, caught_up, now_us)
        return transitions

    def _check_trouble(self, ledger: Ledger, trouble: Trouble | None, now_us: int) -> list[Transition]:
        now = self.clock.monotonic_seconds()
        if trouble is None:
            self._trouble_since = None
        elif self._trouble_since is None:
            self._trouble_since = now
        lasting = self._trouble_since is not None and now - self._trouble_since >= PATIENCE_SECONDS
        if trouble is not None and not lasting:
            return []
        return _report(ledger, AGENT_STREAM, UNREADABLE, lasting, now_us, trouble.message if trouble else "")

    def _check_gaps(self, ledger: Ledger, now_us: int) -> list[Transition]:
        since = self.clock.monotonic_seconds() - MISSING_SECONDS
        self._gaps = {gap: at for gap, at in self._gaps.items() if at > since}
        return _report(ledger, AGENT_STREAM, MISSING, bool(self._gaps), now_us, _in_words(list(self._gaps)))

    def _check_silence(self, ledger: Ledger, context: Context, caught_up: bool, now_us: int) -> list[Transition]:
        limit = expected_silence_us(context)
        last = last_event_us(ledger, context.system.id, context.model.name)
        if limit is None or last is None:
            return []
        stream = StreamKey(context.system.id, context.model.name, ALL_VERSIONS)
        silent = now_us - last > limit
        if silent and not caught_up:
            return []
        detail = f"no event for {(now_us - last) // MINUTE_US} minutes; expected at least one in {limit // MINUTE_US}"
        return _report(ledger, stream, SILENCE, silent, now_us, detail if silent else "")


def _in_words(gaps: list[Gap]) -> str:
    more = len(gaps) - MOST_GAPS_NAMED
    named = [_one_in_words(gap) for gap in gaps[:MOST_GAPS_NAMED]]
    return "; ".join([*named, f"and {more} more"] if more > 0 else named)


def _one_in_words(gap: Gap) -> str:
    if gap.got > gap.wanted:
        return f"{gap.partition}: offsets [{gap.wanted}, {gap.got}) were gone before they were read"
    return f"{gap.partition}: the log ended before offset {gap.wanted}, it was cut or made anew; read on at {gap.got}"


def expected_silence_us(context: Context) -> int | None:
    """The longest silence of a model that is nothing special; ``None`` where it is not known, and silence not watched."""
    declared = context.model.expected_silence_us
    if declared is not None:
        return declared
    if context.reference is None:
        return None
    return max(SHORTEST_SILENCE_US, GAPS_OF_SILENCE * context.reference.longest_gap_us)


def last_event_us(ledger: Ledger, system: str, model: str) -> int | None:
    """Greatest event time accepted of any version."""
    times = (
        value
        for labels, value in ledger.counter("last_event_us")
        if labels["system"] == system and labels["model"] == model
    )
    return max(times, default=None)


def _report(ledger: Ledger, stream: StreamKey, name: str, active: bool, now_us: int, detail: str) -> list[Transition]:
    state = ledger.stream(stream)
    incidents, transitions = agent_finding(state.incidents, name, active, now_us, detail)
    if transitions:
        ledger.put_stream(stream, msgspec.structs.replace(state, incidents=incidents))
    return list(transitions)
