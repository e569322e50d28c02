"""One track of one stream: its pending findings, its open incident, its recent past.

``Step`` takes in all judgements of one due time at once, in stages, so that their order cannot matter:

    count    breaches and clear windows of every finding
    place    each confirmed finding into the incident whose story it belongs to, or into a new one
    close    findings that have had their clear windows, and the incident when none is active
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from detectors import findings as finding_of
from detectors.columns import StreamKey
from detectors.findings import Finding, FindingKey, FindingState
from detectors.incident import (
    Entry,
    Incident,
    IncidentState,
    Kind,
    Moved,
    Transition,
    cause_of,
    incident_id,
    record,
    resolve,
    with_findings,
    with_moved,
)
from detectors.measurement import Status, Track
from detectors.thresholds import DISABLED, Judgement

PAST_INCIDENTS = 16


class TrackState(msgspec.Struct, frozen=True):
    """See the module. ``pending`` is sorted by metric and subject; ``past`` holds the last 16 resolved, oldest first."""

    track: Track
    episodes: int = 0
    pending: tuple[Finding, ...] = ()
    open: Incident | None = None
    past: tuple[Incident, ...] = ()

    @property
    def incidents(self) -> tuple[Incident, ...]:
        """All that are still known, oldest first."""
        return self.past if self.open is None else (*self.past, self.open)


class Step:
    """Moves one track by the judgements of one due time; ``state`` and ``transitions`` are the result."""

    def __init__(self, state: TrackState, stream: StreamKey, at_us: int) -> None:
        self._track = state.track
        self._stream = stream
        self._at_us = at_us
        self._episodes = state.episodes
        self._pending = {finding.key: finding for finding in state.pending}
        self._open = state.open
        self._past = list(state.past)
        self._active = {finding.key: finding for finding in state.open.active} if state.open else {}
        self._extended: set[FindingKey] = set()
        self._confirmed: dict[FindingKey, Finding] = {}
        self.transitions: list[Transition] = []

    @property
    def state(self) -> TrackState:
        pending = tuple(self._pending[key] for key in sorted(self._pending))
        return TrackState(self._track, self._episodes, pending, self._open, tuple(self._past[-PAST_INCIDENTS:]))

    def take(self, judgements: Sequence[Judgement], gone: Collection[FindingKey], moved: Sequence[Moved]) -> None:
        """Take in judgements of this track, sorted.

        Args:
            judgements: those that count.
            gone: findings whose metric is not judged on this track any more.
            moved: what else moved in these windows.
        """
        for judgement in judgements:
            self._count(judgement)
        self._place()
        self._explain(moved)
        self._close(gone)

    def close_open(self, entry: Entry) -> None:
        """Resolve the open incident whatever its findings, and forget what was pending."""
        self._pending = {}
        if self._open is not None:
            self._resolve(entry)

    def _count(self, judgement: Judgement) -> None:
        if judgement.breach:
            self._count_breach(judgement)
        elif judgement.status is Status.OK or judgement.clear:
            self._count_ok(judgement)

    def _count_breach(self, judgement: Judgement) -> None:
        key = finding_of.key_of(judgement)
        if key in self._active:
            self._active[key] = finding_of.breached_again(self._active[key], judgement)
            self._extended.add(key)
            return
        known = self._pending.pop(key, None)
        finding = finding_of.breached_again(known, judgement) if known else finding_of.begun(judgement)
        if finding.breaches >= judgement.open_after:
            self._confirmed[key] = finding_of.in_state(finding, FindingState.ACTIVE)
        else:
            self._pending[key] = finding

    def _count_ok(self, judgement: Judgement) -> None:
        key = finding_of.key_of(judgement)
        self._pending.pop(key, None)
        if key in self._active:
            self._active[key] = finding_of.after_ok(self._active[key], judgement)

    def _place(self) -> None:
        """Where each finding belongs is asked of the incidents as they were before this due time."""
        before = self._open
        confirmed = [self._confirmed[key] for key in sorted(self._confirmed)]
        late = {finding.key: self._past_incident(finding) for finding in confirmed}
        self._extend()
        self._learn_late([(place, finding) for finding in confirmed if (place := late[finding.key]) is not None])
        rest = [finding for finding in confirmed if late[finding.key] is None]
        if rest and before is None:
            self._begin(rest)
        elif before is not None:
            again = [finding for finding in rest if _calls_again(before, finding)]
            self._join([finding for finding in rest if finding not in again], Kind.UPDATED, "finding_joined")
            self._join(again, Kind.RECURRED, "new_family_after_ack")

    def _past_incident(self, finding: Finding) -> int | None:
        """Index of the resolved incident whose span holds the finding's last window, unless the open one's does."""
        window = finding.latest.window_start_us, finding.latest.window_end_us
        if self._open is not None and self._open.spans(*window):
            return None
        return next((at for at in reversed(range(len(self._past))) if self._past[at].spans(*window)), None)

    def _extend(self) -> None:
        if self._open is None:
            return
        self._open = with_findings(self._open, tuple(self._active[key] for key in sorted(self._active)))
        if self._extended:
            held = [self._active[key] for key in sorted(self._extended)]
            self._open = self._record(self._open, Kind.EXTENDED, "still_breaching", held)

    def _learn_late(self, placed: Sequence[tuple[int, Finding]]) -> None:
        for at in sorted({at for at, _ in placed}):
            findings = [finding_of.in_state(finding, FindingState.LATE) for place, finding in placed if place == at]
            incident = with_findings(self._past[at], tuple(findings))
            self._past[at] = self._record(incident, Kind.UPDATED, "late_truth", findings)

    def _join(self, findings: Sequence[Finding], kind: Kind, reason: str) -> None:
        if not findings or self._open is None:
            return
        held = {finding.key: finding for finding in self._open.findings}
        merged = tuple(_rejoined(held.get(finding.key), finding) for finding in findings)
        self._open = with_findings(self._open, merged)
        if kind is Kind.RECURRED:
            self._open = msgspec.structs.replace(self._open, acknowledged=None)
        self._open = self._record(self._open, kind, reason, findings)

    def _begin(self, findings: Sequence[Finding]) -> None:
        self._episodes += 1
        first = min(findings, key=lambda finding: finding.since_due_us)
        pending = Entry(first.since_due_us, Kind.PENDING, "first_breach", (first.name,))
        incident = Incident(
            id=incident_id(self._stream, self._track, self._episodes),
            stream=self._stream,
            track=self._track,
            episode=self._episodes,
            state=IncidentState.OPEN,
            first_due_us=first.since_due_us,
            opened_us=self._at_us,
            first_breach_start_us=first.first_breach_start_us,
            last_breach_end_us=first.last_breach_end_us,
            findings=(),
            timeline=(pending,) if first.since_due_us < self._at_us else (),
        )
        incident = with_findings(incident, tuple(findings))
        self._open = self._record(incident, Kind.OPENED, self._why_opened(incident), findings)

    def _why_opened(self, incident: Incident) -> str:
        if self._track is Track.AGENT:
            return "agent_trouble"
        if not self._past:
            return "breach_confirmed"
        later = incident.last_breach_end_us > self._past[-1].last_breach_end_us
        return "breach_after_resolution" if later else "earlier_breach_learnt"

    def _explain(self, moved: Sequence[Moved]) -> None:
        if self._open is not None and moved:
            self._open = with_moved(self._open, moved)

    def _close(self, gone: Collection[FindingKey]) -> None:
        self._pending = {key: finding for key, finding in self._pending.items() if key not in gone}
        if self._open is None:
            return
        dropped = [finding for key, finding in sorted(self._active.items()) if key in gone]
        cleared = [finding for _, finding in sorted(self._active.items()) if finding.state is FindingState.CLEARED]
        self._open = with_findings(
            self._open, tuple(finding_of.in_state(finding, FindingState.CLEARED) for finding in dropped)
        )
        if not (dropped or cleared):
            return
        if not self._open.active:
            self._resolve(self._entry(Kind.RESOLVED, self._why_resolved(cleared), cleared or dropped))
            return
        if cleared:
            self._open = self._record(self._open, Kind.UPDATED, "finding_cleared", cleared)
        if dropped:
            self._open = self._record(self._open, Kind.UPDATED, "rule_disabled", dropped)

    def _why_resolved(self, cleared: Sequence[Finding]) -> str:
        if self._track is Track.AGENT:
            return "agent_recovered"
        return "all_findings_cleared" if cleared else "rule_disabled"

    def _resolve(self, entry: Entry) -> None:
        assert self._open is not None
        resolved, transition = resolve(self._open, entry)
        self.transitions.append(transition)
        self._past.append(resolved)
        self._open = None

    def _entry(self, kind: Kind, reason: str, findings: Sequence[Finding]) -> Entry:
        return Entry(self._at_us, kind, reason, tuple(finding.name for finding in findings))

    def _record(self, incident: Incident, kind: Kind, reason: str, findings: Sequence[Finding]) -> Incident:
        changed, transition = record(incident, self._entry(kind, reason, findings))
        self.transitions.append(transition)
        return changed


def gone_from(track: Track, judgements: Sequence[Judgement]) -> frozenset[FindingKey]:
    """Findings that this track can no longer clear: their metric is switched off, or judged on another track now."""
    return frozenset(
        finding_of.key_of(judgement)
        for judgement in judgements
        if judgement.track is not track or judgement.reason == DISABLED
    )


def _calls_again(incident: Incident, finding: Finding) -> bool:
    """After an acknowledgement, trouble of another kind on a later window deserves a person's attention again."""
    return (
        incident.acknowledged is not None
        and cause_of(finding.family) not in incident.causes
        and finding.last_breach_end_us > incident.last_breach_end_us
    )


def _rejoined(held: Finding | None, finding: Finding) -> Finding:
    """A finding confirmed anew, together with what the incident already held of it."""
    if held is None:
        return finding
    return finding_of.in_state(finding_of.joined(held, finding), FindingState.ACTIVE)
