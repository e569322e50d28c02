from __future__ import annotations

import json
from dataclasses import replace

from exporters.alertmanager import alert, post_alert
from exporters.notice import notice_of
from tests.exporters.sample import INCIDENT, NOW_US

MINUTE_US = 60_000_000
FIRING = notice_of(INCIDENT, NOW_US)
RESOLVED = notice_of(replace(INCIDENT, state="resolved"), NOW_US + MINUTE_US)


def test_a_firing_alert_ends_after_the_next_resends_so_that_a_dead_agent_resolves() -> None:
    assert alert(FIRING, NOW_US, MINUTE_US)["endsAt"] == "2024-10-04T00:05:00.000Z"
    assert alert(FIRING, NOW_US, 4 * MINUTE_US)["endsAt"] == "2024-10-04T00:16:00.000Z"


def test_a_resolved_alert_keeps_its_end_however_often_it_is_told() -> None:
    ends = {str(alert(RESOLVED, NOW_US + later, MINUTE_US)["endsAt"]) for later in (0, MINUTE_US, 9 * MINUTE_US)}
    assert ends == {"2024-10-04T00:01:00.000Z"}


def test_an_alert_never_ends_before_it_began() -> None:
    odd = notice_of(replace(INCIDENT, opened_us=NOW_US + 9, state="resolved"), NOW_US)
    body = alert(odd, NOW_US, MINUTE_US)
    assert str(body["startsAt"]) <= str(body["endsAt"])


def test_alerts_are_posted_to_version_2_of_the_api_below_the_given_prefix() -> None:
    request = post_alert("http://am.example/prefix/", FIRING, NOW_US, MINUTE_US, {}, "https://wachter.example/")
    assert request.url == "http://am.example/prefix/api/v2/alerts"
    assert request.headers["Content-Type"] == "application/json"
    (posted,) = json.loads(request.body)
    assert posted["generatorURL"] == "https://wachter.example/incidents/h-3f2a9c1b-2"
