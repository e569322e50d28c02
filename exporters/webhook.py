"""A webhook in Alertmanager's format (version 4), so that receivers written for it work unchanged.

A secret adds ``X-Wachter-Signature: t=<seconds>,v1=<hex>``, v1 = HMAC-SHA256(secret, "<seconds>.<body>"). A receiver
compares it in constant time and refuses an old time stamp. ``X-Wachter-Delivery`` numbers the message: a delivery that
is repeated because its answer was lost carries the same number.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

import msgspec

from exporters.alertmanager import incident_url
from exporters.notice import Notice, alert_annotations, alert_labels, rfc3339
from exporters.request import PostRequest

NEVER = "0001-01-01T00:00:00Z"
"""What Alertmanager writes as the end of an alert that fires."""
SIGNATURE_HEADER = "X-Wachter-Signature"
DELIVERY_HEADER = "X-Wachter-Delivery"


def message(notice: Notice, receiver: str, external_url: str = "") -> dict[str, object]:
    """The body: a group of one alert."""
    status = "firing" if notice.firing else "resolved"
    identity = alert_labels(notice)
    noted = alert_annotations(notice)
    one_alert = {
        "status": status,
        "labels": identity,
        "annotations": noted,
        "startsAt": rfc3339(notice.opened_us),
        "endsAt": NEVER if notice.resolved_us is None else rfc3339(max(notice.resolved_us, notice.opened_us)),
        "generatorURL": incident_url(external_url, notice) if external_url else "",
        "fingerprint": hashlib.sha256(msgspec.json.encode(identity, order="sorted")).hexdigest()[:16],
    }
    return {
        "version": "4",
        "groupKey": f"wachter:{notice.incident_id}:{notice.call}",
        "truncatedAlerts": 0,
        "status": status,
        "receiver": receiver,
        "groupLabels": {"alertname": identity["alertname"]},
        "commonLabels": identity,
        "commonAnnotations": noted,
        "externalURL": external_url,
        "alerts": [one_alert],
    }


def signature(secret: bytes, body: bytes, at_seconds: int) -> str:
    """The signature header's value."""
    digest = hmac.new(secret, b"%d." % at_seconds + body, hashlib.sha256).hexdigest()
    return f"t={at_seconds},v1={digest}"


def post_message(
    url: str,
    notice: Notice,
    *,
    receiver: str,
    delivery: int,
    now_us: int,
    headers: Mapping[str, str],
    secret: bytes | None = None,
    external_url: str = "",
) -> PostRequest:
    """The request that tells one webhook."""
    body = msgspec.json.encode(message(notice, receiver, external_url))
    sent = {"Content-Type": "application/json", DELIVERY_HEADER: str(delivery), **headers}
    if secret is not None:
        sent[SIGNATURE_HEADER] = signature(secret, body, now_us // 1_000_000)
    return PostRequest(url=url, body=body, headers=sent)
