"""What receivers are told of the incidents of a step, and of those that are open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agent.flow.incident_book import changed_incidents, open_incidents
from agent.state.ledger import Ledger
from detectors.incident import Transition
from detectors.measurement import Track
from exporters.incident_view import incident_view
from exporters.notice import LOUDNESS, Notice, NoticeKind, notice_kind, notice_of

Severities = Mapping[Track, str]


def notices_of(
    ledger: Ledger, transitions: Sequence[Transition], severities: Severities, now_us: int
) -> list[tuple[NoticeKind, Notice]]:
    """One notice per incident, of the loudest thing that happened to it; that it is over, where it has ended since."""
    told: dict[str, NoticeKind] = {}
    for transition in transitions:
        kind = notice_kind(transition.kind)
        if kind is not None:
            before = told.get(transition.incident_id, "update")
            told[transition.incident_id] = max(before, kind, key=LOUDNESS.index)
    incidents = {incident.id: incident for incident in changed_incidents(ledger, transitions)}
    return [
        (kind if incidents[one].is_open else "resolve", notice_of(incident_view(incidents[one], severities), now_us))
        for one, kind in told.items()
    ]


def open_notices(ledger: Ledger, severities: Severities, now_us: int) -> list[Notice]:
    """Every open incident as it is to be told, for a start or a reload."""
    return [notice_of(incident_view(incident, severities), now_us) for incident in open_incidents(ledger)]
