"""An incident as it is shown and told."""

from __future__ import annotations

from collections.abc import Mapping

from detectors.explanation import explain, headline
from detectors.incident import SEVERITIES, Incident
from detectors.incident_record import to_json
from detectors.measurement import Track
from exporters.snapshot import IncidentView


def incident_view(incident: Incident, severities: Mapping[Track, str] = SEVERITIES) -> IncidentView:
    """The view of an incident as it now stands."""
    return IncidentView(
        id=incident.id,
        stream=incident.stream,
        track=incident.track,
        severity=severities[incident.track],
        state=incident.state.value,
        headline=headline(incident),
        opened_us=incident.opened_us,
        resolved_us=incident.resolved_us,
        call=max(1, incident.calls),
        acknowledged_by=incident.acknowledged.actor if incident.acknowledged else "",
        silenced_until_us=incident.silenced.until_us if incident.silenced else None,
        explanation=explain(incident),
        record=to_json(incident, severities),
    )
