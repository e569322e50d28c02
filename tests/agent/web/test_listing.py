from __future__ import annotations

from dataclasses import replace

import pytest

from agent.web.listing import Filters, incident_path, listing, model_path
from detectors.columns import ModelKey
from detectors.measurement import Track
from exporters.snapshot import IncidentView, Reload
from tests.exporters.sample import INCIDENT, NOW_US, SNAPSHOT

HOUR_US = 3_600_000_000
LOUD = replace(INCIDENT, id="loud", severity="critical", track=Track.HARM, opened_us=NOW_US - HOUR_US)
LONG = replace(INCIDENT, id="long", opened_us=NOW_US - 30 * HOUR_US)
OVER = replace(LOUD, id="over", state="resolved", opened_us=NOW_US - 9 * HOUR_US, resolved_us=NOW_US - 7 * HOUR_US)
KNOWN = (INCIDENT, LONG, OVER, LOUD)


def taken(**query: str) -> list[str]:
    return [incident.id for incident in Filters.of(query).take(KNOWN)]


def shown(*incidents: IncidentView, query: dict[str, str] | None = None, **changes: object) -> str:
    return listing(replace(SNAPSHOT, incidents=incidents, **changes), "", Filters.of(query or {}))  # type: ignore[arg-type]


def test_what_is_loud_comes_first_and_then_what_has_been_open_longest() -> None:
    assert taken() == ["loud", "long", INCIDENT.id]
    assert taken(state="all") == ["loud", "long", INCIDENT.id, "over"]


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ({"severity": "critical"}, ["loud"]),
        ({"track": "health"}, ["long", INCIDENT.id]),
        ({"state": "resolved"}, ["over"]),
        ({"system": "another"}, []),
        ({"model": "credit", "severity": "critical", "state": "all"}, ["loud", "over"]),
        ({"state": "nonsense", "colour": "red"}, ["loud", "long", INCIDENT.id]),
    ],
)
def test_filters_stand_in_the_address(query: dict[str, str], ids: list[str]) -> None:
    assert taken(**query) == ids


def test_the_form_shows_what_was_asked_for() -> None:
    page = shown(*KNOWN, query={"severity": "critical"})
    assert '<option value="critical" selected>' in page
    assert "1 incident shown." in page


def test_an_incident_says_for_how_long_it_is_open_and_whether_somebody_has_taken_it() -> None:
    page = shown(replace(LOUD, acknowledged_by="ada <b>", silenced_until_us=NOW_US + HOUR_US))
    assert "open for 50 min" in page  # by event time, which is ten minutes behind the agent's clock
    assert "acknowledged by ada &lt;b&gt;" in page
    assert "silenced until" in page
    assert "nobody has acknowledged it" in shown(LOUD)


def test_the_hours_in_which_an_incident_was_open_are_told_in_words_too() -> None:
    page = shown(OVER, LONG)
    assert page.count('<i class="critical"></i>') == 2
    assert "critical in 2 h, warning in 22 h" in page


def test_a_stream_without_incidents_is_calm() -> None:
    page = shown()
    assert page.count('<i class="none"></i>') == 24
    assert "no incident" in page


def test_an_agent_that_is_not_ready_says_so_first() -> None:
    assert 'role="alert"><strong>The agent is not ready: no &lt;broker&gt;</strong>' in shown(not_ready="no <broker>")


def test_names_in_paths_are_escaped() -> None:
    assert model_path(ModelKey("a/b", "c d", "1")) == "/models/a%2Fb/c%20d"
    assert incident_path("../x") == "/incidents/..%2Fx"


def test_a_file_that_could_not_be_read_again_is_named_with_the_reason() -> None:
    refused = Reload(successful=False, at_us=NOW_US, last_success_us=0, message="thresholds: <unknown>")
    page = shown(reload=refused, web_config_trouble="web.yml: not YAML")
    assert "The settings could not be read again" in page
    assert "thresholds: &lt;unknown&gt;" in page
    assert "The web config could not be read again; what was read before stays in force: web.yml: not YAML" in page
    assert "could not be read again" not in shown()
