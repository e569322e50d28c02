"""Alertmanager's API v2: alerts are posted as a list, and again and again while they fire."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from exporters.notice import Notice, alert_annotations, alert_labels, rfc3339
from exporters.request import PostRequest

RESOLVE_TIMEOUT_US = 5 * 60_000_000
"""Alertmanager's own default: an alert that is not sent again within it counts as resolved."""
MISSED_RESENDS = 4
"""How many re-sends may fail before a firing alert ends by itself (Prometheus allows as many)."""


def alert(notice: Notice, now_us: int, resend_us: int, external_url: str = "") -> dict[str, object]:
    """One postable alert.

    While it fires its end lies ahead of the next re-sends, so that the alert of an agent that died ends by itself.
    """
    ends_us = notice.resolved_us
    if ends_us is None:
        ends_us = now_us + max(RESOLVE_TIMEOUT_US, MISSED_RESENDS * resend_us)
    body: dict[str, object] = {
        "labels": alert_labels(notice),
        "annotations": alert_annotations(notice),
        "startsAt": rfc3339(notice.opened_us),
        "endsAt": rfc3339(max(ends_us, notice.opened_us)),
    }
    if external_url:
        body["generatorURL"] = incident_url(external_url, notice)
    return body


def incident_url(external_url: str, notice: Notice) -> str:
    """Where Wachter shows the incident."""
    return f"{external_url.rstrip('/')}/incidents/{notice.incident_id}"


def post_alert(
    url: str,
    notice: Notice,
    now_us: int,
    resend_us: int,
    headers: Mapping[str, str],
    external_url: str = "",
) -> PostRequest:
    """The request that tells one Alertmanager; ``url`` is its base, with its route prefix where it has one."""
    body = msgspec.json.encode([alert(notice, now_us, resend_us, external_url)])
    return PostRequest(
        url=f"{url.rstrip('/')}/api/v2/alerts",
        body=body,
        headers={"Content-Type": "application/json", **headers},
    )
