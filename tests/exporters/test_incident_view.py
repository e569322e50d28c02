from __future__ import annotations

from detectors.acts import Act, act
from detectors.incidents import StreamIncidents, advance
from detectors.measurement import Track
from exporters.incident_view import incident_view
from exporters.notice import alert_labels, notice_of
from tests.detectors.judging import STREAM, judged


def opened() -> StreamIncidents:
    state, _ = advance(StreamIncidents(STREAM), [judged(0)])
    return state


def test_an_incident_is_shown_as_its_record_says() -> None:
    (incident,) = opened()
    view = incident_view(incident)
    assert (view.id, view.stream, view.track, view.state) == (incident.id, STREAM, Track.HARM, "open")
    assert view.record["id"] == view.id
    assert view.headline
    assert view.call == 1


def test_an_acknowledgement_changes_what_is_shown_but_not_who_it_is() -> None:
    state = opened()
    (before,) = state
    state, _ = act(state, Act(kind="ack", incident_id=before.id, actor="ada", comment="", at_us=before.opened_us))
    (after,) = state
    assert incident_view(after).acknowledged_by == "ada"
    identities = [alert_labels(notice_of(incident_view(incident), before.opened_us)) for incident in (before, after)]
    assert identities[0] == identities[1]


def test_an_incident_that_was_resolved_fires_no_more() -> None:
    state = opened()
    (before,) = state
    state, _ = act(state, Act(kind="resolve", incident_id=before.id, actor="ada", comment="", at_us=before.opened_us))
    (after,) = state
    view = incident_view(after)
    assert view.state == "resolved"
    assert not notice_of(view, before.opened_us).firing
