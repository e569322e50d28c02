"""The incident: one per stream, track and episode; the record, its identity and its timeline.

Identity never depends on a value or a time: a fingerprint of stream and track, and the number of the episode.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from enum import StrEnum

import msgspec

from detectors.columns import StreamKey
from detectors.findings import Finding, FindingState
from detectors.measurement import Track

TIMELINE_HEAD = 32
TIMELINE_TAIL = 224
MOVED_KEPT = 10

SEVERITIES = {Track.HARM: "critical", Track.HEALTH: "warning", Track.AGENT: "warning"}
"""How loud each track is, where the settings do not say otherwise."""

REASONS: dict[str, str] = {
    "first_breach": "a window breached its tolerance, and the rule asks for more than one before it opens",
    "breach_confirmed": "enough windows breached their tolerance; there was no incident of this track before",
    "breach_after_resolution": "enough windows breached their tolerance, later than the last incident, which was resolved",
    "earlier_breach_learnt": "late truth about windows outside every known incident",
    "still_breaching": "a later window breached the tolerance of a finding that the incident holds",
    "finding_joined": "another finding was confirmed while the incident is open",
    "new_family_after_ack": "after the acknowledgement, a finding of a family the incident did not hold, on a later window",
    "late_truth": "a verdict about a window inside the span of an incident that is resolved",
    "finding_cleared": "a finding had its clear windows; others are still active",
    "all_findings_cleared": "every finding had its clear windows",
    "rule_disabled": "the settings no longer judge the metric",
    "acknowledged_by_actor": "a person took it over",
    "resolved_by_actor": "a person closed it",
    "commented_by_actor": "a person wrote a remark",
    "silenced_by_actor": "a person asked that nobody be called about it until a time",
    "stream_retired": "the stream had no events for retire_after",
    "agent_trouble": "the agent itself is in trouble",
    "agent_recovered": "the agent's trouble is over",
}
"""Every reason a transition can have, and what it means."""


class IncidentState(StrEnum):
    OPEN = "open"
    RESOLVED = "resolved"


class Kind(StrEnum):
    """What happened to an incident. ``opened`` and ``recurred`` call; the others never do."""

    PENDING = "pending"
    OPENED = "opened"
    UPDATED = "updated"
    EXTENDED = "extended"
    RECURRED = "recurred"
    RESOLVED = "resolved"
    ACKNOWLEDGED = "acknowledged"
    COMMENTED = "commented"
    SILENCED = "silenced"


CALLS = frozenset({Kind.OPENED, Kind.RECURRED})


class Entry(msgspec.Struct, frozen=True):
    """One line of the timeline; ``at_us`` is event time (a due time, or the watermark of a person's act).

    ``until_us`` is the end of a silence, by the clock on the wall.
    """

    at_us: int
    kind: Kind
    reason: str
    findings: tuple[str, ...] = ()
    actor: str | None = None
    text: str | None = None
    until_us: int | None = None


class Transition(msgspec.Struct, frozen=True):
    """What the outbox, the log and the metrics are told. ``sequence`` counts the transitions of one incident from 1."""

    incident_id: str
    stream: StreamKey
    track: Track
    kind: Kind
    reason: str
    calls: bool
    at_us: int
    sequence: int
    findings: tuple[str, ...] = ()
    actor: str | None = None


class Acknowledgement(msgspec.Struct, frozen=True):
    actor: str
    at_us: int


class Silence(msgspec.Struct, frozen=True):
    """Nobody is called until ``until_us``, by the clock on the wall: people sleep by that, not by event time."""

    actor: str
    at_us: int
    until_us: int


class Moved(msgspec.Struct, frozen=True):
    """Something that moved in the same windows: not a reason for the incident, but a hint for whoever looks into it."""

    metric: str
    subject: str
    value: float | None
    lower: float
    tolerance: float
    window_start_us: int

    @property
    def strength(self) -> float:
        """Lower limit of the effect in tolerances."""
        return self.lower / self.tolerance if self.tolerance > 0 else self.lower


class Incident(msgspec.Struct, frozen=True):
    """See the module.

    Attributes:
        first_due_us: when the first breach of its first finding was due; with stream and fingerprint the sort key.
        opened_us, resolved_us: due times (or watermarks, where a person acted).
        first_breach_start_us, last_breach_end_us: the span, in event time, from the first to the last breaching window.
        findings: sorted by metric and subject, the cleared ones too.
        sequence: transitions so far; calls: how many of them called somebody.
        timeline: the first 32 and the last 224 entries; ``timeline_omitted`` counts those between.
        moved: what else moved in its windows, strongest first.
    """

    id: str
    stream: StreamKey
    track: Track
    episode: int
    state: IncidentState
    first_due_us: int
    opened_us: int
    first_breach_start_us: int
    last_breach_end_us: int
    findings: tuple[Finding, ...]
    resolved_us: int | None = None
    acknowledged: Acknowledgement | None = None
    silenced: Silence | None = None
    sequence: int = 0
    calls: int = 0
    timeline: tuple[Entry, ...] = ()
    timeline_omitted: int = 0
    moved: tuple[Moved, ...] = ()

    @property
    def severity(self) -> str:
        """The shipped one of its track."""
        return SEVERITIES[self.track]

    @property
    def is_open(self) -> bool:
        return self.state is IncidentState.OPEN

    @property
    def active(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.state is FindingState.ACTIVE)

    @property
    def causes(self) -> frozenset[str]:
        """The kinds of trouble it has held so far: performance, bias, data."""
        return frozenset(cause_of(finding.family) for finding in self.findings)

    def spans(self, start_us: int, end_us: int) -> bool:
        """Whether [start, end) lies inside the span."""
        return self.first_breach_start_us <= start_us and end_us <= self.last_breach_end_us


def cause_of(family: str) -> str:
    """Families as a responder tells them apart: drift, quality and service are all about the data."""
    return family if family in ("performance", "bias", "agent") else "data"


def fingerprint(stream: StreamKey, track: Track) -> str:
    """First 10 hex digits of the SHA-256 of the JSON array [system, model, version, segment, track]."""
    return hashlib.sha256(msgspec.json.encode([*stream, track.value])).hexdigest()[:10]


def incident_id(stream: StreamKey, track: Track, episode: int) -> str:
    """For instance ``harm-3f2a9c1b7d-2``: track, fingerprint, episode."""
    return f"{track.value}-{fingerprint(stream, track)}-{episode}"


def record(incident: Incident, entry: Entry) -> tuple[Incident, Transition]:
    """The incident with one more line in its timeline, and the transition that tells the world."""
    timeline = (*incident.timeline, entry)
    omitted = incident.timeline_omitted
    if len(timeline) > TIMELINE_HEAD + TIMELINE_TAIL:
        timeline = timeline[:TIMELINE_HEAD] + timeline[TIMELINE_HEAD + 1 :]
        omitted += 1
    changed = msgspec.structs.replace(
        incident,
        timeline=timeline,
        timeline_omitted=omitted,
        sequence=incident.sequence + 1,
        calls=incident.calls + (entry.kind in CALLS),
    )
    transition = Transition(
        incident_id=incident.id,
        stream=incident.stream,
        track=incident.track,
        kind=entry.kind,
        reason=entry.reason,
        calls=entry.kind in CALLS,
        at_us=entry.at_us,
        sequence=changed.sequence,
        findings=entry.findings,
        actor=entry.actor,
    )
    return changed, transition


def with_findings(incident: Incident, findings: tuple[Finding, ...]) -> Incident:
    """The incident with these findings put in place of those of the same key, and its span widened to hold them."""
    kept = {finding.key: finding for finding in (*incident.findings, *findings)}
    return msgspec.structs.replace(
        incident,
        findings=tuple(kept[key] for key in sorted(kept)),
        first_breach_start_us=min((incident.first_breach_start_us, *(f.first_breach_start_us for f in findings))),
        last_breach_end_us=max((incident.last_breach_end_us, *(f.last_breach_end_us for f in findings))),
    )


def resolve(incident: Incident, entry: Entry) -> tuple[Incident, Transition]:
    """Close it; findings that were active stay so in the record, to show what was still wrong."""
    closed = msgspec.structs.replace(incident, state=IncidentState.RESOLVED, resolved_us=entry.at_us)
    return record(closed, entry)


def with_moved(incident: Incident, moved: Sequence[Moved]) -> Incident:
    """The incident with what else moved in its windows: per metric and subject the strongest, at most ten."""
    held = {finding.key for finding in incident.findings}
    best: dict[tuple[str, str], Moved] = {}
    for row in (*incident.moved, *moved):
        key = row.metric, row.subject
        outside = not incident.first_breach_start_us <= row.window_start_us < incident.last_breach_end_us
        if key in held or outside or (key in best and best[key].strength >= row.strength):
            continue
        best[key] = row
    ranked = sorted(best.values(), key=lambda row: (-row.strength, row.metric, row.subject))
    return msgspec.structs.replace(incident, moved=tuple(ranked[:MOVED_KEPT]))
