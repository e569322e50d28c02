"""PagerDuty's Events API v2: trigger, acknowledge, resolve.

https://developer.pagerduty.com/docs/events-api-v2-overview. 202 is success, 400 is final, 429 and 5xx ask for patience.
Each call of an incident has a ``dedup_key`` of its own, because an alert that was acknowledged calls nobody again.
"""

from __future__ import annotations

import msgspec

from exporters.notice import Notice, plain_line, rfc3339
from exporters.request import PostRequest
from exporters.wording import behind, link, one_line, sentence, standing_of

ACTIONS = {"firing": "trigger", "acknowledged": "acknowledge", "resolved": "resolve"}
SEVERITIES = {"critical": "critical", "warning": "warning", "info": "info"}
MAX_SUMMARY = 1024
MAX_KEY = 255


def dedup_key(notice: Notice) -> str:
    """For instance ``wachter:harm-3f2a9c1b7d-2:1``: a repeated delivery changes nothing."""
    return f"wachter:{notice.incident_id}:{notice.call}"[:MAX_KEY]


def event(notice: Notice, routing_key: str, external_url: str = "") -> dict[str, object]:
    """The body of one event."""
    body: dict[str, object] = {
        "routing_key": routing_key,
        "event_action": ACTIONS[standing_of(notice)],
        "dedup_key": dedup_key(notice),
    }
    if standing_of(notice) != "firing":
        return body
    body |= {"client": "Wachter", "payload": _payload(notice)}
    address = link(notice, external_url)
    if address:
        body |= {"client_url": address, "links": [{"href": address, "text": "The incident"}]}
    return body


def _payload(notice: Notice) -> dict[str, object]:
    return {
        "summary": sentence(notice)[:MAX_SUMMARY],
        "source": one_line(str(notice.stream), MAX_SUMMARY),
        "severity": SEVERITIES.get(notice.severity, "warning"),
        "timestamp": rfc3339(notice.opened_us),
        "component": plain_line(notice.stream.model),
        "group": plain_line(notice.stream.system),
        "class": notice.track.value,
        "custom_details": {
            "incident": notice.incident_id,
            "call": notice.call,
            "version": plain_line(notice.stream.version),
            "segment": plain_line(notice.stream.segment),
            "findings": behind(notice),
        },
    }


def post_event(url: str, notice: Notice, routing_key: str, external_url: str = "") -> PostRequest:
    """The request that tells PagerDuty."""
    body = msgspec.json.encode(event(notice, routing_key, external_url))
    return PostRequest(url=url, body=body, headers={"Content-Type": "application/json"})
